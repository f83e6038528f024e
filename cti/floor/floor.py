r"""The shell that owns all agents' states and keeps three sides at one: desktops, PBX, record.

::

    desktops --desktop_came, desktop_left--\                     /--Hub.presence--> the agent's own desktop
    REST ------ask_state, extend, log_out---> Floor (presences) --> record---------> intervals
    PBX -------news-------------------------/                     \\--Keeper-------> queue members

A person's change is asked of the PBX first and is a fact once every PBX has confirmed it; refused by one, nothing has
changed. What the system makes of an event (a missed call, a lost desktop, the end of a wrap-up) is a fact at once, and the
PBX follows; until it has, and while it cannot, the state is shown as not confirmed.

The parts: ``Asking`` has the PBX confirm what people want, ``Facts`` is what has happened, ``Seats`` and ``Deadlines`` are who
sits where and when to look again.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Final

from cti.agents.agent import Agent, AgentId
from cti.agents.events import (
    AgentEvent,
    DesktopBack,
    DesktopGone,
    LoggedIn,
    LoggedOut,
    PartGone,
    PausedOnPbx,
    ResultGiven,
    TakenOver,
    UnpausedOnPbx,
    WrapUpEnded,
    WrapUpExpired,
    WrapUpExtended,
)
from cti.agents.presence import AgentState, Cause, Maker, PartState, Presence, Reason, Rules
from cti.agents.transitions import begin, next_deadline
from cti.calls.call import Call, CallId, PbxName
from cti.calls.transitions import CallChanged
from cti.errors import RequestError
from cti.floor.asking import Asking
from cti.floor.deadlines import Deadlines
from cti.floor.facts import Facts, Record
from cti.floor.keeper import Keeper
from cti.floor.membership import is_ours, wanted
from cti.floor.parts import Parts
from cti.floor.seat import Patience, Seat
from cti.floor.seats import Seats
from cti.floor.view import Asked, asked
from cti.log import logger
from cti.screenpop.hub import Hub
from cti.screenpop.listeners import Arrival
from cti.screenpop.messages import PresenceView
from cti.telephony.link import LinkChanged, MemberChanged, MembersRead, News, PbxLink

log = logger("floor")

AT_A_TIME: Final = 100
_NO_REASONS: Final[tuple[Reason, ...]] = ()
_SPOKE: Final = frozenset({PartState.TALKING, PartState.HELD})


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorSettings:
    rules: Rules = field(default_factory=Rules)
    patience: Patience = field(default_factory=Patience)
    reasons: tuple[Reason, ...] = _NO_REASONS
    """Those of the site."""

    def reason(self, code: int | None) -> Reason | None:
        """Raises ``RequestError`` for one that the site does not have."""
        if code is None:
            return None
        found = next((one for one in self.reasons if one.code == code), None)
        if found is None:
            raise RequestError("no such reason")
        return found


class Floor:
    def __init__(
        self,
        settings: FloorSettings,
        *,
        hub: Hub,
        links: Mapping[PbxName, PbxLink],
        record: Record,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._looks: set[asyncio.Task[None]] = set()
        self._keeper = Keeper(links, clock)
        self._seats = Seats()
        self._deadlines = Deadlines(self._seats, settings.patience)
        self._facts = Facts(
            self._seats, self._deadlines, self._keeper, rules=settings.rules, hub=hub, record=record, clock=clock
        )
        self._follower = self._facts.follower
        self._asking = Asking(self._facts, self._keeper, rules=settings.rules, hub=hub, clock=clock)
        self._parts = Parts()
        self._calls: dict[CallId, Call] = {}
        hub.listeners.on_desktop = lambda arrival: _unharmed(lambda: self.desktop_came(arrival))
        hub.listeners.on_desktop_gone = lambda agent: _unharmed(lambda: self.desktop_left(agent))

    # ---- people and their desktops

    def roster(self, agents: Iterable[Agent]) -> None:
        """Who there is. Those who are no longer, or have no phone any more, are logged out when their call is over."""
        agents = tuple(agents)
        now = self._clock()
        self._seats.names = {agent.id: agent.name for agent in agents}
        there = {agent.id: agent for agent in agents if agent.is_enabled and agent.device}
        for agent_id, agent in there.items():
            seat = self._seats.find(agent_id)
            if seat is None:
                self._seats.add(Seat(agent, begin(agent_id, now)))
            elif seat.agent != agent or not seat.is_on_roster:
                others = (one for one in there.values() if one.id != agent_id)
                seat.becomes(agent, {(one.device, queue) for one in others for queue in one.queues})
                self._follower.follow(seat)
        for seat in [seat for seat in self._seats if seat.agent.id not in there]:
            seat.is_on_roster = False
            self._facts.happens(seat, LoggedOut(at=now, made_by=Maker.SYSTEM))
            self._facts.tidy(seat)
        self._seats.phones_changed()
        for call in tuple(self._calls.values()):
            self._call(call)

    def restore(self, presences: Iterable[Presence], calls: Iterable[Call]) -> None:
        """At the start, after ``roster``: as it was when the service stopped. Desktops are given time to come back."""
        now = self._clock()
        calls = tuple(calls)
        for presence in presences:
            seat = self._seats.find(presence.agent)
            if seat is None:
                continue
            seat.presence, seat.is_known = presence, True
            seat.gone_at, seat.grace_s = now, self._settings.patience.restart_s
            self._over_meanwhile(seat, {call.id for call in calls}, now)
            self._deadlines.plan(seat)
            self._facts.show(seat)
        for call in calls:
            self._call(call)
        for seat in self._seats:
            self._left_meanwhile(seat, now)

    def desktop_came(self, arrival: Arrival) -> None:
        seat = self._seats.find(arrival.agent)
        if seat is None:
            return
        is_other = bool(seat.session) and seat.session != arrival.session
        was_missed = seat.gone_at is not None
        seat.comes(arrival.session)
        now, presence = self._clock(), seat.presence
        events: list[AgentEvent] = []
        if presence.leaves or not presence.is_logged_in:
            is_new = is_other or not (presence.leaves or arrival.comes_back)
            events += [LoggedIn(at=now)] if is_new else []
        elif was_missed:
            events.append(DesktopBack(at=now))
        if arrival.takes_over and is_other:
            events.append(TakenOver(at=now))
        seat.is_known = seat.is_known or bool(events)
        self._facts.happens(seat, *events)
        self._facts.show(seat, anew=True)

    def desktop_left(self, agent: AgentId) -> None:
        seat = self._seats.find(agent)
        if seat and seat.has_desktop:
            seat.has_desktop, seat.gone_at = False, self._clock()
            self._deadlines.plan(seat)

    def log_out(self, agent: AgentId, session: str, by: Agent) -> None:
        """The session ends. It is the agent's log-out where it was the desktop's, not where it was some program's."""
        seat = self._seats.find(agent)
        if seat and seat.session in {session, ""}:  # none: its desktop is not back yet since our start
            maker = Maker.AGENT if by.id == agent else Maker.SUPERVISOR
            self._facts.happens(seat, LoggedOut(at=self._clock(), made_by=maker, by=by.id))

    # ---- what people ask for: accepted or refused at once; what became of it follows as ``Hub.command``

    async def ask_state(
        self, agent: AgentId, state: Asked, *, reason_code: int | None, command: str, by: Agent
    ) -> None:
        """Raises ``NotNow`` (with the reason why not), ``NotFound``, ``PbxUnavailable``."""
        seat = self._seats.of(agent)
        reason = self._settings.reason(reason_code)

        def events(at: datetime) -> tuple[AgentEvent, ...]:
            return asked(state, reason, seat.presence, by, at, has_desktop=seat.has_desktop)

        self._asking.ask(seat, events, command, by, f"{state} {reason_code}")

    async def extend(self, agent: Agent, command: str) -> None:
        self._asking.ask(
            self._seats.of(agent.id), lambda at: (WrapUpExtended(at=at, by=agent.id),), command, agent, "extend"
        )

    async def end_wrap_up(self, agent: Agent, command: str) -> None:
        self._asking.ask(self._seats.of(agent.id), lambda at: (WrapUpEnded(at=at, by=agent.id),), command, agent, "end")

    def result_given(self, agent: AgentId, call: CallId) -> None:
        seat = self._seats.find(agent)
        if seat:
            self._facts.happens(seat, ResultGiven(at=self._clock(), call=call))

    def states(self, by: Agent) -> tuple[PresenceView, ...]:
        """Everybody with a phone, as ``by`` may see and change them."""
        seats = (seat for seat in self._seats if seat.is_on_roster)
        return tuple(self._facts.view(seat, by) for seat in sorted(seats, key=lambda seat: seat.agent.id))

    # ---- the PBX's news

    def news(self, news: News) -> None:
        """A sink beside the pipeline's: quick, and a mistake here costs nothing but a state."""
        _unharmed(lambda: self._heard(news))

    def _heard(self, news: News) -> None:
        match news:
            case CallChanged(after=call):
                self._call(call)
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

    def _call(self, call: Call) -> None:
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
            if isinstance(event, PartGone) and _newly(Cause.MISSED_CALL, before, seat.presence):
                self._facts.notice("missed_call", seat, call=event.call, text=event.queue)
            self._facts.tidy(seat)

    def _member(self, member: MemberChanged) -> None:
        before = self._keeper.members.told(member)
        seat = self._seats.at(member.device)
        if seat is None or not seat.is_known or self._keeper.is_under_way(member):
            return
        want = next((one for one in wanted(seat.agent, seat.presence) if one.queue == member.queue), None)
        if want and want.is_member and member.is_member and member.paused != want.paused:
            self._changed_there(seat, before, member)
        if before is None or replace(before, at=member.at) != member:  # the lists tell all of them again and again
            self._follower.follow(seat, at_once=False)
            self._facts.moved(seat)

    def _changed_there(self, seat: Seat, before: MemberChanged | None, member: MemberChanged) -> None:
        """Not by us. What a restarted PBX or a stopped service left behind is no news, but for a pause with a reason that
        is none of ours: somebody made it while we were away."""
        now = self._clock()
        if not member.paused:
            if before and before.paused:
                self._facts.happens(seat, UnpausedOnPbx(at=now))
        elif before or not is_ours(member.reason, self._settings.reasons):
            self._facts.happens(seat, PausedOnPbx(at=now, reason=member.reason))

    def _look(self, *, all_of_them: bool) -> None:
        """At those, at least, whom the PBX does not have as wanted. Of thousands, so many at a time: calls do not wait for it."""
        seats = tuple(self._seats)
        self._look_at(seats[:AT_A_TIME], all_of_them)
        if seats[AT_A_TIME:]:
            task = asyncio.create_task(self._look_on(seats[AT_A_TIME:], all_of_them), name="look")
            self._looks.add(task)
            task.add_done_callback(self._looks.discard)

    async def _look_on(self, seats: Sequence[Seat], all_of_them: bool) -> None:  # noqa: FBT001 - as above
        for start in range(0, len(seats), AT_A_TIME):
            await asyncio.sleep(0)
            _unharmed(partial(self._look_at, seats[start : start + AT_A_TIME], all_of_them))

    def _look_at(self, seats: Iterable[Seat], all_of_them: bool) -> None:  # noqa: FBT001
        for seat in seats:
            if all_of_them or not self._keeper.is_so(seat.wants):
                self._follower.follow(seat)
                self._facts.moved(seat)

    # ---- time

    async def run(self) -> None:
        """The only timer. Cancel it to stop."""
        while True:
            self._deadlines.looked()
            now = self._clock()
            self.expire(now)
            await self._deadlines.wait(now)

    def next_deadline(self) -> datetime | None:
        return self._deadlines.next()

    def expire(self, now: datetime) -> None:
        """Whatever is due."""
        for seat in self._deadlines.due(now):
            _unharmed(partial(self._expire, seat, now))

    def _expire(self, seat: Seat, now: datetime) -> None:
        patience = self._settings.patience
        if _is_due(next_deadline(seat.presence), now):
            self._facts.happens(seat, WrapUpExpired(at=now))
        if _is_due(seat.log_out_at(patience), now):
            self._facts.happens(seat, LoggedOut(at=now, made_by=Maker.SYSTEM))
        if _is_due(seat.missing_at(patience), now):
            seat.is_gone_told = True
            before = seat.presence
            self._facts.happens(seat, DesktopGone(at=now))
            if _newly(Cause.CONNECTION_LOST, before, seat.presence):
                self._facts.notice("connection_lost", seat)
        self._deadlines.plan(seat)

    async def close(self) -> None:
        tasks = (*self._looks, *self._asking.running, *(seat.task for seat in self._seats if seat.task))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- for figures

    @property
    def counts(self) -> Counter[AgentState]:
        return Counter(seat.presence.state for seat in self._seats if seat.is_on_roster)

    @property
    def mended(self) -> int:
        return self._follower.mended

    @property
    def unconfirmed(self) -> int:
        return sum(seat.shown is not None and not seat.shown.is_confirmed for seat in self._seats)

    # ---- within: after a stop of ours

    def _over_meanwhile(self, seat: Seat, live: set[CallId], now: datetime) -> None:
        """Calls that ended while we were away, as far as the record knows."""
        for part in seat.presence.parts:
            if part.call not in live:
                spoke = part.state in _SPOKE
                self._facts.happens(seat, PartGone(at=now, call=part.call, queue=part.queue, has_spoken=spoke))

    def _left_meanwhile(self, seat: Seat, now: datetime) -> None:
        """Live calls that the agent has no part in any more: we were stopped between writing that down and the state."""
        for part in seat.presence.parts:
            if not self._parts.has(CallId(part.call), seat.agent.id):
                spoke = part.state in _SPOKE
                self._facts.happens(seat, PartGone(at=now, call=part.call, queue=part.queue, has_spoken=spoke))


def _unharmed(told: Callable[[], None]) -> None:
    """Whoever tells us something is not to suffer from a mistake of ours."""
    try:
        told()
    except Exception:
        log.exception("floor_failed")


def _newly(cause: Cause, before: Presence, after: Presence) -> bool:
    had, has = (any(pause.cause is cause for pause in one.pauses) for one in (before, after))
    return has and not had


def _is_due(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now
