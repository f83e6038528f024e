"""Facts of one call -> its interaction. Pure, so that rebuilding gives the same rows.

Facts are taken in the order they were recorded. A fact told twice is told once; an event that does not fit is passed
over, as the tracker does; where the call's beginning was never recorded it is read off the first event there is, for
each event's data names the call's direction and numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from cti.calls.call import Anomaly, Call, CallId, Direction, Leg, LegId, LegState, Outcome, Role
from cti.calls.events import CallEvent, Offered
from cti.calls.journey import Identified
from cti.calls.transitions import advance, begin
from cti.envelope import TYPE_OF, Envelope, event_of
from cti.journeys import JOURNEY_TYPES, journey_event_of, journey_of
from cti.journeys import TYPE_OF as TYPE_OF_JOURNEY
from cti.numbers import is_withheld
from cti.store import callbacks, trail
from cti.store.interactions import Handled, Interaction
from cti.store.trail import Trail
from cti.store.unseen import before_unseen_end, is_inferred, seen_after_gap, seen_through, what_counts

CLEARED: Final = "cti.call.cleared.v1"
CUSTOMER: Final = "cti.interaction.customer.v1"
NOT_CUSTOMER: Final = "cti.interaction.not_customer.v1"
NOTE: Final = "cti.interaction.note.v1"
RESULT: Final = "cti.interaction.result.v1"
NOT_CLASSIFIED: Final = "cti.interaction.not_classified.v1"
CALL_EVENTS: Final = frozenset(TYPE_OF.values())
NAMING: Final = frozenset({CUSTOMER, NOT_CUSTOMER})
"""What says, or takes back, whose number it is."""
PEOPLES: Final = frozenset({CUSTOMER, NOT_CUSTOMER, NOTE, RESULT, NOT_CLASSIFIED})
"""What people say that shows in the interaction."""
READ: Final = CALL_EVENTS | PEOPLES | JOURNEY_TYPES | {callbacks.CHANGED}
"""The facts that interactions and trails are made of. The rest (receipts of pops, say) is on record for other purposes."""

Devices = Mapping[str, str]
"""Phone -> the id of the agent whose it is: ``PJSIP/1001`` -> ``mara``."""


@dataclass(slots=True)
class _Told:
    """The call so far, and who has spoken to the customer, in the order they began."""

    call: Call | None = None
    is_backfilled: bool = False
    spoke: dict[LegId, None] = field(default_factory=dict)

    def hear(self, call: Call) -> None:
        self.call = call
        for leg in call.live_legs():
            if leg.state in {LegState.CONNECTED, LegState.HELD} and not leg.consult and call.answered_at:
                self.spoke.setdefault(leg.party.leg)


def interaction_of(facts: Iterable[Envelope], devices: Devices) -> Interaction | None:
    """None while the call is not cleared. All ``facts`` are of one call."""
    facts = tuple(facts)
    counting, is_backfilled = what_counts(facts)
    told = _replay(counting, is_backfilled=is_backfilled)
    call = told.call
    if call is None or call.ended_at is None:
        return None
    handled = tuple(_handled(leg, devices, told) for leg in call.legs if leg.party.role is not Role.CUSTOMER)
    note, result, who = _latest(facts, NOTE), _latest(facts, RESULT), who_in(facts)
    journey = journey_of(facts)
    return Interaction(
        pbx=call.pbx,
        call=call.id,
        direction=call.direction,
        ani=call.ani,
        ani_name=call.ani_name,
        dnis=call.dnis,
        queue=call.queue,
        keys=dict(call.keys),
        offered_at=call.offered_at,
        queued_at=call.queued_at,
        answered_at=call.answered_at,
        ended_at=call.ended_at,
        wait_s=call.wait_s or 0.0,
        ring_s=call.ring_s,
        talk_s=call.talk_s,
        hold_s=call.hold_s,
        outcome=call.outcome or Outcome.UNKNOWN,
        cause=call.cause,
        ended_by=call.ended_by,
        agent=_agent(call, devices, told),
        handled_by=handled,
        transfers=tuple(_transfer(call, n) for n in range(len(call.transfers))),
        contact=who.get("contact", ""),
        contact_name=who.get("name", ""),
        note=str(note.get("text", "")),
        result=str(result.get("code", "")),
        result_label=str(result.get("label", "")),
        result_fields=_fields_of(result),
        is_not_classified=not result and any(fact.type == NOT_CLASSIFIED for fact in facts),
        is_backfilled=told.is_backfilled,
        journey=trail.over(journey) if journey else None,
    )


def trail_of(facts: Sequence[Envelope], *, is_over: bool) -> Trail:
    """What came of the IVR; also while the call goes on. ``is_over``: the call is cleared."""
    if not any(fact.type in JOURNEY_TYPES for fact in facts):
        return trail.NOTHING
    return trail.trail_of(facts, is_over=is_over, who=who_in(facts), number=customer_number_of(facts))


def who_in(facts: Iterable[Envelope]) -> Mapping[str, str]:
    """Who it was, ``{"contact", "name"}``: an agent's word before what the caller said in the IVR, and that before the only
    match; of equals the last. Whom an agent ruled out, only an agent brings back.
    """
    who, rank, ruled_out = dict[str, str](), 0, set[str]()
    for fact in facts:
        if fact.type not in _SAYING_WHO:
            continue
        if fact.type == NOT_CUSTOMER:
            ruled_out.add(gone := str(fact.data.get("contact", "")))
            who, rank = ({}, 0) if gone == who.get("contact") else (who, rank)
        elif named := _named(fact):
            said, claim = named
            if claim == _AGENTS_WORD or (claim >= rank and said["contact"] not in ruled_out):
                who, rank = said, claim
    return who


def people_in(interaction: Interaction) -> tuple[str, ...]:
    """The agents whose call it was: who spoke in it, customer or colleague, or dialled it."""
    spoke = [part.agent for part in interaction.handled_by if part.agent and part.connected_at]
    return tuple(dict.fromkeys([*spoke, *([interaction.agent] if interaction.agent else [])]))


def kept_devices(interaction: Interaction | None, devices: Devices) -> Devices:
    """``devices``, but as it was for this call: a phone that changes hands must not change who took yesterday's call."""
    known = {part.device: part.agent for part in interaction.handled_by if part.agent} if interaction else {}
    return {**devices, **known}


