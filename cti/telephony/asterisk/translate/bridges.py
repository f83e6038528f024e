"""Who can hear whom; holds."""

from datetime import datetime

from cti.calls.call import LegId
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import is_local
from cti.telephony.asterisk.mirror import Channel, Conversation, Mirror
from cti.telephony.asterisk.translate.headers import NOTHING, Touched, channel_of, known_channel


def bridge_enter(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = channel_of(mirror, message, at)
    if channel is None:
        return NOTHING
    _note_kind(mirror, message)
    mirror.moved.add(channel.id)
    mirror.enter_bridge(channel, message.get("BridgeUniqueid"))
    channel.has_held = (
        False  # a feature code's hold ends by coming back, and says nothing; a phone's never leaves the bridge
    )
    return meet(mirror, channel)


def _note_kind(mirror: Mirror, message: AmiMessage) -> None:
    if message.get("BridgeTechnology") == "holding_bridge" or message.get("BridgeCreator") in {"Parking", "ConfBridge"}:
        mirror.shared_bridges.add(message.get("BridgeUniqueid"))


def meet(mirror: Mirror, channel: Channel) -> Touched:
    """Those in one bridge belong to one conversation, unless strangers meet there."""
    if channel.bridge in mirror.shared_bridges:
        return (channel.conversation,)
    touched: list[Conversation] = []
    together = mirror.in_bridge(channel.bridge)
    for other in together:
        if other.conversation is not channel.conversation:
            touched.extend(mirror.merge(other.conversation, channel.conversation))
    if len(together) > 1:
        channel.conversation.parked_in = ""  # somebody fetched the call; UnParkedCall may come later
    if len(together) > 1 and channel.conversation.waits_on in {other.id for other in together}:
        channel.conversation.is_waiting = (
            False  # taken out of the queue by hand (Bridge), of which QueueCallerLeave says nothing
        )
    _remember_company(mirror, channel, together)
    return (*touched, channel.conversation)


def _remember_company(mirror: Mirror, channel: Channel, together: list[Channel]) -> None:
    for other in together:
        if is_local(other.name) and other.name.endswith(";1") and other.called_by is None:
            # A transfer by feature code makes its Local channel without a Dial; who meets it first called through it.
            other.called_by = next((known for known in together if known.is_real), None)
    speaking = frozenset(leg for leg in mirror.hears(channel) if (known := mirror.channels.get(leg)) and known.is_real)
    if len(speaking) > 1:
        for leg in speaking:
            mirror.channels[leg].was_with |= speaking - {leg}


def bridge_leave(mirror: Mirror, message: AmiMessage, _at: datetime) -> Touched:
    mirror.moved.add(LegId(message.get("Uniqueid")))
    channel = known_channel(mirror, message)
    if channel is None or channel.bridge != message.get("BridgeUniqueid"):
        return NOTHING
    mirror.leave_bridge(channel)
    return (channel.conversation,)


def bridge_destroy(mirror: Mirror, message: AmiMessage, _at: datetime) -> Touched:
    mirror.shared_bridges.discard(message.get("BridgeUniqueid"))
    return NOTHING


def hold(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = channel_of(mirror, message, at)
    if channel is None:
        return NOTHING
    channel.has_held = message.event == "Hold"
    return (channel.conversation,)


def bridge_listed(mirror: Mirror, message: AmiMessage, _at: datetime) -> Touched:
    _note_kind(mirror, message)
    return NOTHING
