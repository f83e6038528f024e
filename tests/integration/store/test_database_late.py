"""The whole service is up before its database is, as after a power cut: what was open on record is not left open."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from cti import app, settings
from cti.calls.call import CallId, PbxName
from cti.store import schema
from cti.store.database import Database
from cti.store.sql import SqlInteractionLog
from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.ami_link import AmiLink
from cti.telephony.asterisk.endpoints import Endpoints
from tests.ports import free_port
from tests.postgres_server import PostgresServer
from tests.unit.store.call_stories import answered_call
from tests.unit.telephony.fake_ami import SECRET, FakeAmi

pytestmark = pytest.mark.postgres


async def test_a_call_that_ended_while_all_was_down_is_over_once_the_database_answers(
    own_postgres: PostgresServer, tmp_path: Path
) -> None:
    url = own_postgres.new_database()
    await schema.upgrade(url)
    database = Database(url)
    log = SqlInteractionLog(database)
    await log.append(answered_call("1.1", begins=datetime.now(UTC) - timedelta(hours=1))[:4])
    await asyncio.to_thread(own_postgres.stop)
    async with FakeAmi() as pbx, asyncio.timeout(60):
        up = asyncio.Event()
        serving = asyncio.create_task(served(url, pbx, tmp_path, up))
        await up.wait()
        await asyncio.to_thread(own_postgres.start)
        while not (found := await log.get(CallId("main-1.1"))):  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.05)
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
    assert (found.cause, found.ended_by) == ("resync", "system")
    assert await log.open_facts() == ()
    await database.close()


async def served(url: str, pbx: FakeAmi, folder: Path, up: asyncio.Event) -> None:
    given = settings.Settings(
        pbx=(settings.Pbx(name="main", events_secret=SecretStr(SECRET), commands_secret=SecretStr(SECRET)),),
        web=settings.Web(port=free_port()), push=settings.Push(port=free_port()),
        database=settings.Database(url=SecretStr(url)), spool=settings.Spool(dir=folder / "spool"),
    )  # fmt: skip
    link = AmiLink(PbxName("main"), Account(port=pbx.port, user="cti-events", secret=SECRET), Endpoints())
    await app.run(given, links=[link], started=lambda _: up.set())
