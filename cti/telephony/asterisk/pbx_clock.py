"""When an event happened, by a clock that never steps.

Asterisk stamps events with its wall clock (``timestampevents=yes``: epoch seconds, on events only). Durations must come
from one clock, and a wall clock is stepped by NTP and by hands. So a step is taken back: while the stamps and our
monotonic clock disagree by more than ``STEP_S`` on how much time passed, the difference is booked as a correction.
Without stamps (an older configuration, a stranger's trace) the time is when we read it, or the last one known.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from cti.telephony.asterisk.ami_codec import AmiMessage

STEP_S: Final = 2.0
_START: Final = datetime(2000, 1, 1, tzinfo=UTC)


class PbxClock:
    def __init__(self) -> None:
        self._stamp: float | None = None
        self._monotonic_s: float | None = None
        self._correction_s = 0.0
        self._last = _START
        self._ahead = timedelta()

    def time_of(self, message: AmiMessage, *, received_at: datetime | None, monotonic_s: float | None) -> datetime:
        """UTC, and never before that of the message before."""
        stamp = _number(message.get("Timestamp"))
        if stamp is None:
            stamp = _born(message) if received_at is None else None
            at = received_at if stamp is None else _moment(stamp)
        else:
            self._notice_step(stamp, monotonic_s)
            at = _moment(stamp + self._correction_s)
        self._last = max(self._last, at) if at else self._last
        if stamp is not None and received_at is not None:
            self._ahead = self._last - received_at
        return self._last

    def theirs(self, ours: datetime) -> datetime:
        """A time of this machine as the PBX's clock had it, as far as its last stamp tells."""
        return ours + self._ahead

    @property
    def stamp(self) -> float | None:
        """The last stamp seen, as it was: epoch seconds of the PBX."""
        return self._stamp

    @property
    def now(self) -> datetime:
        """The last time known."""
        return self._last

    def _notice_step(self, stamp: float, monotonic_s: float | None) -> None:
        if self._stamp is not None:
            passed_s = (
                monotonic_s - self._monotonic_s if monotonic_s is not None and self._monotonic_s is not None else None
            )
            stepped_s = stamp - self._stamp - passed_s if passed_s is not None else min(0.0, stamp - self._stamp)
            if abs(stepped_s) > STEP_S:
                self._correction_s -= stepped_s
        self._stamp, self._monotonic_s = stamp, monotonic_s


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
