"""What time it is, without the steps of the wall clock.

A wall clock is set: by NTP, by hands, by a virtual machine that wakes up. A wrap-up must not end an hour early for that, nor an
agent's interval have a length that nobody worked. So the time of day is read once, at the start, and counted on from there;
the PBX's stamps are freed of their steps likewise (``telephony/asterisk/pbx_clock.py``), so that both stay comparable. A step is
said once, and what is written keeps to the clock of before until the service is started anew.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from cti.log import logger

log = logger("clock")

STEP_S: Final = 2.0
LOOK_S: Final = 1.0
"""So often, at most, the wall clock is looked at: the time is asked for dozens of times for each call."""
_COUNTED_ON: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""On Linux also while the machine sleeps."""


def _seconds() -> float:
    return time.clock_gettime(_COUNTED_ON)


class SteadyClock:
    def __init__(
        self,
        *,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
        seconds: Callable[[], float] = _seconds,
    ) -> None:
        self._wall, self._seconds = wall, seconds
        self._looked_s = seconds()
        self._ahead_s = wall().timestamp() - self._looked_s
        """Of the clock that only goes on, in seconds since 1970."""
        self._told_s = 0.0

    def __call__(self) -> datetime:
        seconds = self._seconds()
        if seconds - self._looked_s >= LOOK_S:
            self._look(seconds)
        return datetime.fromtimestamp(self._ahead_s + seconds, UTC)

    def _look(self, seconds: float) -> None:
        self._looked_s = seconds
        by_s = self._wall().timestamp() - seconds - self._ahead_s
        if abs(by_s - self._told_s) > STEP_S:
            self._told_s = by_s
            log.warning("clock_stepped", by_s=round(by_s, 1), hint="times on record follow it at the next start")


now: Final = SteadyClock()
"""This process'."""