def agents_of(handled_by: Iterable[Mapping[str, Any]]) -> Devices:
    """As ``kept_devices``, of what a row says."""
    return {part["device"]: part["agent"] for part in handled_by if part["agent"]}


def customer_number_of(facts: Sequence[Envelope]) -> str:
    """The number of whoever the call is about, as the PBX gave it; empty when it was withheld or is not known."""
    data = next((fact.data for fact in reversed(facts) if fact.type in CALL_EVENTS), {})
    name = "dnis" if data.get("direction") == Direction.OUTBOUND else "ani"
    number = str(data.get(name, ""))
    return "" if is_withheld(number) else number


def ruling_of(fact: Envelope) -> tuple[str, str] | None:
    """The number, and the contact who does not use it; None for facts that say no such thing."""
    number, contact = str(fact.data.get("number", "")), str(fact.data.get("contact", ""))
    return (number, contact) if fact.type == NOT_CUSTOMER and number and contact else None


def picked_by_hand(fact: Envelope) -> str:
    """The contact an agent says it was; empty for all other facts."""
    return str(fact.data.get("contact", "")) if fact.type == CUSTOMER and fact.data.get("by") else ""


def seen_call(facts: Sequence[Envelope]) -> Call | None:
    """The call as it was when we last saw it: without an end that was only inferred."""
    return _replay(before_unseen_end(facts), is_backfilled=False).call


def call_before_gap(facts: Sequence[Envelope]) -> Call | None:
    """The call as it was when we first lost sight of it."""
    return _replay(seen_through(facts), is_backfilled=False).call


