"""What is asked of the process that reads the PBXs, as it travels: one struct for each of ``Commands`` and ``Shift``.

Whoever sends one has checked that its agent may ask; the other side looks at nothing but whether it can be done.
"""

from typing import Final, Literal

import msgspec

from cti.agents.agent import Agent, AgentId
from cti.calls.call import CallId
from cti.crm.contact import Contact
from cti.envelope import Envelope
from cti.screenpop.actions import ActionName
from cti.screenpop.messages import PresenceView


class Wish(msgspec.Struct, frozen=True, kw_only=True, tag_field="wish", tag=str.lower):
    pass


class Originate(Wish, frozen=True, kw_only=True):
    agent: Agent
    to: str
    command: str
    contact: str = ""
    placed: Envelope | None = None
    """The fact of what the call was placed for; its time and ``data.call`` are filled in once there is one."""


class CarryOut(Wish, frozen=True, kw_only=True):
    agent: Agent
    call: CallId
    action: ActionName
    command: str
    to: str = ""
    keys: str = ""


class Fetch(Wish, frozen=True, kw_only=True):
    agent: Agent
    space: str
    command: str


class AskState(Wish, frozen=True, kw_only=True):
    agent: AgentId
    state: Literal["READY", "NOT_READY", "LOGOUT"]
    reason_code: int | None
    command: str
    by: Agent


class Extend(Wish, frozen=True, kw_only=True):
    agent: Agent
    command: str


class EndWrapUp(Wish, frozen=True, kw_only=True):
    agent: Agent
    command: str


class ResultGiven(Wish, frozen=True, kw_only=True):
    agent: AgentId
    call: CallId


class LogOut(Wish, frozen=True, kw_only=True):
    agent: AgentId
    session: str
    by: Agent


class ContactChanged(Wish, frozen=True, kw_only=True):
    """A contact as it was, or as it is: what is remembered of it is asked for anew."""

    contact: Contact


class States(Wish, frozen=True, kw_only=True):
    by: Agent


AnyWish = Originate | CarryOut | Fetch | AskState | Extend | EndWrapUp | ResultGiven | LogOut | ContactChanged | States
_encoder: Final = msgspec.json.Encoder()
_decoder: Final[msgspec.json.Decoder[AnyWish]] = msgspec.json.Decoder(AnyWish)
_states_decoder: Final = msgspec.json.Decoder(tuple[PresenceView, ...])


def kind_of(wish: AnyWish) -> str:
    return type(wish).__name__.lower()


def encode_wish(wish: AnyWish) -> bytes:
    return _encoder.encode(wish)


def decode_wish(body: bytes) -> AnyWish:
    """Raises ``msgspec.DecodeError`` for what is none, of a later version for instance."""
    return _decoder.decode(body)


def encode_states(states: tuple[PresenceView, ...]) -> bytes:
    return _encoder.encode(states)


def decode_states(body: bytes) -> tuple[PresenceView, ...]:
    return _states_decoder.decode(body)
