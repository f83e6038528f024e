"""Any bus: what is published is read in order by all, and what may be missing is said. In memory, and over a real Redis."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Final

import pytest

from cti.errors import PbxUnavailable
from cti.fanout.bus import Answer, Ask, Bus, Gap
from cti.fanout.entry import Entry, Kind
from cti.fanout.memory_bus import MemoryBus
from cti.fanout.redis_bus import RedisBus
from cti.fanout.redis_door import RedisDoor
from tests.redis_server import RedisServer

PATIENCE_S: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Two processes on one bus, and what can happen to it."""

    one: Bus
    other: Bus
    goes_away: Callable[[], None]
    comes_back: Callable[[], None]
    is_emptied: Callable[[], None]
    limit: int
    """More unread entries than this, and a reader has missed some."""


@pytest.fixture(params=["memory", pytest.param("redis", marks=pytest.mark.redis)])
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    if request.param == "memory":
        bus = MemoryBus(most_unread=100)
        yield Site(
            one=bus, other=bus, goes_away=bus.goes_away, comes_back=bus.comes_back, is_emptied=bus.is_emptied, limit=100
        )
        return
    server: RedisServer = request.getfixturevalue("own_redis")
    one, other = (RedisBus(RedisDoor(server.url), name, keep=100) for name in ("one", "other"))
    async with running(one), running(other):
        yield Site(
            one=one, other=other, goes_away=server.kill, comes_back=server.start, is_emptied=server.empty,
            limit=100 * 64 * 3,
        )  # fmt: skip


@asynccontextmanager
async def running(bus: Bus) -> AsyncIterator[None]:
    task = asyncio.create_task(bus.run())
    await until(lambda: bus.is_up)
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - whether a bus is up is no event
            await asyncio.sleep(0.005)


def entry(name: str, *, body: bytes = b'{"a":1}') -> Entry:
    return Entry(kind=Kind.CALL, key=name, about=("PJSIP/1001", "PJSIP/1002"), sender="pbx-a", epoch=7, body=body)


async def next_of(reader: AsyncIterator[Entry | Gap]) -> Entry | Gap:
    async with asyncio.timeout(PATIENCE_S):
        return await anext(reader)


async def keys_of(reader: AsyncIterator[Entry | Gap], count: int) -> list[str]:
    """The names of the next so many entries; a gap has none."""
    found = [await next_of(reader) for _ in range(count)]
    return [one.key if isinstance(one, Entry) else "gap" for one in found]


async def test_an_entry_arrives_as_it_was_and_a_reader_begins_with_a_gap(site: Site) -> None:
    async with aclosing(site.other.read("news")) as reader:
        assert isinstance(await next_of(reader), Gap)
        for sent in (entry("a"), entry("empty", body=b""), Entry(kind=Kind.ALIVE)):
            site.one.publish("news", sent)
            assert await next_of(reader) == sent


async def test_all_readers_read_everything_in_order(site: Site) -> None:
    async with aclosing(site.one.read("news")) as mine, aclosing(site.other.read("news")) as theirs:
        for reader in (mine, theirs):
            await next_of(reader)
        names = [f"c{nr}" for nr in range(90)]
        for name in names:
            site.one.publish("news", entry(name))
        assert await keys_of(theirs, 90) == names
        assert await keys_of(mine, 90) == names


async def test_streams_are_apart(site: Site) -> None:
    async with aclosing(site.other.read("desks")) as reader:
        await next_of(reader)
        site.one.publish("news", entry("news"))
        site.one.publish("desks", entry("desk"))
        assert await keys_of(reader, 1) == ["desk"]


async def test_what_was_published_before_is_not_read(site: Site) -> None:
    async with aclosing(site.other.read("news")) as first:
        await next_of(first)
        site.one.publish("news", entry("before"))
        assert await keys_of(first, 1) == ["before"]
    async with aclosing(site.other.read("news")) as reader:
        assert isinstance(await next_of(reader), Gap)
        site.one.publish("news", entry("after"))
        assert await keys_of(reader, 1) == ["after"]


async def test_a_reader_that_is_too_slow_is_told(site: Site) -> None:
    async with aclosing(site.other.read("news")) as reader, aclosing(site.other.read("news")) as quick:
        await next_of(reader)
        await next_of(quick)
        site.one.publish("news", entry("read"))
        assert await keys_of(reader, 1) == ["read"]
        for nr in range(site.limit):
            site.one.publish("news", entry(f"c{nr}"))
            await asyncio.sleep(0)
        site.one.publish("news", entry("last"))
        found: list[str] = []
        while "last" not in found:
            found += await keys_of(reader, 1)
        assert "gap" in found


