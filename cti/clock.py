"""What time it is, without the steps of the wall clock.

A wall clock is set: by NTP, by hands, by a virtual machine that wakes up. A wrap-up must not end an hour early for that, nor an
agent's interval have a length that nobody worked. So the time of day is read once, at the start, and counted on from there;
the PBX's stamps are freed of their steps likewise (``telephony/asterisk/pbx_clock.py``), so that both stay comparable. A step is
said once, and what is written keeps to the clock of before until the service is started anew.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from cti.log import logger

log = logger("clock")

STEP_S: Final = 2.0
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
        self._began, self._began_s = wall(), seconds()
        self._told_s = 0.0

    def __call__(self) -> datetime:
        now = self._began + timedelta(seconds=self._seconds() - self._began_s)
        ahead_s = (self._wall() - now).total_seconds()
        if abs(ahead_s - self._told_s) > STEP_S:
            self._told_s = ahead_s
            log.warning("clock_stepped", by_s=round(ahead_s, 1), hint="times on record follow it at the next start")
        return now


now: Final = SteadyClock()
"""This process'."""
