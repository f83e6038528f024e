"""What every event repeats: which channel it is about, and how that channel is now."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from cti.calls.call import LegId
from cti.numbers import dialled_digits
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import dialled_exten, plain_text
from cti.telephony.asterisk.mirror import RINGING, UP, Channel, Conversation, Mirror

Touched = Iterable[Conversation]


Translate = Callable[[Mirror, AmiMessage, datetime], Touched]


NOTHING: Final[Touched] = ()


class Contradiction(ValueError):  # noqa: N818 - what it is, not how it is raised
    """The event says of a channel what cannot be: another name for a known Uniqueid."""


def channel_of(mirror: Mirror, message: AmiMessage, at: datetime, prefix: str = "") -> Channel | None:
    """The channel an event is about, brought up to date from the headers every event repeats; made known if it is new.

    None for one already buried. Raises Contradiction where its name is not the one it was first seen with.
    """
    leg, name = LegId(message.get(f"{prefix}Uniqueid")), message.get(f"{prefix}Channel")
    if not leg or not name:
        return None
    known = mirror.channels.get(leg)
    is_new = known is None
    channel = (
        known
        if known and known.name == name
        else mirror.add(leg, name, LegId(message.get(f"{prefix}Linkedid") or leg), at)
    )
    if channel is None:
        if not is_new:
            raise Contradiction(f"{name} claims to be {leg}")
        return None
    read_headers(mirror, channel, message, prefix, is_new=is_new)
    return channel


def known_channel(mirror: Mirror, message: AmiMessage, at: datetime, prefix: str = "") -> Channel | None:
    """The same for events that end something: of a channel never heard of they say nothing worth knowing."""
    if LegId(message.get(f"{prefix}Uniqueid")) not in mirror.channels:
        return None
    return channel_of(mirror, message, at, prefix)


def read_headers(mirror: Mirror, channel: Channel, message: AmiMessage, prefix: str = "", *, is_new: bool) -> None:
    if is_new:
        channel.number = dialled_digits(message.get(f"{prefix}CallerIDNum"))
        channel.caller_name = plain_text(message.get(f"{prefix}CallerIDName"))
    channel.exten = channel.exten or dialled_exten(message.get(f"{prefix}Exten"))
    state = message.get(f"{prefix}ChannelState")
    if state.isdigit():
        _set_state(channel, int(state))
    for variable in message.get_all(f"{prefix}ChanVariable"):
        _key(mirror, channel, variable)


def _set_state(channel: Channel, state: int) -> None:
    """States only go forward, but for the first: an event that was late changes nothing."""
    if channel.state != UP:
        channel.state = state
    channel.rings = channel.rings or state == RINGING


def _key(mirror: Mirror, channel: Channel, variable: str) -> None:
    name, _, value = variable.partition("=")
    if not value:
        return
    for known, key in mirror.endpoints.keys:
        if name == known:
            channel.conversation.keys[key] = plain_text(value)
