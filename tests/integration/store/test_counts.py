"""What the database counts by itself is what the rows say, whatever becomes of them; the record in memory counts afresh."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import insert, select, text

from cti.calls.journey import IvrOutcome, LeftBy
from cti.envelope import Envelope
from cti.store import schema
from cti.store.database import Database
from cti.store.interactions import InteractionLog
from cti.store.journeys import FlowCounts, Period
from cti.store.memory import MemoryInteractionLog
from cti.store.sql import SqlInteractionLog
from cti.store.tables import ivr_journey, ivr_step
from tests.integration.store.test_journeys import upgrade_to
from tests.postgres_server import MakeDatabase
from tests.unit.store.call_stories import NINE, Story, facts_of
from tests.unit.store.journey_stories import Way, self_served

FLOWS = ("bank", "cards")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MIDNIGHT = datetime(2026, 11, 22, tzinfo=ZoneInfo("Asia/Kathmandu"))
PERIODS = (
    Period(since=NINE - 2 * DAY, until=NINE + 4 * DAY),
    Period(since=NINE.replace(hour=0), until=NINE.replace(hour=0) + DAY),
    Period(since=MIDNIGHT, until=MIDNIGHT + 2 * DAY),
    Period(since=NINE + timedelta(minutes=20), until=NINE + timedelta(minutes=50)),
    Period(since=NINE - timedelta(minutes=1), until=NINE + HOUR + timedelta(microseconds=1)),
)


def told(chance: Random, nr: int) -> list[Envelope]:
    """One of all kinds of calls through the IVR, somewhere in three days; one in three has no end yet."""
    call = Story(str(nr), begins=NINE + timedelta(seconds=chance.randrange(3 * 86_400) // 900 * 900))
    way = Way(call, flow=chance.choice(FLOWS))
    taken = chance.randrange(4)
    steps = [
        (chance.choice("abc"), 4 * nr, chance.choice([*LeftBy]), chance.randrange(2)) for nr in range(1, taken + 1)
    ]
    facts = [way.entered(), *(way.step(step, until, how=how, failures=again) for step, until, how, again in steps)]
    if chance.random() < 0.7:
        facts.append(way.left(chance.choice([*IvrOutcome]), "a", reason=chance.choice(["", "no_sound"])))
    if chance.random() < 0.4:
        survey = Way(call, "s2", chance.choice(FLOWS))
        facts += [survey.entered(60, is_after=True), survey.rated(chance.randrange(1, 6)), survey.step("mark", 65)]
        facts += [survey.left(IvrOutcome.SELF_SERVED, "mark")]
    begin, end = facts_of([call.offered(), call.cleared(90)])
    return [begin, *facts, *([end] if chance.random() < 0.7 else [])]


async def same(log: InteractionLog, memory: InteractionLog) -> bool:
    for period in PERIODS:
        assert sorted(map(repr, await memory.journey_counts(period))) == sorted(
            map(repr, await log.journey_counts(period))
        )
        for flow in FLOWS:
            assert parts(await memory.flow_counts(flow, period)) == parts(await log.flow_counts(flow, period))
    return True


def parts(counts: FlowCounts) -> list[list[str]]:
    return [sorted(map(repr, some)) for some in (counts.journeys, counts.steps, counts.marks)]


async def test_facts_in_any_order_and_twice_are_counted_once(database: Database) -> None:
    """Each call's facts come in parts, beside others', some again; calls of yesterday among those of today."""
    chance, log, memory = Random(5), SqlInteractionLog(database, dict), MemoryInteractionLog()
    calls = [iter(told(chance, nr)) for nr in range(40)]
    known = list[Envelope]()
    while calls:
        some = chance.choice(calls)
        batch = list(islice(some, chance.randrange(1, 6)))
        if not batch:
            calls.remove(some)
            continue
        known += batch
        batch += chance.sample(known, min(3, len(known)))
        await log.append(batch)
        await memory.append(batch)
    assert await same(log, memory)
    await log.rebuild()
    assert await same(log, memory)


async def test_a_journey_that_changes_leaves_nothing_of_what_it_was(database: Database) -> None:
    """As when a later version derives it otherwise: ``cti rebuild`` writes it anew, under another flow and another hour."""
    log = SqlInteractionLog(database, dict)
    await log.append(self_served())
    async with database.writing() as connection:
        for table in ("ivr_journey", "ivr_step"):
            await connection.execute(text(f"UPDATE {table} SET flow = 'old', entered_at = '2026-11-25 11:00:00+00:00'"))  # noqa: S608
    await log.rebuild()
    memory = MemoryInteractionLog()
    await memory.append(self_served())
    assert await same(log, memory)
    assert (await log.flow_counts("old", PERIODS[0])).steps == ()


async def test_rows_that_go_are_not_counted_any_more(database: Database) -> None:
    log = SqlInteractionLog(database, dict)
    await log.append(self_served())
    async with database.writing() as connection:
        for table in ("ivr_journey", "ivr_step"):
            await connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - names of ours
    assert await same(log, MemoryInteractionLog())


async def test_two_pbxs_with_calls_of_one_name_count_both(database: Database) -> None:
    log, memory = SqlInteractionLog(database, dict), MemoryInteractionLog()
    for pbx in ("main", "branch"):
        way = Way(Story("1.1", pbx=pbx))
        facts = [way.entered(), way.step("a", 4), way.left(IvrOutcome.ABANDONED, "a")]
        await log.append(facts)
        await memory.append(facts)
    assert await same(log, memory)


async def test_what_was_there_before_the_counts_is_counted_by_the_upgrade(
    make_database: MakeDatabase, empty_database_url: str
) -> None:
    chance, memory, old = Random(7), MemoryInteractionLog(), Database(empty_database_url)
    facts = [one for nr in range(30) for one in told(chance, nr)]
    await memory.append(facts)
    async with make_database("sqlite") as other, old.writing() as connection:
        await SqlInteractionLog(other, dict).append(facts)
        await connection.run_sync(upgrade_to, "0007")
        for table in (ivr_journey, ivr_step):
            async with other.reading() as reading:
                rows = (await reading.execute(select(table))).mappings().all()
            await connection.execute(insert(table), [dict(row) for row in rows])
    await schema.upgrade(empty_database_url)
    assert await same(SqlInteractionLog(old, dict), memory)
    await old.close()


# ---- two at once, on PostgreSQL: SQLite has one writer

LIMIT_S = 30


async def somebody_waits(database: Database) -> None:
    """For what another transaction holds."""
    said = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    waiting = 0
    while not waiting:
        async with database.reading() as connection:  # within one transaction it is always the same
            waiting = (await connection.execute(text(said))).scalar_one()


@pytest.mark.postgres
async def test_what_is_written_during_the_upgrade_is_counted_too(new_url: Callable[[str], str]) -> None:
    url = new_url("postgresql")
    database = Database(url)
    async with asyncio.timeout(LIMIT_S):
        async with database.writing() as connection:
            await connection.run_sync(upgrade_to, "0007")
        await SqlInteractionLog(database, dict).append(self_served())
        async with database.writing() as connection:
            for table in ("ivr_journey", "ivr_step"):
                await connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - names of ours
            upgrading = asyncio.create_task(schema.upgrade(url))
            await somebody_waits(database)
        await upgrading
    assert await same(SqlInteractionLog(database, dict), MemoryInteractionLog())
    await database.close()


@pytest.mark.postgres
async def test_a_rebuild_that_waits_for_a_writer_who_waits_for_it_begins_again(make_database: MakeDatabase) -> None:
    """The rebuild has the journey's count and wants the step's; the other the other way round. PostgreSQL ends the rebuild's
    transaction, for the other is patient."""
    every = "UPDATE {0} SET {1} = {1}"
    async with make_database("postgresql") as database, asyncio.timeout(LIMIT_S):
        log, memory = SqlInteractionLog(database, dict), MemoryInteractionLog()
        await log.append(self_served())
        await memory.append(self_served())
        async with database.writing() as connection:
            for table in ("ivr_journey", "ivr_step"):
                await connection.execute(text(f"UPDATE {table} SET flow = 'old'"))  # noqa: S608
        async with database.writing() as connection:
            await connection.execute(text("SET LOCAL deadlock_timeout = '1min'"))
            await connection.execute(text(every.format("ivr_step_count", "visits")))
            rebuilding = asyncio.create_task(log.rebuild())
            await somebody_waits(database)
            await connection.execute(text(every.format("ivr_journey_count", "journeys")))
        assert await rebuilding == 1
        assert await same(log, memory)