async def test_a_stream_emptied_under_an_unread_entry_is_a_gap(site: Site) -> None:
    async with aclosing(site.other.read("news")) as reader, aclosing(site.one.read("news")) as watching:
        await next_of(reader)
        await next_of(watching)
        site.one.publish("news", entry("read"))
        assert await keys_of(reader, 1) == ["read"]
        site.one.publish("news", entry("lost"))
        assert await keys_of(watching, 2) == ["read", "lost"]
        site.is_emptied()
        site.one.publish("news", entry("after"))
        assert await keys_of(reader, 2) == ["gap", "after"]


async def test_a_bus_that_was_away_is_read_again(site: Site) -> None:
    async with aclosing(site.other.read("news")) as reader:
        await next_of(reader)
        site.goes_away()
        site.one.publish("news", entry("meanwhile"))
        await until(lambda: not site.one.is_up)
        assert site.one.reason
        site.comes_back()
        await until(lambda: site.one.is_up)
        assert site.one.reason == ""
        site.one.publish("news", entry("after"))
        found: list[str] = []
        while "after" not in found:
            found += await keys_of(reader, 1)
        assert {"gap", "meanwhile"} & set(found), "what was published meanwhile is read, or its loss is told"


# ---- asks


def ask(name: str, *, for_s: float = PATIENCE_S) -> Ask:
    return Ask(id=name, kind="dial", body=b'{"to":"2002"}', sender="one", until=time.time() + for_s)


@asynccontextmanager
async def serving(bus: Bus, carry_out: Callable[[Ask], Awaitable[Answer]]) -> AsyncIterator[None]:
    task = asyncio.create_task(bus.serve(carry_out))
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_ask_is_answered(site: Site) -> None:
    taken: list[Ask] = []

    async def carry_out(one: Ask) -> Answer:
        taken.append(one)
        return Answer(ask=one.id, is_done=True, body=b'{"ok":true}')

    asked = ask("a1")
    async with serving(site.other, carry_out):
        assert await site.one.ask(asked) == Answer(ask="a1", is_done=True, body=b'{"ok":true}')
    assert taken == [asked]


async def test_the_same_ask_again_is_the_same_answer(site: Site) -> None:
    answers = iter((b"1", b"2"))

    async def carry_out(one: Ask) -> Answer:
        return Answer(ask=one.id, is_done=True, body=next(answers))

    async with serving(site.other, carry_out):
        assert (await site.one.ask(ask("a1"))).body == b"1"
        assert (await site.one.ask(ask("a1"))).body == b"1"


async def test_asks_are_carried_out_side_by_side(site: Site) -> None:
    both, count = asyncio.Event(), 0

    async def carry_out(one: Ask) -> Answer:
        nonlocal count
        count += 1
        if count == 2:
            both.set()
        await both.wait()
        return Answer(ask=one.id, is_done=True, body=b"null")

    async with serving(site.other, carry_out), asyncio.timeout(PATIENCE_S):
        answers = await asyncio.gather(site.one.ask(ask("a1")), site.one.ask(ask("a2")))
    assert [one.ask for one in answers] == ["a1", "a2"]


async def test_an_ask_past_its_time_is_not_carried_out(site: Site) -> None:
    with pytest.raises(PbxUnavailable, match="in time"):
        await site.one.ask(ask("late", for_s=0.05))
    taken: list[str] = []

    async def carry_out(one: Ask) -> Answer:
        taken.append(one.id)
        return Answer(ask=one.id, is_done=True, body=b"null")

    async with serving(site.other, carry_out):
        await site.one.ask(ask("in time"))
    assert taken == ["in time"]


async def test_a_mistake_in_carrying_out_is_an_answer(site: Site) -> None:
    async def carry_out(one: Ask) -> Answer:
        raise RuntimeError(one.id)

    async with serving(site.other, carry_out):
        assert not (await site.one.ask(ask("a1"))).is_done


async def test_nothing_can_be_asked_of_a_bus_that_is_away(site: Site) -> None:
    site.goes_away()
    await until(lambda: not site.one.is_up)
    with pytest.raises(PbxUnavailable):
        await site.one.ask(ask("a1"))
