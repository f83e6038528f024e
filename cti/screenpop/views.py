"""What is known, as desktops are shown it: pure functions from the service's values to the protocol's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from cti import numbers
from cti.agents.agent import Agent
from cti.calls.call import Call, CallState, Direction, Leg, LegState, Recording, Role
from cti.calls.journey import Journey, StepTaken
from cti.crm.contact import Answer, Contact, Flag, Found, Match, MatchedBy, Money, Unavailable, Unknown
from cti.screenpop.actions import call_actions
from cti.screenpop.messages import (
    CallView,
    CaseView,
    ContactView,
    CustomerCard,
    HistoryItem,
    JourneyStep,
    JourneyView,
    MeView,
    NumberView,
    OrderView,
    ParkedView,
    PartyView,
)
from cti.screenpop.rules import my_leg
from cti.store.past import PastCall
from cti.telephony.phone import Ability

HISTORY_LIMIT: Final = 50
_SHORTEST_NUMBER: Final = 7
"""Digits; what is shorter and has no ``+`` is an extension or a service, and shown as it is."""


@dataclass(frozen=True, slots=True)
class Site:
    country: str
    """ISO 3166-1, two letters: how numbers without a country code are read."""
    lines: Mapping[str, str] = field(default_factory=dict)
    """What the site calls the numbers that are dialled: ``{"4930555": "Billing UK"}``."""


def me_view(agent: Agent) -> MeView:
    return MeView(
        agent=agent.id, name=agent.name, role=agent.role.value, extension=agent.extension, queues=agent.queues,
        language=agent.language,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What an agent has to control a call with."""

    abilities: frozenset[Ability] = frozenset()
    pbx_is_up: bool = True
    is_recording_offered: bool = True
    is_recording_refused: bool = False


NO_MEANS: Final = Means()


def call_view(
    call: Call,
    agent: Agent,
    site: Site,
    *,
    means: Means = NO_MEANS,
    journey: JourneyView | None = None,
    recording_resumes_at: datetime | None = None,
) -> CallView:
    """The call from where ``agent`` sits: ringing while their phone rings, ended once their leg is gone. Whoever has no
    part in it, a supervisor, sees it as it is.
    """
    leg = my_leg(call, agent.device)
    number = _number_for(call, leg)
    shown, region = _spelt(number, site.country)
    state, since = _state_for(call, leg)
    return CallView(
        call=call.id, pbx=call.pbx, direction=call.direction.value, state=state.value, since=since,
        offered_at=call.offered_at, answered_at=call.answered_at,
        ended_at=since if state is CallState.ENDED else None,
        number=number, number_shown=shown, region=region, name=call.ani_name if number == call.ani else "",
        dnis=call.dnis, dnis_label=site.lines.get(call.dnis, ""), queue=call.queue, waited_s=call.wait_s,
        keys=dict(call.keys), journey=journey, parties=tuple(_party_view(other, leg) for other in call.legs if other.is_live or other is leg),
        actions=call_actions(
            call, leg, abilities=means.abilities, pbx_is_up=means.pbx_is_up,
            is_recording_offered=means.is_recording_offered, is_recording_refused=means.is_recording_refused,
        ),
        outcome=call.outcome.value if call.outcome else None, talk_s=call.talk_s, hold_s=call.hold_s,
        has_spoken=leg is not None and leg.connected_at is not None, recording=call.recording.value,
        recording_resumes_at=recording_resumes_at if call.recording is Recording.PAUSED else None, parked_in=call.parked_in,
    )  # fmt: skip


def parked_view(call: Call, site: Site, agents: Mapping[str, Agent], *, name: str = "") -> ParkedView:
    """``agents`` by their phones; ``name``: the customer's, where it is known better than the network gave it."""
    shown, _ = _spelt(_number_for(call, None), site.country)
    return ParkedView(
        call=call.id, pbx=call.pbx, space=call.parked_in, since=call.since, queue=call.queue, number_shown=shown,
        name=name or call.ani_name, by=_who_parked(call, agents),
    )  # fmt: skip


def _who_parked(call: Call, agents: Mapping[str, Agent]) -> str:
    """Whoever spoke to the customer last."""
    spoke = [(leg.connected_at, leg.party) for leg in call.legs if leg.connected_at and leg.party.role is Role.AGENT]
    if not spoke:
        return ""
    _, party = max(spoke, key=lambda one: one[0])
    known = agents.get(party.device)
    return known.name if known else party.name or party.number


