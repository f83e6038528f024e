"""How long this machine stood still, and when: what is late by no more than that is not late by our doing.

A test machine is shared. Asterisk's two records of one moment differ by 60 ms when it gets no processor, and a suite that
calls this our mistake is soon not believed.
"""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Final

BEAT_S: Final = 0.01
WORTH_S: Final = 0.015
NEAR_S: Final = 0.25
"""A stall is felt by other processes so long before and after we felt it."""


@dataclass(slots=True)
class Metronome:
    stalls: list[tuple[float, float]] = field(default_factory=list)
    """(until when, for how long), epoch seconds and seconds."""

    @contextlib.asynccontextmanager
    async def beating(self) -> AsyncIterator["Metronome"]:
        beating = asyncio.create_task(self._beat())
        try:
            yield self
        finally:
            beating.cancel()
            await asyncio.gather(beating, return_exceptions=True)

    def stalled_s(self, at: float) -> float:
        """All stalls around that time together."""
        return sum(lasted for until, lasted in self.stalls if until - lasted - NEAR_S <= at <= until + NEAR_S)

    async def _beat(self) -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(BEAT_S)
            late_s = time.monotonic() - before - BEAT_S
            if late_s > WORTH_S:
                self.stalls.append((time.time(), late_s))
