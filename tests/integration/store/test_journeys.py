"""Journeys in a database that was there before them."""

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from cti.calls.journey import IvrOutcome
from cti.store import schema
from cti.store.database import Database
from cti.store.interactions import Filter
from cti.store.journeys import Period, Sought
from cti.store.sql import SqlInteractionLog
from tests.unit.store.call_stories import NINE, Story
from tests.unit.store.journey_stories import Way, self_served

MIGRATIONS = Path(schema.__file__).parent / "migrations"
LATER = Period(since=NINE, until=NINE.replace(year=2027))


def upgrade_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


@pytest.fixture
async def old_database(empty_database_url: str) -> str:
    """As the first version made it, with one call in it and the facts of another's journey that it did not understand."""
    database = Database(empty_database_url)
    async with database.writing() as connection:
        await connection.run_sync(upgrade_to, "0001")
        await connection.execute(text(
            "INSERT INTO interaction (pbx, call, direction, keys, offered_at, ended_at, wait_s, ring_s, talk_s, hold_s, outcome,"
            " handled_by, transfers) VALUES ('main', 'main-old', 'inbound', '{}', '2026-11-01 09:00:00+00:00',"
            " '2026-11-01 09:05:00+00:00', 0, 0, 0, 0, 'answered', '[]', '[]')"
        ))  # fmt: skip
    await database.close()
    return empty_database_url


async def test_calls_of_before_stay_and_have_no_journey(old_database: str) -> None:
    await schema.upgrade(old_database)
    database = Database(old_database)
    log = SqlInteractionLog(database, dict)
    await log.append(self_served())
    found = {item.call: item.journey for item in (await log.between(Filter())).items}
    await database.close()
    assert found["main-old"] is None
    assert found["main-1.1"] is not None


async def test_what_the_facts_say_is_there_after_a_rebuild(database: Database) -> None:
    """As after an upgrade: facts are there, what follows from them is not."""
    log = SqlInteractionLog(database, dict)
    way = Way(Story("2.1"))
    await log.append([*self_served(), way.entered(), way.wants_a_callback(), way.leaves_a_message()])
    async with database.writing() as connection:
        for table in ("interaction", "ivr_journey", "ivr_step", "callback", "voicemail"):
            await connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - names of ours
    assert await log.rebuild() == 1
    counts = await log.flow_counts("bank", LATER)
    assert sorted(str(one.outcome) for one in counts.journeys) == ["None", IvrOutcome.SELF_SERVED]
    assert len((await log.callbacks(Sought())).items) == len((await log.voicemails(Sought())).items) == 1


async def test_nothing_that_was_keyed_is_in_the_tables_of_steps(database: Database) -> None:
    await SqlInteractionLog(database, dict).append(self_served())
    async with database.reading() as connection:
        rows = [
            str(tuple(row))
            for table in ("ivr_step", "ivr_journey")
            for row in await connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608 - names of ours
        ]
    assert len(rows) == 4
    assert [row for row in rows if "20118" in row] == []
