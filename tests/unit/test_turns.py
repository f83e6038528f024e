"""A thread that answers what waits for it in one turn."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextvars import Context
from typing import Any

import pytest

from cti.quick_sql.turns import MOST, Turns


class Gate:
    """The first work of a turn, which others can wait behind."""

    def __init__(self) -> None:
        self.is_open = threading.Event()
        self.is_held = threading.Event()
        self.has_ended = False
        self.turns = Turns("turns-test", self._end)

    def _end(self) -> None:
        self.has_ended = True

    def wait(self) -> str:
        self.is_held.set()
        assert self.is_open.wait(10)
        return "gate"

    async def asked(self, *works: int) -> list["asyncio.Task[int]"]:
        """Behind the gate, in order."""
        held = asyncio.create_task(self.turns.ask(self.wait))
        assert await asyncio.to_thread(self.is_held.wait, 10)
        tasks = [asyncio.create_task(self.turns.ask(lambda work=work: work)) for work in works]  # type: ignore[misc]
        await asyncio.sleep(0)
        assert not held.done()
        return tasks


@pytest.fixture
async def gate() -> AsyncIterator[Gate]:
    made = Gate()
    yield made
    made.is_open.set()
    await made.turns.stop()
    assert made.has_ended


async def test_what_waits_is_told_in_one(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, told = asyncio.get_running_loop(), list[int]()
    tell = loop.call_soon_threadsafe

    def noted(callback: Callable[..., object], *given: Any, context: Context | None = None) -> asyncio.Handle:
        told.extend(len(answers) for answers in given if isinstance(answers, list))
        return tell(callback, *given, context=context)

    monkeypatch.setattr(loop, "call_soon_threadsafe", noted)
    tasks = await gate.asked(*range(MOST + 3))
    gate.is_open.set()
    assert await asyncio.gather(*tasks) == list(range(MOST + 3))
    assert told == [1, MOST, 3]


async def test_whoever_leaves_before_their_turn_is_not_worked_for(gate: Gate) -> None:
    done = list[str]()
    await gate.asked()
    left = asyncio.create_task(gate.turns.ask(lambda: done.append("left")))
    stays = asyncio.create_task(gate.turns.ask(lambda: done.append("stays")))
    await asyncio.sleep(0)
    left.cancel()
    gate.is_open.set()
    await stays
    assert done == ["stays"]


async def test_a_mistake_is_raised_at_whom_it_concerns_and_nobody_else(gate: Gate) -> None:
    def breaks() -> None:
        raise KeyError("a mistake of ours")

    (fine,) = await gate.asked(7)
    gate.is_open.set()
    with pytest.raises(KeyError):
        await gate.turns.ask(breaks)
    assert (await fine, await gate.turns.ask(lambda: 8)) == (7, 8)


async def test_whoever_waits_when_it_stops_is_cancelled(gate: Gate) -> None:
    tasks = await gate.asked(1, 2)
    stops = asyncio.create_task(gate.turns.stop())
    await asyncio.sleep(0)
    gate.is_open.set()
    await stops
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(end, asyncio.CancelledError) for end in ends)
    with pytest.raises(ConnectionError):
        await gate.turns.ask(lambda: 3)
