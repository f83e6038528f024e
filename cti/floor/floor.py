r"""The shell that owns all agents' states and keeps three sides at one: desktops, PBX, record.

::

    desktops --desktop_came, desktop_left--\                     /--Hub.presence--> the agent's own desktop
    REST ------ask_state, extend, log_out---> Floor (presences) --> record---------> intervals
    PBX -------news-------------------------/                     \\--Keeper-------> queue members

A person's change is asked of the PBX first and is a fact once every PBX has confirmed it; refused by one, nothing has
changed. What the system makes of an event (a missed call, a lost desktop, the end of a wrap-up) is a fact at once, and the
PBX follows; until it has, and while it cannot, the state is shown as not confirmed.

The parts: ``Asking`` has the PBX confirm what people want, ``Hearing`` is what the PBXs say, ``Facts`` what has happened to whom,
``Seats`` and ``Deadlines`` are who sits where and when to look again.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from cti.agents.agent import Agent, AgentId
from cti.agents.events import (
    AgentEvent,
    DesktopBack,
    DesktopGone,
    LoggedIn,
    LoggedOut,
    ResultGiven,
    TakenOver,
    WrapUpEnded,
    WrapUpExpired,
    WrapUpExtended,
)
from cti.agents.presence import AgentState, Cause, Maker, Presence, Reason, Rules
from cti.agents.transitions import begin, next_deadline
from cti.calls.call import Call, CallId, PbxName
from cti.clock import now
from cti.errors import RequestError
from cti.floor.asking import Asking
from cti.floor.deadlines import Deadlines
from cti.floor.facts import Facts, Record, newly
from cti.floor.hearing import Hearing
from cti.floor.keeper import Keeper
from cti.floor.seat import Patience, Seat
from cti.floor.seats import Seats
from cti.floor.unharmed import unharmed
from cti.floor.view import Asked, asked
from cti.screenpop.hub import Hub
from cti.screenpop.listeners import Arrival
from cti.screenpop.messages import PresenceView
from cti.telephony.link import News, PbxLink

_NO_REASONS: Final[tuple[Reason, ...]] = ()


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
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._settings = settings
        self._clock = clock
        keeper = Keeper(links, clock)
        self._seats = Seats()
        self._deadlines = Deadlines(self._seats, settings.patience)
        self._facts = Facts(
            self._seats, self._deadlines, keeper, rules=settings.rules, hub=hub, record=record, clock=clock
        )
        self._follower = self._facts.follower
        self._asking = Asking(self._facts, keeper, rules=settings.rules, hub=hub, clock=clock)
        self._hearing = Hearing(self._seats, self._facts, keeper, reasons=settings.reasons, clock=clock)
        hub.listeners.on_desktop = lambda arrival: unharmed(lambda: self.desktop_came(arrival))
        hub.listeners.on_desktop_gone = lambda agent: unharmed(lambda: self.desktop_left(agent))

    # ---- people and their desktops

    def roster(self, agents: Iterable[Agent]) -> None:
        """Who there is. Those who are no longer, or have no phone any more, are logged out when their call is over."""
        agents = tuple(agents)
        now = self._clock()
        self._seats.names = {agent.id: agent.name for agent in agents}
        there = {agent.id: agent for agent in agents if agent.is_enabled and agent.device}
        places = {(agent.device, queue) for agent in there.values() for queue in agent.queues}
        for agent_id, agent in there.items():
            seat = self._seats.find(agent_id)
            if seat is None:
                self._seats.add(Seat(agent, begin(agent_id, now)))
            elif seat.agent != agent or not seat.is_on_roster:
                seat.becomes(agent, places)
                self._follower.follow(seat)
        for seat in [seat for seat in self._seats if seat.agent.id not in there]:
            seat.is_on_roster = False
            self._facts.happens(seat, LoggedOut(at=now, made_by=Maker.SYSTEM))
            self._facts.tidy(seat)
        self._seats.phones_changed()
        self._hearing.hear_again()

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
            self._hearing.over_meanwhile(seat, {call.id for call in calls}, now)
            self._deadlines.plan(seat)
            self._facts.show(seat)
        for call in calls:
            self._hearing.call(call)
        for seat in self._seats:
            self._hearing.left_meanwhile(seat, now)

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
            is_new = is_other or seat.missed_log_in(arrival.new_at) or not (presence.leaves or arrival.comes_back)
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

    async def states(self, by: Agent) -> tuple[PresenceView, ...]:
        """Everybody with a phone, as ``by`` may see and change them."""
        seats = (seat for seat in self._seats if seat.is_on_roster)
        return tuple(self._facts.view(seat, by) for seat in sorted(seats, key=lambda seat: seat.agent.id))

    # ---- the PBX's news

    def news(self, news: News) -> None:
        """A sink beside the pipeline's: quick, and a mistake here costs nothing but a state."""
        unharmed(lambda: self._hearing.heard(news))

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
            unharmed(partial(self._expire, seat, now))

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
            if newly(Cause.CONNECTION_LOST, before, seat.presence):
                self._facts.notice("connection_lost", seat)
        self._deadlines.plan(seat)

    async def close(self) -> None:
        tasks = (*self._hearing.looks, *self._asking.running, *(seat.task for seat in self._seats if seat.task))
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


def _is_due(at: datetime | None, now: datetime) -> bool:
    return at is not None and at <= now
