"""The hub of a process that reads no PBX: fed from the bus, and paying only for the desktops it has.

A step of a call is put on the shelf as it came. It is opened, folded and told when the phone of somebody with a desktop here is
in it, or when REST asks for the call. A desktop that arrives has its calls opened then.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

from cti.agents.agent import AgentId
from cti.calls.call import Call, CallId, PbxName
from cti.calls.events import Cleared
from cti.calls.transitions import CallChanged, advance
from cti.clock import now
from cti.fanout.bodies import Command, Parked, Phones, Resumes, body_of, read_body
from cti.fanout.bus import Bus
from cti.fanout.entry import Entry, Kind
from cti.fanout.lately import Lately
from cti.fanout.shelf import Shelf
from cti.screenpop.hub import Hub, HubSettings
from cti.screenpop.messages import (
    CommandDelta,
    CustomerCard,
    Delta,
    NoticeDelta,
    PbxView,
    PresenceView,
    QueueView,
)
from cti.screenpop.outbox import Key
from cti.screenpop.rules import decide
from cti.telephony.phone import Ability

CLOCKS_APART: Final = timedelta(seconds=10)
"""News that seems older comes from a machine whose clock is off."""
_SWEEP: Final = timedelta(seconds=10)


class FedHub(Hub):
    def __init__(
        self,
        settings: HubSettings,
        bus: Bus,
        process: str,
        *,
        clock: Callable[[], datetime] = now,
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        self._shelf = Shelf()
        super().__init__(settings, clock=clock, new_id=new_id, book=self._shelf)
        self._bus = bus
        self._process = process
        self._roster.watch_nobody()
        self._abilities: dict[tuple[PbxName, str], frozenset[Ability]] = {}
        self._resumes: dict[CallId, datetime] = {}
        self._unread_presences: dict[AgentId, bytes] = {}
        self._told_once = Lately()
        self._sweep_at = clock() + _SWEEP
        self.listeners.on_hello = self._seat
        self.listeners.lately = self._lately
        self.listeners.abilities = lambda call, agent: self._abilities.get((call.pbx, agent.device), frozenset())
        self.listeners.recording_resumes_at = self._resumes.get

    # ---- from the bus

    def take(self, entry: Entry) -> bool:
        """One piece of news. False: it is a step of a call that does not follow on what is known; ask for the picture."""
        match entry.kind:
            case Kind.CALL | Kind.CALL_ENDED:
                return self._step(CallId(entry.key), entry)
            case Kind.CALL_WHOLE:
                self._whole(CallId(entry.key), entry)
            case Kind.CARD:
                self._card(CallId(entry.key), entry.body)
            case Kind.JOURNEY:
                self._journey(CallId(entry.key), entry.body)
            case Kind.RECORDING:
                self._recording(CallId(entry.key), read_body(entry.body, Resumes).at)
            case Kind.PRESENCE:
                self._presence(AgentId(entry.key), entry.body)
            case Kind.COMMAND:
                self._command(AgentId(entry.about[0]), read_body(entry.body, Command))
            case _:
                self._of_the_site(entry)
        return True

    def _of_the_site(self, entry: Entry) -> None:
        match entry.kind:
            case Kind.PHONES:
                phone = read_body(entry.body, Phones)
                self._abilities[PbxName(phone.pbx), phone.device] = frozenset(phone.abilities)
            case Kind.PBX:
                self.pbx(read_body(entry.body, PbxView))
            case Kind.QUEUE:
                self._queue(read_body(entry.body, QueueView))
            case Kind.PARKED:
                self._parked(read_body(entry.body, Parked))
            case Kind.NOTICE:
                notice = read_body(entry.body, NoticeDelta)
                self._told_once.note(self._clock(), None, ("notice", self._new_id()), notice)
                self.notice(notice)
            case _:
                pass

    def forget_all_but(self, *, calls: set[str], pbxs: set[str], queues: set[str], agents: set[str]) -> None:
        """A picture has ended: what is not in it is gone."""
        for call in [call for call in self._shelf.ids if call not in calls]:
            self._gone(call)
        for queue in self.queues:
            if queue.name not in queues and queue.waiting:
                self.queue(QueueView(name=queue.name, waiting=0))
        for name in [name for name in self._picture.pbxs if name not in pbxs]:
            del self._picture.pbxs[name]
        for presences in (self._picture.presences, self._unread_presences):
            for agent in [agent for agent in presences if agent not in agents]:
                del presences[agent]

    # ---- as REST sees it

    def card(self, card: CustomerCard) -> None:
        """An agent chose: shown here at once, told to the process that reads the PBXs, and by it to all."""
        body = body_of(card)
        self._bus.publish("desks", Entry(kind=Kind.CARD, key=card.call, sender=self._process, body=body))
        self._card(CallId(card.call), body)

    @property
    def presences(self) -> Mapping[AgentId, PresenceView]:
        for agent in tuple(self._unread_presences):
            self._read_presence(agent)
        return self._picture.presences

    def expire(self, now: datetime) -> None:
        super().expire(now)
        if now >= self._sweep_at:
            self._sweep_at = now + _SWEEP
            for agent in self._roster.watched_agents:
                desk = self._desks.find(agent)
                if desk is None or (desk.stream is None and desk.desktop is None):
                    self._roster.unwatch(agent)
                    self._desks.clear(agent)

    # ---- calls

    def _step(self, call: CallId, entry: Entry) -> bool:
        self._shelf.add_step(call, entry.about, entry.body, self._clock())
        is_over = entry.kind is Kind.CALL_ENDED
        if is_over:
            self._resumes.pop(call, None)
        if not self._concerns(entry.about):
            if is_over:
                self._shelf.close_unread(call)
            return True
        change = self._shelf.read_step(call)
        if change:
            self._tell_change(change, self._decided_at(entry))
        elif is_over:
            self._gone(call)
        return change is not None

    def _whole(self, call: CallId, entry: Entry) -> None:
        whole = read_body(entry.body, Call)
        devices = {*entry.about, *self._shelf.devices_of(call)}
        before = self._shelf.add_whole(call, devices, whole, self._clock())
        if self._concerns(devices) and (before is None or before.sequence != whole.sequence):
            told = decide(before, whole, self._roster.watched)
            self._tell(whole, told, decided_at=self._decided_at(entry))

    def _tell_change(self, change: CallChanged, at: datetime) -> None:
        self._tell(change.after, decide(change.before, change.after, self._roster.watched), decided_at=at)

    def _gone(self, call: CallId) -> None:
        """It ended while we heard nothing."""
        known = self._shelf.live_call(call) if self._concerns(self._shelf.devices_of(call)) else None
        ended = advance(known, Cleared(call=call, at=self._clock(), cause="resync")) if known else None
        if isinstance(ended, CallChanged):
            self._tell_change(ended, self._clock())
        else:
            self._shelf.close_unread(call)

    def _card(self, call: CallId, body: bytes) -> None:
        if not self._concerns(self._shelf.devices_of(call)):
            self._shelf.add_card(call, body)
            return
        card, known = read_body(body, CustomerCard), self._shelf.live_call(call)
        if known and self.card_of(known) != card:
            super().card(card)

    def _journey(self, call: CallId, body: bytes) -> None:
        self._shelf.add_journey(call, body)
        if self._concerns(self._shelf.devices_of(call)):
            self._show_anew(call)

    def _recording(self, call: CallId, resumes_at: datetime | None) -> None:
        if resumes_at == self._resumes.get(call):
            return
        if resumes_at:
            self._resumes[call] = resumes_at
        else:
            self._resumes.pop(call, None)
        if self._concerns(self._shelf.devices_of(call)):
            self._show_anew(call)

    def _tell_parked(self, call: Call) -> None:
        """Which calls are parked is told as a whole: most processes have not opened them."""

    def _parked(self, now: Parked) -> None:
        if now.parked != self._picture.parked:
            self._picture.parked = now.parked
            self._parked_changed()

    # ---- the rest

    def pbx(self, view: PbxView) -> None:
        if self._picture.pbxs.get(view.name) != view:
            super().pbx(view)

    def _queue(self, view: QueueView) -> None:
        if view not in self.queues:
            self.queue(view)

    def _presence(self, agent: AgentId, body: bytes) -> None:
        self._unread_presences[agent] = body
        if self._roster.is_watched(agent):
            before = self._picture.presences.get(agent)
            view = self._read_presence(agent)
            if view and view != before:
                self.presence(view)

    def _read_presence(self, agent: AgentId) -> PresenceView | None:
        body = self._unread_presences.pop(agent, None)
        if body is None:
            return None
        view = self._picture.presences[agent] = read_body(body, PresenceView)
        return view

    def _command(self, agent: AgentId, command: Command) -> None:
        delta = CommandDelta(seq=0, command=command.command, status=command.status, reason=command.reason)
        self._told_once.note(self._clock(), agent, ("command", command.command), delta)
        self.command(agent, command.command, command.status, command.reason)

    # ---- who sits here

    def _seat(self, agent: AgentId) -> None:
        """Their calls are opened before their desktop is shown what there is."""
        device = self._roster.watch(agent)
        self._read_presence(agent)
        for call in self._calls_at({device: agent}) if device else ():
            at = self._shelf.heard_at(call.id)
            self._tell(call, decide(None, call, {device: agent}), decided_at=at)

    def _calls_at(self, phones: Mapping[str, AgentId]) -> Iterable[Call]:
        ids = dict.fromkeys(call for device in phones for call in self._shelf.at(device))
        return [call for one in ids if (call := self._shelf.live_call(one))]

    def _decided_at(self, entry: Entry) -> datetime:
        """By the clock of the reader, where that can be: pops go by ours, and pop also where the two disagree."""
        then, now = datetime.fromtimestamp(entry.at, UTC), self._clock()
        return then if timedelta() <= now - then <= CLOCKS_APART else now

    def _concerns(self, devices: Iterable[str]) -> bool:
        """Somebody with a desktop here."""
        return not self._roster.watched.keys().isdisjoint(devices)

    def _lately(self, agent: AgentId) -> Iterable[tuple[Key, Delta]]:
        known = self._roster.agents.get(agent)
        return self._told_once.told(known, self._clock()) if known else ()
