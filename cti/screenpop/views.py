"""What is known, as desktops are shown it: pure functions from the service's values to the protocol's."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Final

import msgspec

from cti import numbers
from cti.agents.agent import Agent
from cti.calls.call import Call, CallState, Direction, Leg, LegState
from cti.crm.contact import Answer, Contact, Found, Match, MatchedBy, Unavailable, Unknown
from cti.screenpop.messages import (
    Action,
    CallView,
    CaseView,
    ContactView,
    CustomerCard,
    HistoryItem,
    MeView,
    NumberView,
    OrderView,
    PartyView,
)
from cti.screenpop.rules import my_leg
from cti.store.interactions import Interaction

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


def call_view(call: Call, agent: Agent, site: Site, *, pbx_is_up: bool = True) -> CallView:
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
        keys=dict(call.keys), parties=tuple(_party_view(other, leg) for other in call.legs if other.is_live or other is leg),
        actions=(_hang_up(leg, pbx_is_up=pbx_is_up),), outcome=call.outcome.value if call.outcome else None,
        talk_s=call.talk_s, hold_s=call.hold_s, has_spoken=leg is not None and leg.connected_at is not None,
    )  # fmt: skip


def history_item(past: Interaction) -> HistoryItem:
    number = past.dnis if past.direction is Direction.OUTBOUND else past.ani
    return HistoryItem(
        call=past.call, at=past.offered_at, direction=past.direction.value, outcome=past.outcome.value, queue=past.queue,
        agent=past.agent, talk_s=past.talk_s, result=past.result_label or past.result, note=past.note, number=number,
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
        fields=dict(contact.fields), matched_by=by.value, matched_value=value,
    )  # fmt: skip


# ---- the card, from asking to a choice


def asking(call: Call) -> CustomerCard:
    """Before the CRM has said anything. A withheld number without a key is an answer by itself."""
    nothing_to_ask = numbers.is_withheld(call.customer_number) and not call.keys
    return CustomerCard(call=call.id, state="withheld" if nothing_to_ask else "asking")


def slow(card: CustomerCard) -> CustomerCard:
    """The CRM's 1.5 s are over, and it may answer yet."""
    return msgspec.structs.replace(card, state="slow") if card.state == "asking" else card


def answered(
    call: Call,
    answer: Answer,
    *,
    history: Iterable[Interaction] = (),
    calls_24h: int = 0,
    ruled_out: frozenset[str] = frozenset(),
) -> CustomerCard:
    """The card of ``answer``. One match is chosen by itself; of several none is. ``ruled_out``: "not this person"."""
    card = msgspec.structs.replace(
        asking(call), history=tuple(history_item(past) for past in history)[:HISTORY_LIMIT], calls_24h=calls_24h
    )
    match answer:
        case Found(matches, source, at):
            left = tuple(match for match in matches if match.contact.id not in ruled_out)
            return _found(msgspec.structs.replace(card, source=source, as_of=at), left)
        case Unknown(reason):
            state = card.state if card.state == "withheld" else "unknown"
            return msgspec.structs.replace(card, state=state, reason=reason)
        case Unavailable(reason):
            return msgspec.structs.replace(card, state="unavailable", reason=reason)


def chosen(card: CustomerCard, contact: ContactView) -> CustomerCard:
    """The agent said who it is: one of the candidates, or somebody found by searching."""
    known = any(one.id == contact.id for one in card.contacts)
    contacts = card.contacts if known else (contact, *card.contacts)
    return msgspec.structs.replace(card, state="found", contacts=contacts, chosen=contact.id, reason="")


def without(card: CustomerCard, contact: str) -> CustomerCard:
    """The agent said who it is not. Somebody left alone is not thereby the one."""
    left = tuple(one for one in card.contacts if one.id != contact)
    state = ("unknown" if card.state in {"found", "several"} else card.state) if not left else "several"
    return msgspec.structs.replace(
        card, state=state, contacts=left, chosen=None if card.chosen == contact else card.chosen,
        reason="not_this_person" if not left else "",
    )  # fmt: skip


def _found(card: CustomerCard, matches: tuple[Match, ...]) -> CustomerCard:
    if not matches:
        return msgspec.structs.replace(card, state="unknown", reason="not_this_person")
    contacts = tuple(contact_view(match.contact, match.by, match.value) for match in matches)
    only = contacts[0].id if len(contacts) == 1 else None
    return msgspec.structs.replace(card, state="found" if only else "several", contacts=contacts, chosen=only)


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


def _hang_up(leg: Leg | None, *, pbx_is_up: bool) -> Action:
    if leg is None or not leg.is_live:
        return Action(name="hangup", allowed=False, why_not="not_your_call")
    return Action(name="hangup", allowed=pbx_is_up, why_not="" if pbx_is_up else "pbx_lost")
