"""What was on record before an upgrade is there after it, and says what it said."""

from datetime import UTC, datetime

from sqlalchemy import text

from cti.agents.agent import AgentId
from cti.calls.call import CallId
from cti.store import schema
from cti.store.database import Database
from cti.store.journeys import CallbackState, Sought
from cti.store.sql import SqlInteractionLog
from cti.store.sql_people import SqlPeople
from tests.integration.store.test_customers import upgraded

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


async def test_agents_calls_and_callbacks_of_before_the_desk(empty_database_url: str) -> None:
    database = Database(empty_database_url)
    async with database.writing() as connection:
        await connection.run_sync(upgraded, "0003")
        await connection.execute(text("INSERT INTO agent (id, queues, is_enabled) VALUES ('mara', '[\"a\"]', true)"))
        await connection.execute(
            text("""INSERT INTO interaction (pbx, call, direction, keys, offered_at, ended_at, wait_s, ring_s, talk_s, hold_s,
                 outcome, handled_by, transfers, result) VALUES ('main', 'main-1', 'inbound', '{}', '2026-11-23 09:00:00',
                 '2026-11-23 09:01:00', 0, 0, 0, 0, 'answered', '[]', '[]', 'solved')""")
        )
        await connection.execute(
            text("""INSERT INTO callback (id, pbx, call, queue, entered_at, requested_at, state)
                 VALUES ('w1', 'main', 'main-1', 'a', '2026-11-23 09:00:00', '2026-11-23 09:00:30', 'open')""")
        )
    await schema.upgrade(empty_database_url)
    agent, log = await SqlPeople(database).agent(AgentId("mara")), SqlInteractionLog(database)
    call = await log.get(CallId("main-1"))
    (wish,) = (await log.callbacks(Sought())).items
    assert agent
    assert call
    assert (agent.queues, agent.penalties) == (("a",), {})
    assert (call.result, call.result_fields, call.is_not_classified) == ("solved", {}, False)
    assert (wish.state, wish.claimed_by, wish.tries, wish.entered_at) == (CallbackState.OPEN, "", 0, NINE)
    assert await log.last_states() == ()
    await database.close()