def journey_view(journey: Journey) -> JourneyView:
    return JourneyView(
        flow=journey.flow, label=journey.label or journey.flow, entered_at=journey.entered_at, spent_s=journey.spent_s,
        outcome=journey.outcome.value if journey.outcome else None, language=journey.language, intent=journey.intent,
        contact=journey.contact, contact_name=journey.contact_name, contact_code=journey.contact_code,
        known_by=journey.known_by.value if journey.known_by else None, known_value=journey.known_value,
        is_verified=journey.is_verified, callback_number=journey.callback_number, has_voicemail=bool(journey.voicemail),
        steps=tuple(_journey_step(one) for one in journey.steps),
    )  # fmt: skip


def _journey_step(taken: StepTaken) -> JourneyStep:
    return JourneyStep(
        step=taken.step, kind=taken.kind, label=taken.label, choice=taken.choice, keyed=taken.keyed,
        spent_s=taken.spent_s, failures=taken.failures, how=taken.how.value,
    )  # fmt: skip


def history_item(past: PastCall) -> HistoryItem:
    number = past.dnis if past.direction is Direction.OUTBOUND else past.ani
    return HistoryItem(
        call=past.call, at=past.offered_at, direction=past.direction.value, outcome=past.outcome.value, queue=past.queue,
        agent=past.agent, talk_s=past.talk_s, result=past.result_label or past.result, note=past.note, number=number,
        ivr=past.ivr_outcome,
    )  # fmt: skip


def contact_view(contact: Contact, by: MatchedBy = MatchedBy.NUMBER, value: str = "") -> ContactView:
    return ContactView(
        id=contact.id, code=contact.code, name=contact.name, company=contact.company, language=contact.language,
        segment=contact.segment, tier=contact.tier, email=contact.email, url=contact.url,
        numbers=tuple(NumberView(typed=one.typed, e164=one.e164, label=one.label) for one in contact.numbers),
        preferences=dict(contact.preferences), flags=tuple(sorted(flag.value for flag in contact.flags)),
        cases=tuple(CaseView(id=one.id, title=one.title, status=one.status, opened_at=one.opened_at) for one in contact.cases),
        orders=tuple(
            OrderView(
                id=one.id, title=one.title, status=one.status, amount=one.amount,
                ordered_on=one.ordered_on.isoformat() if one.ordered_on else "",
            )
            for one in contact.orders
        ),
        balance=_money(contact.balance), fields=dict(contact.fields), matched_by=by.value, matched_value=value,
    )  # fmt: skip


def _money(given: Money | None) -> str:
    """Cents are two digits; a sum that the CRM gives without any is left without."""
    if given is None:
        return ""
    whole, _, cents = f"{given.amount:,f}".partition(".")
    return f"{whole}.{cents:0<2} {given.currency}" if cents else f"{whole} {given.currency}"


# ---- the card, from asking to a choice


def asking(call: Call) -> CustomerCard:
    """Before the CRM has said anything. A withheld number without a key is an answer by itself."""
    is_withheld = call.direction is not Direction.OUTBOUND and numbers.is_withheld(call.customer_number)
    nothing_to_ask = is_withheld and not call.keys
    return CustomerCard(call=call.id, state="withheld" if nothing_to_ask else "asking")


def slow(card: CustomerCard) -> CustomerCard:
    """The CRM's 1.5 s are over, and it may answer yet."""
    return msgspec.structs.replace(card, state="slow") if card.state == "asking" else card


def answered(
    call: Call,
    answer: Answer,
    *,
    history: Iterable[PastCall] = (),
    calls_24h: int = 0,
    ruled_out: frozenset[str] = frozenset(),
) -> CustomerCard:
    """The card of ``answer``. One match is chosen by itself; of several none is. ``ruled_out``: "not this person"."""
    card = msgspec.structs.replace(
        asking(call), history=tuple(history_item(past) for past in history)[:HISTORY_LIMIT], calls_24h=calls_24h
    )
    match answer:
        case Found(matches, source, at, disagrees):
            left = tuple(match for match in matches if match.contact.id not in ruled_out)
            number_says = _contact_views(match for match in disagrees if match.contact.id not in ruled_out)
            card = msgspec.structs.replace(card, source=source, as_of=at, number_says=number_says)
            return _found(card, left)
        case Unknown(reason):
            state = card.state if card.state == "withheld" else "unknown"
            return msgspec.structs.replace(card, state=state, reason=reason)
        case Unavailable(reason):
            return msgspec.structs.replace(card, state="unavailable", reason=reason)


