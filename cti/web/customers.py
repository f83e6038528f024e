"""Customers, as the customer system has them, with our own history of them."""

from typing import Final

from cti.crm.contact import ContactId
from cti.errors import NotFound
from cti.screenpop.access import Deed
from cti.screenpop.views import HISTORY_LIMIT, contact_view, history_item
from cti.web.asked import Asked, Reply, Route
from cti.web.schemas import CustomerList, CustomerQuery, CustomerView

SHORTEST: Final = 2
LONGEST: Final = 100
"""Characters of a search; what is shorter finds everybody, and nobody's name is longer."""


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
    return Reply(body=CustomerView(contact=contact_view(contact), history=tuple(history_item(one) for one in past)))


_SEE: Final = Deed.CUSTOMER_SEE
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
)
