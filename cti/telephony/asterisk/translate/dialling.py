"""Who calls whom, and what becomes of it."""

from datetime import datetime
from typing import Final

from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import dialled_exten, is_local, other_half
from cti.telephony.asterisk.mirror import RINGING, Channel, Conversation, Mirror
from cti.telephony.asterisk.translate.headers import NOTHING, Touched, channel_of, known_channel


def dial_begin(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    caller = channel_of(mirror, message, at)
    called = channel_of(mirror, message, at, "Dest")
    if called is None:
        return NOTHING
    called.is_called = True
    touched: list[Conversation] = []
    if caller is None and message.get("DestUniqueid") == message.get("DestLinkedid"):
        touched.extend(come_back(mirror, called))
    if caller:
        called.called_by = caller
        if caller.conversation is not called.conversation:
            touched.extend(mirror.merge(caller.conversation, called.conversation))
    called.dialled = called.dialled or _dialled(message, called, caller)
    return (*touched, *pass_on_member(called))


def new_state(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    """Ringing may be told before the Dial that rings it: on a busy machine, the two come from different threads."""
    channel = channel_of(mirror, message, at)
    if channel is None:
        return NOTHING
    is_alone = channel.state == RINGING and message.get("Linkedid") == channel.id
    return (*(come_back(mirror, channel) if is_alone else ()), channel.conversation)


def come_back(mirror: Mirror, called: Channel) -> Touched:
    """A transfer that failed rings the phone it came from: that is the call which was handed on."""
    by = _transferer(mirror, called)
    is_another = by is not None and by.conversation is not called.conversation
    return mirror.merge(by.conversation, called.conversation) if by and is_another else NOTHING


def _dialled(message: AmiMessage, called: Channel, caller: Channel | None) -> str:
    """A phone that an Originate rings was dialled by nobody; without a caller's number of its own it shows the phone's."""
    number = dialled_exten(message.get("DestCallerIDNum")) or dialled_exten(message.get("DestExten"))
    return "" if caller is None and number == called.device.rpartition("/")[2] else number


def _transferer(mirror: Mirror, called: Channel) -> Channel | None:
    """A transfer that failed rings the phone it came from again, with a channel that nothing ties to the call (16 and 22:
    blonde_transfer_comes_back.ami)."""
    for by in reversed(mirror.handed_on_by.get(called.device, {}).values()):
        transfers = by.conversation.transfers
        if transfers and transfers[-1].by == by.id and not by.conversation.is_over:
            return by
    return None


def pass_on_member(called: Channel) -> Touched:
    """A queue member behind a Local channel: what the queue called and what rings is one agent."""
    by = called.called_by
    if by is not None and is_local(by.name) and not called.member:
        name = other_half(by.name)
        halves = (by, *(known for known in called.conversation.channels.values() if known.name == name))
        called.member = next((half.member for half in halves if half.member), "")
    return (called.conversation,)


def dial_state(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    called = channel_of(mirror, message, at, "Dest")
    if called is None:
        return NOTHING
    if message.get("DialStatus") in {"RINGING", "PROGRESS"}:
        called.rings = True
    return (called.conversation,)


def dial_end(mirror: Mirror, message: AmiMessage, _at: datetime) -> Touched:
    called = known_channel(mirror, message, "Dest")
    if called is None:
        return NOTHING
    status = message.get("DialStatus")
    if message.get("Forward"):
        called.why, called.where_to = "forwarded", dialled_exten(message.get("Forward"))
    elif status != "ANSWER":
        called.why = called.why or _DIALS.get(status, "unreachable")
    return (called.conversation,)


_DIALS: Final = {"NOANSWER": "no_answer", "BUSY": "busy", "CANCEL": "cancelled", "CONGESTION": "unreachable",
                 "CHANUNAVAIL": "unreachable", "ABORT": "cancelled", "DONTCALL": "declined", "TORTURE": "declined"}  # fmt: skip
