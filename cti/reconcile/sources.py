"""What the PBX wrote, as values, oldest first, each file or table read once. All of this blocks: call it from a thread."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final, Generic, TypeVar

from cti.errors import RecordsUnreadable
from cti.reconcile.turns import taking_turns
from cti.telephony.asterisk.records import cdr, files, queue_log
from cti.telephony.asterisk.records.cdr import CdrRow
from cti.telephony.asterisk.records.queue_log import QueueLine
from cti.telephony.asterisk.records.tables import Row

T = TypeVar("T")
_BEYOND: Final = 200
"""So many records in a row that are later than what is asked for: one alone may have a wrong time."""
_NO_QUEUE_LOG: Final = "is it Asterisk's queue_log?"
_NO_CDR: Final = (
    "Master.csv needs loguniqueid = yes in [csv] of cdr.conf; or name the cti.csv that `cti init asterisk` has written"
)


class Passing(Generic[T]):
    """Goes through a source once, and keeps what lies in the time asked for; that may only move on."""

    def __init__(self, source: Iterator[T], at: Callable[[T], datetime]) -> None:
        self._source, self._at = taking_turns(source), at
        self._kept: list[T] = []

    def between(self, since: datetime, until: datetime) -> Sequence[T]:
        """And somewhat more behind it."""
        at = self._at
        self._kept = [one for one in self._kept if at(one) >= since]
        beyond = 0
        for one in self._source:
            self._kept.append(one)
            beyond = beyond + 1 if at(one) > until else 0
            if beyond == _BEYOND:
                break
        return self._kept


def is_table(place: str) -> bool:
    return "://" in place


def queue_lines(place: str, since: datetime, rows: Sequence[Row], zone: tzinfo) -> Iterator[QueueLine]:
    """``rows``: where it is a table. Raises ``RecordsUnreadable``, also where nothing in it could be understood."""
    if not place or is_table(place):
        yield from queue_log.of_rows(rows, zone)
        return
    lines = _Counted(files.lines_since(Path(place), since, queue_log.stamp_of))
    yield from queue_log.of_lines(lines)
    if lines.count and not any(map(queue_log.stamp_of, lines.first)):
        raise _strange(place, lines.count, _NO_QUEUE_LOG)


def cdr_rows(place: str, since: datetime, rows: Sequence[Row], zone: tzinfo) -> Iterator[CdrRow]:
    """As ``queue_lines``."""
    is_understood = False
    lines = _Counted(() if not place or is_table(place) else files.lines_since(Path(place), since, cdr.end_of_line))
    for row in cdr.of_rows(rows, zone) if is_table(place) else cdr.of_csv(lines, zone):
        is_understood = True
        yield row
    if not is_understood and (lines.count or rows):
        raise _strange(place.rpartition("#")[2], lines.count or len(rows), _NO_CDR)


class _Counted:
    """Lines, those aside that are empty."""

    LOOKED_AT: Final = 1000

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = lines
        self.count = 0
        self.first: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            if not line.isspace():
                self.count += 1
                if self.count <= self.LOOKED_AT:
                    self.first.append(line)
            yield line


def _strange(place: str, count: int, hint: str) -> RecordsUnreadable:
    return RecordsUnreadable(f"{place}: {count} records, and none of them is understood; {hint}")
