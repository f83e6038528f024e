"""What the web room needs from others and does not own: commands, the record, health. People: ``cti/store/people.py``."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from cti.agents.agent import Agent
from cti.calls.call import CallId
from cti.crm.contact import Contact
from cti.envelope import Envelope
from cti.ivr.flow import Flow


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


FlowNamed = Callable[[str], Flow | None]
"""The flow of the IVR with that name, as it is in use now."""
ContactChanged = Callable[[Contact], Awaitable[None]]
"""Told of a contact as it was, and as it is, whenever one was created or corrected here: ``Lookup.forget``."""
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
