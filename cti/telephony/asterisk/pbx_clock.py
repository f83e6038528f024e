"""When an event happened, by a clock that never steps.

Asterisk stamps events with its wall clock (``timestampevents=yes``: epoch seconds, on events only). Durations must come
from one clock, and a wall clock is stepped by NTP and by hands. So a step is taken back, and what is late is not taken for one:

- a stamp further ahead of our monotonic clock than any before: nothing arrives before it was sent, so the clock was put forward;
- a stamp before the one before it: the clock was put back;
- a stamp that merely fell behind: it is late. The link stalled, or we did, and what follows catches up. (A clock put back by less
  than a silence has lasted looks the same, and shortens that silence.)

Without stamps (an older configuration, a stranger's trace) the time is when we read it, or the last one known.
"""

from datetime import UTC, datetime
from typing import Final

from cti.telephony.asterisk.ami_codec import AmiMessage

STEP_S: Final = 2.0
DRIFT: Final = 0.001
"""Seconds in a second by which two sound clocks may part: twice what NTP slews at most."""
_START: Final = datetime(2000, 1, 1, tzinfo=UTC)


class PbxClock:
    def __init__(self) -> None:
        self._stamp: float | None = None
        self._monotonic_s: float | None = None
        self._offset_s: float | None = None
        """Stamps over our monotonic clock, as of those that came promptly."""
        self._correction_s = 0.0
        self._last = _START
        self._stamped: tuple[datetime, datetime] | None = None
        """When the last event with a stamp happened, and when it was read."""

    def time_of(self, message: AmiMessage, *, received_at: datetime | None, monotonic_s: float | None) -> datetime:
        """UTC, and never before that of the message before."""
        stamp = _number(message.stamp)
        if stamp is None:
            stamp = _born(message) if received_at is None else None
            at = received_at if stamp is None else _moment(stamp)
        else:
            self._notice_step(stamp, monotonic_s)
            at = _moment(stamp + self._correction_s)
        if at is not None and at > self._last:
            self._last = at
        if stamp is not None and received_at is not None:
            self._stamped = self._last, received_at
        return self._last

    def theirs(self, ours: datetime) -> datetime:
        """A time of this machine as the PBX's clock had it, as far as its last stamp tells."""
        if self._stamped is None:
            return ours
        happened_at, received_at = self._stamped
        return ours + (happened_at - received_at)

    @property
    def stamp(self) -> float | None:
        """The last stamp seen, as it was: epoch seconds of the PBX."""
        return self._stamp

    @property
    def now(self) -> datetime:
        """The last time known."""
        return self._last

    def _notice_step(self, stamp: float, monotonic_s: float | None) -> None:
        went_back_s = self._stamp - stamp if self._stamp is not None else 0.0
        self._stamp = stamp
        if monotonic_s is None:
            self._correction_s += went_back_s if went_back_s > STEP_S else 0.0
            return
        offset_s, passed_s = stamp - monotonic_s, monotonic_s - (self._monotonic_s or monotonic_s)
        ahead_s = 0.0 if self._offset_s is None else offset_s - self._offset_s
        self._monotonic_s = monotonic_s
        if ahead_s > STEP_S or (ahead_s < -STEP_S and went_back_s > STEP_S):
            self._correction_s -= ahead_s
            self._offset_s = offset_s
        elif ahead_s >= -STEP_S:
            self._offset_s = offset_s + max(0.0, -ahead_s - DRIFT * passed_s)


def _born(message: AmiMessage) -> float | None:
    """A trace without stamps still has the second in which each channel was made: ``<system>-1763754000.12``."""
    if message.event != "Newchannel":
        return None
    return _number(message.get("Uniqueid").rpartition("-")[2].partition(".")[0])


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _moment(stamp: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(stamp, UTC)
    except (OverflowError, OSError, ValueError):
        return None
