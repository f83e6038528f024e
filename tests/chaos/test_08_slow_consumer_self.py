"""Our database stands still while the PBX talks on: the socket is read all the same, and afterwards the record is right."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path
from typing import Final

import aiohttp
import pytest
from pydantic import SecretStr
from streams import Traffic, generated

from cti import app, settings
from cti.calls.call import PbxName
from cti.store import schema
from cti.store.database import Database
from cti.store.interactions import Filter
from cti.store.sql import SqlInteractionLog
from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.ami_link import AmiLink
from cti.telephony.asterisk.endpoints import Endpoints
from tests import invariants
from tests.chaos.mischief import family_of, stopped
from tests.ports import free_port
from tests.postgres_server import PostgresServer
from tests.unit.telephony.fake_ami import SECRET, FakeAmi

pytestmark = [pytest.mark.chaos, pytest.mark.postgres]
CALLS: Final = 60
EVENTS_PER_S: Final = 500
FROZEN_S: Final = 4.0
"""Thirty in the catalogue; what would take longer to show is the room of 50,000 facts, which test_journal.py fills."""
AT_ONCE: Final = 25


async def paced(pbx: FakeAmi) -> int:
    """The events of these calls, 500 a second; how many there were."""
    events = iter(generated(CALLS, traffic=Traffic(calls_per_s=EVENTS_PER_S / 53, in_flight=20, begins_at=time.time())))
    told, begins_s = 0, time.monotonic()
    while some := list(islice(events, AT_ONCE)):
        await pbx.say(*some)
        told += len(some)
        await asyncio.sleep(max(0.0, begins_s + told / EVENTS_PER_S - time.monotonic()))
    return told


@pytest.fixture
async def pbx() -> AsyncIterator[FakeAmi]:
    async with FakeAmi() as fake:
        yield fake


async def test_8_slow_consumer_self(own_postgres: PostgresServer, pbx: FakeAmi, tmp_path: Path) -> None:
    url = own_postgres.new_database()
    await schema.upgrade(url)
    web = settings.Web(port=free_port())
    given = settings.Settings(
        pbx=(settings.Pbx(name="main", events_secret=SecretStr(SECRET), commands_secret=SecretStr(SECRET)),),
        web=web, push=settings.Push(port=free_port()), database=settings.Database(url=SecretStr(url)),
        spool=settings.Spool(dir=tmp_path / "spool"),
    )  # fmt: skip
    link = AmiLink(PbxName("main"), Account(port=pbx.port, user="cti-events", secret=SECRET), Endpoints())
    serving = asyncio.create_task(app.run(given, links=[link]))
    async with asyncio.timeout(30):
        while link.status.state != "connected":  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)
    assert not serving.done(), serving
    telling = asyncio.create_task(paced(pbx))
    await asyncio.sleep(1)
    with stopped(family_of(own_postgres)):
        before = link.figures.events
        await asyncio.sleep(FROZEN_S)
        frozen = await figures(web.port)
        assert link.figures.events - before > 0.8 * FROZEN_S * EVENTS_PER_S
    assert 0 < frozen["cti_facts_waiting"] < EVENTS_PER_S * FROZEN_S
    told = await telling
    now = await written(web.port)
    assert link.figures.events >= told
    assert (now["cti_calls_active"], now["cti_facts_lost_total"], now["cti_ami_connects_total"]) == (0, 0, 1)
    serving.cancel()
    await asyncio.gather(serving, return_exceptions=True)
    database = Database(url)
    rows = (await SqlInteractionLog(database).between(Filter(), limit=500)).items
    await database.close()
    assert Counter(row.outcome for row in rows) == {"answered": CALLS}
    assert len({row.call for row in rows}) == CALLS


async def written(port: int) -> dict[str, float]:
    """The figures, once all that is known is in the database."""
    async with asyncio.timeout(30):
        while True:
            now = await figures(port)
            if not now["cti_facts_waiting"] and not now["cti_spool_facts"]:
                return now
            await asyncio.sleep(0.05)


async def figures(port: int) -> dict[str, float]:
    async with aiohttp.ClientSession() as browser, browser.get(f"http://127.0.0.1:{port}/metrics") as answer:
        return invariants.summed(await answer.text())
