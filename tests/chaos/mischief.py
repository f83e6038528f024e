"""What goes wrong while calls come in: one function for each hazard, and the table of them."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final

from cti.store.failpoints import NAMES
from tests.chaos.house import House
from tests.postgres_server import PostgresServer

Act = Callable[[House], Awaitable[None]]
HALF_OPEN_S: Final = 25.0
"""Fifteen by the promise, and the time to look."""
STOPPING: Final = "journal.stopping"
ELSEWHERE: Final = frozenset({"spool.refused", "tail.made_anew", "tail.replaced", "backfill.completed"})
"""Not with a few real calls: what a database refuses comes from no PBX, a tail of megabytes from many, and what the first start
says of five minutes holds for the whole story. test_kill9.py makes them."""
REACHED: Final = tuple(name for name in NAMES if name not in ELSEWHERE)
WITHOUT_DATABASE: Final = tuple(name for name in REACHED if name.startswith("spool.") or name == "journal.replaying")
FILLING: Final = "backfill.recorded"
"""Passed only where a call was missed."""
ONCE: Final = ("journal.flushed", STOPPING, *(name for name in NAMES if name.startswith("backfill.")))


class On(Enum):
    """Which of the versions that play beside each other: the first, each of them, or, as it is long, the last, which has less to do."""

    FIRST = "first"
    EACH = "each"
    LAST = "last"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mischief:
    act: Act
    says: str
    on: On = On.FIRST
    on_postgres: bool = False
    on_redis: bool = False
    onlookers: int = 0
    fills_disk: bool = False


# ---- ourselves


async def nothing(house: House) -> None:
    await house.calls_go_on(15)


async def killed_at_random(house: House) -> None:
    for _ in range(4):
        await house.calls_go_on(1, 4)
        with house.unseen():
            await house.daemon.kill()
            await house.daemon.start()
    await house.calls_go_on(3)


async def killed_at_points(house: House) -> None:
    """Each step between a fact and the disk; those of the spool while the database is away."""
    await house.daemon.kill()
    died = time.time()
    for name in REACHED:
        with house.unseen(since=died):
            await house.calls_go_on(4 if name == FILLING else 0)
            is_up = await _comes_up_to_die(house, name)  # else what the one before left in the spool led past the point
        outage = is_up and name in WITHOUT_DATABASE
        without_database = asyncio.create_task(_database_away(house, 1.0)) if outage else None
        if is_up and name == STOPPING:
            house.daemon.signal(signal.SIGTERM)
        await _dies(house, name)
        died = time.time()
        if without_database:
            await without_database
    with house.unseen(since=died):
        await house.daemon.start()
    await house.calls_go_on(3)


async def _comes_up_to_die(house: House, name: str) -> bool:
    is_once = name in ONCE or name in WITHOUT_DATABASE
    failpoint = name if is_once else f"{name}:{house.random.randint(8, 20)}"
    await house.daemon.start(failpoint=failpoint, until_up=False)
    return await house.daemon.comes_up()


async def _dies(house: House, name: str) -> None:
    try:
        async with asyncio.timeout(30):
            assert await house.daemon.ended() == -signal.SIGKILL, name
    except TimeoutError:
        raise AssertionError(f"{name} was not passed") from None


async def away(house: House) -> None:
    """Long enough for calls that began and ended meanwhile."""
    await house.calls_go_on(4)
    with house.unseen():
        await house.daemon.kill()
        await house.calls_go_on(12)
        await house.daemon.start()
    await house.calls_go_on(4)


async def frozen(house: House) -> None:
    """We stand still, the PBX goes on: the kernel keeps what it says."""
    await house.calls_go_on(3)
    with house.unheard():
        house.daemon.signal(signal.SIGSTOP)
        await house.calls_go_on(6)
        house.daemon.signal(signal.SIGCONT)
        await house.calls_go_on(1)
    await house.calls_go_on(4)


# ---- the link


async def link_cut(house: House) -> None:
    for _ in range(3):
        await house.calls_go_on(2, 4)
        with house.unseen():
            house.proxy.refuse = True
            house.proxy.cut()
            await house.calls_go_on(1, 3)
            house.proxy.refuse = False
            await house.daemon.until_connected()
    await house.calls_go_on(3)


async def link_stalled(house: House) -> None:
    """Nothing is lost, all of it is late."""
    await house.calls_go_on(3)
    with house.unheard():
        house.proxy.stall()
        await house.calls_go_on(6)
        house.proxy.go_on()
        await house.calls_go_on(1)
    await house.calls_go_on(4)


async def link_half_open(house: House) -> None:
    await house.calls_go_on(3)
    with house.unseen():
        house.proxy.go_silent()
        await house.daemon.until("pbx:main", "failed", HALF_OPEN_S)
        house.proxy.cut()
        house.proxy.go_on()
        await house.daemon.until_connected()
    await house.calls_go_on(4)


# ---- the PBX


async def asterisk_killed(house: House) -> None:
    await house.calls_go_on(6)
    with house.unseen():
        await asyncio.to_thread(house.pbx.kill)
        await house.daemon.until("pbx:main", "failed")
        await asyncio.to_thread(house.pbx.start)
        await house.daemon.until_connected()
    await house.calls_go_on(8)


# ---- the database and the disk


async def postgres_killed(house: House) -> None:
    await house.calls_go_on(4)
    await _database_away(house, 8)
    await house.daemon.until("database", "ok")
    await house.calls_go_on(4)


async def _database_away(house: House, seconds: float) -> None:
    assert house.postgres is not None
    await asyncio.to_thread(house.postgres.kill)
    await house.calls_go_on(seconds)
    await asyncio.to_thread(house.postgres.start)


async def postgres_frozen(house: House) -> None:
    await house.calls_go_on(4)
    assert house.postgres is not None
    with stopped(family_of(house.postgres)):
        await house.calls_go_on(14)
    await house.daemon.until("database", "ok")
    await house.calls_go_on(4)


def family_of(server: PostgresServer) -> list[int]:
    """The server's processes, the children first."""
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(server.pid)], check=False, capture_output=True, text=True)
    return [*map(int, found.stdout.split()), server.pid]


