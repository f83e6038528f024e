"""One process at a time reads a PBX, whatever becomes of it: killed, frozen, stopped, or frozen and gone on."""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url, select, update

from cti.app.holding import LOOK_S
from cti.calls.call import CallId
from cti.store.database import Database
from cti.store.interactions import Filter, Interaction
from cti.store.sql import SqlInteractionLog
from cti.store.tables import fact, lease
from tests.integration.scaled.cluster import Cluster, Process
from tests.integration.scaled.live_pbx import FIRST_PHONE, LivePbx
from tests.ports import free_port
from tests.redis_server import RedisServer
from tests.testbed.proxy import TcpProxy

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.chaos]

TAKEOVER = timedelta(seconds=5)
"""As the README promises: 3 s at most until the lease has run out, half a second until the standby looks, and what it does then."""


@dataclass
class Site:
    cluster: Cluster
    pbx: LivePbx
    database: Database
    start_s: float = 0.0
    """How long a reader takes to start here and now."""

    @contextlib.asynccontextmanager
    async def within_a_takeover(self, by: Process) -> AsyncIterator[None]:
        """From now until it reads the PBX, as its log says: the lease runs out, the standby looks, takes up what was, connects."""
        began_at = datetime.now(UTC)
        yield
        reads_at = datetime.fromisoformat(by.told("pbx_connected")[-1]["timestamp"])
        assert timedelta() < reads_at - began_at < TAKEOVER

    @property
    def log(self) -> SqlInteractionLog:
        return SqlInteractionLog(self.database)

    async def two_readers(self, roles: str = "pbx", **of_the_first: str) -> tuple[Process, Process]:
        """The first of them active, and with settings of its own."""
        one, two = self.cluster.process("one", roles), self.cluster.process("two", roles)
        began_s = time.monotonic()
        await one.start(**of_the_first)
        await one.until(pbx="ok")
        self.start_s = time.monotonic() - began_s
        await two.start()
        await two.until(lease="standby")
        return one, two

    async def talking(self, nr: int) -> "asyncio.Task[str]":
        """A call that has got as far as the agent, on record."""
        calling = asyncio.create_task(self.pbx.call(nr, FIRST_PHONE))
        established = select(fact).where(fact.c.type == "cti.call.established.v1")
        async with asyncio.timeout(20):
            while True:
                async with self.database.reading() as connection:
                    if (await connection.execute(established)).first():
                        return calling
                await asyncio.sleep(0.05)

    async def rows(self, count: int) -> tuple[Interaction, ...]:
        found: tuple[Interaction, ...] = ()
        async with asyncio.timeout(20):
            while len(found) < count:
                await asyncio.sleep(0.05)
                found = (await self.log.between(Filter(), limit=500)).items
        return found


@pytest.fixture
async def site(tmp_path: Path, ready_url: Callable[[str], str], redis_server: RedisServer) -> AsyncIterator[Site]:
    url = ready_url("postgresql")
    pbx = LivePbx(free_port(), (FIRST_PHONE, FIRST_PHONE + 1), ring_s=1.0, talk_s=7.0)
    serving, database = await pbx.serve(), Database(url)
    cluster = Cluster(tmp_path, url, redis_server.url, pbx.port)
    async with asyncio.timeout(150):
        yield Site(cluster, pbx, database)
    await cluster.close()
    serving.close()
    await database.close()


async def test_33_leader_fencing(site: Site) -> None:
    """It stands still with a call in its head, and goes on as if nothing had been: nothing of what it tells is written."""
    one, two = await site.two_readers()
    calling = await site.talking(1)
    one.signal(signal.SIGSTOP)
    async with site.within_a_takeover(by=two):
        await two.until(lease="ok", pbx="ok")
    linkedid = await calling
    (row,) = await site.rows(1)
    facts = await site.log.facts(CallId(f"main-{linkedid}"))
    one.signal(signal.SIGCONT)
    await one.until(lease="standby")
    assert (row.call, row.outcome) == (f"main-{linkedid}", "answered")
    assert await site.log.facts(CallId(f"main-{linkedid}")) == facts
    assert one.complaints() + two.complaints() == []


async def test_33_leader_fencing_by_the_record_alone(site: Site) -> None:
    """A reader that has no bus, and would not ask for its lease for a long time, hears at its first write that it is another's."""
    no_redis = f"redis://127.0.0.1:{free_port()}/0"
    one, two = await site.two_readers(CTI_PROCESS__LEASE_S="300", CTI_REDIS__URL=no_redis)
    calling = await site.talking(1)
    one.signal(signal.SIGSTOP)
    async with site.database.writing() as connection:
        await connection.execute(update(lease).values(good_until_s=0.0))
    await two.until(lease="ok", pbx="ok")
    one.signal(signal.SIGCONT)
    await one.until_told("facts_refused")
    await one.until(lease="standby")
    assert one.told("facts_refused")[0]["count"] > 0
    linkedid = await calling
    assert [(row.call, row.outcome) for row in await site.rows(1)] == [(f"main-{linkedid}", "answered")]
    facts = await site.log.facts(CallId(f"main-{linkedid}"))
    steps = [fact.sequence for fact in facts if fact.sequence]
    assert steps == list(range(1, len(steps) + 1))


async def test_33_a_reader_cut_off_from_the_database_alone_hears_of_the_next_one_by_its_news(site: Site) -> None:
    """To itself it looks as if the database were away, when nobody could take over."""
    at = make_url(site.cluster.database)
    assert at.port
    async with TcpProxy(at.port) as proxy:
        through = at.set(port=proxy.port).render_as_string(hide_password=False)
        one, two = await site.two_readers(CTI_DATABASE__URL=through)
        proxy.go_silent()
        await two.until(lease="ok", pbx="ok")
        await one.until_told("newer_epoch_heard")
        await one.until(lease="standby")
        proxy.cut()
        proxy.go_on()
        await one.until_told("standing_by", "two has the lease of /pbx/main")
    assert one.complaints() + two.complaints() == []


async def test_33_a_dead_reader_is_replaced_within_five_seconds_and_a_stopped_one_at_once(site: Site) -> None:
    one, two = await site.two_readers()
    calling = await site.talking(1)
    async with site.within_a_takeover(by=two):
        await one.kill()
        await two.until(lease="ok", pbx="ok")
    linkedid = await calling
    assert [(row.call, row.outcome) for row in await site.rows(1)] == [(f"main-{linkedid}", "answered")]
    await one.start()
    await one.until(lease="standby")
    assert await two.stop() == 0
    began_s = time.monotonic()
    await one.until(lease="ok", pbx="ok")
    assert time.monotonic() - began_s < LOOK_S + site.start_s  # and no lease to wait for
    assert one.complaints() + two.complaints() == []


async def test_33_a_second_service_that_does_everything_stands_by(site: Site) -> None:
    one, two = await site.two_readers(roles="")
    assert (await two.figures())["cti_lease_active"] == 0
    async with site.within_a_takeover(by=two):
        await one.kill()
        await two.until(lease="ok", pbx="ok")
    assert (await two.figures())["cti_lease_epoch"] == 2
