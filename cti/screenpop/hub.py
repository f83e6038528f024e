"""Who listens to what: calls, cards and link states in, numbered messages to each agent's one desktop out. No I/O.

::

    pipeline --call_changed, journey, card, pbx, queue, command--> Hub --Stream per agent--> socket
    socket   --attach, take, detach, receipt, focus--------------> Hub --on_receipt, on_focus--> pipeline

Every method is quick and waits for nobody. What desktops are to show is kept per agent whether or not a desktop is
open, so one that connects in mid-ring sees the pop. Clock and ids are handed in; ``expire`` does what time brings, by
``next_deadline`` at the latest. Deadlines go by our own clock: a PBX whose clock is off still pops.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, Literal
from uuid import uuid4

from cti.agents.agent import Agent, AgentId, AgentRole
from cti.calls.call import Call, CallId
from cti.calls.journey import Journey
from cti.calls.transitions import CallChanged
from cti.errors import Forbidden, NotFound
from cti.screenpop import views
from cti.screenpop.book import Book
from cti.screenpop.desk import DISPLACED, NOT_GOOD, Desk, Desktop, LivePop
from cti.screenpop.figures import Noted, Receipts, Step
from cti.screenpop.messages import (
    CallDelta,
    CallView,
    CardDelta,
    CommandDelta,
    CustomerCard,
    Delta,
    Displaced,
    NoticeDelta,
    ParkedDelta,
    ParkedView,
    PbxDelta,
    PbxView,
    Pop,
    PopView,
    PopWithdrawn,
    PresenceDelta,
    PresenceView,
    QueueDelta,
    QueueView,
    Resume,
    Snapshot,
)
from cti.screenpop.outbox import Key, Limits, Stream
from cti.screenpop.rules import Left, Popped, Reason, Shown, Told, Withdrawn, decide, taking_part
from cti.telephony.phone import Ability

_NO_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    site: views.Site
    ring_timeout_s: float = 60.0
    """How long a phone rings; a pop lives no longer."""
    ring_timeouts_s: Mapping[str, float] = field(default_factory=dict)
    """The same for queues that have their own, by the PBX's name of the queue."""
    queue_news_s: float = 1.0
    """A queue's figures are told at once, and then no more often than this: a busy queue has many agents."""
    resume_s: float = 600.0
    """How long an agent's stream waits for its desktop to come back."""
    is_recording_offered: bool = True
    limits: Limits = _NO_LIMITS


@dataclass(frozen=True, slots=True)
class Attached:
    stream: str
    resumed: bool
    frames: list[bytes]
    """To be sent after the welcome: a snapshot, or what was missed."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A desktop said hello, and is let in."""

    agent: AgentId
    session: str
    takes_over: bool
    """It closes another one that was open."""
    comes_back: bool
    """It is the same page, whose socket broke."""


@dataclass(frozen=True, slots=True)
class Taken:
    """The agent has another desktop open."""

    since: datetime


def _quiet(*_: object) -> None:
    pass


def _no_abilities(_call: Call, _agent: Agent) -> frozenset[Ability]:
    return frozenset()


def _never(_: CallId) -> None:
    return None


