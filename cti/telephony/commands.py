"""What the service may ask a PBX to do: frozen values, made of parts that were parsed, never of joined text."""

from dataclasses import dataclass

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
class Hangup(Command):
    """End one leg; ``call`` is only for the record."""

    call: CallId
    leg: LegId


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The PBX's event said so."""

    command: str
    leg: LegId | None = None
    """The leg that came of it, of an Originate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    command: str
    reason: str
    """In the PBX's words, or ``timeout``, ``pbx_lost``."""


Result = Done | Failed
