"""The shell that has the PBX follow the facts: one task an agent, which tries until it is so, slower each time."""

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from cti.floor.keeper import Keeper
from cti.floor.seat import Seat
from cti.floor.view import Standing
from cti.log import logger
from cti.telephony.backoff import backoff_s

log = logger("floor")

FIGHT_S: Final = 60.0
"""Mending again within so long is a fight: somebody else keeps changing it, and we slow down."""


class Follower:
    def __init__(self, keeper: Keeper, clock: Callable[[], datetime], *, moved: Callable[[Seat], None]) -> None:
        """``moved`` is told whenever the PBX has come nearer, or has refused."""
        self._keeper = keeper
        self._clock = clock
        self._moved = moved
        self.mended = 0
        """Members that were found to be other than wanted, and put right."""

    def follow(self, seat: Seat, *, at_once: bool = True) -> None:
        """Where the PBX does not have it as wanted: now, or (``at_once`` False) when its turn comes."""
        if seat.task and not seat.task.done():
            if at_once:
                seat.again.set()
            return
        if not seat.is_known or not self._keeper.is_up:
            return
        if self._keeper.is_so(seat.wants):
            self._settled(seat)
        else:
            seat.task = asyncio.create_task(self._bring(seat), name=f"members-{seat.agent.id}")

    def standing(self, seat: Seat) -> Standing:
        is_up, wants = self._keeper.is_up, seat.wants
        return Standing(
            queues=self._keeper.queues_of(seat.agent.device), trouble=seat.trouble,
            is_confirmed=not wants or (is_up and self._keeper.is_so(wants)),
            pbx_is_up=is_up or not seat.agent.queues,
        )  # fmt: skip

    async def _bring(self, seat: Seat) -> None:
        failures = 0
        if seat.is_settled and self._is_fight(seat):
            await self._pause(seat, seat.mends)
        while self._keeper.is_up:
            seat.again.clear()
            async with seat.lock:
                is_mending = seat.is_settled
                done, refusals = await self._keeper.bring(seat.wants)
            seat.trouble = refusals[0].words if refusals else ""
            if done and is_mending:
                self._has_mended(seat, done)
            if not seat.again.is_set() and self._keeper.is_so(seat.wants):
                self._settled(seat)
                break
            failures += bool(refusals)
            if refusals and failures == 1:
                log.warning("member_refused", agent=seat.agent.id, pbx=refusals[0].pbx, reason=seat.trouble)
            self._tell(seat)
            await self._pause(seat, failures)
        self._tell(seat)

    def _tell(self, seat: Seat) -> None:
        """A mistake in showing it keeps nobody from following."""
        try:
            self._moved(seat)
        except Exception:
            log.exception("floor_failed")

    async def _pause(self, seat: Seat, failures: int) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(backoff_s(failures, 1.0)):
                await seat.again.wait()

    def _is_fight(self, seat: Seat) -> bool:
        return seat.mended_at is not None and self._clock() - seat.mended_at < timedelta(seconds=FIGHT_S)

    def _has_mended(self, seat: Seat, count: int) -> None:
        seat.mends = seat.mends + 1 if self._is_fight(seat) else 1
        seat.mended_at = self._clock()
        self.mended += count
        log.warning("member_mended", agent=seat.agent.id, count=count, in_a_row=seat.mends)

    def _settled(self, seat: Seat) -> None:
        seat.is_settled, seat.trouble, seat.former = True, "", ()
