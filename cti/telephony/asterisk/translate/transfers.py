"""Handing over, parking, picking up."""

from datetime import datetime

from cti.calls.call import LegId, TransferKind
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import dialled_exten, plain_text
from cti.telephony.asterisk.mirror import Channel, Conversation, Mirror, SeenTransfer
from cti.telephony.asterisk.translate.headers import NOTHING, Touched, channel_of


def blind_transfer(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    by = channel_of(mirror, message, at, "Transferer")
    if by is None or message.get("Result") != "Success":
        return NOTHING
    conversation = by.conversation
    mirror.hand_on(
        conversation, SeenTransfer(TransferKind.BLIND, by.id, dialled_exten(message.get("Extension")), None, at)
    )
    conversation.hung_up_by = None
    return (conversation,)


def attended_transfer(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    first = channel_of(mirror, message, at, "OrigTransferer")
    second = channel_of(mirror, message, at, "SecondTransferer")
    if first is None or message.get("Result") != "Success":
        return NOTHING
    touched: tuple[Conversation, ...] = ()
    if second and second.conversation is not first.conversation:
        touched = mirror.merge(first.conversation, second.conversation)
    conversation = first.conversation
    target = _target(mirror, message, first, second)
    by = next((leg.id for leg in (first, second) if leg and not leg.consults), first.id)
    dialled = second.exten if second and second is not first else ""
    if second and second.queue:
        _take_place_in_queue(conversation, second, at)
        mirror.hand_on(conversation, SeenTransfer(TransferKind.BLONDE, by, dialled, None, at))
    elif target and message.get("DestType") != "Threeway":
        kind = TransferKind.ATTENDED if target.is_up else TransferKind.BLONDE
        mirror.hand_on(conversation, SeenTransfer(kind, by, dialled or _number(target), target.id, at))
    conversation.hung_up_by = None
    return (*touched, conversation)


def _take_place_in_queue(conversation: Conversation, second: Channel, at: datetime) -> None:
    """The agent waited in a queue for a colleague; now the customer does."""
    conversation.queue, conversation.is_waiting = second.queue, True
    conversation.joined_at, conversation.left_at, conversation.left_why = at, None, ""


def _target(mirror: Mirror, message: AmiMessage, first: Channel, second: Channel | None) -> Channel | None:
    named = mirror.channels.get(LegId(message.get("TransferTargetUniqueid")))
    transferers = {first.id} | ({second.id} if second else set())
    consulted = [
        other
        for other in first.conversation.parties
        if other.id not in transferers and not other.is_gone and not other.why
        and (caller := mirror.caller_of(other)) is not None and caller.id in transferers
    ]  # fmt: skip
    if named is not None and named.is_party:
        return named
    return consulted[-1] if consulted else None


def _number(channel: Channel) -> str:
    return channel.dialled or channel.device.rpartition("/")[2]


def parked(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = channel_of(mirror, message, at, "Parkee")
    if channel is None:
        return NOTHING
    mirror.park(channel.conversation, plain_text(message.get("ParkingSpace")))
    channel.conversation.hung_up_by = None
    return (channel.conversation,)


def unparked(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = channel_of(mirror, message, at, "Parkee")
    if channel is None:
        return NOTHING
    channel.conversation.parked_in = ""
    return (channel.conversation,)


def pickup(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    picker = channel_of(mirror, message, at)
    picked = channel_of(mirror, message, at, "Target")
    if picker is None or picked is None:
        return NOTHING
    picked.why = "picked_up"
    picked.conversation.is_picked_up = True
    if picker.conversation is picked.conversation:
        return (picked.conversation,)
    return mirror.merge(picker.conversation, picked.conversation)
