"""What stands in the bodies of entries, beside envelopes and the desktop protocol's own messages: made and read, no I/O."""

from datetime import datetime
from typing import Any, Final, Literal, TypeVar

import msgspec

from cti.screenpop.messages import ParkedView
from cti.telephony.phone import Ability

_T = TypeVar("_T")


class Phones(msgspec.Struct, frozen=True, kw_only=True):
    """What a phone can be made to do at a PBX."""

    pbx: str
    device: str
    abilities: tuple[Ability, ...]


class Resumes(msgspec.Struct, frozen=True, kw_only=True):
    """When a call's paused recording goes on by itself; null: it is not paused."""

    at: datetime | None


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a command."""

    command: str
    status: Literal["done", "failed"]
    reason: str = ""


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    parked: tuple[ParkedView, ...]


class Seated(msgspec.Struct, frozen=True, kw_only=True):
    """An agent's desktop."""

    agent: str
    session: str
    stream: str
    """A hash of it: the stream's id is a secret of that desktop."""
    since: datetime
    takes_over: bool = False
    comes_back: bool = False


class Roll(msgspec.Struct, frozen=True, kw_only=True):
    seated: tuple[Seated, ...]


_encoder: Final = msgspec.json.Encoder()
_decoders: Final[dict[Any, msgspec.json.Decoder[Any]]] = {}


def body_of(value: object) -> bytes:
    return _encoder.encode(value)


def read_body(body: bytes, kind: type[_T]) -> _T:
    """Raises ``msgspec.DecodeError`` for what is none."""
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    read: _T = decoder.decode(body)
    return read
