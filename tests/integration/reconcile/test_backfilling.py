"""Up to when the record is complete: what was not seen is read up on the return, however we came to miss it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from cti.app.backfilling import Backfilling
from cti.calls.call import Call, CallId, PbxName
from cti.calls.tracker import CallTracker
from cti.envelope import INFERRED, Envelope, event_of
from cti.errors import StaleEpoch
from cti.reconcile.fill import facts_for
from cti.reconcile.reading import calls_ended
from cti.store import schema
from cti.store.backfills import SqlBackfills, Standing
from cti.store.database import Database
from cti.store.interactions import Filter
from cti.store.journal import Journal
from cti.store.lease import Fence
from cti.store.spool import Spool
from cti.store.sql import SqlInteractionLog
from cti.store.sql_lease import SqlLeases
from cti.store.unseen import BACKFILLED
from cti.telephony.link import LinkChanged
from cti.telephony.replay.player import Player
from tests.integration.reconcile.written import MIDNIGHT, Night

MAIN = PbxName("main")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path}/cti.db"
    await schema.make_ready(url)
    made = Database(url)
    yield made
    await made.close()


class Link(Player):
    """It is as the test says."""

    def __init__(self, at: datetime) -> None:
        self.name = MAIN
        self.live: tuple[Call, ...] = ()
        self.says = LinkChanged(pbx=MAIN, state="connected", at=at)

    @property
    def calls(self) -> tuple[Call, ...]:
        return self.live

    @property
    def status(self) -> LinkChanged:
        return self.says


@dataclass
class Site:
    """A PBX that wrote this night down, and whoever fills in what was missed of it. Its clock stands until the test sets it."""

    night: Night
    database: Database
    at: datetime = MIDNIGHT - HOUR
    looked: Callable[[], None] = lambda: None
    link: Link = field(init=False)
    backfilling: Backfilling = field(init=False)

    def __post_init__(self) -> None:
        self.link = Link(self.at)

    @contextlib.asynccontextmanager
    async def running(self, fence: Fence | None = None) -> AsyncIterator["Site"]:
        log = SqlInteractionLog(self.database)
        journal = Journal(log, Spool(self.night.folder / "facts.spool"))
        self.backfilling = Backfilling(
            {MAIN: self.night.places}, {MAIN: self.link}, log, journal, self.database, fence=fence,
            after_s=(0.0,), keep_s=0.01, clock=self.clock,
        )  # fmt: skip
        tasks = [asyncio.create_task(journal.run()), asyncio.create_task(self.backfilling.run())]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def clock(self) -> datetime:
        self.looked()
        return self.at

    def become(self, state: str, at: datetime) -> None:
        assert state in {"connected", "lost"}
        self.link.says = LinkChanged(pbx=MAIN, state="connected" if state == "connected" else "lost", at=at)
        self.backfilling.news(self.link.says)

    async def until_complete(self, until: datetime) -> None:
        async with asyncio.timeout(20):
            while await SqlBackfills(self.database).complete_until(MAIN) != until:  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.005)

    async def until_told(self, standing: Standing) -> None:
        """That is how the record has the first call of the night."""
        name = CallId(f"main-{self.night.id(0)}")
        async with asyncio.timeout(20):
            while (await SqlBackfills(self.database).standings([name])).get(name) != standing:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.005)

    async def filled_in(self) -> int:
        return len((await SqlInteractionLog(self.database).between(Filter(backfilled=True), limit=500)).items)


async def test_14_calls_of_a_time_when_the_process_stood_still_are_filled_in(
    database: Database, tmp_path: Path
) -> None:
    """It wakes up, its timer is due at once, and the connection, cut off long ago, has its last bytes to be read still."""
    site = Site(Night(tmp_path, 100).write(), database)
    woken = site.night.ends + HOUR

    def look() -> None:
        if site.at == woken:  # it looked once since; now the end of the connection is read
            asyncio.get_running_loop().call_soon(site.become, "lost", woken)

    async with site.running():
        await site.until_complete(site.at + 5 * MINUTE)
        site.at = MIDNIGHT
        await site.until_complete(MIDNIGHT)
        site.looked, site.at = look, woken
        async with asyncio.timeout(20):
            while site.link.status.state != "lost":  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.005)
        site.looked = lambda: None
        site.become("connected", woken + MINUTE)
        await site.until_complete(woken)
    assert await site.filled_in() == 100


async def test_14_a_clock_that_was_ahead_for_a_while_costs_no_calls(database: Database, tmp_path: Path) -> None:
    site = Site(Night(tmp_path, 20).write(), database)
    async with site.running():
        site.at = MIDNIGHT + 2 * HOUR
        await site.until_complete(MIDNIGHT + 2 * HOUR)
        site.at = MIDNIGHT
        await site.until_complete(MIDNIGHT)
        site.become("lost", MIDNIGHT)
        site.at = site.night.ends + MINUTE
        site.become("connected", site.at)
        await site.until_complete(site.at)
    assert await site.filled_in() == 20


async def test_14_a_mark_that_lies_ahead_at_the_start_says_nothing(database: Database, tmp_path: Path) -> None:
    site = Site(Night(tmp_path, 20).write(), database)
    await SqlBackfills(database).completed(MAIN, MIDNIGHT + timedelta(days=400))
    site.at = site.night.ends + MINUTE
    site.link.says = LinkChanged(pbx=MAIN, state="connected", at=site.at)
    async with site.running():
        await site.until_complete(site.at)
    assert await site.filled_in() == 20


async def test_14_a_call_found_on_the_return_is_told_by_the_records_whenever_it_is_over(
    database: Database, tmp_path: Path
) -> None:
    """It lasts for hours after all that was missed had been filled in."""
    site = Site(Night(tmp_path, 1, talks_s=4 * 3600), database, at=MIDNIGHT + MINUTE)
    await SqlBackfills(database).completed(MAIN, MIDNIGHT - MINUTE)
    found_on_return = await _found_on_return(site.night.write())
    site.night.queue_log.write_text("")
    site.night.cdr.write_text("")
    site.link.live = _calls_of(found_on_return[:-1])
    async with site.running():
        for _ in range(3):
            site.at += HOUR
            await site.until_complete(site.at)
        site.night.write()
        await SqlInteractionLog(database).append(found_on_return)
        await site.until_told(Standing.FOUND)
        site.at, site.link.live = site.night.ends + MINUTE, ()
        await site.until_told(Standing.OVER)
    assert await site.filled_in() == 1


async def test_a_filling_in_that_was_cut_short_is_done_again(database: Database, tmp_path: Path) -> None:
    """The lease was lost, or the power, between two of its facts."""
    night = Night(tmp_path, 1).write()
    log, own = SqlInteractionLog(database), await _found_on_return(night)
    (call,) = await calls_ended(night.places, night.begins - HOUR, night.ends + HOUR)
    (*most, last), name = facts_for(call, own), CallId(f"main-{night.id(0)}")
    await log.append([*own, *most])
    assert await SqlBackfills(database).standings([name]) == {name: Standing.FOUND}
    await log.append([last])
    assert await SqlBackfills(database).standings([name]) == {name: Standing.OVER}


async def _found_on_return(night: Night) -> list[Envelope]:
    """The facts of its only call, as if we had come in while it rang."""
    (call,) = await calls_ended(night.places, night.begins - HOUR, night.ends + HOUR)
    return [_seen(fact, is_inferred=place < 2) for place, fact in enumerate(facts_for(call))]


def _seen(fact: Envelope, *, is_inferred: bool) -> Envelope:
    data = {name: value for name, value in fact.data.items() if name != BACKFILLED}
    data |= {INFERRED: True} if is_inferred else {}
    return msgspec.structs.replace(fact, id=f"{fact.subject}#{fact.sequence}", data=data)


def _calls_of(facts: Sequence[Envelope]) -> tuple[Call, ...]:
    tracker = CallTracker()
    for fact in facts:
        if event := event_of(fact):
            tracker.apply(event)
    return tracker.live


async def test_33_a_reader_that_was_replaced_says_nothing_of_how_far_the_record_is_complete(
    database: Database, tmp_path: Path
) -> None:
    leases, names, told = SqlLeases(database), ("/pbx/main",), asyncio.Event()
    ours = await leases.take(names, "north", life_s=0)
    await leases.take(names, "south", life_s=60)
    fence = Fence(epochs=ours, on_stale=told.set)
    with pytest.raises(StaleEpoch):
        await SqlBackfills(database).completed(MAIN, MIDNIGHT, fence)
    async with Site(Night(tmp_path, 1).write(), database).running(fence):
        async with asyncio.timeout(20):
            await told.wait()
    assert await SqlBackfills(database).complete_until(MAIN) is None
