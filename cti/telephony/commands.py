"""What the service may ask a PBX to do: frozen values, made of parts that were parsed, never of joined text.

A command about a call names the agent's own leg: what is done is done as that agent's phone would do it.
"""

from dataclasses import dataclass
from enum import StrEnum

from cti.calls.call import CallId, LegId
from cti.numbers import E164


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    id: str
    """Given by whoever asks; the same id again is the same command, done once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Originate(Command):
    """Ring ``device``; when its agent picks up, call ``to``."""

    device: str
    """The agent's phone as configured: ``PJSIP/1001``."""
    to: E164 | str
    """A number in E.164, or digits of an extension of the site."""
    caller_id: str = ""
    """Digits shown to the called party; the trunk's own when empty."""
    ring_timeout_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchParked(Command):
    """Ring ``device``; when its agent picks up, join the call parked in ``space``."""

    device: str
    space: str
    """Digits."""
    ring_timeout_s: float = 30.0


# ---- about one call


@dataclass(frozen=True, slots=True, kw_only=True)
class CallCommand(Command):
    call: CallId
    """For the record."""
    leg: LegId
    """The agent's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hangup(CallCommand):
    """End the leg."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(CallCommand):
    """Pick up the phone that rings. Only for phones that can (``PbxLink.abilities``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold(CallCommand):
    """The other side hears music. Only for phones that can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retrieve(CallCommand):
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SendKeys(CallCommand):
    """Play keys (DTMF) to the other side."""

    keys: str
    """1 to 32 of ``0-9*#``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BlindTransfer(CallCommand):
    to: E164 | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Consult(CallCommand):
    """Put the customer on hold and call ``to``."""

    to: E164 | str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompleteTransfer(CallCommand):
    """Customer and consulted party talk; the agent is out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conference(CallCommand):
    """All three talk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconnect(CallCommand):
    """End the consultation, back to the customer (CSTA ReconnectCall)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alternate(CallCommand):
    """To and fro between customer and consulted party (CSTA AlternateCall)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Park(CallCommand):
    """The customer waits in a parking space; whoever parked is free."""


class RecordingStep(StrEnum):
    START = "start"
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record(CallCommand):
    step: RecordingStep


# ---- about queues


@dataclass(frozen=True, slots=True, kw_only=True)
class AddMember(Command):
    """Make ``device`` a dynamic member of ``queue``. One that is a member already is done."""

    queue: str
    device: str
    name: str
    """What queue_log calls the agent."""
    penalty: int = 0
    paused: bool = True
    reason: str = ""
    """ASCII letters, digits, ``_``, ``-`` and blanks, at most 60; of a paused member."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveMember(Command):
    queue: str
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseMember(Command):
    """Pause or unpause ``device`` in ``queue``."""

    queue: str
    device: str
    paused: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPenalty(Command):
    queue: str
    device: str
    penalty: int


# ---- what became of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The PBX's event said so; where Asterisk tells nobody (keys), its answer did."""

    command: str
    leg: LegId | None = None
    """The leg that came of it, of an Originate or FetchParked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    command: str
    reason: str
    """In the PBX's words, or ``timeout``, ``pbx_lost``, ``not_able`` (this phone cannot)."""


Result = Done | Failed
