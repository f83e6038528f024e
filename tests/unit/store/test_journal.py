"""Facts reach the record, in order and once, whatever the database does meanwhile."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from cti.calls.call import CallId
from cti.envelope import Envelope
from cti.errors import StaleEpoch, StoreError, StoreSchema, StoreUnavailable
from cti.store.derive import NOTE
from cti.store.interactions import Filter
from cti.store.journal import Journal, JournalRules
from cti.store.lease import Fence, is_fenced
from cti.store.memory import MemoryInteractionLog
from cti.store.spool import Spool, record_of
from cti.store.storable import Line, line_of
from tests.unit.store.call_stories import DEVICES, NINE, Story, answered_call

QUICK = JournalRules(linger_s=0.0, retry_first_s=0.002, retry_cap_s=0.005, write_limit_s=1.0)


class MoodyLog(MemoryInteractionLog):
    """Goes away, hangs or refuses a fact when told to."""

    def __init__(self) -> None:
        super().__init__(lambda: DEVICES)
        self.away: StoreError | None = None
        self.is_stuck = False
        self.poison = ""
        self.batches: list[int] = []

    async def write(self, lines: Sequence[Line], fence: Fence | None = None) -> None:
        told = [line.fact for line in lines]
        if self.is_stuck:
            await asyncio.Event().wait()
        if self.away:
            raise self.away
        if any(fact.id == self.poison for fact in told):
            raise StoreError("not this one")
        self.batches.append(len(told))
        await super().write(lines, fence)


@pytest.fixture
def log() -> MoodyLog:
    return MoodyLog()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "facts.spool"


@asynccontextmanager
async def running(
    log: MoodyLog, path: Path, rules: JournalRules = QUICK, max_bytes: int = 10**6
) -> AsyncIterator[Journal]:
    journal = Journal(log, Spool(path, max_bytes=max_bytes), rules)
    task = asyncio.create_task(journal.run())
    try:
        async with asyncio.timeout(10):
            yield journal
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def contents(path: Path) -> bytes:
    return path.read_bytes()


async def calls(log: MoodyLog) -> list[str]:
    return [item.call for item in (await log.between(Filter(), limit=500)).items]


async def told(log: MoodyLog, name: str = "1.1") -> tuple[Envelope, ...]:
    return await log.facts(CallId(f"main-{name}"))


async def test_what_is_flushed_is_in_the_record(log: MoodyLog, path: Path) -> None:
    async with running(log, path) as journal:
        for fact in answered_call():
            journal.record(fact)
        await journal.flush()
        assert await told(log) == tuple(answered_call())


async def test_what_comes_together_is_committed_together(log: MoodyLog, path: Path) -> None:
    async with running(log, path) as journal:
        for fact in answered_call():
            journal.record(fact)
        await journal.flush()
    assert log.batches == [len(answered_call())]


FOREVER = JournalRules(linger_s=3600.0, batch=len(answered_call()))


async def test_nobody_who_waits_waits_for_company(log: MoodyLog, path: Path) -> None:
    async with running(log, path, FOREVER) as journal:
        journal.record(answered_call()[0])
        await journal.flush()
        journal.record(answered_call()[1])
        await journal.drained()
    assert log.batches == [1, 1]


async def test_a_full_batch_waits_for_nobody(log: MoodyLog, path: Path) -> None:
    async with running(log, path, FOREVER) as journal:
        for fact in answered_call():
            journal.record(fact)
        while journal.status.waiting:
            await journal._progress()
    assert log.batches == [FOREVER.batch]


async def test_facts_of_an_outage_come_back_in_order_and_before_new_ones(log: MoodyLog, path: Path) -> None:
    facts = answered_call()
    async with running(log, path) as journal:
        journal.record(facts[0])
        await journal.flush()
        log.away = StoreUnavailable("gone fishing")
        for fact in facts[1:4]:
            journal.record(fact)
            await journal.flush()
        assert (journal.status.spooled, journal.status.is_store_up, journal.status.reason) == (3, False, "gone fishing")
        log.away = None
        for fact in facts[4:]:
            journal.record(fact)
        await journal.drained()
        assert (journal.status.spooled, journal.status.is_store_up, journal.status.lost) == (0, True, 0)
    assert await told(log) == tuple(facts)
    assert not contents(path)


async def test_a_database_that_hangs_is_a_database_that_is_away(log: MoodyLog, path: Path) -> None:
    log.is_stuck = True
    async with running(
        log, path, JournalRules(linger_s=0.0, write_limit_s=0.01, retry_first_s=0.002, retry_cap_s=0.005)
    ) as journal:
        journal.record(answered_call()[0])
        await journal.flush()
        assert journal.status.reason == "the database did not answer within 0.01 s"
        log.is_stuck = False
        await journal.drained()
    assert len(await told(log)) == 1


async def test_stopping_keeps_what_was_not_written(log: MoodyLog, path: Path) -> None:
    log.is_stuck = True
    async with running(log, path) as journal:
        for fact in answered_call():
            journal.record(fact)
        await asyncio.sleep(0)
    log.is_stuck = False
    async with running(log, path) as journal:
        await journal.drained()
    assert await told(log) == tuple(answered_call())


async def test_a_restart_while_the_database_is_away_knows_what_is_spooled_of_calls_that_go_on(
    log: MoodyLog, path: Path
) -> None:
    log.away = StoreUnavailable("gone fishing")
    async with running(log, path) as journal:
        for fact in (*answered_call(), *answered_call("2.1")[:4]):
            journal.record(fact)
        await journal.flush()
    again = Journal(log, Spool(path), QUICK)
    assert (await again.unwritten()).facts == tuple(answered_call("2.1")[:4])


async def test_what_moves_from_the_tail_to_the_spool_meanwhile_is_not_overlooked(log: MoodyLog, path: Path) -> None:
    log.away = StoreUnavailable("gone fishing")
    async with running(log, path) as journal:
        journal.record(answered_call()[0])
        looking = asyncio.ensure_future(journal.unwritten())
        await journal.flush()
        assert (await looking).facts == (answered_call()[0],)


async def test_what_the_database_refuses_does_not_hold_up_the_rest(log: MoodyLog, path: Path) -> None:
    facts = answered_call()
    log.poison = facts[2].id
    async with running(log, path) as journal:
        for fact in facts:
            journal.record(fact)
        await journal.drained()
    assert await told(log) == (*facts[:2], *facts[3:])
    assert await calls(log) == ["main-1.1"]
    assert facts[2].id.encode() in contents(Path(f"{path}.refused"))


async def test_the_outage_is_over_though_the_last_that_was_spooled_is_refused(log: MoodyLog, path: Path) -> None:
    (fact, *_) = answered_call()
    log.away, log.poison = StoreUnavailable("gone fishing"), fact.id
    async with running(log, path) as journal:
        journal.record(fact)
        while not journal.status.spooled:
            await journal._progress()
        log.away = None
        await journal.drained()
        assert (journal.status.is_store_up, journal.status.stored) == (True, 0)


async def test_when_nothing_takes_facts_they_wait_in_memory_up_to_a_limit(log: MoodyLog, path: Path) -> None:
    log.away = StoreUnavailable("gone fishing")
    rules = JournalRules(linger_s=0.0, room=3, retry_first_s=0.002, retry_cap_s=0.005)
    async with running(log, path, rules, max_bytes=10) as journal:
        for fact in answered_call()[:5]:
            journal.record(fact)
        while not journal.status.is_spool_full:
            await journal._progress()
        assert (journal.status.waiting, journal.status.lost) == (3, 2)
        log.away = None
        await journal.drained()
        assert not journal.status.is_spool_full
    assert await told(log) == tuple(answered_call()[:3])


class SlowLog(MoodyLog):
    """Takes a batch each time it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.may_take = asyncio.Semaphore(0)

    async def write(self, lines: Sequence[Line], fence: Fence | None = None) -> None:
        await self.may_take.acquire()
        await super().write(lines, fence)