@contextlib.contextmanager
def stopped(pids: list[int]) -> Iterator[None]:
    for pid in pids:
        _signal(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in reversed(pids):
            _signal(pid, signal.SIGCONT)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


async def disk_full(house: House) -> None:
    """Database and spool are on it: facts wait in memory until there is room."""
    assert house.disk.is_mount(), "the machine's own is not filled"
    await house.calls_go_on(4)
    ballast = house.disk / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb") as file:
        while True:
            file.write(bytes(4096))
    await house.calls_go_on(8)
    ballast.unlink()
    await house.daemon.until("database", "ok")
    await house.calls_go_on(4)


# ---- around


async def redis_gone(house: House) -> None:
    """Killed, and after a while back with nothing in it. Desktops are at a process that hears of calls by Redis alone."""
    assert house.redis is not None
    await house.calls_go_on(4)
    with house.unheard():
        await asyncio.to_thread(house.redis.kill)
        await house.calls_go_on(6)
        await asyncio.to_thread(house.redis.start)
        await house.daemon.until_heard()
    await house.calls_go_on(4)


async def desktops_dropped(house: House) -> None:
    for _ in range(3):
        await house.calls_go_on(2, 3)
        for desk in house.desks.each:
            desk.drop()
        await house.desks.until_there()
    await house.calls_go_on(3)


_STAMP: Final = re.compile(rb"^(Timestamp: )(\d+)", re.MULTILINE)


async def clock_stepped(house: House) -> None:
    """As its events have it, the PBX's clock goes an hour ahead, then an hour behind, then right again. Its ids and records keep
    the time, as does our clock: a machine's clock is not ours to set."""
    for step_s in (3600, -3600, 0):
        await house.calls_go_on(4)
        house.proxy.rewrite = _stepped(step_s)
    await house.calls_go_on(4)


def _stepped(step_s: int) -> Callable[[bytes], bytes]:
    return lambda lines: _STAMP.sub(lambda found: found[1] + b"%d" % (int(found[2]) + step_s), lines)


MISCHIEFS: Final = {
    "nothing": Mischief(act=nothing, says="Nothing goes wrong", on=On.EACH),
    "killed_at_random": Mischief(act=killed_at_random, says="Our process is killed (SIGKILL), four times", on=On.EACH),
    "killed_at_points": Mischief(
        act=killed_at_points,
        says=f"Our process is killed at each of {len(REACHED)} named points",
        on=On.LAST,
        on_postgres=True,
    ),
    "away": Mischief(act=away, says="Our process is away for 12 s", on=On.EACH),
    "frozen": Mischief(act=frozen, says="Our process stands still for 6 s (SIGSTOP)"),
    "link_cut": Mischief(act=link_cut, says="The AMI link is cut, three times", on=On.EACH),
    "link_stalled": Mischief(act=link_stalled, says="The AMI link stalls for 6 s"),
    "link_half_open": Mischief(act=link_half_open, says="The AMI link swallows everything and closes nothing"),
    "asterisk_killed": Mischief(act=asterisk_killed, says="Asterisk is killed and started again", on=On.EACH),
    "postgres_killed": Mischief(act=postgres_killed, says="PostgreSQL is killed, back after 8 s", on_postgres=True),
    "postgres_frozen": Mischief(act=postgres_frozen, says="PostgreSQL stands still for 14 s", on_postgres=True),
    "disk_full": Mischief(act=disk_full, says="The disk of database and spool is full for 8 s", fills_disk=True),
    "redis_gone": Mischief(
        act=redis_gone, says="Two processes; Redis is killed, and back empty after 6 s", on_postgres=True, on_redis=True
    ),
    "desktops_dropped": Mischief(
        act=desktops_dropped, says="206 desktops are cut off at once, three times", onlookers=200
    ),
    "clock_stepped": Mischief(
        act=clock_stepped, says="The clock in the PBX's events goes an hour ahead, behind, and right"
    ),
}
