"""The second door a PBX offers: a caller it hands to us for a while, to be spoken to and listened to.

``link.py`` is the first. Who stands behind this one: ``asterisk/agi_voice.py`` (FastAGI), ``replay/voice.py`` (a caller who
keys by script: demo, tests), and the terminal of ``cti ivr try``. One contract suite holds them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal, Protocol

from cti.calls.call import LegId, PbxName

Keys = str
"""Telephone keys: of ``0123456789*#``, in the order they were pressed."""
KEYS: Keys = "0123456789*#"


@dataclass(frozen=True, slots=True)
class Sound:
    """One thing to be heard. ``file`` is how the PBX finds it, without its ending; ``text`` what is said in it."""

    file: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the PBX wants to know of us: what is to become of this caller?"""

    pbx: PbxName
    leg: LegId
    """The caller's channel."""
    ani: str
    """The calling number, digits and ``+`` only; empty when withheld."""
    ani_name: str = ""
    dnis: str = ""
    """The number dialled."""
    language: str = ""
    """As the PBX has it set."""
    default_queue: str = ""
    """Where the dialplan sends the caller when we say nothing."""
    is_after: bool = False
    """The conversation is over; the caller stayed on the line."""
    nonce: str = ""
    """Of this one question; unique."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToQueue:
    queue: str
    priority: int = 0
    """0 to 10; higher is served earlier."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToAgent:
    """One person's phone; where it is not answered, the dialplan's queue."""

    extension: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ToNumber:
    """A number outside, already checked (``toll``): digits and one leading ``+``."""

    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HangUp:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class SafePath:
    """Whatever the dialplan does without us: its default queue."""


Destination = ToQueue | ToAgent | ToNumber | HangUp | SafePath


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """``how``: the caller pressed a key, fell silent, reached the limit, or hung up (what was said until then is kept)."""

    file: PurePosixPath
    length_s: float
    how: Literal["key", "silence", "limit", "hung_up"]


class CallerGone(Exception):  # noqa: N818 - no error: callers do hang up
    """The caller hung up. What they were asked will not be answered; everything before stands."""


class VoiceChannel(Protocol):
    """One caller. One thing at a time, in one task; never used after ``leave``.

    Every method raises ``CallerGone``, and ``PbxUnavailable`` when the PBX is gone or says what nobody understands.
    """

    asked: Asked

    async def play(self, sounds: Sequence[Sound], *, until: Keys = KEYS) -> str:
        """Say these, one after another. A key of ``until`` stops them: that key, else empty.

        A key pressed beforehand counts: whoever knows the menu need not wait for it. Keys outside ``until`` are lost. A sound
        that the PBX cannot play is passed over, and logged.
        """
        ...

    async def key(self, *, within_s: float) -> str:
        """The next key; empty when none came in time."""
        ...

    async def record(self, file: PurePosixPath, *, max_s: float, silence_s: float, until: Keys = KEYS) -> Recorded:
        """A beep, then what the caller says. ``file`` as the PBX finds it, without its ending. Does not raise ``CallerGone``
        where something was recorded before they went."""
        ...

    async def note(self, name: str, value: str) -> None:
        """Leave something on the channel for the dialplan and for whoever looks later: ``CTI_CUSTOMER_CODE``.

        Raises ``ValueError`` for names without ``CTI_`` and for values that cannot be sent."""
        ...

    async def leave(self, to: Destination) -> None:
        """The last word: where the caller goes. The PBX does it; we are out of it."""
        ...
