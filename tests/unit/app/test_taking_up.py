"""What a start takes up, whatever the database and the spool of an earlier outage are like."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from cti.app.forgotten import end_forgotten
from cti.app.taking_up import Left, left_over
from cti.calls.call import Call, CallId, PbxName
from cti.envelope import Envelope
from cti.errors import StoreUnavailable
from cti.store.derive import CLEARED
from cti.store.journal import Journal, JournalRules
from cti.store.lease import Fence
from cti.store.memory import MemoryInteractionLog
from cti.store.restored import restored_calls
from cti.store.spool import Spool
from cti.store.storable import Line, line_of
from cti.store.unseen import is_inferred
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.replay.player import Player
from tests.unit.store.call_stories import NINE, answered_call

QUICK = JournalRules(linger_s=0.0, retry_first_s=0.002, retry_cap_s=0.005)


class ShyLog(MemoryInteractionLog):
    """Does not answer while it is away, and takes nothing while it is full."""

    is_away = is_full = False

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.refused = asyncio.Event(), asyncio.Event()

    async def write(self, lines: Sequence[Line], fence: Fence | None = None) -> None:
        if self.is_full:
            self.refused.set()
            raise StoreUnavailable("no space left")
        await super().write(lines, fence)

    async def open_facts(self) -> tuple[Envelope, ...]:
        self.asked.set()
        if self.is_away:
            raise StoreUnavailable("the database system is starting up")
        return await super().open_facts()


@pytest.fixture
def log() -> ShyLog:
    return ShyLog()


@pytest.fixture
def spooled(tmp_path: Path) -> Spool:
    return Spool(tmp_path / "facts.spool")


def of(spool: Spool, *facts: Envelope) -> Spool:
    spool.append([line_of(fact) for fact in facts])
    return spool


async def taken_up(log: ShyLog, spool: Spool) -> tuple[list[str], Left]:
    left = await left_over(Journal(log, spool, QUICK), log)
    return sorted(call.id for call in restored_calls(left.facts)), left


async def test_nobody_waits_for_the_spool_and_what_the_database_has_open_is_not_forgotten(
    log: ShyLog, spooled: Spool
) -> None:
    """The journal's writer does not even run: it would take for ever."""
    await log.append([*answered_call("1.1")[:4], *answered_call("2.1")[:3]])
    of(spooled, *answered_call("1.1")[4:], *answered_call("2.1")[3:4], *answered_call("3.1")[:2])
    calls, left = await taken_up(log, spooled)
    assert (calls, left.is_whole) == (["main-2.1", "main-3.1"], True)
    assert [fact.sequence for fact in left.facts if fact.subject == "main-2.1"] == [1, 2, 3, 4]


async def test_what_another_process_has_ended_meanwhile_is_not_taken_up(log: ShyLog, spooled: Spool) -> None:
    await log.append(answered_call("1.1"))
    assert (await taken_up(log, of(spooled, *answered_call("1.1")[:3])))[0] == []


async def test_without_the_database_there_is_what_it_does_not_have(log: ShyLog, spooled: Spool) -> None:
    log.is_away = True
    calls, left = await taken_up(log, of(spooled, *answered_call("1.1")[:3]))
    assert (calls, left.is_whole) == (["main-1.1"], False)


# ---- and when the database is there again


class Silence:
    """A PBX that nobody calls."""

    def begin(self, now_s: float, busy: frozenset[str]) -> tuple[()]:  # noqa: ARG002
        return ()


CAME = NINE + timedelta(hours=1)


def pbx(*live: Call, is_up: bool = True) -> Player:
    """It has these calls when the connection comes."""
    player = Player(PbxName("main"), Silence(), dialplan=Dialplan(), now=lambda: CAME)  # type: ignore[arg-type]
    if is_up:
        player.start(lambda _news: None)
    player.restore(live)
    return player


@asynccontextmanager
async def ending(log: ShyLog, spool: Spool, link: Player) -> AsyncIterator[tuple[Journal, "asyncio.Task[None]"]]:
    """What the start did not take up is seen to, beside the journal's writer."""
    journal = Journal(log, spool, QUICK)
    writing = asyncio.create_task(journal.run())
    seeing_to = asyncio.create_task(end_forgotten([link], journal, log, look_s=0.001))
    try:
        async with asyncio.timeout(10):
            yield journal, seeing_to
    finally:
        for task in (seeing_to, writing):
            task.cancel()
        await asyncio.gather(seeing_to, writing, return_exceptions=True)


async def test_what_ended_while_the_database_was_a_moment_late_is_ended_and_what_goes_on_is_not(
    log: ShyLog, spooled: Spool
) -> None:
    await log.append([*answered_call("1.1")[:4], *answered_call("2.1")[:4], *answered_call("3.1", pbx="other")[:2]])
    live = restored_calls(await log.facts(CallId("main-2.1")))
    log.is_away = True
    async with ending(log, spooled, pbx(*live)) as (journal, seeing_to):
        await log.asked.wait()
        assert not seeing_to.done()
        log.is_away = False
        await seeing_to
        await journal.flush()
    assert sorted({fact.subject for fact in await log.open_facts()}) == ["main-2.1", "other-3.1"]
    (ended,) = (fact for fact in await log.facts(CallId("main-1.1")) if fact.type == CLEARED)
    assert (ended.data["cause"], ended.time, ended.sequence, is_inferred(ended)) == ("resync", CAME, 5, True)


async def test_an_end_that_waits_in_the_spool_is_waited_for(log: ShyLog, spooled: Spool) -> None:
    await log.append(answered_call("1.1")[:4])
    log.is_full = True
    async with ending(log, of(spooled, *answered_call("1.1")[4:]), pbx()) as (journal, seeing_to):
        await log.refused.wait()
        log.is_full = False
        await seeing_to
        await journal.flush()
    assert await log.facts(CallId("main-1.1")) == tuple(answered_call("1.1"))


async def test_before_the_pbx_is_there_nothing_is_known_to_have_ended(log: ShyLog, spooled: Spool) -> None:
    await log.append(answered_call("1.1")[:4])
    link = pbx(is_up=False)
    async with ending(log, spooled, link) as (journal, seeing_to):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.02):
                await log.asked.wait()
        link.start(lambda _news: None)
        await seeing_to
        await journal.flush()
    assert await log.open_facts() == ()
