"""What any PBX can tell about a call, in CSTA's words (ECMA-269, call control events).

Times are the PBX's own where it gives them. Events of one call come in order; between calls there is none.
"""

from dataclasses import dataclass
from datetime import datetime

from cti.calls.call import CallId, Direction, Party, PbxName, Recording, TransferKind


@dataclass(frozen=True, slots=True, kw_only=True)
class CallEvent:
    call: CallId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered(CallEvent):
    """A call exists. ``party`` is who began it; None when the PBX itself did."""

    pbx: PbxName
    direction: Direction
    ani: str = ""
    ani_name: str = ""
    dnis: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    party: Party | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CallInformation(CallEvent):
    """Something about the call became known later: a key from the IVR, the number an agent's phone was told to dial."""

    direction: Direction
    ani: str = ""
    ani_name: str = ""
    dnis: str = ""
    keys: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued(CallEvent):
    queue: str
    position: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered(CallEvent):
    """A phone rings. With ``consult``, an agent is calling it, and the customer waits."""

    party: Party
    consult: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Diverted(CallEvent):
    """A phone stopped ringing unanswered, or (``party`` None) the call left its queue without an agent, or was parked.

    ``cause``: no_answer, declined, busy, forwarded, answered_elsewhere, picked_up, unreachable, cancelled of a phone;
    timeout, key, empty, full, left of a queue; parked.
    """

    party: Party | None = None
    cause: str
    to: str = ""
    """Where to, where that is known: a parking space, a forwarding target."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Established(CallEvent):
    """``party`` and the customer speak; with ``consult``, ``party`` and an agent do."""

    party: Party
    consult: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(CallEvent):
    """``party`` has put the customer on hold."""

    party: Party


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieved(CallEvent):
    party: Party


@dataclass(frozen=True, slots=True, kw_only=True)
class Transferred(CallEvent):
    """``by`` handed the customer over to ``to``: the party's leg where there is one already, else just a number."""

    kind: TransferKind
    by: Party
    to_number: str
    to: Party | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conferenced(CallEvent):
    """``party`` joined customer and agent: three now speak."""

    party: Party
    by: Party | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingChanged(CallEvent):
    """The conversation is recorded from now on, not for the moment, or no more."""

    recording: Recording


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCleared(CallEvent):
    """A party who had spoken is gone; the call goes on, or ends with the next event."""

    party: Party
    cause: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleared(CallEvent):
    """The call is over. ``cause``: normal, or what went wrong: busy, no_answer, congestion, unreachable, resync,
    pbx_restart, merged..."""

    cause: str
    ended_by: str = ""
    into: CallId | None = None
    """The call it went on in, with cause ``merged``."""
