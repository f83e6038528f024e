"""What agents do with the telephone: call, control their calls, fetch parked ones, call back. Each returns as soon as the PBX
was asked; what became of it comes over the socket as a ``command`` message."""

from datetime import datetime
from typing import Final

from cti.calls.call import CallId
from cti.envelope import Envelope
from cti.errors import NotFound, RequestError
from cti.screenpop.access import Deed
from cti.screenpop.actions import ActionName
from cti.store.journeys import CallbackState
from cti.web import callbacks, facts
from cti.web.asked import Asked, Reply, Route
from cti.web.calls import known_call
from cti.web.schemas import Accepted, ActionBody, CommandBody, Dial, ParkedCalls

_NEEDS: Final = {ActionName.TRANSFER: "to", ActionName.CONSULT: "to", ActionName.KEYS: "keys"}


async def dial(asked: Asked[Dial, None]) -> Reply:
    """Click-to-dial: one's own phone rings first, then the number is called."""
    body = asked.body
    await asked.parts.commands.originate(asked.agent, body.to, body.id, contact=body.contact or "")
    return _accepted(body.id)


async def act(asked: Asked[ActionBody, None]) -> Reply:
    """Do one of the call's `actions` with one's own part in it. 409 with the action's `why_not` while it is not allowed."""
    action, body = _action(asked.path["action"]), asked.body
    call = known_call(asked, Deed.CALL_CONTROL, must_live=True)
    needed = _NEEDS.get(action)
    if needed and getattr(body, needed) is None:
        raise RequestError(f"{action.value} needs {needed!r}")
    await asked.parts.commands.carry_out(asked.agent, call.id, action, body.id, to=body.to or "", keys=body.keys or "")
    return _accepted(body.id)


async def parked(asked: Asked[None, None]) -> Reply:
    """Calls that wait in a parking space."""
    return Reply(body=ParkedCalls(items=asked.parts.hub.parked))


async def fetch_parked(asked: Asked[CommandBody, None]) -> Reply:
    """Fetch the call parked in a space: one's own phone rings first."""
    await asked.parts.commands.fetch(asked.agent, asked.path["space"], asked.body.id)
    return _accepted(asked.body.id)


async def dial_callback(asked: Asked[CommandBody, None]) -> Reply:
    """Claim a callback and call its number, with the customer's card up; the call is put on record with it."""
    known = await callbacks.claimed(asked, asked.path["callback"])

    def placed(call: CallId, at: datetime) -> Envelope:
        return facts.callback(known, CallbackState.CLAIMED, by=asked.agent.id, at=at, call=call)

    await asked.parts.commands.originate(asked.agent, known.number, asked.body.id, contact=known.contact, placed=placed)
    return _accepted(asked.body.id)


def _action(name: str) -> ActionName:
    try:
        return ActionName(name)
    except ValueError:
        raise NotFound("no such action") from None


def _accepted(command: str) -> Reply:
    return Reply(body=Accepted(command=command), status=202)


ROUTES: Final = (
    Route(
        method="POST", path="/api/v1/calls", handler=dial, deed=Deed.CALL_DIAL, body=Dial, gives=Accepted, status=202,
        refuses=(409,),
    ),
    Route(
        method="POST", path="/api/v1/calls/{call}/actions/{action}", handler=act, deed=Deed.CALL_CONTROL, body=ActionBody,
        gives=Accepted, status=202, refuses=(404, 409),
    ),
    Route(method="GET", path="/api/v1/parked", handler=parked, deed=Deed.CALL_FETCH, gives=ParkedCalls),
    Route(
        method="POST", path="/api/v1/parked/{space}/fetch", handler=fetch_parked, deed=Deed.CALL_FETCH, body=CommandBody,
        gives=Accepted, status=202, refuses=(404, 409),
    ),
    Route(
        method="POST", path="/api/v1/callbacks/{callback}/dial", handler=dial_callback, deed=Deed.CALLBACK_WRITE,
        body=CommandBody, gives=Accepted, status=202, refuses=(404, 409),
    ),
)  # fmt: skip
