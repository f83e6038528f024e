"""Live calls: who is on the line now, and who they are."""

from typing import Final

from cti.calls.call import Call
from cti.crm.contact import ContactId
from cti.errors import NotFound
from cti.screenpop import views
from cti.screenpop.access import Deed
from cti.web import facts
from cti.web.asked import Asked, Reply, Route
from cti.web.schemas import ContactBody, LiveCall, LiveCalls


async def live_calls(asked: Asked[None, None]) -> Reply:
    """One's own live calls; of supervisors, all."""
    shown = [call for call in asked.parts.hub.calls if asked.sees_all(Deed.CALL_SEE) or asked.is_own_call(call)]
    return Reply(body=LiveCalls(items=tuple(_live_call(asked, call) for call in shown)))


async def live_call(asked: Asked[None, None]) -> Reply:
    """One live call, with its customer card."""
    return Reply(body=_live_call(asked, known_call(asked, Deed.CALL_SEE, must_live=True)))


async def choose_customer(asked: Asked[ContactBody, None]) -> Reply:
    """Say who it is: one of those offered, or somebody found by searching."""
    call, parts = known_call(asked, Deed.CALL_CUSTOMER), asked.parts
    contact = await parts.customers.get(ContactId(asked.body.contact))
    if contact is None:
        raise NotFound("no such customer")
    await parts.record(
        [facts.customer(call.pbx, call.id, contact.id, contact.name, by=asked.agent.id, at=parts.clock())]
    )
    parts.hub.card(views.chosen(parts.hub.card_of(call), views.contact_view(contact)))
    return Reply(status=204)


async def not_this_customer(asked: Asked[ContactBody, None]) -> Reply:
    """Say who it is not: the number will not find this customer again."""
    call, parts = known_call(asked, Deed.CALL_CUSTOMER), asked.parts
    await parts.record(
        [
            facts.not_customer(
                call.pbx, call.id, asked.body.contact, call.customer_number, by=asked.agent.id, at=parts.clock()
            )
        ]
    )
    parts.hub.card(views.without(parts.hub.card_of(call), asked.body.contact))
    return Reply(status=204)


def known_call(asked: Asked[object, None], deed: Deed, *, must_live: bool = False) -> Call:
    """Raises ``NotFound``, ``Forbidden``."""
    call = asked.parts.hub.call(asked.call)
    if call is None or (must_live and not call.is_live):
        raise NotFound("no such live call")
    asked.require(deed, own=asked.is_own_call(call))
    return call


def _live_call(asked: Asked[None, None], call: Call) -> LiveCall:
    hub = asked.parts.hub
    return LiveCall(call=hub.view_of(call, asked.agent), card=hub.card_of(call))


_CALL: Final = "/api/v1/calls/{call}"
ROUTES: Final = (
    Route(method="GET", path="/api/v1/calls", handler=live_calls, deed=Deed.CALL_SEE, gives=LiveCalls),
    Route(method="GET", path=_CALL, handler=live_call, deed=Deed.CALL_SEE, gives=LiveCall, refuses=(404,)),
    Route(
        method="POST",
        path=f"{_CALL}/customer",
        handler=choose_customer,
        deed=Deed.CALL_CUSTOMER,
        body=ContactBody,
        gives=None,
        status=204,
        refuses=(404,),
    ),
    Route(
        method="POST",
        path=f"{_CALL}/not-customer",
        handler=not_this_customer,
        deed=Deed.CALL_CUSTOMER,
        body=ContactBody,
        gives=None,
        status=204,
        refuses=(404,),
    ),
)
