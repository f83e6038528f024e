"""PostgreSQL dies in the middle of the day: nothing that was recorded is missing afterwards, and nothing is there twice."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from cti.store import schema
from cti.store.database import Database
from cti.store.interactions import Filter
from cti.store.journal import Journal, JournalRules
from cti.store.spool import Spool
from cti.store.sql import SqlInteractionLog
from tests.postgres_server import PostgresServer
from tests.unit.store.call_stories import NINE, answered_call

pytestmark = [pytest.mark.chaos, pytest.mark.postgres]
RULES = JournalRules(linger_s=0.001, batch=50, write_limit_s=2.0, retry_first_s=0.05, retry_cap_s=0.2)


def tell(journal: Journal, first: int, count: int) -> None:
    for number in range(first, first + count):
        for fact in answered_call(f"{number}.1", begins=NINE + timedelta(seconds=number)):
            journal.record(fact)


async def test_pg_kill9(own_postgres: PostgresServer, tmp_path: Path) -> None:
    url = own_postgres.new_database()
    await schema.upgrade(url)
    database = Database(url)
    journal = Journal(SqlInteractionLog(database), Spool(tmp_path / "spool"), RULES)
    writer = asyncio.create_task(journal.run())
    tell(journal, 0, 40)
    await asyncio.to_thread(own_postgres.kill)
    tell(journal, 40, 40)
    await journal.flush()
    assert (journal.status.is_store_up, journal.status.lost) == (False, 0)
    tell(journal, 80, 40)
    await asyncio.to_thread(own_postgres.start)
    async with asyncio.timeout(30):
        await journal.drained()
    found = (await SqlInteractionLog(database).between(Filter(), limit=500)).items
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    await database.close()
    assert sorted(item.call for item in found) == sorted(f"main-{number}.1" for number in range(120))
    assert {item.talk_s for item in found} == {30.0}
