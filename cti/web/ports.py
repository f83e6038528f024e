"""What the web room needs from others and does not own: commands, the record, health. People: ``cti/store/people.py``."""

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from cti.agents.agent import Agent, AgentId
from cti.calls.call import CallId
from cti.crm.contact import Contact
from cti.envelope import Envelope
from cti.ivr.flow import Flow
from cti.screenpop.actions import ActionName
from cti.screenpop.dialled import Placed
from cti.screenpop.messages import PresenceView
from cti.toll import Verdict


class Commands(Protocol):
    """Asks the PBX. Returning means accepted; what became of it is told by ``Hub.command``. The same id is done once.

    They raise ``NumberRefused`` for a number that may not be called, ``RequestError`` for what else must not be sent,
    ``PbxUnavailable`` while there is no connection to send it on.
    """

    async def originate(
        self, agent: Agent, to: str, command: str, *, contact: str = "", placed: Placed | None = None
    ) -> None:
        """Ring the agent's phone, then call ``to``: as typed, to be read in the site's country. ``contact``: whose number that
        is. ``placed`` makes the fact that goes on record once there is a call."""
        ...

    async def carry_out(
        self, agent: Agent, call: CallId, action: ActionName, command: str, *, to: str = "", keys: str = ""
    ) -> None:
        """Do it with the agent's own leg of the call. Raises ``NotNow`` for what the call's actions do not have allowed."""
        ...

    async def fetch(self, agent: Agent, space: str, command: str) -> None:
        """Ring the agent's phone, then join the call parked there."""
        ...

    def number(self, agent: Agent, typed: str) -> Verdict:
        """What the agent would be told who calls that; nothing is called, and nothing counted."""
        ...


class Shift(Protocol):
    """Agents' states. ``ask_state``, ``extend`` and ``end_wrap_up`` are accepted or refused at once, with ``NotNow`` for what
    the state does not allow and ``PbxUnavailable`` where there is no PBX to confirm it; what became of them is told by
    ``Hub.command``. The same id is done once.
    """

    def roster(self, agents: Iterable[Agent]) -> None: ...

    async def ask_state(
        self, agent: AgentId, state: Literal["READY", "NOT_READY", "LOGOUT"], *, reason_code: int | None, command: str,
        by: Agent,
    ) -> None: ...  # fmt: skip

    async def extend(self, agent: Agent, command: str) -> None: ...

    async def end_wrap_up(self, agent: Agent, command: str) -> None: ...

    def result_given(self, agent: AgentId, call: CallId) -> None: ...

    def log_out(self, agent: AgentId, session: str, by: Agent) -> None:
        """That session has ended."""
        ...

    async def states(self, by: Agent) -> tuple[PresenceView, ...]: ...


FlowNamed = Callable[[str], Flow | None]
"""The flow of the IVR with that name, as it is in use now."""
ContactChanged = Callable[[Contact], Awaitable[None]]
"""Told of a contact as it was, and as it is, whenever one was created or corrected here: ``Lookup.forget``."""
Record = Callable[[Sequence[Envelope]], Awaitable[None]]
"""Puts facts on record: returns once they are safe, in the database or in the spool."""


@dataclass(frozen=True, slots=True)
class PartHealth:
    name: str
    """``pbx:main``, ``database``, ``crm``, ``spool``, ``lease``, ``bus``."""
    state: Literal["ok", "degraded", "failed", "standby"]
    """``degraded``: not as it should be, and calls and pops go on. ``standby``: another process does it, and this one would."""
    detail: str = ""


Health = Callable[[], Awaitable[Sequence[PartHealth]]]
