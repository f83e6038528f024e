"""Trust test 34: Redis killed, emptied, and replaced by an empty one while calls go on.

The reader's own desktops see every pop; the other process shows a lost PBX, and afterwards the right picture; the record has all.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from cti.calls.transitions import CallChanged
from cti.crm.connectors.memory import MemoryConnector
from cti.crm.lookup import Lookup, LookupRules
from cti.errors import PbxUnavailable
from cti.fanout.bus import Ask, Bus
from cti.fanout.desk_news import DeskNews
from cti.fanout.entry import Entry, Kind
from cti.fanout.fed_hub import FedHub
from cti.fanout.feeder import Feeder
from cti.fanout.publishing import PublishingHub
from cti.fanout.redis_bus import RedisBus
from cti.fanout.redis_door import RedisDoor
from cti.pipeline import Pipeline
from cti.screenpop.hub import HubSettings
from cti.screenpop.messages import PbxView
from cti.store.interactions import Filter
from cti.store.journal import Journal
from cti.store.spool import Spool
from cti.store.sql import SqlInteractionLog
from tests.conftest import LogLines
from tests.postgres_server import MakeDatabase
from tests.redis_server import RedisServer
from tests.unit.screenpop.fakes import SITE, PaperDesktop
from tests.unit.screenpop.stories import AGENTS, JON, MARA, PBX, T0, Story

pytestmark = [pytest.mark.redis, pytest.mark.chaos]
SETTINGS: Final = HubSettings(site=SITE)
PATIENCE_S: Final = 20.0
NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Reader:
    """The process that reads the PBX, with Mara's desktop in it."""

    def __init__(self, server: RedisServer, log: SqlInteractionLog, folder: Path) -> None:
        self.bus = RedisBus(RedisDoor(server.url), "pbx")
        self.hub = PublishingHub(SETTINGS, self.bus, "pbx", epoch=1)
        self.hub.roster(AGENTS)
        self.desks = DeskNews(self.bus, "pbx")
        self.desks.listeners.on_picture_wanted = self.hub.picture_wanted
        self.journal = Journal(log, Spool(folder / "facts.spool"))
        self.pipeline = Pipeline(
            hub=self.hub,
            journal=self.journal,
            lookup=Lookup(MemoryConnector(country="DE"), LookupRules(country="DE")),
            interactions=log,
            country="DE",
        )
        self.hub.pbx(PbxView(name=PBX, state="connected", since=T0))
        self.mara = PaperDesktop(self.hub, MARA.id, session_ends_at=NEVER).connect()
        self.runs = (self.bus.run, self.hub.run, self.desks.run, self.journal.run)

    def tells(self, *changes: CallChanged) -> None:
        for change in changes:
            self.pipeline.news(change)


class Other:
    """A process with Jon's desktop."""

    def __init__(self, server: RedisServer) -> None:
        self.bus: Bus = RedisBus(RedisDoor(server.url), "push")
        self.hub = FedHub(SETTINGS, self.bus, "push")
        self.hub.roster(AGENTS)
        self.feeder = Feeder(self.hub, self.bus, "push")
        self.desks = DeskNews(self.bus, "push")
        self.desks.serves(self.hub)
        self.jon = PaperDesktop(self.hub, JON.id, session_ends_at=NEVER).connect()
        self.runs = (self.bus.run, self.feeder.run, self.desks.run)

    def has(self, *stories: Story) -> bool:
        """Just these calls, as they are, and Jon's desktop shows his."""
        self.jon.read()
        calls = {call.id: call for call in self.hub.calls}
        return self.feeder.is_whole and calls == {story.id: story.call for story in stories}


@asynccontextmanager
async def running(*runs: Callable[[], Any]) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(run()) for run in runs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - what another process shows is no event
            await asyncio.sleep(0.02)


def pops(desktop: PaperDesktop) -> set[str]:
    desktop.read()
    told = [one["pop"] for one in desktop.seen if one["type"] == "pop"]
    shown = [pop for one in desktop.seen if one["type"] == "snapshot" for pop in one["pops"]]
    return {pop["call"]["call"] for pop in (*told, *shown)}


async def test_34_redis_killed_emptied_and_replaced_while_calls_go_on(
    own_redis: RedisServer, make_database: MakeDatabase, tmp_path: Path
) -> None:
    async with make_database("sqlite") as database:
        log = SqlInteractionLog(database, lambda: {agent.device: agent.id for agent in AGENTS})
        reader, other = Reader(own_redis, log, tmp_path), Other(own_redis)
        over, ringing, missed, late = (Story(name) for name in ("over", "ringing", "missed", "late"))
        async with running(*reader.runs, *other.runs):
            await until(other.has)
            reader.tells(over.offered(), over.rings(JON))
            await until(lambda: other.has(over))
            reader.tells(over.answers(JON))
            await until(lambda: other.has(over))

            own_redis.kill()
            reader.tells(over.ends(), missed.offered(), missed.rings(JON), missed.stops(JON, "no_answer"))
            reader.tells(ringing.offered(), ringing.rings(MARA))
            assert pops(reader.mara) == {ringing.id}, "the reader's own desktops see it"
            await until(lambda: other.hub.pbxs[0].state == "lost")
            reader.tells(missed.ends())
            own_redis.start()
            await until(lambda: other.has(ringing))
            assert other.hub.pbxs[0].state == "connected"

            own_redis.empty()
            reader.tells(ringing.answers(MARA), late.offered(), late.rings(JON))
            await until(lambda: other.has(ringing, late))

            own_redis.kill()
            own_redis.start()
            reader.tells(ringing.ends())
            await until(lambda: other.has(late))
            reader.tells(late.answers(JON), late.leaves(JON), late.ends())
            await until(other.has)
            assert pops(other.jon) >= {over.id, late.id}
            numbers = [one["seq"] for one in other.jon.seen]
            assert numbers == list(range(1, len(numbers) + 1))
            await reader.journal.flush()
            rows = await log.between(Filter())
        assert {row.call for row in rows.items} == {story.id for story in (over, ringing, missed, late)}


async def test_34_that_redis_is_away_is_said_once(own_redis: RedisServer, log_lines: LogLines) -> None:
    bus = RedisBus(RedisDoor(own_redis.url), "pbx")
    async with running(bus.run):
        await until(lambda: bus.is_up)
        own_redis.kill()
        await until(lambda: not bus.is_up)
        tries = bus.failures
        await until(lambda: bus.failures > tries + 1)
        own_redis.start()
        await until(lambda: bus.is_up)
    said = [line["event"] for line in log_lines() if line["event"].startswith("bus_")]
    assert said == ["bus_up", "bus_away", "bus_up"]


async def test_nothing_stays_in_redis_when_all_have_gone(own_redis: RedisServer) -> None:
    bus = RedisBus(RedisDoor(own_redis.url), "pbx")
    async with running(bus.run):
        await until(lambda: bus.is_up)
        bus.publish("news", Entry(kind=Kind.ALIVE))
        with pytest.raises(PbxUnavailable):
            await bus.ask(Ask(id="a", kind="dial", body=b"null", sender="pbx", until=time.time() + 0.1))
        await until(lambda: own_redis.says(b"EXISTS cti:news") == b":1\r\n")
    for stream in (b"cti:news", b"cti:asks"):
        left_s = int(own_redis.says(b"TTL " + stream)[1:])
        assert 0 < left_s <= 3600