class Hub:
    def __init__(
        self,
        settings: HubSettings,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        new_id: Callable[[], str] = lambda: uuid4().hex,
        on_receipt: Callable[[Noted], None] = _quiet,
        on_focus: Callable[[AgentId, CallId | None], None] = _quiet,
        abilities: Callable[[Call, Agent], frozenset[Ability]] = _no_abilities,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._new_id = new_id
        self.on_receipt = on_receipt
        self.on_focus = on_focus
        self.abilities = abilities
        """What the agent's phone can be made to do in that call."""
        self.on_desktop: Callable[[Arrival], None] = _quiet
        self.on_desktop_gone: Callable[[AgentId], None] = _quiet
        """The agent has none any more. May be told twice."""
        self.on_call: Callable[[Call], None] = _quiet
        """Told of each step of a call, before any desktop is."""
        self.recording_resumes_at: Callable[[CallId], datetime | None] = _never
        self.receipts = Receipts()
        self.dropped = 0
        """Desktops closed for falling behind."""
        self.refused: Counter[str] = Counter()
        """Sockets turned away or closed for what they did, by reason; counted by the server."""
        self._agents: dict[AgentId, Agent] = {}
        self._by_device: dict[str, AgentId] = {}
        self._desks: dict[AgentId, Desk] = {}
        self._book = Book()
        self._parked: tuple[ParkedView, ...] = ()
        self._presences: dict[AgentId, PresenceView] = {}
        self._pbxs: dict[str, PbxView] = {}
        self._queues: dict[str, QueueView] = {}
        self._queue_due: dict[str, datetime] = {}
        """When each queue may be told of again."""
        self._queue_news: set[str] = set()
        """Those with something to tell."""
        self._deadlines: list[tuple[datetime, AgentId]] = []

    # ---- from the pipeline

    def roster(self, agents: Iterable[Agent]) -> None:
        """Who there is. Those no longer there, or disabled, lose their desktop; whoever has a phone gets its pops."""
        self._agents = {agent.id: agent for agent in agents if agent.is_enabled}
        self._presences = {agent: view for agent, view in self._presences.items() if agent in self._agents}
        before, self._by_device = (
            self._by_device,
            {agent.device: agent.id for agent in self._agents.values() if agent.device},
        )
        for agent_id, desk in tuple(self._desks.items()):
            known = self._agents.get(agent_id)
            if known is None:
                desk.let_go(NOT_GOOD, "no such agent")
                del self._desks[agent_id]
            else:
                desk.becomes(known)
        new = {device: agent for device, agent in self._by_device.items() if before.get(device) != agent}
        for call in self.calls if new else ():
            self._tell(call, decide(None, call, new))

    def restore(self, calls: Iterable[Call]) -> None:
        """Calls that were live when the service last stopped, or that the hub is to take up for another reason."""
        for call in calls:
            self._tell(call, decide(None, call, self._by_device))

    def call_changed(self, change: CallChanged) -> None:
        self._tell(change.after, decide(change.before, change.after, self._by_device))

    def card(self, card: CustomerCard) -> None:
        """The answer about one call, or a later one. Of a call that is over it is not shown any more."""
        call = self._book.live_call(CallId(card.call))
        if call is None:
            return
        refused_before = views.refuses_recording(self.card_of(call))
        self._book.put_card(card)
        for agent in taking_part(call, self._by_device):
            self._put(self._desk(agent), ("card", call.id), CardDelta(seq=0, card=card))
            if views.refuses_recording(card) is not refused_before:
                self._put_call(self._desk(agent), call)
        self._tell_parked()

    def journey(self, call: CallId, journey: Journey) -> None:
        """How far the caller has come in the IVR. It goes with the call from its first ring on, whichever is heard first."""
        self._book.put_journey(call, views.journey_view(journey))
        live = self._book.live_call(call)
        if live is None:
            return
        for agent in taking_part(live, self._by_device):
            self._put_call(self._desk(agent), live)

    def pbx(self, view: PbxView) -> None:
        self._pbxs[view.name] = view
        delta = PbxDelta(seq=0, pbx=view)
        for desk in tuple(self._desks.values()):
            self._put(desk, ("pbx", view.name), delta)
            for call in self._of(desk):
                if call.pbx == view.name:
                    self._put_call(desk, call)

    def queue(self, view: QueueView) -> None:
        """Told to those whose queue it is, now or when the queue's turn has come again."""
        self._queues[view.name] = view
        now, due = self._clock(), self._queue_due.get(view.name)
        if due is None or due <= now:
            self._tell_queue(view.name, now)
        else:
            self._queue_news.add(view.name)

    def command(self, agent: AgentId, command: str, status: Literal["done", "failed"], reason: str = "") -> None:
        """What became of a command. Told once, also to a desktop that comes back after it."""
        desk = self._desks.get(agent)
        if desk:
            self._put(desk, ("command", command), CommandDelta(seq=0, command=command, status=status, reason=reason))

    def presence(self, view: PresenceView) -> None:
        """Where an agent is, for their own desktop."""
        agent = AgentId(view.agent)
        self._presences[agent] = view
        desk = self._desks.get(agent)
        if desk:
            self._put(desk, ("presence", ""), PresenceDelta(seq=0, presence=view))

    def notice(self, notice: NoticeDelta) -> None:
        """Something that supervisors are to know: told to those who have a desktop open, or come back to it."""
        for desk in tuple(self._desks.values()):
            if desk.agent.role is not AgentRole.AGENT:
                self._put(desk, ("notice", self._new_id()), notice)

    def expire(self, now: datetime) -> None:
        """Withdraw pops, close ended sessions, forget desktops that did not come back, tell of queues: whatever is due."""
        for queue in [queue for queue in self._queue_news if self._queue_due[queue] <= now]:
            self._tell_queue(queue, now)
        while self._deadlines and self._deadlines[0][0] <= now:
            desk = self._desks.get(heapq.heappop(self._deadlines)[1])
            if desk:
                self._sweep(desk, now)

    def next_deadline(self) -> datetime | None:
        due = [self._queue_due[queue] for queue in self._queue_news]
        return min((*due, *(at for at, _ in self._deadlines[:1])), default=None)

    # ---- from the sockets

    def attach(
        self, agent: AgentId, desktop: Desktop, *, resume: Resume | None = None, take_over: bool = False
    ) -> Attached | Taken:
        """A desktop said hello. The one that knows the stream's id is the same one come back, and needs no take-over.

        Raises ``NotFound`` for an agent who is not, or no longer, on the roster.
        """
        desk = self._desk(agent)
        comes_back = resume is not None and desk.stream is not None and desk.stream.id == resume.stream
        if desk.desktop and desk.since and not (take_over or comes_back):
            return Taken(desk.since)
        arrival = Arrival(agent, desktop.session, desk.desktop is not None and not comes_back, comes_back)
        self._displace(desk, is_same=comes_back)
        self.on_desktop(arrival)
        missed = desk.stream.after(resume.seq) if comes_back and desk.stream and resume else None
        frames = self._begin(desk) if missed is None else missed
        desk.desktop, desk.since = desktop, self._clock()
        self._look_again(desk, desktop.session_ends_at)
        return Attached(desk.stream.id if desk.stream else "", missed is not None, frames)

    def take(self, agent: AgentId, desktop: Desktop) -> bytes | None:
        """The next message for this desktop, numbered and encoded; None when there is none, or it is not its turn."""
        desk = self._desks.get(agent)
        if desk is None or desk.desktop is not desktop or desk.stream is None:
            return None
        now = self._clock()
        taken = desk.stream.take(now)
        if taken and isinstance(taken[1], Pop):
            self._note(taken[1].pop.pop, agent, "sent", now)
        return taken[0] if taken else None

    def detach(self, agent: AgentId, desktop: Desktop) -> None:
        """Its socket is gone. What it has not read waits for it ``resume_s``."""
        desk = self._desks.get(agent)
        if desk and desk.desktop is desktop:
            desk.desktop, desk.since = None, self._clock()
            self._look_again(desk, desk.since + timedelta(seconds=self._settings.resume_s))
        if desk is None or desk.desktop is None:
            self.on_desktop_gone(agent)
        if desk:
            self._tidy(desk)

    def receipt(self, agent: AgentId, pop: str, step: Step) -> None:
        """Raises ``Forbidden`` for another agent's pop."""
        self._note(pop, agent, step, self._clock())

    def focus(self, agent: AgentId, call: CallId | None) -> None:
        """Raises ``Forbidden`` for a call that is not the agent's."""
        desk = self._desk(agent)
        if call is not None and call not in desk.calls:
            raise Forbidden("not your call")
        if desk.focus != call:
            desk.focus = call
            self.on_focus(agent, call)

    def close_session(self, session: str) -> None:
        """Logged out, disabled, or the password changed: its desktop goes at once, and cannot resume."""
        for desk in tuple(self._desks.values()):
            if desk.desktop and desk.desktop.session == session:
                desk.stream = None
                desk.let_go(NOT_GOOD, "session ended")
                self._tidy(desk)

    # ---- for REST

    @property
    def calls(self) -> tuple[Call, ...]:
        """All live calls, the oldest first."""
        return self._book.live

    def call(self, call: CallId) -> Call | None:
        """A live call, or one of the last thousands that ended: what people add to it may reach us before the record does."""
        return self._book.call(call)

    def card_of(self, call: Call) -> CustomerCard:
        return self._book.card(call.id) or views.asking(call)

    def view_of(self, call: Call, agent: Agent) -> CallView:
        up = self._pbxs.get(call.pbx)
        means = views.Means(
            abilities=self.abilities(call, agent) if call.is_live else frozenset(),
            pbx_is_up=up is None or up.state == "connected",
            is_recording_offered=self._settings.is_recording_offered,
            is_recording_refused=views.refuses_recording(self.card_of(call)),
        )
        return views.call_view(
            call, agent, self._settings.site, means=means, journey=self._book.journey(call.id),
            recording_resumes_at=self.recording_resumes_at(call.id),
        )  # fmt: skip

    def agent(self, agent: AgentId) -> Agent | None:
        return self._agents.get(agent)

    @property
    def pbxs(self) -> tuple[PbxView, ...]:
        return tuple(self._pbxs.values())

    @property
    def queues(self) -> tuple[QueueView, ...]:
        return tuple(self._queues.values())

    @property
    def agents(self) -> tuple[Agent, ...]:
        """Everybody there is, but those disabled."""
        return tuple(self._agents.values())

    @property
    def presences(self) -> Mapping[AgentId, PresenceView]:
        """Where everybody is, as far as it was told."""
        return self._presences

    @property
    def parked(self) -> tuple[ParkedView, ...]:
        """Calls that wait in a parking space, who has waited longest first."""
        return self._parked

    @property
    def desktops(self) -> int:
        return sum(desk.desktop is not None for desk in self._desks.values())

    # ---- within

    def _tell(self, call: Call, told: Iterable[Told]) -> None:
        self._book.put(call)
        self.on_call(call)
        for one in told:
            self._tell_one(call, one)
        if not call.is_live:
            self._book.close(call)
        self._tell_parked()

    def _tell_parked(self) -> None:
        """Everybody, when anything about them has changed: with the phone, too, anybody may fetch a parked call."""
        parked = tuple(self._parked_view(call) for call in self._book.parked)
        if parked == self._parked:
            return
        self._parked = parked
        for desk in tuple(self._desks.values()):
            self._put(desk, ("parked", ""), ParkedDelta(seq=0, parked=parked))

    def _parked_view(self, call: Call) -> ParkedView:
        agents = {agent.device: agent for agent in self._agents.values() if agent.device}
        card = self.card_of(call)
        chosen = next((one.name or one.company for one in card.contacts if one.id == card.chosen), "")
        return views.parked_view(call, self._settings.site, agents, name=chosen)

    def _tell_one(self, call: Call, told: Told) -> None:
        desk = self._desk(told.agent)
        match told:
            case Popped(leg=leg):
                self._pop(desk, call, max(leg.rang_at or call.since, call.offered_at))
            case Withdrawn(reason=reason):
                self._withdraw(desk, call.id, reason)
            case Shown():
                self._show(desk, call)
            case Left():
                desk.calls.pop(call.id, None)
                self._put_call(desk, call)
                self._tidy(desk)

    def _tell_queue(self, queue: str, now: datetime) -> None:
        self._queue_news.discard(queue)
        self._queue_due[queue] = now + timedelta(seconds=self._settings.queue_news_s)
        delta = QueueDelta(seq=0, queue=self._queues[queue])
        for desk in tuple(self._desks.values()):
            if queue in desk.agent.queues:
                self._put(desk, ("queue", queue), delta)

    def _show(self, desk: Desk, call: Call) -> None:
        is_new = call.id not in desk.calls
        desk.calls[call.id] = None
        self._put_call(desk, call)
        if is_new:
            self._put(desk, ("card", call.id), CardDelta(seq=0, card=self.card_of(call)))

    def _pop(self, desk: Desk, call: Call, at: datetime) -> None:
        now = self._clock()
        expires_at = now + timedelta(
            seconds=self._settings.ring_timeouts_s.get(call.queue, self._settings.ring_timeout_s)
        )
        pop = LivePop(id=self._new_id(), call=call.id, at=at, expires_at=expires_at)
        desk.pops[call.id] = pop
        self._look_again(desk, expires_at)
        self.on_receipt(self.receipts.decided(pop.id, call.id, call.pbx, desk.agent.id, now))
        self._put(desk, ("pop", pop.id), Pop(seq=0, pop=self._pop_view(desk, pop, call)))

    def _put(self, desk: Desk, key: Key, message: Delta) -> None:
        if not desk.put(key, message):
            self.dropped += 1

    def _withdraw(self, desk: Desk, call: CallId, reason: Reason) -> None:
        pop = desk.pops.pop(call, None)
        if pop:
            self._put(desk, ("pop", pop.id), PopWithdrawn(seq=0, pop=pop.id, call=pop.call, reason=reason))

    def _put_call(self, desk: Desk, call: Call) -> None:
        if desk.stream:
            self._put(desk, ("call", call.id), CallDelta(seq=0, call=self.view_of(call, desk.agent)))

    def _pop_view(self, desk: Desk, pop: LivePop, call: Call) -> PopView:
        view, card = self.view_of(call, desk.agent), self.card_of(call)
        return PopView(pop=pop.id, call=view, card=card, at=pop.at, expires_at=pop.expires_at)

    def _begin(self, desk: Desk) -> list[bytes]:
        """A new stream, with a snapshot of all there is as its first message."""
        calls, now = self._of(desk), self._clock()
        pops = [(pop, call) for pop in desk.pops.values() if (call := self._book.live_call(pop.call))]
        snapshot = Snapshot(
            seq=0,
            calls=tuple(self.view_of(call, desk.agent) for call in calls),
            cards=tuple(self.card_of(call) for call in calls),
            pops=tuple(self._pop_view(desk, pop, call) for pop, call in pops),
            pbxs=self.pbxs,
            queues=tuple(view for name, view in self._queues.items() if name in desk.agent.queues),
            presence=self._presences.get(desk.agent.id),
            parked=self._parked,
        )
        desk.stream = Stream(self._new_id(), self._settings.limits)
        for pop, _ in pops:
            self._note(pop.id, desk.agent.id, "sent", now)
        return [desk.stream.number(snapshot, now)]

    def _displace(self, desk: Desk, *, is_same: bool) -> None:
        """Close the desktop there is. One that was lost and comes back by itself is told nothing more."""
        last = b"" if is_same or not desk.stream else desk.stream.number(Displaced(seq=0), self._clock())
        desk.let_go(DISPLACED, "opened elsewhere", last=last)

    def _sweep(self, desk: Desk, now: datetime) -> None:
        for pop in [pop for pop in desk.pops.values() if pop.expires_at <= now]:
            self._withdraw(desk, pop.call, "expired")
        if desk.desktop and desk.desktop.session_ends_at <= now:
            desk.let_go(NOT_GOOD, "session ended")
            desk.since = now
            self._look_again(desk, now + timedelta(seconds=self._settings.resume_s))
        if desk.stream and not desk.desktop and desk.since and self._is_long_gone(desk.since, now):
            desk.stream = None
        self._tidy(desk)

    def _is_long_gone(self, since: datetime, now: datetime) -> bool:
        return since + timedelta(seconds=self._settings.resume_s) <= now

    def _note(self, pop: str, agent: AgentId, step: Step, now: datetime) -> None:
        noted = self.receipts.noted(pop, agent, step, now)
        if noted:
            self.on_receipt(noted)

    def _of(self, desk: Desk) -> list[Call]:
        return [call for one in desk.calls if (call := self._book.live_call(one))]

    def _desk(self, agent: AgentId) -> Desk:
        desk = self._desks.get(agent)
        if desk is None:
            known = self._agents.get(agent)
            if known is None:
                raise NotFound("no such agent")
            desk = self._desks[agent] = Desk(known)
        return desk

    def _look_again(self, desk: Desk, at: datetime) -> None:
        heapq.heappush(self._deadlines, (at, desk.agent.id))

    def _tidy(self, desk: Desk) -> None:
        if desk.is_idle:
            self._desks.pop(desk.agent.id, None)
