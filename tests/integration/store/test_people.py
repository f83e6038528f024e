"""What every keeper of people keeps."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest

from cti import settings
from cti.agents.agent import Agent, AgentId, AgentRole
from cti.app.service import first_agents
from cti.calls.call import CallId
from cti.errors import Conflict, NotFound
from cti.store.interactions import Filter
from cti.store.people import Draft, MemoryPeople, People, Session
from cti.store.sql import SqlInteractionLog
from cti.store.sql_people import SqlPeople
from tests.postgres_server import MakeDatabase
from tests.unit.store.call_stories import NINE, answered_call

MARA = Agent(
    id=AgentId("mara"), name="Mara 陳", role=AgentRole.SUPERVISOR, extension="1001", device="PJSIP/1001", queues=("billing", "sales"),
    penalties={"sales": 2}, language="zh-Hant",
)  # fmt: skip
TOM = Agent(id=AgentId("tom"), name="Tom")
CALL = CallId("main-1.1")


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def people(request: pytest.FixtureRequest, make_database: MakeDatabase) -> AsyncIterator[People]:
    if request.param == "memory":
        yield MemoryPeople()
        return
    async with make_database(request.param) as database:
        yield SqlPeople(database, lambda: NINE)


async def test_an_agent_comes_back_as_added(people: People) -> None:
    await people.add(TOM, "")
    await people.add(MARA, "$argon2id$x")
    assert await people.agents() == (MARA, TOM)
    assert await people.agent(MARA.id) == MARA
    assert await people.password_hash(MARA.id) == "$argon2id$x"


async def test_an_id_is_given_once(people: People) -> None:
    await people.add(MARA, "")
    with pytest.raises(Conflict, match="mara"):
        await people.add(replace(MARA, name="Another"), "")
    assert await people.agent(MARA.id) == MARA


async def test_an_agent_can_be_disabled(people: People) -> None:
    await people.add(MARA, "")
    await people.change(replace(MARA, is_enabled=False))
    assert await people.agent(MARA.id) == replace(MARA, is_enabled=False)


async def test_whoever_is_as_they_were_is_not_made_again(people: People) -> None:
    await people.add(MARA, "")
    await people.add(TOM, "")
    (_, tom) = await people.agents()
    await people.change(replace(MARA, penalties={"sales": 3}))
    again = await people.agents()
    assert again == (replace(MARA, penalties={"sales": 3}), TOM)
    assert again[1] is tom


async def test_a_new_password_takes_the_place_of_the_old(people: People) -> None:
    await people.add(MARA, "old")
    await people.set_password(MARA.id, "new")
    assert await people.password_hash(MARA.id) == "new"


async def test_who_is_not_there_is_not_found(people: People) -> None:
    nobody = AgentId("nobody\x00")
    assert await people.agent(nobody) is None
    assert await people.password_hash(nobody) is None
    with pytest.raises(NotFound):
        await people.change(replace(MARA, id=nobody))
    with pytest.raises(NotFound):
        await people.set_password(nobody, "x")
    with pytest.raises(NotFound):
        await people.open_session(Session("a", nobody, NINE))


async def test_a_session_lives_until_it_is_ended(people: People) -> None:
    await people.add(MARA, "")
    session = Session("a" * 64, MARA.id, NINE + timedelta(hours=12))
    await people.open_session(session)
    assert await people.session(session.token_hash) == session
    assert await people.sessions() == {session.token_hash}
    await people.end_session(session.token_hash)
    assert await people.sessions() == frozenset()
    assert await people.session(session.token_hash) is None


async def test_all_sessions_of_an_agent_end_and_nobody_elses(people: People) -> None:
    await people.add(MARA, "")
    await people.add(TOM, "")
    for token_hash, agent in (("a", MARA.id), ("b", MARA.id), ("c", TOM.id)):
        await people.open_session(Session(token_hash, agent, NINE + timedelta(hours=1)))
    assert await people.end_sessions(MARA.id) == ("a", "b")
    assert await people.session("c") is not None
    assert await people.end_sessions(MARA.id) == ()


async def test_a_draft_is_this_agents_and_this_calls(people: People) -> None:
    await people.put_draft(MARA.id, CALL, Draft("call ba", NINE))
    await people.put_draft(MARA.id, CALL, Draft("call back 王", NINE + timedelta(seconds=1)))
    assert await people.draft(MARA.id, CALL) == Draft("call back 王", NINE + timedelta(seconds=1))
    assert await people.draft(TOM.id, CALL) is None
    assert await people.draft(MARA.id, CallId("main-2.1")) is None


async def test_an_older_draft_does_not_undo_a_newer(people: People) -> None:
    await people.put_draft(MARA.id, CALL, Draft("newer", NINE + timedelta(seconds=1)))
    await people.put_draft(MARA.id, CALL, Draft("older", NINE))
    assert (await people.draft(MARA.id, CALL)) == Draft("newer", NINE + timedelta(seconds=1))


async def test_an_emptied_draft_is_none(people: People) -> None:
    await people.put_draft(MARA.id, CALL, Draft("x", NINE))
    await people.put_draft(MARA.id, CALL, Draft("", NINE))
    assert await people.draft(MARA.id, CALL) is None


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def test_processes_that_start_for_the_first_time_at_once_all_begin(
    make_database: MakeDatabase, kind: str
) -> None:
    """Each has the accounts of the settings to put on record."""
    given = settings.Settings(agents=tuple(settings.AgentAccount(id=f"a{nr}", name="Ann") for nr in range(20)))
    async with make_database(kind) as database:
        begun = await asyncio.gather(*(first_agents(given, SqlPeople(database)) for _ in range(4)))
    assert [len(agents) for agents in begun] == [20] * 4


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def test_a_call_is_the_agents_whose_phone_answered(make_database: MakeDatabase, kind: str) -> None:
    async with make_database(kind) as database:
        await SqlPeople(database).add(MARA, "")
        log = SqlInteractionLog(database)
        await log.append(answered_call())
        assert [item.agent for item in (await log.between(Filter(agent="mara"))).items] == ["mara"]
