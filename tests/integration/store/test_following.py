"""How the record is written: in few steps, beside the loop where it takes long, and right when two processes write of one call."""

import asyncio
import threading
from collections.abc import Iterable
from datetime import timedelta

import pytest

from cti.calls.call import CallId
from cti.calls.journey import IvrOutcome
from cti.envelope import Envelope
from cti.errors import StoreUnavailable
from cti.store import database as database_module
from cti.store import derive, drivers, following
from cti.store.callbacks import CHANGED
from cti.store.database import Database
from cti.store.derive import NOTE, RESULT
from cti.store.drivers import Writing
from cti.store.following import Following
from cti.store.interactions import Filter, Interaction
from cti.store.journeys import CallbackState, Period, Sought
from cti.store.record_statements import RecordStatements, record_statements
from cti.store.sql import SqlInteractionLog
from cti.store.storable import line_of
from tests.postgres_server import MakeDatabase
from tests.unit.store.call_stories import NINE, Story, answered_call, facts_of
from tests.unit.store.journey_stories import Way, gave_up, self_served
from tests.unit.store.shift_stories import Shift

DAY = Period(since=NINE, until=NINE + timedelta(days=1))


def mixed(calls: int) -> list[Envelope]:
    """Of all kinds, one call after the other."""
    shift, found = Shift(), list[Envelope]()
    for n in range(calls):
        begins, name = NINE + timedelta(minutes=n), f"{n}.1"
        make = (answered_call, self_served, gave_up)[n % 3]
        found += [shift.ready(3 * n), *make(name, begins=begins)]
        found += [
            shift.pauses(3 * n + 1),
            Story(name, begins=begins).said(RESULT, code="solved", label="Solved", by="mara"),
        ]
    way = Way(Story("way.1"))
    return [*found, way.entered(), way.wants_a_callback(), way.leaves_a_message(), way.step("menu", 5)]


async def contents(log: SqlInteractionLog) -> tuple[object, ...]:
    counts = await log.flow_counts("bank", DAY)
    lists = (await log.between(Filter(), limit=500), await log.callbacks(Sought()), await log.voicemails(Sought()))
    intervals = await log.intervals(Shift().now.agent, DAY.since, DAY.until)
    return frozenset(counts.journeys), frozenset(counts.steps), *(page.items for page in lists), intervals


@pytest.mark.parametrize("batch", [1, 3, 7, 500])
async def test_how_facts_are_put_together_never_changes_what_follows(make_database: MakeDatabase, batch: int) -> None:
    facts = mixed(12)
    async with make_database("sqlite") as database:
        log = SqlInteractionLog(database, dict)
        for start in range(0, len(facts), batch):
            await log.append(facts[start : start + batch])
        before = await contents(log)
        opened = await log.open_facts()
        await log.rebuild()
        assert await contents(log) == before
        assert await log.open_facts() == opened
        await log.append(facts)
        assert await contents(log) == before


async def test_a_journey_that_goes_on_after_it_was_left_is_written_again(database: Database) -> None:
    log, call = SqlInteractionLog(database, dict), Story()
    first, second = Way(call), Way(call, "s2")
    begin, end = facts_of([call.offered(), call.cleared(60)])
    await log.append(
        [begin, first.entered(), first.step("menu", 4), first.left(IvrOutcome.TO_AGENT), second.entered(20)]
    )
    await log.append([second.step("code", 25)])
    await log.append([end])
    before = await contents(log)
    await log.rebuild()
    assert await contents(log) == before


class Counted(drivers.SqliteDriver):
    steps = 0

    async def run(self, *work):  # type: ignore[no-untyped-def] # noqa: ANN002, ANN201
        self.steps += 1
        return await super().run(*work)


@pytest.mark.parametrize("calls", [1, 50])
async def test_many_calls_are_written_in_as_many_steps_as_one(make_database: MakeDatabase, calls: int) -> None:
    async with make_database("sqlite") as database:
        driver = database._driver = Counted(database.url.database or "", ())
        log = SqlInteractionLog(database)
        stories = [answered_call(f"{n}.1", begins=NINE + timedelta(seconds=n)) for n in range(calls)]
        await log.append([fact for story in stories for fact in story[:3]])
        assert driver.steps == 2  # which have ended; all the rest
        await log.append([fact for story in stories for fact in story[3:]])
        assert driver.steps == 2 + 3  # what was told; whose phones; all the rest
        assert len((await log.between(Filter(), limit=500)).items) == calls


