"""Trust test 35: an ask whose taker died between reading and acknowledging it is taken over, and done once."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cti.errors import PbxUnavailable
from cti.fanout.bus import Answer, Ask
from cti.fanout.redis_asks import Asks
from cti.fanout.redis_bus import RedisBus
from cti.fanout.redis_door import RedisDoor
from cti.fanout.wire import encode_ask
from tests.redis_server import RedisServer

pytestmark = pytest.mark.redis


class Reader:
    """A process that carries asks out, and notes which."""

    def __init__(self, server: RedisServer, name: str) -> None:
        self.bus = RedisBus(RedisDoor(server.url), name)
        self.carried_out: list[str] = []
        self.begun = asyncio.Event()
        self.may_finish = asyncio.Event()
        self.may_finish.set()

    async def carry_out(self, ask: Ask) -> Answer:
        self.carried_out.append(ask.id)
        self.begun.set()
        await self.may_finish.wait()
        return Answer(ask=ask.id, is_done=True, body=b'{"by":"it"}')

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self.bus.run()), asyncio.create_task(self.bus.serve(self.carry_out))]
        yield
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture
async def asker(redis_server: RedisServer) -> AsyncIterator[RedisBus]:
    bus = RedisBus(RedisDoor(redis_server.url), "web")
    task = asyncio.create_task(bus.run())
    async with asyncio.timeout(10):
        while not bus.is_up:  # noqa: ASYNC110 - whether a bus is up is no event
            await asyncio.sleep(0.005)
    yield bus
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def ask(name: str, for_s: float = 10.0) -> Ask:
    return Ask(id=name, kind="dial", body=b"null", sender="web", until=time.time() + for_s)


async def test_35_an_ask_taken_by_one_that_died_is_claimed_and_done_once(
    asker: RedisBus, redis_server: RedisServer
) -> None:
    door = RedisDoor(redis_server.url)
    await door.take(Asks.STREAM, "dies", block_ms=1)  # makes the group
    asked = asyncio.create_task(asker.ask(ask("a1")))
    taken: list[tuple[bytes, bytes]] = []
    while not taken:
        taken = await door.take(Asks.STREAM, "dies", block_ms=1000)
    await door.close()  # between read and ack
    one, other = Reader(redis_server, "pbx-a"), Reader(redis_server, "pbx-b")
    async with one.serving(), other.serving():
        assert (await asked).body == b'{"by":"it"}'
        assert await pending(redis_server) == 0
    assert one.carried_out + other.carried_out == ["a1"]


async def test_35_an_ask_that_was_begun_is_never_begun_again(asker: RedisBus, redis_server: RedisServer) -> None:
    """Nobody knows whether the phone rang: its asker is told that there was no answer."""
    first, second = Reader(redis_server, "pbx-a"), Reader(redis_server, "pbx-b")
    first.may_finish.clear()
    async with first.serving():
        asked = asyncio.create_task(asker.ask(ask("a1", for_s=2.5)))
        await first.begun.wait()
    async with second.serving():
        with pytest.raises(PbxUnavailable):
            await asked
        assert await asker.ask(ask("a2"))
    assert (first.carried_out, second.carried_out) == (["a1"], ["a2"])


async def test_35_an_answer_lost_on_its_way_is_told_again(asker: RedisBus, redis_server: RedisServer) -> None:
    """The same ask, put again: it is answered, and not done again."""
    reader, again = Reader(redis_server, "pbx-a"), ask("a1")
    async with reader.serving():
        await asker.ask(again)
        door = RedisDoor(redis_server.url)
        await door.add({Asks.STREAM: encode_ask(again)}, keep=10)
        await door.close()
        assert (await asker.ask(again)).is_done
    assert reader.carried_out == ["a1"]


async def pending(server: RedisServer) -> int:
    """Asks that were taken and are not done."""
    return int(server.says(b"XPENDING cti:asks cti:asks").split(b"\r\n")[1].removeprefix(b":"))