def many(count: int) -> list[Envelope]:
    return [fact for n in range(count) for fact in answered_call(f"{n}.1", begins=NINE + timedelta(seconds=n))]


async def fed(journal: Journal, log: SlowLog, facts: Sequence[Envelope], at_once: int) -> None:
    """So many are told for each batch that the database takes."""
    for start in range(0, len(facts), at_once):
        stored = journal.status.stored
        for fact in facts[start : start + at_once]:
            journal.record(fact)
        log.may_take.release()
        while journal.status.stored == stored:
            await journal._progress()


SMALL = JournalRules(linger_s=0.0, room=12, batch=2)


async def test_what_comes_faster_than_the_database_writes_waits_in_the_spool(path: Path) -> None:
    log, facts = SlowLog(), many(20)
    async with running(log, path, SMALL) as journal:
        await fed(journal, log, facts, at_once=3)
        assert (journal.status.is_store_up, journal.status.lost) == (True, 0)
        assert journal.status.spooled
        for _ in facts:
            log.may_take.release()
        await journal.drained()
    assert [fact for n in range(20) for fact in await told(log, f"{n}.1")] == facts


async def test_where_the_spool_is_full_as_well_the_database_gets_what_it_takes(path: Path) -> None:
    log = SlowLog()
    async with running(log, path, SMALL, max_bytes=10) as journal:
        await fed(journal, log, many(20), at_once=3)
        assert (journal.status.stored, journal.status.is_spool_full) == (2 * 40, True)
        assert journal.status.stored + journal.status.waiting + journal.status.lost == len(many(20))
        for _ in range(9):
            log.may_take.release()
        await journal.drained()
        assert not journal.status.is_spool_full


