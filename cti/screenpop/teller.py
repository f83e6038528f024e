"""Brings what the rules decided about a call to the desks it is for, and keeps the receipts of pops."""

import hashlib
from collections.abc import Callable
from datetime import datetime, timedelta

from cti.agents.agent import AgentId
from cti.calls.call import Call, CallId, Leg
from cti.screenpop.desk import Desk, LivePop
from cti.screenpop.desks import Desks
from cti.screenpop.figures import Receipts, Step
from cti.screenpop.listeners import Listeners
from cti.screenpop.messages import CallDelta, CardDelta, Pop, PopWithdrawn
from cti.screenpop.picture import Picture
from cti.screenpop.rules import Left, Popped, Reason, Shown, Told, Withdrawn


class Teller:
    def __init__(
        self,
        desks: Desks,
        picture: Picture,
        listeners: Listeners,
        *,
        rings_s: Callable[[str], float],
        clock: Callable[[], datetime],
    ) -> None:
        self._desks = desks
        self._picture = picture
        self._listeners = listeners
        self._rings_s = rings_s
        self._clock = clock
        self.receipts = Receipts()

    def tell(self, call: Call, told: Told, *, decided_at: datetime | None = None) -> None:
        """``decided_at``: then, at another process, which has noted that."""
        desk = self._desks.of(told.agent)
        match told:
            case Popped(leg=leg):
                self._pop(desk, call, leg, decided_at)
            case Withdrawn(reason=reason):
                self._withdraw(desk, call.id, reason)
            case Shown():
                self._show(desk, call)
            case Left():
                desk.calls.pop(call.id, None)
                self.call(desk, call)
                self._desks.tidy(desk)

    def call(self, desk: Desk, call: Call) -> None:
        """As it looks now."""
        if desk.stream:
            self._desks.put(desk, ("call", call.id), CallDelta(seq=0, call=self._picture.call(call, desk.agent)))

    def card(self, desk: Desk, call: Call) -> None:
        self._desks.put(desk, ("card", call.id), CardDelta(seq=0, card=self._picture.card(call)))

    def expire(self, desk: Desk, now: datetime) -> None:
        for pop in [pop for pop in desk.pops.values() if pop.expires_at <= now]:
            self._withdraw(desk, pop.call, "expired")

    def note(self, pop: str, agent: AgentId, step: Step, now: datetime) -> None:
        """Raises ``Forbidden`` for another agent's pop."""
        noted = self.receipts.noted(pop, agent, step, now)
        if noted:
            self._listeners.on_receipt(noted)

    def _pop(self, desk: Desk, call: Call, leg: Leg, decided_at: datetime | None) -> None:
        agent, since = desk.agent.id, decided_at or self._clock()
        at = max(leg.rang_at or call.since, call.offered_at)
        expires_at = since + timedelta(seconds=self._rings_s(call.queue))
        pop = LivePop(id=pop_id(call, leg, agent), call=call.id, at=at, expires_at=expires_at)
        desk.pops[call.id] = pop
        self._desks.look_again(desk, expires_at)
        if decided_at:
            self.receipts.known(pop.id, call.id, call.pbx, agent, since)
        else:
            self._listeners.on_receipt(self.receipts.decided(pop.id, call.id, call.pbx, agent, since))
        if desk.stream:
            self._desks.put(desk, ("pop", pop.id), Pop(seq=0, pop=self._picture.pop(pop, call, desk.agent)))

    def _withdraw(self, desk: Desk, call: CallId, reason: Reason) -> None:
        pop = desk.pops.pop(call, None)
        if pop:
            self._desks.put(desk, ("pop", pop.id), PopWithdrawn(seq=0, pop=pop.id, call=pop.call, reason=reason))

    def _show(self, desk: Desk, call: Call) -> None:
        is_new = call.id not in desk.calls
        desk.calls[call.id] = None
        self.call(desk, call)
        if is_new:
            self.card(desk, call)


def pop_id(call: Call, leg: Leg, agent: AgentId) -> str:
    """The same ring has the same id in every process, and after a restart: a desktop that knows it does not ring again.

    A channel rings once; when it began to is no part of the id, for whoever took over in mid-ring may not know it.
    """
    ring = f"{call.id} {leg.party.leg} {agent}"
    return hashlib.blake2b(ring.encode(errors="replace"), digest_size=16).hexdigest()
