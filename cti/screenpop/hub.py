"""Who listens to what: calls, cards and link states in, numbered messages to each agent's one desktop out. No I/O.

::

    pipeline --call_changed, journey, card, pbx, queue, command--> Hub ----------Stream per agent------> socket
    socket   --attach, take, detach, receipt, focus--------------> Hub.desktops --Listeners--> pipeline, floor

Every method is quick and waits for nobody. What desktops are to show is kept per agent whether or not a desktop is
open, so one that connects in mid-ring sees the pop. Clock and ids are handed in; ``expire`` does what time brings, by
``next_deadline`` at the latest. Deadlines go by our own clock: a PBX whose clock is off still pops.

The parts: ``Picture`` is what there is to show, ``Desks`` are whom to show it to, ``Teller`` carries calls and pops from
one to the other, ``Desktops`` come and go.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal
from uuid import uuid4

from cti.agents.agent import Agent, AgentId, AgentRole
from cti.calls.call import Call, CallId
from cti.calls.journey import Journey
from cti.calls.transitions import CallChanged
from cti.clock import now
from cti.screenpop import views
from cti.screenpop.book import Book
from cti.screenpop.desk import Desk
from cti.screenpop.desks import Desks
from cti.screenpop.desktops import Desktops
from cti.screenpop.figures import Receipts
from cti.screenpop.listeners import Listeners
from cti.screenpop.messages import (
    CallView,
    CommandDelta,
    CustomerCard,
    NoticeDelta,
    ParkedDelta,
    ParkedView,
    PbxDelta,
    PbxView,
    PresenceDelta,
    PresenceView,
    QueueDelta,
    QueueView,
)
from cti.screenpop.outbox import Limits
from cti.screenpop.picture import Picture
from cti.screenpop.queue_news import QueueNews
from cti.screenpop.roster import Roster
from cti.screenpop.rules import Told, decide, taking_part
from cti.screenpop.teller import Teller

_NO_LIMITS: Final = Limits()


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    site: views.Site
    ring_timeout_s: float = 60.0
    """How long a phone rings that is called by its number; a pop lives no longer."""
    queue_ring_timeout_s: float = 60.0
    """The same where a queue calls it."""
    ring_timeouts_s: Mapping[str, float] = field(default_factory=dict)
    """The same for queues that have their own, by the PBX's name of the queue."""
    queue_news_s: float = 1.0
    """A queue's figures are told at once, and then no more often than this: a busy queue has many agents."""
    resume_s: float = 600.0
    """How long an agent's stream waits for its desktop to come back."""
    is_recording_offered: bool = True
    limits: Limits = _NO_LIMITS

    def rings_s(self, queue: str) -> float:
        return self.ring_timeouts_s.get(queue, self.queue_ring_timeout_s) if queue else self.ring_timeout_s


