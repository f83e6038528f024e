"""The hub of the process that reads the PBXs: what it is told, it tells all the others."""

import asyncio
import time
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, Literal
from uuid import uuid4

from cti.agents.agent import AgentId
from cti.calls.call import Call, CallId, PbxName, Recording
from cti.calls.journey import Journey
from cti.calls.transitions import CallChanged
from cti.clock import now
from cti.envelope import encode, of_change
from cti.fanout.bodies import Command, Parked, Phones, Resumes, body_of
from cti.fanout.bus import Bus
from cti.fanout.entry import Entry, Kind
from cti.screenpop.hub import Hub, HubSettings
from cti.screenpop.messages import CustomerCard, NoticeDelta, PbxView, PresenceView, QueueView
from cti.telephony.phone import Ability

ALIVE_S: Final = 1.0
_TICK_S: Final = 0.1
_AT_ONCE: Final = 50
"""Calls of a picture told in one go; events of the PBX come between."""


class PublishingHub(Hub):
    """One for each epoch of the lease. ``run`` begins with the picture."""

    def __init__(
        self,
        settings: HubSettings,
        bus: Bus,
        process: str,
        *,
        epoch: int,
        clock: Callable[[], datetime] = now,
        new_id: Callable[[], str] = lambda: uuid4().hex,
    ) -> None:
        super().__init__(settings, clock=clock, new_id=new_id)
        self._bus = bus
        self._process = process
        self._epoch = epoch
        self._phones: dict[tuple[PbxName, str], frozenset[Ability]] = {}
        self._resumes: dict[CallId, datetime] = {}
        self._is_picture_wanted = True

    async def run(self) -> None:
        """Says that we are alive, plays the hub's clock, and tells the whole picture to whoever missed something."""
        alive_at = 0.0
        while True:
            if time.monotonic() >= alive_at:
                alive_at = time.monotonic() + ALIVE_S
                self._publish(Kind.ALIVE)
            self.expire(self._clock())
            if self._is_picture_wanted:
                await self._tell_all()
            await asyncio.sleep(_TICK_S)

    def picture_wanted(self) -> None:
        """However many ask, they are told once."""
        self._is_picture_wanted = True

    # ---- what the hub is told

    def restore(self, calls: Iterable[Call]) -> None:
        calls = tuple(calls)
        super().restore(calls)
        for call in calls:
            self._tell_whole(call)

    def call_changed(self, change: CallChanged) -> None:
        call, about = change.after, _devices(change.before, change.after)
        self._tell_phones(call, about)
        kind = Kind.CALL if call.is_live else Kind.CALL_ENDED
        self._publish(kind, call.id, encode(of_change(change)), about)
        super().call_changed(change)
        self._tell_recording(call)

    def card(self, card: CustomerCard) -> None:
        super().card(card)
        if self._book.live_call(CallId(card.call)):
            self._publish(Kind.CARD, card.call, body_of(card))

    def journey(self, call: CallId, journey: Journey) -> None:
        super().journey(call, journey)
        self._publish(Kind.JOURNEY, call, body_of(self._book.journey(call)))

    def pbx(self, view: PbxView) -> None:
        super().pbx(view)
        self._publish(Kind.PBX, view.name, body_of(view))

    def command(self, agent: AgentId, command: str, status: Literal["done", "failed"], reason: str = "") -> None:
        super().command(agent, command, status, reason)
        body = body_of(Command(command=command, status=status, reason=reason))
        self._publish(Kind.COMMAND, command, body, (agent,))

    def presence(self, view: PresenceView) -> None:
        super().presence(view)
        self._publish(Kind.PRESENCE, view.agent, body_of(view), (view.agent,))

    def notice(self, notice: NoticeDelta) -> None:
        super().notice(notice)
        self._publish(Kind.NOTICE, body=body_of(notice))

    def _tell_queues(self, queues: Iterable[QueueView]) -> None:
        queues = tuple(queues)
        super()._tell_queues(queues)
        for view in queues:
            self._publish(Kind.QUEUE, view.name, body_of(view))

    def _parked_changed(self) -> None:
        super()._parked_changed()
        self._publish(Kind.PARKED, body=body_of(Parked(parked=self.parked)))

    # ---- what goes with a call

    def _tell_phones(self, call: Call, devices: Iterable[str]) -> None:
        """What the agents' phones can be made to do, where that is not known yet or has changed."""
        for device, agent in self._roster.at(devices).items():
            able = self.listeners.abilities(call, agent)
            if self._phones.get((call.pbx, device)) != able:
                self._phones[call.pbx, device] = able
                self._tell_phone(call.pbx, device, able)

    def _tell_phone(self, pbx: PbxName, device: str, able: frozenset[Ability]) -> None:
        phone = Phones(pbx=pbx, device=device, abilities=tuple(sorted(able)))
        self._publish(Kind.PHONES, f"{pbx}/{device}", body_of(phone), (device,))

    def _tell_recording(self, call: Call) -> None:
        is_paused = call.recording is Recording.PAUSED and call.is_live
        resumes_at = self.listeners.recording_resumes_at(call.id) if is_paused else None
        if resumes_at == self._resumes.get(call.id):
            return
        if resumes_at:
            self._resumes[call.id] = resumes_at
        else:
            self._resumes.pop(call.id, None)
        if call.is_live:
            self._publish(Kind.RECORDING, call.id, body_of(Resumes(at=resumes_at)))

    # ---- the picture

    async def _tell_all(self) -> None:
        self._is_picture_wanted = False
        self._publish(Kind.PICTURE_BEGINS)
        for pbx in self.pbxs:
            self._publish(Kind.PBX, pbx.name, body_of(pbx))
        for queue in self.queues:
            self._publish(Kind.QUEUE, queue.name, body_of(queue))
        for presence in self.presences.values():
            self._publish(Kind.PRESENCE, presence.agent, body_of(presence), (presence.agent,))
        for (name, device), able in self._phones.items():
            self._tell_phone(name, device, able)
        self._publish(Kind.PARKED, body=body_of(Parked(parked=self.parked)))
        await self._tell_calls()
        self._publish(Kind.PICTURE_ENDS)

    async def _tell_calls(self) -> None:
        for nr, known in enumerate(self.calls):
            call = self._book.live_call(known.id)  # as it is by now
            if call:
                self._tell_whole(call)
            if nr % _AT_ONCE == _AT_ONCE - 1:
                await asyncio.sleep(0)

    def _tell_whole(self, call: Call) -> None:
        devices = _devices(None, call)
        self._tell_phones(call, devices)
        self._publish(Kind.CALL_WHOLE, call.id, body_of(call), devices)
        journey, card = self._book.journey(call.id), self._book.card(call.id)
        if journey:
            self._publish(Kind.JOURNEY, call.id, body_of(journey))
        if card:
            self._publish(Kind.CARD, call.id, body_of(card))
        if call.id in self._resumes:
            self._publish(Kind.RECORDING, call.id, body_of(Resumes(at=self._resumes[call.id])))

    def _publish(self, kind: Kind, key: str = "", body: bytes = b"", about: Iterable[str] = ()) -> None:
        entry = Entry(
            kind=kind, key=key, about=tuple(about), sender=self._process, epoch=self._epoch,
            at=self._clock().timestamp(), body=body,
        )  # fmt: skip
        self._bus.publish("news", entry)


def _devices(before: Call | None, after: Call) -> tuple[str, ...]:
    """The phones in the call before or after, each once."""
    legs = (*(before.live_legs() if before else ()), *after.live_legs())
    return tuple(dict.fromkeys(leg.party.device for leg in legs if leg.party.device))
