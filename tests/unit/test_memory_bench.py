"""What the memory bench says of a service that grows, of one that fills what it keeps, and of one that is cut off."""

import asyncio
import socket

import pytest
from bench_memory import Soaked
from mem_in_use import in_use_kb
from mem_service import Look
from pop_ground import Agents
from pop_pbx import Pbx, block

FULL_AT = 2000


def soaked(*kb: int, entries: tuple[int, ...] = ()) -> Soaked:
    """A look for each thousand calls."""
    held = entries or (0,) * len(kb)
    looks = [(1000 * at, Look(90_000 + one, one, {"Book._ended": held[at]})) for at, one in enumerate(kb)]
    return Soaked(looks, FULL_AT)


def test_what_is_kept_to_a_number_is_no_growth() -> None:
    soak = soaked(0, 5000, 8000, 8000, 8000, entries=(0, 1000, 2000, 2000, 2000))

    assert soak.kept_kb == 8000
    assert soak.call_kb == 0
    assert soak.grown == {}


def test_a_leak_is_told_by_the_call_and_by_its_name() -> None:
    soak = soaked(0, 5000, 8000, 10_000, 12_000, entries=(0, 1000, 2000, 3000, 4000))

    assert soak.kept_kb == 8000
    assert soak.call_kb == pytest.approx(2.0)
    assert soak.grown == {"Book._ended": (2000, 4000)}


def test_memory_in_use_is_what_is_held_and_not_what_was() -> None:
    before_kb = in_use_kb()
    small, large = [bytes(100) for _ in range(100_000)], [bytes(2000) for _ in range(10_000)]
    held_kb = in_use_kb() - before_kb
    del small, large

    assert held_kb == pytest.approx((100_000 * 144 + 10_000 * 2048) / 1024, rel=0.1)
    assert in_use_kb() - before_kb < 0.1 * held_kb


async def test_the_pbx_forgets_whoever_has_hung_up() -> None:
    service, its = socket.socketpair()
    with service:
        service.sendall(block(("Action", "Login"), ("Username", "cti")))
        service.shutdown(socket.SHUT_WR)
        pbx = Pbx(Agents(1), (), [])
        await pbx.serve(*await asyncio.open_connection(sock=its))

        assert pbx.listeners == {"service": []}
