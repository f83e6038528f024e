"""All there is to show, and how it looks from one agent's seat. Tells nobody."""

from cti.agents.agent import Agent, AgentId
from cti.calls.call import Call, CallState
from cti.screenpop import views
from cti.screenpop.book import Book
from cti.screenpop.desk import Desk, LivePop
from cti.screenpop.listeners import Listeners
from cti.screenpop.messages import CallView, CustomerCard, ParkedView, PbxView, PopView, PresenceView, Snapshot
from cti.screenpop.queue_news import QueueNews
from cti.screenpop.roster import Roster


class Picture:
    def __init__(
        self,
        site: views.Site,
        roster: Roster,
        queues: QueueNews,
        listeners: Listeners,
        *,
        is_recording_offered: bool,
        book: Book | None = None,
    ) -> None:
        self._site = site
        self._roster = roster
        self._queues = queues
        self._is_recording_offered = is_recording_offered
        self._listeners = listeners
        self.book = Book() if book is None else book
        self.pbxs: dict[str, PbxView] = {}
        self.presences: dict[AgentId, PresenceView] = {}
        self.parked: tuple[ParkedView, ...] = ()

    def card(self, call: Call) -> CustomerCard:
        return self.book.card(call.id) or views.asking(call)

    def call(self, call: Call, agent: Agent) -> CallView:
        up = self.pbxs.get(call.pbx)
        means = views.Means(
            abilities=self._listeners.abilities(call, agent) if call.is_live else frozenset(),
            pbx_is_up=up is None or up.state == "connected",
            is_recording_offered=self._is_recording_offered,
            is_recording_refused=views.refuses_recording(self.card(call)),
        )
        return views.call_view(
            call, agent, self._site, means=means, journey=self.book.journey(call.id),
            recording_resumes_at=self._listeners.recording_resumes_at(call.id),
        )  # fmt: skip

    def pop(self, pop: LivePop, call: Call, agent: Agent) -> PopView:
        return PopView(
            pop=pop.id, call=self.call(call, agent), card=self.card(call), at=pop.at, expires_at=pop.expires_at
        )

    def calls_of(self, desk: Desk) -> list[Call]:
        return [call for one in desk.calls if (call := self.book.live_call(one))]

    def snapshot(self, desk: Desk) -> Snapshot:
        calls = self.calls_of(desk)
        pops = [(pop, call) for pop in desk.pops.values() if (call := self.book.live_call(pop.call))]
        return Snapshot(
            seq=0,
            calls=tuple(self.call(call, desk.agent) for call in calls),
            cards=tuple(self.card(call) for call in calls),
            pops=tuple(self.pop(pop, call, desk.agent) for pop, call in pops),
            pbxs=tuple(self.pbxs.values()),
            queues=tuple(view for view in self._queues.views if view.name in desk.agent.queues),
            presence=self.presences.get(desk.agent.id),
            parked=self.parked,
        )

    def look_at_parked(self, call: Call) -> bool:
        """Has anything about the parked calls changed with this one? Most calls are never parked, and cost nothing here."""
        if call.state is not CallState.PARKED and all(one.call != call.id for one in self.parked):
            return False
        before, self.parked = self.parked, tuple(self._parked_view(call) for call in self.book.parked)
        return self.parked != before

    def _parked_view(self, call: Call) -> ParkedView:
        agents = self._roster.at(leg.party.device for leg in call.legs)
        card = self.card(call)
        chosen = next((one.name or one.company for one in card.contacts if one.id == card.chosen), "")
        return views.parked_view(call, self._site, agents, name=chosen)
