"""What every event repeats: which channel it is about, and how that channel is now."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, NamedTuple

from cti.calls.call import LegId
from cti.numbers import dialled_digits
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import dialled_exten, plain_text
from cti.telephony.asterisk.mirror import RINGING, UP, Channel, Conversation, Mirror
from cti.telephony.asterisk.shape import GROUPS, READ

Touched = Iterable[Conversation]


Translate = Callable[[Mirror, AmiMessage, datetime], Touched]


NOTHING: Final[Touched] = ()


class Contradiction(ValueError):  # noqa: N818 - what it is, not how it is raised
    """The event says of a channel what cannot be: another name for a known Uniqueid."""


class Seen(NamedTuple):
    """What is read of a channel, as text, in the order in which Asterisk writes it."""

    name: str
    state: str
    number: str
    caller_name: str
    exten: str
    leg: LegId
    linked: LegId


def _seen(message: AmiMessage, prefix: str) -> Seen:
    form, groups = message.form, GROUPS.get(prefix)
    if form is not None and groups is not None:
        return Seen._make(form.group(*groups))
    return Seen._make([message.get(f"{prefix}{header}") for header in READ])


def channel_of(mirror: Mirror, message: AmiMessage, at: datetime, prefix: str = "") -> Channel | None:
    """The channel an event is about, brought up to date from the headers every event repeats; made known if it is new.

    None for one already buried. Raises Contradiction where its name is not the one it was first seen with.
    """
    seen = _seen(message, prefix)
    if not seen.leg or not seen.name:
        return None
    channel = mirror.channels.get(seen.leg)
    if channel is None:
        channel = mirror.add(seen.leg, seen.name, seen.linked or seen.leg, at)
        if channel is None:
            return None
        _introduce(channel, seen)
    _bring_up_to_date(mirror, channel, seen, message, prefix)
    return channel


def known_channel(mirror: Mirror, message: AmiMessage, prefix: str = "") -> Channel | None:
    """The same for events that end something: of a channel never heard of they say nothing worth knowing."""
    seen = _seen(message, prefix)
    channel = mirror.channels.get(seen.leg)
    if channel is None or not seen.name:
        return None
    _bring_up_to_date(mirror, channel, seen, message, prefix)
    return channel


def read_headers(mirror: Mirror, channel: Channel, message: AmiMessage, *, is_new: bool) -> None:
    """Of a list's item."""
    seen = _seen(message, "")
    if is_new:
        _introduce(channel, seen)
    _bring_up_to_date(mirror, channel, seen, message, "")


def _introduce(channel: Channel, seen: Seen) -> None:
    channel.number = dialled_digits(seen.number)
    channel.caller_name = plain_text(seen.caller_name)


def _bring_up_to_date(mirror: Mirror, channel: Channel, seen: Seen, message: AmiMessage, prefix: str) -> None:
    if channel.name != seen.name:
        raise Contradiction(f"{seen.name} claims to be {channel.id}")
    if not channel.exten:
        channel.exten = dialled_exten(seen.exten)
    state = _STATES.get(seen.state)
    if state is not None and state != channel.state:
        _set_state(channel, state)
    if "ChanVariable:" in message.text or not message.is_ours:
        for variable in message.get_all(f"{prefix}ChanVariable"):
            _key(mirror, channel, variable)


_STATES: Final = {str(state): state for state in range(100)}


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
