"""One process at a time writes for a PBX: leases with epochs, and the fence in front of the record."""

import asyncio
import time
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

import msgspec
import pytest

from cti.agent_facts import AGENTS, of_presence
from cti.agents.agent import AgentId
from cti.agents.presence import AgentState, Maker, Presence
from cti.calls.call import CallId
from cti.envelope import Envelope
from cti.errors import StaleEpoch, StoreUnavailable
from cti.store import record_statements
from cti.store.database import Database
from cti.store.derive import NOTE
from cti.store.interactions import Filter
from cti.store.lease import Fence
from cti.store.sql import SqlInteractionLog
from cti.store.sql_lease import SqlLeases, let_through
from cti.store.storable import line_of
from tests.databases import BOTH
from tests.postgres_server import MakeDatabase
from tests.unit.store.call_stories import NINE, Story, answered_call

MAIN: Final = "/pbx/main"
LONG_S: Final = 60.0


def statements(database: Database) -> record_statements.RecordStatements:
    return record_statements.record_statements(database.engine.dialect)


async def test_the_second_has_to_wait_for_the_first(database: Database) -> None:
    leases = SqlLeases(database)
    assert await leases.take([MAIN, AGENTS], "one", life_s=LONG_S) == {AGENTS: 1, MAIN: 1}
    assert await leases.take([MAIN, AGENTS], "two", life_s=LONG_S) == {}
    assert [(one.name, one.holder, one.epoch) for one in await leases.look([MAIN])] == [(MAIN, "one", 1)]


async def test_all_or_none(database: Database) -> None:
    leases = SqlLeases(database)
    await leases.take(["/pbx/south"], "one", life_s=LONG_S)
    assert await leases.take(["/pbx/north", "/pbx/south"], "two", life_s=LONG_S) == {}
    assert await leases.take(["/pbx/north"], "three", life_s=LONG_S) == {"/pbx/north": 1}


async def test_each_taking_is_an_epoch_of_its_own(database: Database) -> None:
    leases = SqlLeases(database)
    await leases.take([MAIN], "one", life_s=-1.0)
    assert await leases.take([MAIN], "two", life_s=LONG_S) == {MAIN: 2}
    assert not await leases.renew({MAIN: 1}, "one", life_s=LONG_S)
    assert await leases.renew({MAIN: 2}, "two", life_s=LONG_S)


async def test_a_lease_that_has_run_out_is_still_its_holders_until_another_takes_it(database: Database) -> None:
    leases = SqlLeases(database)
    epochs = await leases.take([MAIN], "one", life_s=-1.0)
    assert await leases.renew(epochs, "one", life_s=LONG_S)
    assert await leases.take([MAIN], "two", life_s=LONG_S) == {}


async def test_a_lease_given_back_is_free_at_once(database: Database) -> None:
    leases = SqlLeases(database)
    await leases.release(await leases.take([MAIN], "one", life_s=LONG_S), "one")
    assert await leases.take([MAIN], "two", life_s=LONG_S) == {MAIN: 2}


async def test_of_many_at_once_one_gets_it(database: Database) -> None:
    leases = SqlLeases(database)
    names = [MAIN, AGENTS]
    found = await asyncio.gather(*(leases.take(names, f"p{n}", life_s=LONG_S) for n in range(8)))
    assert [epochs for epochs in found if epochs] == [{MAIN: 1, AGENTS: 1}]


# ---- the fence


async def held(database: Database, *, epoch: int = 1) -> Mapping[str, int]:
    leases = SqlLeases(database)
    for _ in range(epoch):
        epochs = await leases.take([MAIN, AGENTS], "one", life_s=-1.0)
    return epochs


async def test_an_older_epoch_writes_nothing(database: Database) -> None:
    log = SqlInteractionLog(database)
    await held(database, epoch=2)
    with pytest.raises(StaleEpoch, match=r"/pbx/main .* its epoch is 2, ours was 1"):
        await log.append(
            [*answered_call(), Story().said(NOTE, text="-", by="mara")], Fence(epochs={MAIN: 1, AGENTS: 1})
        )
    assert await log.facts(CallId("main-1.1")) == ()


