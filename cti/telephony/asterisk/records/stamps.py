"""Times as Asterisk's records have them: seconds since 1970, or a wall clock that does not say where it hangs.

A wall clock is set right by the ids beside it: Asterisk puts the second in which a channel was made into its Uniqueid, and
the first record of a channel begins in that second. Zones differ by whole quarters of an hour.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

_ID: Final = re.compile(r"(?:[A-Za-z0-9_.:-]{1,150}-)?(\d{9,11})\.(\d{1,12})")
_EPOCH: Final = re.compile(r"\d{9,11}(?:\.\d{1,6})?")
_WALL: Final = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(\.\d{1,6})?")
_QUARTER_S: Final = 900
_CONVINCES: Final = 3
_MOST_S: Final = 15 * 3600
"""No zone is further from UTC."""

IdOrder = tuple[int, int, str]


def is_id(text: str) -> bool:
    """Is it a Uniqueid: ``1763754000.12``, ``taipei-1763754000.12``?"""
    return _ID.fullmatch(text) is not None


def order_of(unique: str) -> IdOrder:
    """Older channels first; ids that were given by hand come last."""
    found = _ID.fullmatch(unique)
    return (int(found[1]), int(found[2]), unique) if found else (1 << 62, 0, unique)


def made_at(unique: str) -> datetime | None:
    """The second in which that channel was made."""
    found = _ID.fullmatch(unique)
    return datetime.fromtimestamp(int(found[1]), UTC) if found else None


def moment(text: str) -> datetime | None:
    """A time that says all; None for a wall clock, and for what is no time. UTC."""
    return datetime.fromtimestamp(float(text), UTC) if _EPOCH.fullmatch(text) else None


def wall_clock(text: str) -> datetime | None:
    """``2026-11-21 19:53:23``, without a zone; None for what is none."""
    found = _WALL.fullmatch(text)
    if not found:
        return None
    try:
        return datetime.fromisoformat(f"{found[1]} {found[2]}{(found[3] or '').ljust(7, '0') if found[3] else ''}")
    except ValueError:
        return None


class WallClock:
    """Where the wall clock of these records hangs: learnt from the ids, else the zone it is given."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._ahead: timedelta | None = None
        self._rival: tuple[timedelta, int] | None = None

    def learn(self, shown: datetime, unique: str, *, within_s: float = 3.0) -> None:
        """``shown`` is when something happened to that channel, most often within so much of its making. What happened later
        than that is passed over, or taken for another zone, so a new one must be seen several times."""
        made = made_at(unique)
        if made is None:
            return
        ahead_s = (shown.replace(tzinfo=UTC) - made).total_seconds() + 1
        whole_s = ahead_s // _QUARTER_S * _QUARTER_S
        if ahead_s - whole_s > within_s + 1 or abs(whole_s) > _MOST_S:
            return
        ahead = timedelta(seconds=whole_s)
        seen = self._rival[1] + 1 if self._rival and self._rival[0] == ahead else 1
        self._rival = (ahead, seen)
        if self._ahead is None or seen >= _CONVINCES:
            self._ahead = ahead

    def utc(self, shown: datetime) -> datetime:
        if self._ahead is not None:
            return shown.replace(tzinfo=UTC) - self._ahead
        return shown.replace(tzinfo=self._zone).astimezone(UTC)
