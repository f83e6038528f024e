"""A line of Redis costs each process that reads it as much as many entries in it: entries wait a moment for company."""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from typing import Final

import pytest

from cti.fanout.entry import Entry, Kind
from cti.fanout.redis_bus import RedisBus
from cti.fanout.redis_door import RedisDoor
from tests.redis_server import RedisServer

pytestmark = pytest.mark.redis
PATIENCE_S: Final = 20.0


class BusyDoor(RedisDoor):
    """While the first line is written, another entry comes, and one more just after it."""

    bus: RedisBus
    lines = 0

    async def add(self, lines: Mapping[str, bytes], *, keep: int, life_s: int = 0) -> None:
        self.lines += 1
        if self.lines == 1:
            self._come("second")
        await super().add(lines, keep=keep, life_s=life_s)
        if self.lines == 1:
            asyncio.get_running_loop().call_later(0.001, self._come, "third")

    def _come(self, key: str) -> None:
        self.bus.publish("news", Entry(kind=Kind.CALL, key=key))


async def test_what_comes_while_a_line_is_written_waits_for_company(redis_server: RedisServer) -> None:
    door = BusyDoor(redis_server.url)
    door.bus = bus = RedisBus(door, "pbx")
    writing = asyncio.create_task(bus.run())
    try:
        async with asyncio.timeout(PATIENCE_S), aclosing(bus.read("news")) as news:
            await anext(news)  # the gap that it begins with
            bus.publish("news", Entry(kind=Kind.CALL, key="first"))
            read = [await anext(news) for _ in range(3)]
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)
    assert [entry.key for entry in read if isinstance(entry, Entry)] == ["first", "second", "third"]
    assert door.lines == 2
