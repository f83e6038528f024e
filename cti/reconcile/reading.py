"""Where a PBX's own records are, and all the calls in them since some time."""

import asyncio
from collections.abc import Sequence
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
    lines, rows = (
        await _table(places.queue_log, since - _BEFORE, "queue_log"),
        await _table(places.cdr, since - _BEFORE, "cdr"),
    )
    return await asyncio.to_thread(_calls_ended, places, since, until, lines, rows)


async def _table(place: str, since: datetime, name: str) -> Sequence[tables.Row]:
    return await tables.rows_since(place, since, default_table=name) if _is_table(place) else ()


def _calls_ended(
    places: RecordsPlaces, since: datetime, until: datetime, lines: Sequence[tables.Row], rows: Sequence[tables.Row]
) -> tuple[RecordedCall, ...]:
    """In a thread: a night's lines are many. ``lines`` and ``rows`` where they are in tables."""
    calls = recorded_calls(
        _lines(places, since - _BEFORE, lines), _rows(places, since, rows), pbx=places.pbx, endpoints=places.endpoints
    )
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


def _lines(places: RecordsPlaces, since: datetime, rows: Sequence[tables.Row]) -> list[QueueLine]:
    place = places.queue_log
    if not place or _is_table(place):
        return list(queue_log.of_rows(rows, places.zone))
    return list(queue_log.of_lines(files.lines_since(Path(place), since, queue_log.stamp_of)))


def _rows(places: RecordsPlaces, since: datetime, rows: Sequence[tables.Row]) -> list[CdrRow]:
    place = places.cdr
    if not place or _is_table(place):
        return list(cdr.of_rows(rows, places.zone))
    return _read_csv(Path(place), since, places.zone)


def _read_csv(path: Path, since: datetime, zone: tzinfo) -> list[CdrRow]:
    """Records are written at the end of a call."""
    lines = files.lines_since(path, since, cdr.end_of_line)
    return [row for row in cdr.of_csv(lines, zone) if row.end >= since - _SECOND]