def events_after_gap(facts: Sequence[Envelope]) -> list[tuple[CallEvent, bool]]:
    """What happened since, and was it only found so on our return?"""
    return [(event, is_inferred(fact)) for fact in seen_after_gap(facts) if (event := _event(fact))]


def _replay(facts: Sequence[Envelope], *, is_backfilled: bool) -> _Told:
    told = _Told(is_backfilled=is_backfilled)
    for fact in facts:
        event = _event(fact)
        if event is None:
            continue
        call = _next(told.call, event, fact)
        if call is not None:
            told.hear(call)
    return told


def _event(fact: Envelope) -> CallEvent | None:
    """An event whose data cannot be read (of a later version, say) is none."""
    if fact.type not in CALL_EVENTS:
        return None
    try:
        return event_of(fact)
    except (KeyError, TypeError, ValueError):
        return None


def _next(call: Call | None, event: CallEvent, fact: Envelope) -> Call | None:
    if isinstance(event, Offered):
        return None if call else begin(event).after
    change = advance(call or _assumed(event, fact), event)
    return None if isinstance(change, Anomaly) else change.after


def _assumed(event: CallEvent, fact: Envelope) -> Call:
    data = fact.data
    return begin(
        Offered(
            call=CallId(fact.subject),
            at=event.at,
            pbx=fact.pbx,
            direction=Direction(data.get("direction", Direction.INBOUND)),
            ani=str(data.get("ani", "")),
            ani_name=str(data.get("ani_name", "")),
            dnis=str(data.get("dnis", "")),
            keys=tuple(data.get("keys", {}).items()),
        )
    ).after


def _latest(facts: Iterable[Envelope], kind: str) -> Mapping[str, Any]:
    said: Mapping[str, Any] = {}
    for fact in facts:
        if fact.type == kind:
            said = fact.data
    return said


def _fields_of(result: Mapping[str, Any]) -> dict[str, str]:
    fields = result.get("fields")
    return {str(name): str(value) for name, value in fields.items()} if isinstance(fields, dict) else {}


_IDENTIFIED: Final = TYPE_OF_JOURNEY[Identified]
_SAYING_WHO: Final = NAMING | {_IDENTIFIED}
_MATCH, _CALLERS_WORD, _AGENTS_WORD = range(3)


def _named(fact: Envelope) -> tuple[dict[str, str], int] | None:
    """Whom a fact names, and how much that is worth."""
    if fact.type == CUSTOMER:
        said = {name: str(fact.data.get(name, "")) for name in ("contact", "name")}
        return said, _AGENTS_WORD if fact.data.get("by") else _MATCH
    event = journey_event_of(fact) if fact.type == _IDENTIFIED else None
    if isinstance(event, Identified):
        return {"contact": event.contact, "name": event.name}, _CALLERS_WORD
    return None


def _handled(leg: Leg, devices: Devices, told: _Told) -> Handled:
    return Handled(
        agent=devices.get(leg.party.device, ""),
        device=leg.party.device,
        number=leg.party.number,
        name=leg.party.name,
        rang_at=leg.rang_at,
        connected_at=leg.connected_at,
        cleared_at=leg.cleared_at,
        consult=leg.consult and leg.party.leg not in told.spoke,
        cause=leg.cause,
    )


def _agent(call: Call, devices: Devices, told: _Told) -> str:
    """Of those who spoke to the customer the last; of an outgoing call nobody answered, who dialled it."""
    legs = [leg for name in told.spoke if (leg := call.leg(name)) and leg.party.role is not Role.CUSTOMER]
    if not legs and call.direction is not Direction.INBOUND:
        legs = [leg for leg in call.legs[:1] if leg.party.role is Role.AGENT]
    agents = [agent for leg in legs if (agent := devices.get(leg.party.device, ""))]
    return agents[-1] if agents else ""


def _transfer(call: Call, index: int) -> dict[str, str]:
    transfer = call.transfers[index]
    by = call.leg(transfer.by)
    return {
        "kind": transfer.kind,
        "by": (by.party.device or by.party.number) if by else "",
        "to": transfer.to,
        "at": transfer.at.isoformat(),
    }
