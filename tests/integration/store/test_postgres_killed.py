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


CALLS_PER_S = 50
"""Two hundred a minute in the catalogue; here a minute takes four seconds."""


class Agent:
    """Tells of one call after the other, and notes of which it was told that they are safe."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.told, self.acknowledged = 0, set[str]()

    async def tell(self) -> None:
        """Until cancelled."""
        while True:
            await self.tell_of(self.told)
            await asyncio.sleep(1 / CALLS_PER_S)

    async def tell_of(self, number: int) -> None:
        self.told += 1
        for fact in answered_call(f"{number}.1", begins=NINE + timedelta(seconds=number)):
            self._journal.record(fact)
        await self._journal.flush()
        self.acknowledged.add(f"main-{number}.1")

    async def until_told(self, more: int) -> None:
        wanted = self.told + more
        while self.told < wanted:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)


async def test_36_pg_kill9(own_postgres: PostgresServer, tmp_path: Path) -> None:
    url = own_postgres.new_database()
    await schema.upgrade(url)
    database = Database(url)
    journal = Journal(SqlInteractionLog(database), Spool(tmp_path / "spool"), RULES)
    writer = asyncio.create_task(journal.run())
    agent = Agent(journal)
    telling = asyncio.create_task(agent.tell())
    async with asyncio.timeout(60):
        await agent.until_told(40)
        await asyncio.to_thread(own_postgres.kill)
        await agent.until_told(60)
        assert (journal.status.is_store_up, journal.status.lost) == (False, 0)
        await asyncio.to_thread(own_postgres.start)
        await agent.until_told(40)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)
        await journal.drained()
    found = (await SqlInteractionLog(database).between(Filter(), limit=500)).items
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    await database.close()
    assert sorted(item.call for item in found) == sorted(f"main-{number}.1" for number in range(agent.told))
    assert agent.acknowledged <= {item.call for item in found}
    assert len(agent.acknowledged) >= agent.told - 1
    assert {item.talk_s for item in found} == {30.0}
    assert (tmp_path / "spool").stat().st_size == 0
