"""The hours and days that the record keeps counts of, and a period as such.

They are those of UTC, so that a day of any time zone is made of whole hours, or nearly: some zones are half an hour apart.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from cti.store.journeys import Period

_HOUR: Final = timedelta(hours=1)
_DAY: Final = timedelta(days=1)
_OF_DAY, _OF_HOUR = len("2026-11-23"), len("2026-11-23 09")


@dataclass(frozen=True, slots=True)
class Parts:
    """A period: its whole days and hours by their names, and what is left at its ends, each less than an hour or all there is."""

    spans: tuple[str, ...]
    ends: tuple[Period, ...]


def parts_of(period: Period) -> Parts:
    since, until = period.since.astimezone(UTC), period.until.astimezone(UTC)
    last = _hour_of(until)
    if last - since < _HOUR:
        return Parts((), (period,))
    first = since if since == _hour_of(since) else _hour_of(since) + _HOUR
    ends = (Period(since=since, until=first), Period(since=last, until=until))
    return Parts(_spans(first, last), tuple(end for end in ends if end.since < end.until))


def _spans(at: datetime, until: datetime) -> tuple[str, ...]:
    names = []
    while at < until:
        is_day = at.hour == 0 and until - at >= _DAY
        names.append(at.isoformat(" ")[: _OF_DAY if is_day else _OF_HOUR])
        at += _DAY if is_day else _HOUR
    return tuple(names)


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
