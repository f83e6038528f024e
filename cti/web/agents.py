"""People: the list for everyone, adding and changing for admins."""

from dataclasses import replace
from typing import Any, Final

from cti.agents.agent import Agent, AgentId, AgentRole
from cti.errors import Conflict, NotFound
from cti.log import logger
from cti.screenpop.access import Deed
from cti.web.asked import Asked, Reply, Route
from cti.web.schemas import AgentChange, AgentList, AgentView, NewAgent
from cti.web.session import end_all

log: Final = logger("agents")
_PLAIN: Final = ("name", "extension", "device", "queues", "penalties", "language", "is_enabled")


async def agents(asked: Asked[None, None]) -> Reply:
    """Everybody there is."""
    people = await asked.parts.people.agents()
    return Reply(body=AgentList(items=tuple(view(agent) for agent in people)))


async def add_agent(asked: Asked[NewAgent, None]) -> Reply:
    """Add a person, with a first password."""
    body = asked.body
    agent = Agent(
        id=AgentId(body.id), name=body.name, role=AgentRole(body.role), extension=body.extension, device=body.device,
        queues=body.queues, penalties=body.penalties, language=body.language,
    )  # fmt: skip
    await asked.parts.people.add(agent, await asked.parts.passwords.hash(body.password))
    await _tell_hub(asked)
    log.info("agent_added", agent=agent.id, role=agent.role.value, by=asked.agent.id)
    return Reply(body=view(agent), status=201)


async def change_agent(asked: Asked[AgentChange, None]) -> Reply:
    """Change a person. Disabling, a new password or a new role ends their sessions at once."""
    before = await asked.parts.people.agent(AgentId(asked.path["agent"]))
    if before is None:
        raise NotFound("no such agent")
    after = _changed(before, asked.body)
    if before.id == asked.agent.id and (not after.is_enabled or after.role is not before.role):
        raise Conflict("nobody disables or demotes themselves")
    await asked.parts.people.change(after)
    if asked.body.password is not None:
        await asked.parts.people.set_password(after.id, await asked.parts.passwords.hash(asked.body.password))
    if asked.body.password is not None or not after.is_enabled or after.role is not before.role:
        for session in await end_all(asked.parts, after.id):
            asked.parts.shift.log_out(after.id, session, asked.agent)
    await _tell_hub(asked)
    log.info("agent_changed", agent=after.id, enabled=after.is_enabled, role=after.role.value, by=asked.agent.id)
    return Reply(body=view(after))


def view(agent: Agent) -> AgentView:
    return AgentView(
        id=agent.id, name=agent.name, role=agent.role.value, extension=agent.extension, device=agent.device,
        queues=agent.queues, penalties=dict(agent.penalties), language=agent.language, is_enabled=agent.is_enabled,
    )  # fmt: skip


def _changed(agent: Agent, body: AgentChange) -> Agent:
    given: dict[str, Any] = {name: value for name in _PLAIN if (value := getattr(body, name)) is not None}
    return replace(agent, **given, role=AgentRole(body.role) if body.role else agent.role)


async def _tell_hub(asked: Asked[Any, None]) -> None:
    agents = await asked.parts.people.agents()
    asked.parts.hub.roster(agents)
    asked.parts.shift.roster(agents)


_MANAGE: Final = Deed.AGENT_MANAGE
ROUTES: Final = (
    Route(method="GET", path="/api/v1/agents", handler=agents, deed=Deed.AGENT_SEE, gives=AgentList),
    Route(
        method="POST",
        path="/api/v1/agents",
        handler=add_agent,
        deed=_MANAGE,
        body=NewAgent,
        gives=AgentView,
        status=201,
        refuses=(409,),
    ),
    Route(
        method="PATCH",
        path="/api/v1/agents/{agent}",
        handler=change_agent,
        deed=_MANAGE,
        body=AgentChange,
        gives=AgentView,
        refuses=(404, 409),
    ),
)
