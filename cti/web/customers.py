"""Customers, as the customer system has them, with our own history of them."""

from typing import Final

from cti.agents.agent import AgentId
from cti.calls.call import Call, CallId
from cti.crm.contact import Contact, ContactId, ContactNumber, Flag
from cti.crm.writing import ContactChange, ContactWriter, differences, read_change, writer_of
from cti.envelope import Envelope
from cti.errors import CrmReadOnly, NotFound
from cti.log import logger
from cti.screenpop import views
from cti.screenpop.access import Deed
from cti.screenpop.hub import Hub
from cti.screenpop.messages import ContactView
from cti.screenpop.views import HISTORY_LIMIT, contact_view, history_item
from cti.web import facts
from cti.web.asked import Asked, Reply, Route
from cti.web.schemas import ChangeView, CustomerChange, CustomerList, CustomerQuery, CustomerView

log: Final = logger("customers")
SHORTEST: Final = 2
LONGEST: Final = 100
"""Characters of a search; what is shorter finds everybody, and nobody's name is longer."""
CHANGES: Final = 5


async def customers(asked: Asked[None, CustomerQuery]) -> Reply:
    """Search by name, company, code or number, taken literally."""
    text = asked.query.q.strip()
    if not SHORTEST <= len(text) <= LONGEST:
        return Reply(body=CustomerList(items=()))
    found = await asked.parts.customers.search(text, limit=asked.query.limit)
    return Reply(body=CustomerList(items=tuple(contact_view(contact) for contact in found)))


async def customer(asked: Asked[None, None]) -> Reply:
    """One customer and the calls there were."""
    contact = await asked.parts.customers.get(ContactId(asked.path["customer"]))
    if contact is None:
        raise NotFound("no such customer")
    numbers = [number.e164 for number in contact.numbers if number.e164]
    past = await asked.parts.log.history(contacts=[contact.id], numbers=numbers, limit=HISTORY_LIMIT)
    history = tuple(history_item(one) for one in past)
    return Reply(
        body=CustomerView(contact=contact_view(contact), history=history, changes=await _changes(asked, contact))
    )


async def create_customer(asked: Asked[CustomerChange, None]) -> Reply:
    """Create a customer, from a call's card where ``call`` is given: it becomes that call's customer."""
    writer, parts = _writer(asked), asked.parts
    call = _call(asked)
    change = read_change(_change(asked.body), None, country=parts.site.country)
    after = await writer.create(change)
    await _tell(asked, None, after, call)
    return Reply(body=contact_view(after), status=201)


async def change_customer(asked: Asked[CustomerChange, None]) -> Reply:
    """Correct a customer; what is left out stays as it is. Who did it, and what it was before, is on record."""
    writer, parts = _writer(asked), asked.parts
    call = _call(asked)
    before = await parts.customers.get(ContactId(asked.path["customer"]))
    if before is None:
        raise NotFound("no such customer")
    change = read_change(_change(asked.body), before, country=parts.site.country)
    after = await writer.change(before.id, change)
    await _tell(asked, before, after, call)
    return Reply(body=contact_view(after))


async def _changes(asked: Asked[None, None], contact: Contact) -> tuple[ChangeView, ...]:
    told = await asked.parts.log.facts(CallId(contact.id))  # a fact is filed under what it is about, a customer here
    changes = [fact for fact in told if fact.type == facts.CUSTOMER_CHANGED]
    return tuple(_change_view(asked.parts.hub, fact) for fact in reversed(changes[-CHANGES:]))


def _change_view(hub: Hub, fact: Envelope) -> ChangeView:
    agent = hub.agent(AgentId(str(fact.data.get("by", ""))))
    return ChangeView(
        at=fact.time, by=agent.name if agent else str(fact.data.get("by", "")), fields=tuple(sorted(fact.data.get("after", {}))),
        is_new=not fact.data.get("before"),
    )  # fmt: skip


def _writer(asked: Asked[CustomerChange, None]) -> ContactWriter:
    writer = writer_of(asked.parts.customers)
    if writer is None:
        raise CrmReadOnly(
            "customers are created and corrected in the customer system itself; from here it is only read"
        )
    return writer


def _call(asked: Asked[CustomerChange, None]) -> Call | None:
    """The call named, before anything is written: a contact is not created for a call that is somebody else's."""
    if asked.body.call is None:
        return None
    call = asked.parts.hub.call(CallId(asked.body.call))
    if call is None:
        raise NotFound("no such call")
    asked.require(Deed.CALL_CUSTOMER, own=asked.is_own_call(call))
    return call


def _change(body: CustomerChange) -> ContactChange:
    typed = None if body.numbers is None else tuple(ContactNumber(typed=n.typed, label=n.label) for n in body.numbers)
    flags = None if body.flags is None else frozenset(map(Flag, body.flags))
    return ContactChange(name=body.name, company=body.company, language=body.language, numbers=typed, flags=flags)


async def _tell(asked: Asked[CustomerChange, None], before: Contact | None, after: Contact, call: Call | None) -> None:
    """The record, the cache of answers, and every card it is on."""
    parts, by, at = asked.parts, asked.agent.id, asked.parts.clock()
    was, now = differences(before, after)
    told = [facts.customer_changed(after.id, by=by, at=at, before=was, after=now)] if now else []
    if call:
        told.append(facts.customer(call.pbx, call.id, after.id, after.name, by=by, at=at))
    await parts.record(told)
    for one in (before, after):
        if one is not None:
            await parts.contact_changed(one)
    _show(parts.hub, after, call)
    log.info("customer_changed" if before else "customer_created", customer=after.id, fields=sorted(now), by=by)


def _show(hub: Hub, contact: Contact, call: Call | None) -> None:
    shown = contact_view(contact)
    for live in hub.calls:
        card = hub.card_of(live)
        told = views.corrected(card, shown)
        if call is not None and live.id == call.id:
            told = views.chosen(told, shown)
        if told != card:
            hub.card(told)


_SEE: Final = Deed.CUSTOMER_SEE
_WRITE: Final = Deed.CUSTOMER_WRITE
ROUTES: Final = (
    Route(
        method="GET", path="/api/v1/customers", handler=customers, deed=_SEE, query=CustomerQuery, gives=CustomerList
    ),
    Route(
        method="GET",
        path="/api/v1/customers/{customer}",
        handler=customer,
        deed=_SEE,
        gives=CustomerView,
        refuses=(404,),
    ),
    Route(
        method="POST",
        path="/api/v1/customers",
        handler=create_customer,
        deed=_WRITE,
        body=CustomerChange,
        gives=ContactView,
        status=201,
        refuses=(404, 409),
    ),
    Route(
        method="PATCH",
        path="/api/v1/customers/{customer}",
        handler=change_customer,
        deed=_WRITE,
        body=CustomerChange,
        gives=ContactView,
        refuses=(404, 409),
    ),
)
