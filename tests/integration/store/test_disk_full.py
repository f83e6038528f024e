"""The disk under the database is full: facts wait, and are written when there is room again."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from cti.store.database import Database
from cti.store.interactions import Filter
from cti.store.journal import Journal, JournalRules
from cti.store.spool import Spool
from cti.store.sql import SqlInteractionLog
from cti.store.statements import Statement
from tests.unit.store.call_stories import NINE, answered_call

RULES = JournalRules(linger_s=0.0, retry_first_s=0.01, retry_cap_s=0.02)
ROOMY = 1_000_000


async def set_pages(database: Database, most: int) -> None:
    """SQLite then says what it says on a full disk. There is one connection that writes the record."""
    async with database.recording() as writing:
        await writing.ask((Statement(f"PRAGMA max_page_count = {most}"),))


async def test_a_full_disk_loses_no_call(ready_url: Callable[[str], str], tmp_path: Path) -> None:
    database = Database(ready_url("sqlite"))
    log = SqlInteractionLog(database)
    journal = Journal(log, Spool(tmp_path / "spool"), RULES)
    writer = asyncio.create_task(journal.run())
    await set_pages(database, 1)  # SQLite takes the size it has for the limit
    for number in range(100):
        for fact in answered_call(f"{number}.1", begins=NINE + timedelta(seconds=number)):
            journal.record(fact)
    await journal.flush()
    assert "full" in journal.status.reason
    await set_pages(database, ROOMY)
    async with asyncio.timeout(20):
        await journal.drained()
    found = (await log.between(Filter(), limit=500)).items
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    await database.close()
    assert len(found) == 100
