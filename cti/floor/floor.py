r"""The shell that owns all agents' states and keeps three sides at one: desktops, PBX, record.

::

    desktops --desktop_came, desktop_left--\                     /--Hub.presence--> the agent's own desktop
    REST ------ask_state, extend, log_out---> Floor (presences) --> record---------> intervals
    PBX -------news-------------------------/                     \\--Keeper-------> queue members

A person's change is asked of the PBX first and is a fact once every PBX has confirmed it; refused by one, nothing has
changed. What the system makes of an event (a missed call, a lost desktop, the end of a wrap-up) is a fact at once, and the
PBX follows; until it has, and while it cannot, the state is shown as not confirmed.
"""

import asyncio
import contextlib
import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final, Literal

from cti.agent_facts import of_presence
from cti.agents.agent import Agent, AgentId
from cti.agents.events import (
    AgentEvent,
    DesktopBack,
    DesktopGone,
    LoggedIn,
    LoggedOut,
    PartGone,
    PausedOnPbx,
    PresenceRefused,
    ResultGiven,
    TakenOver,
    UnpausedOnPbx,
    WrapUpEnded,
    WrapUpExpired,
    WrapUpExtended,
)
from cti.agents.presence import AgentState, Cause, Maker, PartState, Presence, Reason, Rules
from cti.agents.transitions import advance, begin, interval_changed, is_foreseen, next_deadline
from cti.agents.wrap_ups import not_classified
from cti.calls.call import Call, CallId, PbxName
from cti.calls.transitions import CallChanged
from cti.envelope import Envelope
from cti.errors import Conflict, NotFound, NotNow, PbxUnavailable, RequestError
from cti.floor.follower import Follower
from cti.floor.keeper import Keeper
from cti.floor.membership import is_ours, wanted
from cti.floor.parts import Parts
from cti.floor.seat import Patience, Seat
from cti.floor.view import Asked, actions, asked, presence_view, tried
from cti.log import logger
from cti.screenpop.hub import Hub
from cti.screenpop.listeners import Arrival
from cti.screenpop.messages import NoticeDelta, PresenceView
from cti.telephony.commands import AddMember
from cti.telephony.link import LinkChanged, MemberChanged, MembersRead, News, PbxLink

log = logger("floor")