async def test_the_epoch_that_holds_writes(database: Database) -> None:
    log = SqlInteractionLog(database)
    await log.append(answered_call(), Fence(epochs=await held(database)))
    assert (await log.between(Filter())).items


async def test_what_people_add_is_taken_from_anybody(database: Database) -> None:
    log = SqlInteractionLog(database)
    await held(database, epoch=2)
    await log.append([Story().said(NOTE, text="kept", by="mara")], Fence(epochs={MAIN: 1}))
    assert len(await log.facts(CallId("main-1.1"))) == 1


async def test_late_facts_end_a_call_that_the_record_has_open(database: Database) -> None:
    log, facts = SqlInteractionLog(database), answered_call()
    fence = Fence(epochs=await held(database))
    await log.append(facts[:3], fence)
    await log.append(facts[3:], fence.late())
    assert [item.call for item in (await log.between(Filter())).items] == ["main-1.1"]


async def test_late_facts_of_a_call_that_has_ended_are_dropped(database: Database) -> None:
    log, facts = SqlInteractionLog(database), answered_call()
    fence = Fence(epochs=await held(database))
    await log.append([*facts[:3], facts[-1]], fence)
    await log.append([*facts, Story().said(NOTE, text="kept", by="mara")], fence.late())
    told = await log.facts(CallId("main-1.1"))
    assert [one.id for one in told[:-1]] == [one.id for one in (*facts[:3], facts[-1])]
    assert told[-1].type == NOTE


async def test_late_facts_that_are_there_already_are_not_counted_as_left_out(database: Database) -> None:
    """Killed between the commit and the end of the tail."""
    log, facts = SqlInteractionLog(database), answered_call()
    fence = Fence(epochs=await held(database))
    await log.append(facts, fence)
    await log.append(facts, fence.late())
    assert (await log.facts(CallId("main-1.1")), fence.dropped["late"]) == (tuple(facts), 0)
    await log.append([msgspec.structs.replace(facts[1], id="another")], fence.late())
    assert fence.dropped["late"] == 1


def state(minutes: int, nr: int) -> Envelope:
    at = NINE + timedelta(minutes=minutes)
    return of_presence(
        Presence(agent=AgentId("mara"), state=AgentState.READY, since=at, made_by=Maker.AGENT, changes=nr)
    )


async def test_a_late_state_is_not_an_agents_last(database: Database) -> None:
    log, fence = SqlInteractionLog(database), Fence(epochs=await held(database))
    await log.append([state(10, 2)], fence)
    await log.append([state(5, 1)], fence.late())
    assert [one.since for one in await log.last_states()] == [NINE + timedelta(minutes=10)]


@pytest.mark.parametrize("kind", BOTH)
async def test_renewing_does_not_wait_for_writes(make_database: MakeDatabase, kind: str) -> None:
    """In PostgreSQL; SQLite takes one writer at a time."""
    async with make_database(kind) as database:
        epochs = await held(database)
        async with database.recording() as writing:
            await let_through(writing, statements(database), list(map(line_of, answered_call())), Fence(epochs=epochs))
            renewing = asyncio.create_task(SqlLeases(database).renew(epochs, "one", life_s=LONG_S))
            done, _ = await asyncio.wait({renewing}, timeout=0.5 if database.is_sqlite else 10)
            assert bool(done) is not database.is_sqlite
        assert await renewing


@pytest.mark.postgres
async def test_who_stands_still_in_the_middle_of_a_write_is_waited_for_no_longer_than_that(
    make_database: MakeDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    quickly = record_statements._EPOCHS_HELD.replace("3000", "200")
    monkeypatch.setattr(record_statements, "_EPOCHS_HELD", quickly)
    async with make_database("postgresql") as database:
        epochs = await held(database)
        frozen = database.recording()
        writing = await frozen.__aenter__()
        await let_through(writing, statements(database), list(map(line_of, answered_call())), Fence(epochs=epochs))
        began_s = time.monotonic()
        assert await SqlLeases(database).take([MAIN, AGENTS], "two", life_s=LONG_S) == {MAIN: 2, AGENTS: 2}
        assert time.monotonic() - began_s >= 0.15  # it did wait: a write under way is not overtaken
        with pytest.raises(StoreUnavailable):
            await frozen.__aexit__(None, None, None)