async def test_a_spool_that_fills_up_half_way_keeps_the_order(log: MoodyLog, path: Path) -> None:
    log.away = StoreUnavailable("gone fishing")
    async with running(log, path, max_bytes=2000) as journal:
        for fact in answered_call():
            journal.record(fact)
        while not journal.status.is_spool_full:
            await journal._progress()
        assert 0 < journal.status.spooled < len(answered_call())
        log.away = None
        await journal.drained()
    assert await told(log) == tuple(answered_call())


async def test_a_long_outage_is_replayed_whole(log: MoodyLog, path: Path) -> None:
    log.away = StoreUnavailable("gone fishing")
    async with running(log, path, max_bytes=10**8) as journal:
        for n in range(300):
            for fact in answered_call(f"{n}.1", begins=NINE + timedelta(seconds=n)):
                journal.record(fact)
        await journal.flush()
        log.away = None
        await journal.drained()
    assert len(await calls(log)) == 300


def killed_now(path: Path) -> Path:
    """What a kill would leave at this moment, for the next process."""
    left = path.parent / "left" / path.name
    shutil.copytree(path.parent, left.parent, dirs_exist_ok=True, ignore=shutil.ignore_patterns("left"))
    return left


async def test_what_was_recorded_survives_a_kill_that_comes_before_the_database_has_it(
    log: MoodyLog, path: Path
) -> None:
    async with running(log, path, FOREVER) as journal:
        for fact in answered_call()[:3]:
            journal.record(fact)
        await asyncio.sleep(0)
        left, log = killed_now(path), MoodyLog()
    async with running(log, left) as again:
        await again.drained()
        again.record(answered_call()[3])
        await again.flush()
    assert await told(log) == tuple(answered_call()[:4])


async def test_a_kill_between_the_spool_and_the_end_of_the_tail_doubles_nothing(log: MoodyLog, path: Path) -> None:
    facts = answered_call()
    spool = Spool(path)
    spool.append([line_of(fact) for fact in facts[:4]])
    spool.close()
    path.with_suffix(".tail").write_bytes(b"".join(record_of(line_of(fact)) for fact in facts[2:]))
    async with running(log, path) as journal:
        assert (await journal.unwritten()).ended == {("/pbx/main", "main-1.1")}
        await journal.drained()
    assert await told(log) == tuple(facts)


async def test_the_tail_is_empty_when_the_database_has_all(log: MoodyLog, path: Path) -> None:
    async with running(log, path) as journal:
        for fact in answered_call():
            journal.record(fact)
        await journal.flush()
        assert contents(path.with_suffix(".tail")) == b""
        log.away = StoreUnavailable("gone fishing")
        journal.record(answered_call("2.1")[0])
        await journal.flush()
        assert (contents(path.with_suffix(".tail")), journal.status.spooled) == (b"", 1)


async def test_recording_never_waits(log: MoodyLog, path: Path) -> None:
    log.is_stuck = True
    async with running(log, path) as journal:
        for fact in answered_call():
            journal.record(fact)
        assert journal.status.waiting == len(answered_call())


async def test_a_schema_that_is_too_old_loses_nothing(log: MoodyLog, path: Path) -> None:
    log.away = StoreSchema("run: cti db upgrade")
    async with running(log, path) as journal:
        journal.record(answered_call()[0])
        await journal.flush()
        assert (journal.status.spooled, journal.status.reason) == (1, "run: cti db upgrade")
        log.away = None
        await journal.drained()
    assert len(await told(log)) == 1


# ---- with a lease


class LeasedLog(MoodyLog):
    """Has an epoch of its own, and notes what came late."""

    def __init__(self) -> None:
        super().__init__()
        self.epoch = 1
        self.late: list[str] = []
        self.doubted = 0
        """How often somebody was told to ask who has the lease."""
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()
        self.may_answer.set()

    def doubt(self) -> None:
        self.doubted += 1

    async def write(self, lines: Sequence[Line], fence: Fence | None = None) -> None:
        self.asked.set()
        await self.may_answer.wait()
        told = [line.fact for line in lines]
        if fence and any(map(is_fenced, told)) and fence.epochs["/pbx/main"] != self.epoch:
            raise StaleEpoch("/pbx/main", fence.epochs["/pbx/main"], self.epoch)
        await super().write(lines, fence)
        self.late += [fact.id for fact in told if fence and fence.is_late]