MOST_KNOWN: Final = 10_000
_NO_REASONS: Final[tuple[Reason, ...]] = ()
_SPOKE: Final = frozenset({PartState.TALKING, PartState.HELD})
Record = Callable[[Envelope], None]
_Notice = Literal["not_classified", "missed_call", "connection_lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorSettings:
    rules: Rules = field(default_factory=Rules)
    patience: Patience = field(default_factory=Patience)
    reasons: tuple[Reason, ...] = _NO_REASONS
    """Those of the site."""


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
        self._hub = hub
        self._record = record
        self._clock = clock
        self._keeper = Keeper(links, clock)
        self._follower = Follower(self._keeper, clock, moved=lambda seat: _unharmed(partial(self._moved, seat)))
        self._parts = Parts()
        self._seats: dict[AgentId, Seat] = {}
        self._names: dict[AgentId, str] = {}
        self._by_device: dict[str, AgentId] = {}
        self._calls: dict[CallId, Call] = {}
        self._known: dict[str, tuple[AgentId, AgentId, str]] = {}
        """Command -> who gave it, about whom, and what it was."""
        self._running: set[asyncio.Task[None]] = set()
        self._due: list[tuple[datetime, AgentId]] = []
        """A heap; entries that are not their seat's ``planned`` any more count for nothing."""
        self._woken = asyncio.Event()
        hub.listeners.on_desktop = lambda arrival: _unharmed(lambda: self.desktop_came(arrival))
        hub.listeners.on_desktop_gone = lambda agent: _unharmed(lambda: self.desktop_left(agent))

    # ---- people and their desktops

    def roster(self, agents: Iterable[Agent]) -> None:
        """Who there is. Those who are no longer, or have no phone any more, are logged out when their call is over."""
        agents = tuple(agents)
        now = self._clock()
        self._names = {agent.id: agent.name for agent in agents}
        there = {agent.id: agent for agent in agents if agent.is_enabled and agent.device}
        for agent_id, agent in there.items():
            seat = self._seats.get(agent_id)
            if seat is None:
                self._seats[agent_id] = Seat(agent, begin(agent_id, now))
            elif seat.agent != agent or not seat.is_on_roster:
                others = (one for one in there.values() if one.id != agent_id)
                seat.becomes(agent, {(one.device, queue) for one in others for queue in one.queues})
                self._follower.follow(seat)
        for seat in [seat for agent_id, seat in self._seats.items() if agent_id not in there]:
            seat.is_on_roster = False
            self._happens(seat, LoggedOut(at=now, made_by=Maker.SYSTEM))
            self._tidy(seat)
        seats = sorted(self._seats.values(), key=lambda seat: seat.is_on_roster)
        self._by_device = {seat.agent.device: seat.agent.id for seat in seats}
        for call in tuple(self._calls.values()):
            self._call(call)

    def restore(self, presences: Iterable[Presence], calls: Iterable[Call]) -> None:
        """At the start, after ``roster``: as it was when the service stopped. Desktops are given time to come back."""
        now = self._clock()
        calls = tuple(calls)
        for presence in presences:
            seat = self._seats.get(presence.agent)
            if seat is None:
                continue
            seat.presence, seat.is_known = presence, True
            seat.gone_at, seat.grace_s = now, self._settings.patience.restart_s
            self._over_meanwhile(seat, {call.id for call in calls}, now)
            self._plan(seat)
            self._show(seat)
        for call in calls:
            self._call(call)
        for seat in tuple(self._seats.values()):
            self._left_meanwhile(seat, now)

    def desktop_came(self, arrival: Arrival) -> None:
        seat = self._seats.get(arrival.agent)
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
        self._happens(seat, *events)
        self._show(seat, anew=True)

    def desktop_left(self, agent: AgentId) -> None:
        seat = self._seats.get(agent)
        if seat and seat.has_desktop:
            seat.has_desktop, seat.gone_at = False, self._clock()
            self._plan(seat)

    def log_out(self, agent: AgentId, session: str, by: Agent) -> None:
        """The session ends. It is the agent's log-out where it was the desktop's, not where it was some program's."""
        seat = self._seats.get(agent)
        if seat and seat.session in {session, ""}:  # none: its desktop is not back yet since our start
            maker = Maker.AGENT if by.id == agent else Maker.SUPERVISOR
            self._happens(seat, LoggedOut(at=self._clock(), made_by=maker, by=by.id))

    # ---- what people ask for: accepted or refused at once; what became of it follows as ``Hub.command``

    async def ask_state(
        self, agent: AgentId, state: Asked, *, reason_code: int | None, command: str, by: Agent
    ) -> None:
        """Raises ``NotNow`` (with the reason why not), ``NotFound``, ``PbxUnavailable``."""
        seat = self._seat(agent)
        reason = self._reason(reason_code)

        def events(at: datetime) -> tuple[AgentEvent, ...]:
            return asked(state, reason, seat.presence, by, at, has_desktop=seat.has_desktop)

        self._ask(seat, events, command, by, f"{state} {reason_code}")

    async def extend(self, agent: Agent, command: str) -> None:
        self._ask(self._seat(agent.id), lambda at: (WrapUpExtended(at=at, by=agent.id),), command, agent, "extend")

    async def end_wrap_up(self, agent: Agent, command: str) -> None:
        self._ask(self._seat(agent.id), lambda at: (WrapUpEnded(at=at, by=agent.id),), command, agent, "end")

    def result_given(self, agent: AgentId, call: CallId) -> None:
        seat = self._seats.get(agent)
        if seat:
            self._happens(seat, ResultGiven(at=self._clock(), call=call))

    def states(self, by: Agent) -> tuple[PresenceView, ...]:
        """Everybody with a phone, as ``by`` may see and change them."""
        seats = (seat for seat in self._seats.values() if seat.is_on_roster)
        return tuple(self._view(seat, by) for seat in sorted(seats, key=lambda seat: seat.agent.id))

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
        for agent, event in self._parts.heard(call, self._by_device, self._clock()):
            seat = self._seats.get(agent)
            if seat is None:
                continue
            before = seat.presence
            self._happens(seat, event)
            if isinstance(event, PartGone) and _newly(Cause.MISSED_CALL, before, seat.presence):
                self._notice("missed_call", seat, call=event.call, text=event.queue)
            self._tidy(seat)

    def _member(self, member: MemberChanged) -> None:
        before = self._keeper.members.told(member)
        agent = self._by_device.get(member.device)
        seat = self._seats.get(agent) if agent else None
        if seat is None or not seat.is_known or self._keeper.is_under_way(member):
            return
        want = next((one for one in wanted(seat.agent, seat.presence) if one.queue == member.queue), None)
        if want and want.is_member and member.is_member and member.paused != want.paused:
            self._changed_there(seat, before, member)
        self._follower.follow(seat, at_once=False)
        self._moved(seat)

    def _changed_there(self, seat: Seat, before: MemberChanged | None, member: MemberChanged) -> None:
        """Not by us. What a restarted PBX or a stopped service left behind is no news, but for a pause with a reason that
        is none of ours: somebody made it while we were away."""
        now = self._clock()
        if not member.paused:
            if before and before.paused:
                self._happens(seat, UnpausedOnPbx(at=now))
        elif before or not is_ours(member.reason, self._settings.reasons):
            self._happens(seat, PausedOnPbx(at=now, reason=member.reason))

    def _look(self, *, all_of_them: bool) -> None:
        """At those, at least, whom the PBX does not have as wanted."""
        for seat in tuple(self._seats.values()):
            if all_of_them or not self._keeper.is_so(seat.wants):
                self._follower.follow(seat)
                self._moved(seat)

    # ---- time

    async def run(self) -> None:
        """The only timer. Cancel it to stop."""
        while True:
            self._woken.clear()
            now = self._clock()
            self.expire(now)
            due = self.next_deadline()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.01, (due - now).total_seconds()) if due else None):
                    await self._woken.wait()

    def next_deadline(self) -> datetime | None:
        while self._due and not self._is_planned(*self._due[0]):
            heapq.heappop(self._due)
        return self._due[0][0] if self._due else None

    def expire(self, now: datetime) -> None:
        """Whatever is due."""
        while (due := self.next_deadline()) and due <= now:
            seat = self._seats[heapq.heappop(self._due)[1]]
            seat.planned = None
            _unharmed(partial(self._expire, seat, now))

    def _expire(self, seat: Seat, now: datetime) -> None:
        patience = self._settings.patience
        if _is_due(next_deadline(seat.presence), now):
            self._happens(seat, WrapUpExpired(at=now))
        if _is_due(seat.log_out_at(patience), now):
            self._happens(seat, LoggedOut(at=now, made_by=Maker.SYSTEM))
        if _is_due(seat.missing_at(patience), now):
            seat.is_gone_told = True
            before = seat.presence
            self._happens(seat, DesktopGone(at=now))
            if _newly(Cause.CONNECTION_LOST, before, seat.presence):
                self._notice("connection_lost", seat)
        self._plan(seat)

    def _plan(self, seat: Seat) -> None:
        """Wake up when this seat's next deadline has come."""
        at = seat.deadline(self._settings.patience)
        if at != seat.planned:
            seat.planned = at
            if at:
                heapq.heappush(self._due, (at, seat.agent.id))
                self._woken.set()

    def _is_planned(self, at: datetime, agent: AgentId) -> bool:
        seat = self._seats.get(agent)
        return seat is not None and seat.planned == at

    async def close(self) -> None:
        tasks = (*self._running, *(seat.task for seat in self._seats.values() if seat.task))
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # ---- for figures

    @property
    def counts(self) -> Counter[AgentState]:
        return Counter(seat.presence.state for seat in self._seats.values() if seat.is_on_roster)

    @property
    def mended(self) -> int:
        return self._follower.mended

    @property
    def unconfirmed(self) -> int:
        return sum(not self._follower.standing(seat).is_confirmed for seat in self._seats.values())

    # ---- within: asking

    def _ask(
        self, seat: Seat, events: Callable[[datetime], tuple[AgentEvent, ...]], command: str, by: Agent, what: str
    ) -> None:
        asked_for = (by.id, seat.agent.id, what)
        known = self._known.get(command)
        if known is not None and known != asked_for:
            raise Conflict("this id is another command's")
        if known is not None:
            return
        after = tried(seat.presence, events(self._clock()), self._settings.rules)
        if isinstance(after, PresenceRefused):
            raise NotNow(after.code)
        needs_pbx = wanted(seat.agent, after) != (wanted(seat.agent, seat.presence) if seat.is_known else ())
        if needs_pbx and seat.agent.queues and not self._keeper.is_up:
            raise PbxUnavailable("no connection to the PBX")
        self._known[command] = asked_for
        while len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        task = asyncio.create_task(self._carry_out(seat, events, command, by), name=f"state-{command}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _carry_out(
        self, seat: Seat, events: Callable[[datetime], tuple[AgentEvent, ...]], command: str, by: Agent
    ) -> None:
        refused = "failed"
        try:
            async with seat.lock:
                refused = await self._confirmed(seat, events)
                if not refused:
                    seat.is_known = True
                    refused = self._happens(seat, *events(self._clock()))
            self._follower.follow(seat)
            self._show(seat)
        finally:  # whatever went wrong, whoever asked is told how it ended
            log.info("state_asked", agent=seat.agent.id, by=by.id, is_done=not refused, reason=refused)
            self._hub.command(by.id, command, "failed" if refused else "done", refused)

    async def _confirmed(self, seat: Seat, events: Callable[[datetime], tuple[AgentEvent, ...]]) -> str:
        """Asked of every PBX there is; why not, where one refuses, and then nothing has changed on any.

        A queue that does not take the agent in (its name is wrong, say) keeps nobody from the others: it is shown as trouble.
        """
        after = tried(seat.presence, events(self._clock()), self._settings.rules)
        if isinstance(after, PresenceRefused):
            return after.code
        _, refusals = await self._keeper.bring((*wanted(seat.agent, after), *seat.former))
        against = [one for one in refusals if not isinstance(one.command, AddMember)]
        if not against and (not refusals or self._keeper.queues_of(seat.agent.device)):
            return ""
        await self._keeper.bring(seat.wants)
        return refusals[0].words

    def _seat(self, agent: AgentId) -> Seat:
        seat = self._seats.get(agent)
        if seat and seat.is_on_roster:
            return seat
        if agent in self._names:
            raise Conflict("no phone, and so no state")
        raise NotFound("no such agent")

    def _reason(self, code: int | None) -> Reason | None:
        if code is None:
            return None
        found = next((one for one in self._settings.reasons if one.code == code), None)
        if found is None:
            raise RequestError("no such reason")
        return found

    # ---- within: what has happened

    def _happens(self, seat: Seat, *events: AgentEvent) -> str:
        """Facts, all or none; why not, where the machine refuses."""
        refused = tried(seat.presence, events, self._settings.rules)
        if isinstance(refused, PresenceRefused):
            return refused.code
        for event in events:
            before, after = seat.presence, advance(seat.presence, event, self._settings.rules)
            if isinstance(after, Presence) and after is not before:
                seat.presence = after
                self._changed(seat, before)
        return ""

    def _changed(self, seat: Seat, before: Presence) -> None:
        after, now = seat.presence, self._clock()
        is_new = interval_changed(before, after)
        if not is_foreseen(before, after):
            log.error("state_not_foreseen", agent=seat.agent.id, before=before.state, after=after.state)
        if seat.is_known:
            self._record(of_presence(after, None if is_new else max(now, after.since)))
        if is_new:
            log.info("agent_state", agent=seat.agent.id, state=after.state, made_by=after.made_by,
                     reason=after.reason.label if after.reason else "")  # fmt: skip
        for left in not_classified(before, after):
            self._not_classified(seat, CallId(left.call), left.queue, now)
        if wanted(seat.agent, before) != wanted(seat.agent, after):
            seat.is_settled = False
        self._follower.follow(seat)
        self._plan(seat)
        self._show(seat)

    def _not_classified(self, seat: Seat, call: CallId, queue: str, now: datetime) -> None:
        known = self._hub.call(call)
        pbx = known.pbx if known else next((name for name in self._keeper.links if call.startswith(f"{name}-")), "")
        self._record(
            Envelope(
                id=f"{call}#not_classified#{seat.agent.id}", source=f"/pbx/{pbx}",
                type="cti.interaction.not_classified.v1", subject=call, time=now, sequence=0, data={"by": seat.agent.id},
            )
        )  # fmt: skip
        self._notice("not_classified", seat, call=call, text=queue)

    def _over_meanwhile(self, seat: Seat, live: set[CallId], now: datetime) -> None:
        """Calls that ended while we were away, as far as the record knows."""
        for part in seat.presence.parts:
            if part.call not in live:
                spoke = part.state in _SPOKE
                self._happens(seat, PartGone(at=now, call=part.call, queue=part.queue, has_spoken=spoke))

    def _left_meanwhile(self, seat: Seat, now: datetime) -> None:
        """Live calls that the agent has no part in any more: we were stopped between writing that down and the state."""
        for part in seat.presence.parts:
            if not self._parts.has(CallId(part.call), seat.agent.id):
                spoke = part.state in _SPOKE
                self._happens(seat, PartGone(at=now, call=part.call, queue=part.queue, has_spoken=spoke))

    # ---- within: what is shown

    def _notice(self, kind: _Notice, seat: Seat, *, call: str = "", text: str = "") -> None:
        agent = seat.agent
        self._hub.notice(
            NoticeDelta(
                seq=0, kind=kind, at=self._clock(), agent=agent.id, agent_name=agent.name, call=call, text=text
            )
        )  # fmt: skip

    def _moved(self, seat: Seat) -> None:
        self._show(seat)
        self._tidy(seat)

    def _tidy(self, seat: Seat) -> None:
        """People who are no longer there, once they have left."""
        is_done = not seat.is_known or seat.is_settled
        if not seat.is_on_roster and not seat.presence.is_logged_in and not seat.presence.parts and is_done:
            self._seats.pop(seat.agent.id, None)

    def _view(self, seat: Seat, by: Agent) -> PresenceView:
        standing = self._follower.standing(seat)
        allowed = actions(seat.presence, standing, by, self._settings.rules, self._clock())
        return presence_view(seat.presence, standing, self._names, allowed)

    def _show(self, seat: Seat, *, anew: bool = False) -> None:
        view = self._view(seat, seat.agent)
        if seat.is_on_roster and (anew or view != seat.shown):
            seat.shown = view
            self._hub.presence(view)


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
