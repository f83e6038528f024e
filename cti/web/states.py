"""Agents' states: asked for, extended, ended; and everybody's, for whoever hands a call on."""

from typing import Final

from cti.agents.agent import AgentId
from cti.screenpop.access import Deed
from cti.web.asked import Asked, Reply, Route
from cti.web.schemas import Accepted, AgentStates, CommandBody, StateBody

_ME: Final = "me"


async def ask_state(asked: Asked[StateBody, None]) -> Reply:
    """Ask for a state, one's own (``me``) or, as a supervisor, anybody's. In a call it takes effect after it."""
    named, body = asked.path["agent"], asked.body
    agent = asked.agent.id if named == _ME else AgentId(named)
    asked.require(Deed.STATE_SET, own=agent == asked.agent.id)
    await asked.parts.shift.ask_state(
        agent, body.state, reason_code=body.reason_code, command=body.id, by=asked.agent
    )  # fmt: skip
    return Reply(body=Accepted(command=body.id), status=202)


async def extend(asked: Asked[CommandBody, None]) -> Reply:
    """More time for one's own wrap-up."""
    await asked.parts.shift.extend(asked.agent, asked.body.id)
    return Reply(body=Accepted(command=asked.body.id), status=202)


async def end(asked: Asked[CommandBody, None]) -> Reply:
    """One's own wrap-up is done; the state that was pending follows."""
    await asked.parts.shift.end_wrap_up(asked.agent, asked.body.id)
    return Reply(body=Accepted(command=asked.body.id), status=202)


async def states(asked: Asked[None, None]) -> Reply:
    """Where everybody is."""
    return Reply(body=AgentStates(items=await asked.parts.shift.states(asked.agent)))


_WRAP_UP: Final = "/api/v1/agents/me/wrap-up"
_REFUSES: Final = (404, 409)
ROUTES: Final = (
    Route(method="GET", path="/api/v1/agents/states", handler=states, deed=Deed.STATE_SEE, gives=AgentStates),
    Route(
        method="POST",
        path="/api/v1/agents/{agent}/state",
        handler=ask_state,
        deed=Deed.STATE_SET,
        body=StateBody,
        gives=Accepted,
        status=202,
        refuses=_REFUSES,
    ),
    Route(
        method="POST",
        path=f"{_WRAP_UP}/extend",
        handler=extend,
        deed=Deed.STATE_SET,
        body=CommandBody,
        gives=Accepted,
        status=202,
        refuses=_REFUSES,
    ),
    Route(
        method="POST",
        path=f"{_WRAP_UP}/end",
        handler=end,
        deed=Deed.STATE_SET,
        body=CommandBody,
        gives=Accepted,
        status=202,
        refuses=_REFUSES,
    ),
)