class Hub:
    def __init__(
        self,
        settings: HubSettings,
        *,
        clock: Callable[[], datetime] = now,
        new_id: Callable[[], str] = lambda: uuid4().hex,
        book: Book | None = None,
    ) -> None:
        self._clock = clock
        self._new_id = new_id
        self.listeners = Listeners()
        self.refused: Counter[str] = Counter()
        """Sockets turned away or closed for what they did, by reason; counted by the server."""
        self._roster = Roster()
        self._queue_news = QueueNews(settings.queue_news_s)
        self._picture = Picture(
            settings.site, self._roster, self._queue_news, self.listeners,
            is_recording_offered=settings.is_recording_offered, book=book,
        )  # fmt: skip
        self._book = self._picture.book
        self._desks = Desks(self._roster)
        self._teller = Teller(self._desks, self._picture, self.listeners, rings_s=settings.rings_s, clock=clock)
        self.desktops = Desktops(
            self._desks, self._picture, self._teller, self.listeners, limits=settings.limits,
            resume_s=settings.resume_s, clock=clock, new_id=new_id,
        )  # fmt: skip

    # ---- from the pipeline

    def roster(self, agents: Iterable[Agent]) -> None:
        """Who there is. Those no longer there, or disabled, lose their desktop; whoever has a phone gets its pops."""
        new = self._roster.becomes(agents)
        presences = self._picture.presences
        self._picture.presences = {agent: view for agent, view in presences.items() if agent in self._roster.agents}
        self._desks.follow_roster()
        for call in self._calls_at(new) if new else ():
            self._tell(call, decide(None, call, new))

    def restore(self, calls: Iterable[Call]) -> None:
        """Calls that were live when the service last stopped, or that the hub is to take up for another reason."""
        for call in calls:
            self._tell(call, decide(None, call, self._roster.watched))

    def call_changed(self, change: CallChanged) -> None:
        self._tell(change.after, decide(change.before, change.after, self._roster.watched))

    def card(self, card: CustomerCard) -> None:
        """The answer about one call, or a later one. Of a call that is over it is not shown any more."""
        call = self._book.live_call(CallId(card.call))
        if call is None:
            return
        refused_before = views.refuses_recording(self.card_of(call))
        self._book.put_card(card)
        for desk in self._taking_part(call):
            self._teller.card(desk, call)
            if views.refuses_recording(card) is not refused_before:
                self._teller.call(desk, call)
        self._tell_parked(call)

    def journey(self, call: CallId, journey: Journey) -> None:
        """How far the caller has come in the IVR. It goes with the call from its first ring on, whichever is heard first."""
        self._book.put_journey(call, views.journey_view(journey))
        self._show_anew(call)

    def pbx(self, view: PbxView) -> None:
        self._picture.pbxs[view.name] = view
        delta = PbxDelta(seq=0, pbx=view)
        for desk in self._desks:
            self._desks.put(desk, ("pbx", view.name), delta)
            for call in self._picture.calls_of(desk):
                if call.pbx == view.name:
                    self._teller.call(desk, call)

    def queue(self, view: QueueView) -> None:
        """Told to those whose queue it is, now or when the queue's turn has come again."""
        self._tell_queues(self._queue_news.heard(view, self._clock()))

    def command(self, agent: AgentId, command: str, status: Literal["done", "failed"], reason: str = "") -> None:
        """What became of a command. Told once, also to a desktop that comes back after it."""
        desk = self._desks.find(agent)
        if desk:
            delta = CommandDelta(seq=0, command=command, status=status, reason=reason)
            self._desks.put(desk, ("command", command), delta)

    def presence(self, view: PresenceView) -> None:
        """Where an agent is, for their own desktop."""
        agent = AgentId(view.agent)
        self._picture.presences[agent] = view
        desk = self._desks.find(agent)
        if desk:
            self._desks.put(desk, ("presence", ""), PresenceDelta(seq=0, presence=view))

    def notice(self, notice: NoticeDelta) -> None:
        """Something that supervisors are to know: told to those who have a desktop open, or come back to it."""
        for desk in self._desks:
            if desk.agent.role is not AgentRole.AGENT:
                self._desks.put(desk, ("notice", self._new_id()), notice)

    def expire(self, now: datetime) -> None:
        """Withdraw pops, close ended sessions, forget desktops that did not come back, tell of queues: whatever is due."""
        self._tell_queues(self._queue_news.expire(now))
        for desk in self._desks.due(now):
            self._teller.expire(desk, now)
            self.desktops.expire(desk, now)
            self._desks.tidy(desk)

    def next_deadline(self) -> datetime | None:
        deadlines = (self._queue_news.next_deadline(), self._desks.next_deadline())
        return min((at for at in deadlines if at), default=None)

    # ---- for REST

    @property
    def calls(self) -> tuple[Call, ...]:
        """All live calls, the oldest first."""
        return self._book.live

    @property
    def live_count(self) -> int:
        return self._book.live_count

    def call(self, call: CallId) -> Call | None:
        """A live call, or one of the last thousands that ended: what people add to it may reach us before the record does."""
        return self._book.call(call)

    def card_of(self, call: Call) -> CustomerCard:
        return self._picture.card(call)

    def view_of(self, call: Call, agent: Agent) -> CallView:
        return self._picture.call(call, agent)

    def agent(self, agent: AgentId) -> Agent | None:
        return self._roster.agents.get(agent)

    @property
    def agents(self) -> tuple[Agent, ...]:
        """Everybody there is, but those disabled."""
        return tuple(self._roster.agents.values())

    @property
    def pbxs(self) -> tuple[PbxView, ...]:
        return tuple(self._picture.pbxs.values())

    @property
    def queues(self) -> tuple[QueueView, ...]:
        return self._queue_news.views

    @property
    def presences(self) -> Mapping[AgentId, PresenceView]:
        """Where everybody is, as far as it was told."""
        return self._picture.presences

    @property
    def parked(self) -> tuple[ParkedView, ...]:
        """Calls that wait in a parking space, who has waited longest first."""
        return self._picture.parked

    @property
    def receipts(self) -> Receipts:
        return self._teller.receipts

    @property
    def dropped(self) -> int:
        """Desktops closed for falling behind."""
        return self._desks.dropped

    # ---- within

    def _calls_at(self, _phones: Mapping[str, AgentId]) -> Iterable[Call]:
        """Those that may concern these phones."""
        return self.calls

    def _tell(self, call: Call, told: Iterable[Told], *, decided_at: datetime | None = None) -> None:
        self._book.put(call)
        self.listeners.on_call(call)
        for one in told:
            self._teller.tell(call, one, decided_at=decided_at)
        if not call.is_live:
            self._book.close(call)
        self._tell_parked(call)

    def _show_anew(self, call: CallId) -> None:
        """Something about the call has changed that is no step of it."""
        live = self._book.live_call(call)
        if live is None:
            return
        for desk in self._taking_part(live):
            self._teller.call(desk, live)

    def _tell_parked(self, call: Call) -> None:
        if self._picture.look_at_parked(call):
            self._parked_changed()

    def _parked_changed(self) -> None:
        """Everybody is told: with the phone, too, anybody may fetch a parked call."""
        for desk in self._desks:
            self._desks.put(desk, ("parked", ""), ParkedDelta(seq=0, parked=self.parked))

    def _tell_queues(self, queues: Iterable[QueueView]) -> None:
        for view in queues:
            delta = QueueDelta(seq=0, queue=view)
            for agent in self._roster.by_queue.get(view.name, ()):
                if desk := self._desks.find(agent):
                    self._desks.put(desk, ("queue", view.name), delta)

    def _taking_part(self, call: Call) -> Iterable[Desk]:
        return (self._desks.of(agent) for agent in taking_part(call, self._roster.watched))
