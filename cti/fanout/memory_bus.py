"""The bus in memory: the same promises among processes that are one, for tests and for trying things out.

All who take part hold the same object. ``goes_away``, ``comes_back`` and ``is_emptied`` do to it what happens to a Redis.
"""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from cti.errors import PbxUnavailable
from cti.fanout.bus import Answer, Ask, Gap
from cti.fanout.entry import Entry
from cti.log import logger

log = logger("bus")

MOST_UNREAD: Final = 20_000


class _Reader:
    def __init__(self, most: int) -> None:
        self._most = most
        self._unread: deque[Entry | Gap] = deque([Gap("just begun")])
        self._news = asyncio.Event()

    def put(self, one: Entry | Gap) -> None:
        if len(self._unread) >= self._most:
            self.lose("too slow")
        self._unread.append(one)
        self._news.set()

    def lose(self, reason: str) -> None:
        """Nothing is missing where all was read."""
        if self._unread:
            self._unread.clear()
            self.put(Gap(reason))

    async def take(self) -> Entry | Gap:
        while not self._unread:
            self._news.clear()
            await self._news.wait()
        return self._unread.popleft()


class MemoryBus:
    def __init__(self, *, most_unread: int = MOST_UNREAD, clock: Callable[[], float] = time.time) -> None:
        self._most_unread = most_unread
        self._clock = clock
        self._readers: dict[str, list[_Reader]] = {}
        self._asks: asyncio.Queue[Ask] = asyncio.Queue()
        self._answers: dict[str, asyncio.Future[Answer]] = {}
        self._done: dict[str, Answer | None] = {}
        self._reason = ""
        self._is_missed: set[str] = set()
        """Streams for which something was dropped while it was away."""

    async def run(self) -> None:
        await asyncio.Event().wait()

    @property
    def is_up(self) -> bool:
        return not self._reason

    @property
    def reason(self) -> str:
        return self._reason

    def goes_away(self, reason: str = "away") -> None:
        self._reason = reason

    def comes_back(self) -> None:
        self._reason = ""
        for stream in self._is_missed:
            for reader in self._readers.get(stream, ()):
                reader.put(Gap("the bus was away"))
        self._is_missed.clear()

    def is_emptied(self) -> None:
        for readers in self._readers.values():
            for reader in readers:
                reader.lose("the stream was emptied")

    # ---- entries

    def publish(self, stream: str, entry: Entry) -> None:
        if self._reason:
            self._is_missed.add(stream)
            return
        for reader in self._readers.get(stream, ()):
            reader.put(entry)

    async def read(self, stream: str) -> AsyncIterator[Entry | Gap]:
        reader = _Reader(self._most_unread)
        readers = self._readers.setdefault(stream, [])
        readers.append(reader)
        try:
            while True:
                yield await reader.take()
        finally:
            readers.remove(reader)

    # ---- asks

    async def ask(self, ask: Ask) -> Answer:
        if self._reason:
            raise PbxUnavailable(self._reason)
        answer = self._answers.setdefault(ask.id, asyncio.get_running_loop().create_future())
        self._asks.put_nowait(ask)
        try:
            async with asyncio.timeout(max(0.0, ask.until - self._clock())):
                return await asyncio.shield(answer)
        except TimeoutError:
            raise PbxUnavailable("nobody who reads the PBX answered in time") from None
        finally:
            self._answers.pop(ask.id, None)

    async def serve(self, carry_out: Callable[[Ask], Awaitable[Answer]]) -> None:
        async with asyncio.TaskGroup() as tasks:
            while True:
                ask = await self._asks.get()
                if ask.until > self._clock():
                    tasks.create_task(self._attend(ask, carry_out))

    async def _attend(self, ask: Ask, carry_out: Callable[[Ask], Awaitable[Answer]]) -> None:
        if ask.id not in self._done:
            self._done[ask.id] = None  # begun
            self._done[ask.id] = await self._carried_out(ask, carry_out)
        answer, waiting = self._done[ask.id], self._answers.get(ask.id)
        if answer and waiting and not waiting.done():
            waiting.set_result(answer)

    async def _carried_out(self, ask: Ask, carry_out: Callable[[Ask], Awaitable[Answer]]) -> Answer:
        try:
            return await carry_out(ask)
        except Exception:
            log.exception("ask_failed", kind=ask.kind)
            return Answer(ask=ask.id, is_done=False, body=b'{"error":"StateMisuse","words":"failed"}')
