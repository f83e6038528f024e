"""What the web room needs from others and does not own: people, commands, the record, health."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from cti.agents.agent import Agent, AgentId
from cti.calls.call import CallId
from cti.envelope import Envelope


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
    """Agents, their log-ins and their unfinished notes. Every method raises ``StoreUnavailable`` when it cannot answer."""

    async def agents(self) -> tuple[Agent, ...]: ...

    async def agent(self, agent: AgentId) -> Agent | None: ...

    async def add(self, agent: Agent, password_hash: str) -> None:
        """Raises ``Conflict`` for an id that is taken."""
        ...

    async def change(self, agent: Agent) -> None:
        """Raises ``NotFound``."""
        ...

    async def password_hash(self, agent: AgentId) -> str | None: ...

    async def set_password(self, agent: AgentId, password_hash: str) -> None: ...

    async def open_session(self, session: Session) -> None: ...

    async def session(self, token_hash: str) -> Session | None: ...

    async def end_session(self, token_hash: str) -> None: ...

    async def end_sessions(self, agent: AgentId) -> tuple[str, ...]:
        """End all of an agent's; the hashes of those that were open."""
        ...

    async def draft(self, agent: AgentId, call: CallId) -> Draft | None: ...

    async def put_draft(self, agent: AgentId, call: CallId, draft: Draft) -> None: ...


class Commands(Protocol):
    """Asks the PBX. Returning means accepted; what became of it is told by ``Hub.command``. The same id is done once.

    Both raise ``RequestError`` for what must not be sent (an emergency or a barred number, no phone), ``PbxUnavailable``
    while there is no connection to send it on.
    """

    async def originate(self, agent: Agent, to: str, command: str) -> None:
        """Ring the agent's phone, then call ``to``: as typed, to be read in the site's country."""
        ...

    async def hang_up(self, agent: Agent, call: CallId, command: str) -> None:
        """End the agent's own leg of the call."""
        ...


Record = Callable[[Sequence[Envelope]], Awaitable[None]]
"""Puts facts on record: returns once they are safe, in the database or in the spool."""


@dataclass(frozen=True, slots=True)
class PartHealth:
    name: str
    """``pbx:main``, ``database``, ``crm``, ``spool``."""
    state: Literal["ok", "degraded", "failed"]
    """``degraded``: not as it should be, and calls and pops go on."""
    detail: str = ""


Health = Callable[[], Awaitable[Sequence[PartHealth]]]
