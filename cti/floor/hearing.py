"""What the PBXs say, as it touches agents: their part in calls, and their places in queues."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Final

from cti.agents.events import PartGone, PausedOnPbx, UnpausedOnPbx
from cti.agents.presence import Cause, PartState, Reason
from cti.calls.call import Call, CallId
from cti.calls.transitions import CallChanged
from cti.floor.facts import Facts, newly
from cti.floor.keeper import Keeper
from cti.floor.membership import is_ours
from cti.floor.parts import Parts
from cti.floor.seat import Seat
from cti.floor.seats import Seats
from cti.floor.unharmed import unharmed
from cti.telephony.link import LinkChanged, MemberChanged, MembersRead, News

AT_A_TIME: Final = 100
_SPOKE: Final = frozenset({PartState.TALKING, PartState.HELD})


class Hearing:
    def __init__(
        self,
        seats: Seats,
        facts: Facts,
        keeper: Keeper,
        *,
        reasons: tuple[Reason, ...],
        clock: Callable[[], datetime],
    ) -> None:
        self._seats = seats
        self._facts = facts
        self._keeper = keeper
        self._reasons = reasons
        self._clock = clock
        self._parts = Parts()
        self._calls: dict[CallId, Call] = {}
        self.looks: set[asyncio.Task[None]] = set()

    def heard(self, news: News) -> None:
        match news:
            case CallChanged(after=call):
                self.call(call)
            case MemberChanged():
                self._member(news)
            case MembersRead(pbx=pbx, began_at=began_at):
                was_up = self._keeper.is_up
                self._keeper.members.read(pbx, began_at)
                self._look(all_of_them=not was_up)
            case LinkChanged(pbx=pbx, state=state):
                if state != "connected":
                    self._keeper.lost(pbx)
                self._look(all_of_them=True)
            case _:
                pass

    def call(self, call: Call) -> None:
        if call.is_live:
            self._calls[call.id] = call
        else:
            self._calls.pop(call.id, None)
        for agent, event in self._parts.heard(call, self._seats.by_device, self._clock()):
            seat = self._seats.find(agent)
            if seat is None:
                continue
            before = seat.presence
            self._facts.happens(seat, event)
            if isinstance(event, PartGone) and newly(Cause.MISSED_CALL, before, seat.presence):
                self._facts.notice("missed_call", seat, call=event.call, text=event.queue)
            self._facts.tidy(seat)

    def hear_again(self) -> None:
        """Phones have changed hands: whose part in each call it is."""
        for call in tuple(self._calls.values()):
            self.call(call)

    def _member(self, member: MemberChanged) -> None:
        before = self._keeper.members.told(member)
        seat = self._seats.at(member.device)
        if seat is None or not seat.is_known or self._keeper.is_under_way(member):
            return
        want = next((one for one in seat.wants if one.queue == member.queue), None)
        if want and want.is_member and member.is_member and member.paused != want.paused:
            self._changed_there(seat, before, member)
        if before is None or replace(before, at=member.at) != member:  # the lists tell all of them again and again
            self._facts.follower.follow(seat, at_once=False)
            self._facts.moved(seat)

    def _changed_there(self, seat: Seat, before: MemberChanged | None, member: MemberChanged) -> None:
        """Not by us. What a restarted PBX or a stopped service left behind is no news, but for a pause with a reason that
        is none of ours: somebody made it while we were away."""
        now = self._clock()
        if not member.paused:
            if before and before.paused:
                self._facts.happens(seat, UnpausedOnPbx(at=now))
        elif before or not is_ours(member.reason, self._reasons):
            self._facts.happens(seat, PausedOnPbx(at=now, reason=member.reason))

    def _look(self, *, all_of_them: bool) -> None:
        """At those, at least, whom the PBX does not have as wanted. Of thousands, so many at a time: calls do not wait for it."""
        seats = tuple(self._seats)
        self._look_at(seats[:AT_A_TIME], all_of_them)
        if seats[AT_A_TIME:]:
            task = asyncio.create_task(self._look_on(seats[AT_A_TIME:], all_of_them), name="look")
            self.looks.add(task)
            task.add_done_callback(self.looks.discard)

    async def _look_on(self, seats: Sequence[Seat], all_of_them: bool) -> None:  # noqa: FBT001 - as above
        for start in range(0, len(seats), AT_A_TIME):
            await asyncio.sleep(0)
            unharmed(partial(self._look_at, seats[start : start + AT_A_TIME], all_of_them))

    def _look_at(self, seats: Iterable[Seat], all_of_them: bool) -> None:  # noqa: FBT001
        for seat in seats:
            if all_of_them or not self._keeper.is_so(seat.wants):
                self._facts.follower.follow(seat)
                self._facts.moved(seat)

    def over_meanwhile(self, seat: Seat, live: set[CallId], now: datetime) -> None:
        """Calls that ended while we were away, as far as the record knows."""
        for part in seat.presence.parts:
            if part.call not in live:
                spoke = part.state in _SPOKE
                self._facts.happens(seat, PartGone(at=now, call=part.call, queue=part.queue, has_spoken=spoke))

    def left_meanwhile(self, seat: Seat, now: datetime) -> None:
        """Live calls that the agent has no part in any more: we were stopped between writing that down and the state."""
        for part in seat.presence.parts:
            if not self._parts.has(CallId(part.call), seat.agent.id):
                spoke = part.state in _SPOKE
                self._facts.happens(seat, PartGone(at=now, call=part.call, queue=part.queue, has_spoken=spoke))
