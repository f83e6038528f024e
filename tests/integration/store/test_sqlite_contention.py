"""Many writers and readers of one SQLite file, in one process and in two: nobody hears "database is locked", and all is done
within a minute."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from cti.store import schema
from cti.store.database import Database
from cti.store.interactions import Filter
from cti.store.journeys import Period
from cti.store.sql import SqlInteractionLog
from tests.unit.store.call_stories import NINE, answered_call

pytestmark = pytest.mark.chaos
WRITERS = 50
ROUNDS = 4
DAY = Period(since=NINE, until=NINE + timedelta(days=1))


async def write(log: SqlInteractionLog, writer: int) -> None:
    for number in range(ROUNDS):
        begins = NINE + timedelta(seconds=writer * ROUNDS + number)
        await log.append(answered_call(f"{writer}.{number}", begins=begins))


async def report(log: SqlInteractionLog) -> None:
    for _ in range(ROUNDS):
        await log.between(Filter(text="nobody"), limit=500)
        await log.journey_counts(DAY)


async def test_38_sqlite_contention(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/cti.db"
    await schema.upgrade(url)
    ours, another = Database(url), Database(url)  # a second engine knows nothing of the first one's lock
    logs = [SqlInteractionLog(ours), SqlInteractionLog(another)]
    async with asyncio.timeout(60), asyncio.TaskGroup() as tasks:
        for writer in range(WRITERS):
            tasks.create_task(write(logs[writer % 2], writer))
            tasks.create_task(report(logs[writer % 2]))
    found = (await logs[0].between(Filter(), limit=500)).items
    await ours.close()
    await another.close()
    assert len(found) == WRITERS * ROUNDS
