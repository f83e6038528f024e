"""When each seat is to be looked at again: a heap, whose cost does not grow with the number of agents."""

import asyncio
import contextlib
import heapq
from collections.abc import Iterator
from datetime import datetime

from cti.agents.agent import AgentId
from cti.floor.seat import Patience, Seat
from cti.floor.seats import Seats


class Deadlines:
    def __init__(self, seats: Seats, patience: Patience) -> None:
        self._seats = seats
        self._patience = patience
        self._due: list[tuple[datetime, AgentId]] = []
        """Entries that are not their seat's ``planned`` any more count for nothing."""
        self._woken = asyncio.Event()

    def plan(self, seat: Seat) -> None:
        """Wake up when this seat's next deadline has come."""
        at = seat.deadline(self._patience)
        if at != seat.planned:
            seat.planned = at
            if at:
                heapq.heappush(self._due, (at, seat.agent.id))
                self._woken.set()

    def next(self) -> datetime | None:
        while self._due and not self._is_planned(*self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def due(self, now: datetime) -> Iterator[Seat]:
        """Each once; whoever takes one plans it anew."""
        while (due := self.next()) and due <= now:
            seat = self._seats.find(heapq.heappop(self._due)[1])
            if seat:
                seat.planned = None
                yield seat

    async def wait(self, now: datetime) -> None:
        """Until the next one has come, or a nearer one is planned."""
        due = self.next()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(0.01, (due - now).total_seconds()) if due else None):
                await self._woken.wait()

    def looked(self) -> None:
        """Whatever is planned from now on is news."""
        self._woken.clear()

    def _is_planned(self, at: datetime, agent: AgentId) -> bool:
        seat = self._seats.find(agent)
        return seat is not None and seat.planned == at
