"""The records in tables: SQLite and PostgreSQL here; what other databases have differs by driver only."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from cti.calls.call import Outcome, PbxName
from cti.errors import RecordsUnreadable
from cti.reconcile.reading import RecordsPlaces, calls_ended
from cti.store.database import async_url

BEGAN = datetime(2026, 11, 21, 19, 53, 23, tzinfo=UTC)
QUEUE = """CREATE TABLE asterisk_queue (id INTEGER, time VARCHAR(26), callid VARCHAR(80), queuename VARCHAR(80), agent VARCHAR(80),
    event VARCHAR(32), data1 VARCHAR(100), data2 VARCHAR(100), data3 VARCHAR(100), data4 VARCHAR(100), data5 VARCHAR(100))"""
LINES = (
    ("2026-11-22 03:53:23.500000", "NONE", "ENTERQUEUE", "", "0912345678", "1"),
    ("2026-11-22 03:53:24.750000", "Ann", "CONNECT", "1", "1795290803.1", "1"),
    ("2026-11-22 03:53:26.250000", "Ann", "COMPLETECALLER", "1", "2", "1"),
)
CDR = """CREATE TABLE cdr (calldate TIMESTAMP, clid VARCHAR(80), src VARCHAR(80), dst VARCHAR(80), dcontext VARCHAR(80),
    channel VARCHAR(80), dstchannel VARCHAR(80), lastapp VARCHAR(80), lastdata VARCHAR(80), duration INTEGER, billsec INTEGER,
    disposition VARCHAR(45), uniqueid VARCHAR(150), linkedid VARCHAR(150))"""
RECORD = """INSERT INTO cdr VALUES ('2026-11-22 03:53:23', '"Wang" <0912345678>', '0912345678', '0800100100', 'cti-inbound',
    'PJSIP/trunk-00000000', 'PJSIP/2001-00000001', 'Queue', 'support', 3, 3, 'ANSWERED', '1795290803.0', '1795290803.0')"""


async def test_calls_are_read_from_tables_by_the_wall_clock_that_their_ids_set_right(empty_database_url: str) -> None:
    engine = create_async_engine(async_url(empty_database_url))
    async with engine.begin() as connection:
        await connection.execute(text(QUEUE))
        await connection.execute(text(CDR))
        await connection.execute(text(RECORD))
        for at, agent, event, *data in LINES:
            row = {"at": at, "agent": agent, "event": event, "a": data[0], "b": data[1], "c": data[2]}
            await connection.execute(
                text(
                    """INSERT INTO asterisk_queue VALUES (1, :at, '1795290803.0', 'support', :agent, :event, :a, :b, :c, '', '')"""
                ),
                row,
            )
    await engine.dispose()
    places = RecordsPlaces(
        pbx=PbxName("main"),
        queue_log=f"{empty_database_url}#asterisk_queue",
        cdr=empty_database_url,
        zone=ZoneInfo("UTC"),
    )
    (call,) = await calls_ended(places, BEGAN - timedelta(hours=1), BEGAN + timedelta(hours=1))
    assert (call.outcome, call.ani, call.ani_name, call.dnis) == (Outcome.ANSWERED, "0912345678", "Wang", "0800100100")
    assert (call.queued_at, call.answered_at) == (BEGAN + timedelta(seconds=0.5), BEGAN + timedelta(seconds=1.75))
    assert await calls_ended(places, BEGAN + timedelta(hours=1), BEGAN + timedelta(hours=2)) == ()


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("sqlite:////nowhere/at/all.db#cdr", "unable to open"),
        ("postgresql://cti@127.0.0.1:1/asterisk#cdr", "127.0.0.1:1/asterisk#cdr"),
        ("mysql://cti:secret@127.0.0.1:1/asterisk#cdr", "its driver is not installed"),
    ],
)
async def test_a_table_that_cannot_be_read_says_so_and_keeps_the_secret(place: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(RecordsUnreadable, match=words) as told:
        await calls_ended(RecordsPlaces(pbx=PbxName("main"), cdr=place), BEGAN, BEGAN + timedelta(hours=1))
    assert "secret" not in str(told.value)
    async with asyncio.timeout(10.0):
        while any("_connection_worker_thread" in one.name for one in threading.enumerate()):  # noqa: ASYNC110 - it says nothing when it ends
            await asyncio.sleep(0.01)  # a connection of aiosqlite that failed tells this loop its end a moment later
