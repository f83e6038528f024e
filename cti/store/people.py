"""Agents, their log-ins and their unfinished notes: the protocol, and people in memory. ``sql_people.py`` keeps them for good.

Passwords and tokens never come here: only what is made of them and cannot be turned back.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from cti.agents.agent import Agent, AgentId
from cti.calls.call import CallId
from cti.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class Session:
    """A log-in. Known by the hash of its token; the token itself is only with the browser."""

    token_hash: str
    agent: AgentId
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    text: str
    at: datetime


class People(Protocol):
    """Every method raises ``StoreUnavailable`` when it cannot answer."""

    async def agents(self) -> tuple[Agent, ...]:
        """By id. Disabled ones too."""
        ...

    async def agent(self, agent: AgentId) -> Agent | None: ...

    async def add(self, agent: Agent, password_hash: str) -> None:
        """Raises ``Conflict`` for an id that is taken."""
        ...

    async def change(self, agent: Agent) -> None:
        """Raises ``NotFound``."""
        ...

    async def password_hash(self, agent: AgentId) -> str | None:
        """None for an unknown agent, empty for one who has no password yet."""
        ...

    async def set_password(self, agent: AgentId, password_hash: str) -> None:
        """Raises ``NotFound``."""
        ...

    async def open_session(self, session: Session) -> None: ...

    async def session(self, token_hash: str) -> Session | None:
        """Also one that has ended by its time: the asker has the clock."""
        ...

    async def sessions(self) -> frozenset[str]:
        """The hashes of all that were opened and not ended; also of some that have ended by their time."""
        ...

    async def end_session(self, token_hash: str) -> None: ...

    async def end_sessions(self, agent: AgentId) -> tuple[str, ...]:
        """End all of an agent's; the hashes of those that were open."""
        ...

    async def draft(self, agent: AgentId, call: CallId) -> Draft | None: ...

    async def put_draft(self, agent: AgentId, call: CallId, draft: Draft) -> None:
        """The newer one stays, also where the older comes later. An empty one is none."""
        ...


@dataclass(slots=True)
class MemoryPeople:
    _agents: dict[AgentId, Agent] = field(default_factory=dict)
    _hashes: dict[AgentId, str] = field(default_factory=dict)
    _sessions: dict[str, Session] = field(default_factory=dict)
    _drafts: dict[tuple[AgentId, CallId], Draft] = field(default_factory=dict)

    async def agents(self) -> tuple[Agent, ...]:
        return tuple(self._agents[name] for name in sorted(self._agents))

    async def agent(self, agent: AgentId) -> Agent | None:
        return self._agents.get(agent)

    async def add(self, agent: Agent, password_hash: str) -> None:
        if agent.id in self._agents:
            raise Conflict(f"there is an agent {agent.id} already")
        self._agents[agent.id] = agent
        self._hashes[agent.id] = password_hash

    async def change(self, agent: Agent) -> None:
        self._known(agent.id)
        self._agents[agent.id] = agent

    async def password_hash(self, agent: AgentId) -> str | None:
        return self._hashes.get(agent)

    async def set_password(self, agent: AgentId, password_hash: str) -> None:
        self._known(agent)
        self._hashes[agent] = password_hash

    async def open_session(self, session: Session) -> None:
        self._known(session.agent)
        self._sessions[session.token_hash] = session

    async def session(self, token_hash: str) -> Session | None:
        return self._sessions.get(token_hash)

    async def sessions(self) -> frozenset[str]:
        return frozenset(self._sessions)

    async def end_session(self, token_hash: str) -> None:
        self._sessions.pop(token_hash, None)

    async def end_sessions(self, agent: AgentId) -> tuple[str, ...]:
        ended = sorted(known.token_hash for known in self._sessions.values() if known.agent == agent)
        for token_hash in ended:
            del self._sessions[token_hash]
        return tuple(ended)

    async def draft(self, agent: AgentId, call: CallId) -> Draft | None:
        known = self._drafts.get((agent, call))
        return known if known and known.text else None

    async def put_draft(self, agent: AgentId, call: CallId, draft: Draft) -> None:
        known = self._drafts.get((agent, call))
        if known is None or known.at <= draft.at:
            self._drafts[agent, call] = draft

    def _known(self, agent: AgentId) -> None:
        if agent not in self._agents:
            raise NotFound(f"there is no agent {agent}")
