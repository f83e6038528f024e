"""People in memory: for the demo's tests and for development."""

from dataclasses import dataclass, field

from cti.agents.agent import Agent, AgentId
from cti.calls.call import CallId
from cti.errors import Conflict, NotFound
from cti.web.ports import Draft, Session


@dataclass(slots=True)
class MemoryPeople:
    _agents: dict[AgentId, Agent] = field(default_factory=dict)
    _hashes: dict[AgentId, str] = field(default_factory=dict)
    _sessions: dict[str, Session] = field(default_factory=dict)
    _drafts: dict[tuple[AgentId, CallId], Draft] = field(default_factory=dict)

    async def agents(self) -> tuple[Agent, ...]:
        return tuple(self._agents.values())

    async def agent(self, agent: AgentId) -> Agent | None:
        return self._agents.get(agent)

    async def add(self, agent: Agent, password_hash: str) -> None:
        if agent.id in self._agents:
            raise Conflict("this id is taken")
        self._agents[agent.id] = agent
        self._hashes[agent.id] = password_hash

    async def change(self, agent: Agent) -> None:
        if agent.id not in self._agents:
            raise NotFound("no such agent")
        self._agents[agent.id] = agent

    async def password_hash(self, agent: AgentId) -> str | None:
        return self._hashes.get(agent)

    async def set_password(self, agent: AgentId, password_hash: str) -> None:
        self._hashes[agent] = password_hash

    async def open_session(self, session: Session) -> None:
        self._sessions[session.token_hash] = session

    async def session(self, token_hash: str) -> Session | None:
        return self._sessions.get(token_hash)

    async def end_session(self, token_hash: str) -> None:
        self._sessions.pop(token_hash, None)

    async def end_sessions(self, agent: AgentId) -> tuple[str, ...]:
        ended = tuple(known.token_hash for known in self._sessions.values() if known.agent == agent)
        for token_hash in ended:
            del self._sessions[token_hash]
        return ended

    async def draft(self, agent: AgentId, call: CallId) -> Draft | None:
        return self._drafts.get((agent, call))

    async def put_draft(self, agent: AgentId, call: CallId, draft: Draft) -> None:
        self._drafts[agent, call] = draft
