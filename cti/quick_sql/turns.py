"""A thread that answers whatever waits for it in one turn, and tells the event loop once.

It and the loop take turns at Python, and each turn may cost some milliseconds of waiting: the fewer, the sooner all are answered.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterable
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

MOST: Final = 16
"""Answers to a turn, so that the first does not wait for all."""
STOP_S: Final = 2.0
T = TypeVar("T")
_Work = tuple[Callable[[], Any], "asyncio.Future[Any]"]
_Answer = tuple["asyncio.Future[Any]", Any, BaseException | None]


class Turns:
    """For one event loop. ``at_end`` runs in the thread, too, once it has been stopped."""

    def __init__(self, name: str, at_end: Callable[[], None]) -> None:
        self._name = name
        self._at_end = at_end
        self._waiting: SimpleQueue[_Work | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_stopped = False
        self._ended = asyncio.Event()

    async def ask(self, work: Callable[[], T]) -> T:
        """``work``'s answer. What is cancelled before its turn is not begun. Raises ``ConnectionError`` once it is stopped."""
        loop = asyncio.get_running_loop()
        if self._is_stopped:
            raise ConnectionError("no more questions are asked")
        if self._thread is None:
            self._thread = threading.Thread(target=self._serve, args=(loop,), name=self._name, daemon=True)
            self._thread.start()
        answer: asyncio.Future[T] = loop.create_future()
        self._waiting.put((work, answer))
        return await answer

    async def stop(self) -> None:
        """Who waits still is cancelled; who has their turn now may finish, within reason."""
        self._is_stopped = True
        with contextlib.suppress(Empty):
            while left := self._waiting.get_nowait():
                left[1].cancel()
        self._waiting.put(None)
        if self._thread is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._ended.wait()

    def _serve(self, loop: asyncio.AbstractEventLoop) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            while turn := self._next_turn():
                loop.call_soon_threadsafe(_tell, [_answered(work, answer) for work, answer in turn])
        self._at_end()
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(self._ended.set)

    def _next_turn(self) -> list[_Work]:
        """Empty when it is time to stop."""
        turn = list[_Work]()
        while not turn or (len(turn) < MOST and not self._waiting.empty()):
            work = self._waiting.get()
            if work is None:
                self._waiting.put(None)  # to be found by the next turn, too
                break
            turn.append(work)
        return turn


def _answered(work: Callable[[], Any], answer: "asyncio.Future[Any]") -> _Answer:
    try:
        return answer, None if answer.cancelled() else work(), None
    except BaseException as exc:  # noqa: BLE001 - whoever asked has the word for it
        return answer, None, exc


def _tell(answers: Iterable[_Answer]) -> None:
    for answer, value, error in answers:
        if answer.done():
            continue
        if error:
            answer.set_exception(error)
        else:
            answer.set_result(value)
