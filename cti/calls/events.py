"""What any PBX can tell about a call, in CSTA's words (ECMA-269, call control events).

Times are the PBX's own where it gives them. Events of one call come in order; between calls there is none.
"""

from datetime import datetime

from msgspec import Struct

from cti.calls.call import CallId, Direction, Party, PbxName, Recording, TransferKind


class CallEvent(Struct, frozen=True, kw_only=True):
    call: CallId
    at: datetime


class Offered(CallEvent, frozen=True, kw_only=True):
    """A call exists. ``party`` is who began it; None when the PBX itself did."""

    pbx: PbxName
    direction: Direction
    ani: str = ""
    ani_name: str = ""
    dnis: str = ""
    keys: tuple[tuple[str, str], ...] = ()
    party: Party | None = None


class CallInformation(CallEvent, frozen=True, kw_only=True):
    """Something about the call became known later: a key from the IVR, the number an agent's phone was told to dial."""

    direction: Direction
    ani: str = ""
    ani_name: str = ""
    dnis: str = ""
    keys: tuple[tuple[str, str], ...] = ()


class Queued(CallEvent, frozen=True, kw_only=True):
    queue: str
    position: int = 0


class Delivered(CallEvent, frozen=True, kw_only=True):
    """A phone rings. With ``consult``, an agent is calling it, and the customer waits."""

    party: Party
    consult: bool = False


class Diverted(CallEvent, frozen=True, kw_only=True):
    """A phone stopped ringing unanswered, or (``party`` None) the call left its queue without an agent, or was parked.

    ``cause``: no_answer, declined, busy, forwarded, answered_elsewhere, picked_up, unreachable, cancelled of a phone;
    timeout, key, empty, full, left of a queue; parked.
    """

    party: Party | None = None
    cause: str
    to: str = ""
    """Where to, where that is known: a parking space, a forwarding target."""


class Established(CallEvent, frozen=True, kw_only=True):
    """``party`` and the customer speak; with ``consult``, ``party`` and an agent do."""

    party: Party
    consult: bool = False


class Held(CallEvent, frozen=True, kw_only=True):
    """``party`` has put the customer on hold."""

    party: Party


class Retrieved(CallEvent, frozen=True, kw_only=True):
    party: Party


class Transferred(CallEvent, frozen=True, kw_only=True):
    """``by`` handed the customer over to ``to``: the party's leg where there is one already, else just a number."""

    kind: TransferKind
    by: Party
    to_number: str
    to: Party | None = None


class Conferenced(CallEvent, frozen=True, kw_only=True):
    """``party`` joined customer and agent: three now speak."""

    party: Party
    by: Party | None = None


class RecordingChanged(CallEvent, frozen=True, kw_only=True):
    """The conversation is recorded from now on, not for the moment, or no more."""

    recording: Recording


class ConnectionCleared(CallEvent, frozen=True, kw_only=True):
    """A party who had spoken is gone; the call goes on, or ends with the next event."""

    party: Party
    cause: str = ""


class Cleared(CallEvent, frozen=True, kw_only=True):
    """The call is over. ``cause``: normal, or what went wrong: busy, no_answer, congestion, unreachable, resync,
    pbx_restart, merged..."""

    cause: str
    ended_by: str = ""
    into: CallId | None = None
    """The call it went on in, with cause ``merged``."""
