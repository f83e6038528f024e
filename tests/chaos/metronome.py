"""How long this machine stood still, and when: what is late by no more than that is not late by our doing.

A test machine is shared. Asterisk's two records of one moment differ by 60 ms when it gets no processor, and a suite that
calls this our mistake is soon not believed. It beats in a process of its own, for the suite's has phones to play and
desktops to read: when that is late, the machine need not be.
"""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
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
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.chaos.metronome", stdout=asyncio.subprocess.PIPE, cwd=ROOT
        )
        assert process.stdout is not None
        listening = asyncio.create_task(self._hear(process.stdout))
        try:
            yield self
        finally:
            process.terminate()
            await listening
            await process.wait()

    async def _hear(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            until, lasted = map(float, line.split())
            self.stalls.append((until, lasted))

    def stalled_s(self, at: float) -> float:
        """All stalls around that time together."""
        return sum(lasted for until, lasted in self.stalls if until - lasted - NEAR_S <= at <= until + NEAR_S)

    @property
    def stood_s(self) -> float:
        """In all."""
        return sum(lasted for _, lasted in self.stalls)


def beat() -> None:
    """A line for each stall, until whoever listens is gone."""
    listener = os.getppid()
    while os.getppid() == listener:
        before = time.monotonic()
        time.sleep(BEAT_S)
        late_s = time.monotonic() - before - BEAT_S
        if late_s > WORTH_S:
            print(time.time(), late_s, flush=True)


if __name__ == "__main__":
    beat()