async def test_a_long_call_holds_nobody_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "LONG", 5)
    where: list[bool] = []

    def noted(facts: Iterable[Envelope], devices: derive.Devices) -> Interaction | None:
        where.append(threading.current_thread() is threading.main_thread())
        return made(facts, devices)

    made = derive.interaction_of
    monkeypatch.setattr(derive, "interaction_of", noted)
    log = SqlInteractionLog(database)
    await log.append([*answered_call("1.1"), *gave_up("2.1")[:3], *gave_up("2.1")[-1:]])
    assert sorted(where) == [False, True]  # six facts, and four


async def test_many_calls_leave_breaks_for_others(make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    breaks, sleep = 0, asyncio.sleep

    async def noted(seconds: float) -> None:
        nonlocal breaks
        breaks += 1
        await sleep(seconds)

    async with make_database("sqlite") as database:
        stories = [answered_call(f"{n}.1", begins=NINE + timedelta(seconds=n)) for n in range(200)]
        facts = [fact for story in stories for fact in story]
        monkeypatch.setattr(following.asyncio, "sleep", noted)
        await SqlInteractionLog(database).append(facts)
    assert breaks >= 2 * len(facts) // following.IN_A_ROW - 2  # read, and derived


@pytest.mark.postgres
async def test_a_note_written_by_another_process_while_its_call_ends_is_in_the_interaction(
    make_database: MakeDatabase,
) -> None:
    async with make_database("postgresql") as ours:
        theirs = Database(ours.url.render_as_string(hide_password=False).replace("+asyncpg", ""))
        log, facts = SqlInteractionLog(ours), answered_call()
        await log.append(facts[:-1])
        sql, note = record_statements(theirs.engine.dialect), Story().said(NOTE, text="just in time", by="mara")
        async with theirs.recording() as writing:
            await written(writing, sql, note)
            ending = asyncio.create_task(log.append(facts[-1:]))
            await asyncio.wait({ending}, timeout=0.5)
        await ending
        await theirs.close()
        found = await log.get(CallId("main-1.1"))
        assert found
        assert found.note == "just in time"


@pytest.mark.postgres
async def test_a_claim_written_by_another_process_while_its_call_ends_is_in_the_callback(
    make_database: MakeDatabase,
) -> None:
    async with make_database("postgresql") as ours:
        theirs = Database(ours.url.render_as_string(hide_password=False).replace("+asyncpg", ""))
        log, facts, way = SqlInteractionLog(ours), answered_call(), Way(Story())
        await log.append([*facts[:-1], way.entered(), way.wants_a_callback()])
        (wish,) = (await log.callbacks(Sought())).items
        claim = Story().said(CHANGED, callback=wish.id, state="claimed", by="mara")
        async with theirs.recording() as writing:
            await written(writing, record_statements(theirs.engine.dialect), claim)
            ending = asyncio.create_task(log.append(facts[-1:]))
            await asyncio.wait({ending}, timeout=0.5)
        await ending
        await theirs.close()
        known = await log.callback(wish.id)
        assert known
        assert (known.state, known.claimed_by) == (CallbackState.CLAIMED, "mara")


@pytest.mark.postgres
async def test_a_front_that_stands_still_in_the_middle_of_a_note_stops_nobody_for_long(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_database("postgresql") as ours:
        monkeypatch.setattr(database_module, "IDLE_MS", 200)
        theirs = Database(ours.url.render_as_string(hide_password=False).replace("+asyncpg", ""))
        log, facts = SqlInteractionLog(ours), answered_call()
        await log.append(facts[:-1])
        frozen = theirs.recording()
        await written(
            await frozen.__aenter__(), record_statements(theirs.engine.dialect), Story().said(NOTE, text="...")
        )
        async with asyncio.timeout(5):
            await log.append(facts[-1:])
        with pytest.raises(StoreUnavailable):
            await frozen.__aexit__(None, None, None)
        await theirs.close()


async def written(writing: Writing, sql: RecordStatements, fact: Envelope) -> None:
    """All but committed."""
    await following.hold(writing, sql, [fact])
    writing.put(sql.fact, sql.fact.rows([following.rows.line_row(line_of(fact))]))
    await Following(writing, sql, dict).follow([fact])
    await writing.ask((sql.types, [fact.id]))
