"""The doors every PBX offers: news of calls one way, commands the other."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from cti.calls.call import Call, PbxName
from cti.calls.journey import JourneyEvent
from cti.calls.transitions import CallChanged
from cti.telephony.commands import Command, Result
from cti.telephony.phone import Ability


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkChanged:
    """The connection to a PBX came, went, or is being made again."""

    pbx: PbxName
    state: Literal["connected", "connecting", "lost"]
    at: datetime
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberChanged:
    """A queue's member is now like this: told when it changes, and of every member when the lists were read anew."""

    pbx: PbxName
    queue: str
    device: str
    """The phone: ``PJSIP/1001``, also where the member is a Local channel that rings it."""
    name: str = ""
    is_member: bool
    is_dynamic: bool = True
    """False: it stands in queues.conf (or in realtime), and cannot be removed by a command."""
    paused: bool = False
    reason: str = ""
    """Of the pause."""
    penalty: int = 0
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersRead:
    """The lists were read to their end: a member not told since ``began_at`` is none."""

    pbx: PbxName
    began_at: datetime
    at: datetime


News = CallChanged | LinkChanged | JourneyEvent | MemberChanged | MembersRead
"""Journey events come from the IVR, which is ours; from a PBX only where it plays a recorded day (the demo)."""
Sink = Callable[[News], None]
"""Takes one piece of news; must not block and must not raise."""


class PbxLink(Protocol):
    """One PBX. ``run`` connects, tells the sink what happens, reconnects, and ends by being cancelled."""

    name: PbxName

    async def run(self, sink: Sink) -> None: ...

    def restore(self, calls: tuple[Call, ...]) -> None:
        """Before ``run``: the calls that were live when the service last stopped."""
        ...

    def check(self, command: Command) -> None:
        """Raises ``ValueError``, in words for the asker, for a command that must not be sent."""
        ...

    def abilities(self, device: str) -> frozenset[Ability]:
        """What that phone can be made to do."""
        ...

    async def send(self, command: Command) -> Result:
        """Carry out a command; returns when the PBX's event confirmed it, or with the reason why not. Never raises
        for what the PBX does; raises ``ValueError`` for a command that must not be sent at all."""
        ...

    @property
    def calls(self) -> tuple[Call, ...]:
        """The live calls."""
        ...

    @property
    def status(self) -> LinkChanged: ...
