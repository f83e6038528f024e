"""Where a PBX's own records are, and all the calls in them since some time."""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final

from cti.calls.call import PbxName
from cti.reconcile.recorded import RecordedCall
from cti.reconcile.recorded_calls import recorded_calls
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.records import cdr, files, queue_log, tables
from cti.telephony.asterisk.records.cdr import CdrRow
from cti.telephony.asterisk.records.queue_log import QueueLine

_ZONES: Final = timedelta(hours=15)
"""A wall clock without a zone may be that far off when the place in a file is looked for."""
_SECOND: Final = timedelta(seconds=1)
_BEFORE: Final = timedelta(hours=4)
"""How long before its end a call may have begun: its lines in the queue stand where it began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsPlaces:
    """As configured; either may be empty."""

    pbx: PbxName
    queue_log: str = field(default="", repr=False)
    cdr: str = field(default="", repr=False)
    zone: tzinfo = UTC
    """Of wall clocks that no id beside them sets right: the site's."""
    endpoints: Endpoints = field(default_factory=Endpoints)

    @property
    def is_known(self) -> bool:
        return bool(self.queue_log or self.cdr)


async def calls_ended(places: RecordsPlaces, since: datetime, until: datetime) -> tuple[RecordedCall, ...]:
    """Those that ended in this time, in the order they began. Raises ``RecordsUnreadable``."""
    lines, rows = await _lines(places, since - _BEFORE), await _rows(places, since)
    calls = await asyncio.to_thread(recorded_calls, lines, rows, pbx=places.pbx, endpoints=places.endpoints)
    return tuple(call for call in calls if since < _latest(call.ended_at) and call.ended_at < until)


def _latest(at: datetime) -> datetime:
    """A whole second was cut off: it may have been any time in it."""
    return at if at.microsecond else at + _SECOND


def check(places: RecordsPlaces) -> list[str]:
    """What is wrong with the files; tables are asked when they are read."""
    return [
        wrong
        for one in (places.queue_log, places.cdr)
        if one and not _is_table(one) and (wrong := files.check(Path(one)))
    ]


def _is_table(place: str) -> bool:
    return "://" in place


async def _lines(places: RecordsPlaces, since: datetime) -> list[QueueLine]:
    place = places.queue_log
    if not place:
        return []
    if _is_table(place):
        rows = await tables.rows_since(place, since, default_table="queue_log")
        return list(queue_log.of_rows(rows, places.zone))
    return await asyncio.to_thread(
        lambda: list(queue_log.of_lines(files.lines_since(Path(place), since, queue_log.stamp_of)))
    )


async def _rows(places: RecordsPlaces, since: datetime) -> list[CdrRow]:
    place = places.cdr
    if not place:
        return []
    if _is_table(place):
        rows = await tables.rows_since(place, since - _BEFORE, default_table="cdr")
        return list(cdr.of_rows(rows, places.zone))
    return await asyncio.to_thread(lambda: list(_read_csv(Path(place), since, places.zone)))


def _read_csv(path: Path, since: datetime, zone: tzinfo) -> list[CdrRow]:
    """Records are written at the end of a call."""
    lines = files.lines_since(path, since - _ZONES, cdr.end_of_line)
    return [row for row in cdr.of_csv(lines, zone) if row.end >= since - _BEFORE]
