"""Where a PBX's own records are, and all the calls in them since some time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from operator import attrgetter
from pathlib import Path
from typing import Final

from cti.calls.call import PbxName
from cti.reconcile.recorded import RecordedCall
from cti.reconcile.recorded_calls import recorded_calls
from cti.reconcile.sources import Passing, cdr_rows, is_table, queue_lines
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.records import files, tables

_SECOND: Final = timedelta(seconds=1)
AROUND: Final = timedelta(hours=4)
"""How long before its end a call may have begun, and how long after what looks like its end it may have gone on."""
PART: Final = timedelta(hours=12)


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
    (found,) = [part async for part in calls_in_parts(places, since, until, part=until - since)] or ((),)
    return tuple(found)


async def calls_in_parts(
    places: RecordsPlaces, since: datetime, until: datetime, part: timedelta = PART
) -> AsyncIterator[Sequence[RecordedCall]]:
    """The same, part by part: each record is read once, and those of a week are never in memory at once."""
    first = since - AROUND
    lines, rows = await _table(places.queue_log, first, "queue_log"), await _table(places.cdr, first, "cdr")
    reader = _Reader(places, first, lines, rows)
    while since < until:
        end = min(since + part, until)
        yield await asyncio.to_thread(reader.ended, since, end)
        since = end


async def _table(place: str, since: datetime, name: str) -> Sequence[tables.Row]:
    return await tables.rows_since(place, since, default_table=name) if is_table(place) else ()


class _Reader:
    """In a thread: a night's records are many. ``lines`` and ``rows`` where they are in tables."""

    def __init__(
        self, places: RecordsPlaces, since: datetime, lines: Sequence[tables.Row], rows: Sequence[tables.Row]
    ) -> None:
        self._places = places
        self._lines = Passing(queue_lines(places.queue_log, since, lines, places.zone), attrgetter("at"))
        self._rows = Passing(cdr_rows(places.cdr, since, rows, places.zone), attrgetter("end"))
        self._told = frozenset[str]()

    def ended(self, since: datetime, until: datetime) -> list[RecordedCall]:
        first, last = since - AROUND, until + AROUND
        lines, rows = self._lines.between(first, last), self._rows.between(first, last)
        calls = recorded_calls(lines, rows, pbx=self._places.pbx, endpoints=self._places.endpoints)
        found = [call for call in calls if since < _latest(call.ended_at) and call.ended_at < until]
        before, self._told = self._told, frozenset(call.first_id for call in found)
        return [call for call in found if call.first_id not in before]  # one of the second between two parts is in both


def _latest(at: datetime) -> datetime:
    """A whole second was cut off: it may have been any time in it."""
    return at if at.microsecond else at + _SECOND


def check(places: RecordsPlaces) -> list[str]:
    """What is wrong with the files; tables are asked when they are read."""
    return [
        wrong
        for one in (places.queue_log, places.cdr)
        if one and not is_table(one) and (wrong := files.check(Path(one)))
    ]