def note(name: str) -> Envelope:
    return Story(name).said(NOTE, text="-", by="mara")


@asynccontextmanager
async def holding(log: LeasedLog, path: Path, epoch: int) -> AsyncIterator[Journal]:
    journal = Journal(log, Spool(path), QUICK, Fence(epochs={"/pbx/main": epoch}, on_stale=log.doubt))
    task = asyncio.create_task(journal.run())
    try:
        async with asyncio.timeout(10):
            yield journal
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_facts_of_a_stale_epoch_are_refused_and_not_kept_for_later(path: Path) -> None:
    log = LeasedLog()
    async with holding(log, path, epoch=1) as journal:
        log.epoch = 2
        for fact in (*answered_call("1.1"), note("1.1")):
            journal.record(fact)
        await journal.flush()
        journal.record(answered_call("2.1")[0])
        await journal.flush()
        assert log.doubted == 1
        assert journal.status.refused == len(answered_call()) + 1
        assert journal.status.is_store_up
    assert [fact.type for fact in await told(log)] == [NOTE]
    assert contents(path) == b""


async def test_who_is_told_that_the_lease_is_lost_writes_nothing_more(path: Path) -> None:
    log = LeasedLog()
    async with holding(log, path, epoch=1) as journal:
        log.away = StoreUnavailable("gone")
        journal.record(answered_call("1.1")[0])
        await journal.flush()
        log.away, log.epoch = None, 2
        journal.record(answered_call("2.1")[0])
        journal.give_up("another has it")
        await journal.flush()
    assert (await calls(log), log.late) == ([], [])
    assert [line.fact.subject for line in Spool(path).front(9)] == ["main-1.1"]


async def test_the_spool_of_an_earlier_epoch_comes_late(path: Path) -> None:
    log, facts = LeasedLog(), answered_call("1.1")
    log.away = StoreUnavailable("gone")
    async with holding(log, path, epoch=1) as journal:
        for fact in facts:
            journal.record(fact)
        await journal.flush()
    async with holding(log, path, epoch=2) as journal:
        journal.record(answered_call("2.1")[0])
        await journal.flush()
        log.away, log.epoch = None, 2
        await journal.drained()
    assert log.late == [fact.id for fact in facts]
    assert len(await told(log, "2.1")) == 1


async def test_the_tail_of_an_earlier_epoch_comes_late(path: Path) -> None:
    log, facts = LeasedLog(), answered_call("1.1")
    log.is_stuck = True
    async with holding(log, path, epoch=1) as journal:
        for fact in facts:
            journal.record(fact)
        await asyncio.sleep(0)
        left, log = killed_now(path), LeasedLog()
    log.epoch = 2
    async with holding(log, left, epoch=2) as journal:
        journal.record(answered_call("2.1")[0])
        await journal.drained()
    assert log.late == [fact.id for fact in facts]
    assert len(await told(log, "2.1")) == 1


async def test_facts_of_a_stale_epoch_are_not_in_the_tail_either(path: Path) -> None:
    log = LeasedLog()
    async with holding(log, path, epoch=1) as journal:
        log.is_stuck = True
        for fact in (*answered_call("1.1"), note("1.1")):
            journal.record(fact)
        await asyncio.sleep(0)
        journal.give_up("another has it")
        await asyncio.sleep(0)
        left, log = killed_now(path), LeasedLog()
    async with holding(log, left, epoch=3) as journal:
        log.epoch = 3
        await journal.drained()
    assert [fact.type for fact in await told(log)] == [NOTE]


@pytest.mark.parametrize("place", [".spool", ".tail"])
async def test_a_lease_that_is_lost_while_late_facts_are_written_stops_nobody(path: Path, place: str) -> None:
    log = LeasedLog()
    path.with_suffix(place).write_bytes(b"".join(record_of(line_of(fact)) for fact in answered_call("1.1")[:3]))
    log.may_answer.clear()
    async with holding(log, path, epoch=1) as journal:
        await log.asked.wait()
        journal.give_up("another has it")
        log.may_answer.set()
        while not journal.status.stored:
            await journal._progress()
        journal.record(note("2.1"))
        await journal.flush()
    assert [fact.type for fact in await told(log, "2.1")] == [NOTE]