def chosen(card: CustomerCard, contact: ContactView) -> CustomerCard:
    """The agent said who it is: one of the candidates, whom the number belongs to, or somebody found by searching."""
    number_says = tuple(one for one in card.number_says if one.id != contact.id)
    if all(one.id != contact.id for one in card.contacts):
        known = next((one for one in card.number_says if one.id == contact.id), contact)
        card = msgspec.structs.replace(card, contacts=(known, *card.contacts))
    return msgspec.structs.replace(card, state="found", chosen=contact.id, number_says=number_says, reason="")


def corrected(card: CustomerCard, contact: ContactView) -> CustomerCard:
    """The contact was corrected: as it is now, wherever it stands on the card; how it was found stays."""

    def as_now(known: tuple[ContactView, ...]) -> tuple[ContactView, ...]:
        return tuple(
            msgspec.structs.replace(contact, matched_by=one.matched_by, matched_value=one.matched_value)
            if one.id == contact.id
            else one
            for one in known
        )

    return msgspec.structs.replace(card, contacts=as_now(card.contacts), number_says=as_now(card.number_says))


def refuses_recording(card: CustomerCard) -> bool:
    """Does whoever it is not want to be recorded?"""
    return any(Flag.RECORDING_REFUSED.value in one.flags for one in card.contacts if one.id == card.chosen)


def without(card: CustomerCard, contact: str) -> CustomerCard:
    """The agent said who it is not."""
    left = tuple(one for one in card.contacts if one.id != contact)
    card = msgspec.structs.replace(card, number_says=tuple(one for one in card.number_says if one.id != contact))
    if card.chosen and card.chosen != contact:
        return msgspec.structs.replace(card, contacts=left)
    return _left_to_choose(card, left)


def _found(card: CustomerCard, matches: tuple[Match, ...]) -> CustomerCard:
    contacts = _contact_views(matches)
    if not contacts:
        return _left_to_choose(card, ())
    only = contacts[0].id if len(contacts) == 1 else None
    return msgspec.structs.replace(card, state="found" if only else "several", contacts=contacts, chosen=only)


def _left_to_choose(card: CustomerCard, left: tuple[ContactView, ...]) -> CustomerCard:
    """Somebody was ruled out. Who is left alone is not thereby the one; nor is whom the number belongs to."""
    number_says = card.number_says if left else ()
    left = left or card.number_says
    state = "several" if left else "unknown" if card.state in {"asking", "found", "several"} else card.state
    return msgspec.structs.replace(
        card, state=state, contacts=left, chosen=None, number_says=number_says, reason="" if left else "not_this_person"
    )


def _contact_views(matches: Iterable[Match]) -> tuple[ContactView, ...]:
    return tuple(contact_view(match.contact, match.by, match.value) for match in matches)


def _number_for(call: Call, leg: Leg | None) -> str:
    """Who is at the other end: of an internal call the one who was dialled, seen from the one who dialled."""
    placed_it = call.direction is Direction.INTERNAL and leg is not None and call.legs[0].party.leg == leg.party.leg
    number = call.dnis if placed_it else call.customer_number
    return "" if numbers.is_withheld(number) else number


@lru_cache(maxsize=4096)
def _spelt(number: str, country: str) -> tuple[str, str]:
    is_short = len(number) < _SHORTEST_NUMBER and not number.startswith("+")
    known = None if is_short else numbers.parse(number, country=country)
    return (known.international, known.region) if known else (number, "")


def _state_for(call: Call, leg: Leg | None) -> tuple[CallState, datetime]:
    if leg is None:
        return call.state, call.since
    if not leg.is_live:
        return CallState.ENDED, leg.cleared_at or call.ended_at or call.since
    if leg.state is LegState.RINGING:
        return CallState.RINGING, leg.rang_at or call.since
    if leg.consult and leg.state is LegState.CONNECTED:
        return CallState.TALKING, leg.connected_at or call.since
    return call.state, call.since


def _party_view(leg: Leg, mine: Leg | None) -> PartyView:
    party = leg.party
    return PartyView(
        leg=party.leg, role=party.role.value, number=party.number, name=party.name, state=leg.state.value,
        is_me=leg is mine, consult=leg.consult,
    )  # fmt: skip
