"""Channels come, change, hang up; what the dialplan says of them."""

from datetime import datetime
from typing import Final
from urllib.parse import unquote

from cti.calls.call import LegId, Recording
from cti.numbers import dialled_digits
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import is_local, plain_text
from cti.telephony.asterisk.mirror import CALLING, Channel, Mirror
from cti.telephony.asterisk.translate.headers import NOTHING, Touched, channel_of, known_channel


def new_channel(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = channel_of(mirror, message, at)
    if channel is None:
        return NOTHING
    exten = mirror.intended.pop(channel.id, "")
    if exten:
        channel.exten, channel.is_ours = exten, True
        channel.fetches = mirror.is_parked(exten)
    elif message.get("Linkedid") == channel.id:
        _join_as_consultation(mirror, channel)
    return (channel.conversation,)


def _join_as_consultation(mirror: Mirror, channel: Channel) -> None:
    """A phone with a customer on the line calls out: it consults for that customer."""
    if is_local(channel.name) or not channel.exten or not mirror.is_agents(channel):
        return
    busy = [
        other
        for other in mirror.of_device[channel.device].values()
        if other is not channel and other.was_with and not other.consults and not other.conversation.is_over
    ]
    if len(busy) == 1 and busy[0].conversation is not channel.conversation:
        channel.consults = True
        mirror.merge(busy[0].conversation, channel.conversation)


def caller_id(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = channel_of(mirror, message, at)
    if channel is None:
        return NOTHING
    channel.number = dialled_digits(message.get("CallerIDNum"))
    channel.caller_name = plain_text(message.get("CallerIDName"))
    return (channel.conversation,)


def hangup_request(mirror: Mirror, message: AmiMessage, _at: datetime) -> Touched:
    """The far end of ``channel`` hung up. A phone that only rang declined; it ends nothing but its own ringing."""
    channel = known_channel(mirror, message)
    if channel is None or is_local(channel.name) or channel.conversation.is_stopped:
        return NOTHING
    is_rung = not channel.is_up and channel.state != CALLING
    if is_rung:
        channel.why = channel.why or _CAUSES.get(message.get("Cause"), "")
    declines = is_rung and channel is not channel.conversation.origin
    if not channel.consults and not declines and channel.conversation.hung_up_by is None:
        channel.conversation.hung_up_by = channel.id
    return NOTHING


def soft_hangup_request(mirror: Mirror, message: AmiMessage, _at: datetime) -> Touched:
    """Somebody asked the PBX to hang up ``channel``. While it still speaks, that stands for its party's own wish: it is how
    the hang-up button of a console arrives here. Else it is the PBX tidying up."""
    channel = known_channel(mirror, message)
    if channel is None or is_local(channel.name):
        return NOTHING
    conversation = channel.conversation
    if message.get("Cause") == _STOPS:
        conversation.is_stopped, conversation.hung_up_by = True, None
        for other in conversation.channels.values():
            other.why = other.why or "pbx_restart"
    elif channel.bridge and conversation.hung_up_by is None and not conversation.is_stopped:
        conversation.hung_up_by = channel.id
    return NOTHING


_STOPS: Final = "4"
"""AST_SOFTHANGUP_SHUTDOWN, include/asterisk/channel.h: `core stop now`. The Shutdown event comes a second later."""


def hangup(mirror: Mirror, message: AmiMessage, _at: datetime) -> Touched:
    channel = known_channel(mirror, message)
    if channel is None:
        mirror.dig(LegId(message.get("Uniqueid")))
        return NOTHING
    channel.why = channel.why or _CAUSES.get(message.get("Cause"), "normal")
    mirror.bury(channel)
    conversation = channel.conversation
    if channel.fetches and not conversation.is_told:
        conversation.is_over = True  # it fetched nothing, and was no call
    goes_on = conversation.parked_in or sum(not other.is_gone for other in conversation.parties) > 1
    if conversation.hung_up_by == channel.id and goes_on and mirror.is_agents(channel):
        conversation.hung_up_by = None  # the call goes on without whoever left
    return (conversation,)


_CAUSES: Final = {
    "1": "unallocated", "2": "unreachable", "3": "unreachable", "17": "busy", "18": "no_answer", "19": "no_answer",
    "20": "unreachable", "21": "declined", "22": "forwarded", "26": "answered_elsewhere", "27": "unreachable", "28": "unallocated",
    "34": "congestion", "38": "congestion", "41": "congestion", "42": "congestion", "44": "congestion", "58": "congestion",
}  # fmt: skip
"""Q.850 causes, as in include/asterisk/causes.h."""


def user_event(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    """``UserEvent(CtiCustomer,Code: ${URIENCODE(...)})``: a key for the look-up, of the channel that runs the dialplan. And
    holds by the PBX, of the channel that hears the music."""
    name = message.get("UserEvent")
    channel = channel_of(mirror, message, at) if name in _USER_EVENTS else None
    if channel is None:
        return NOTHING
    if name == "CtiCustomer":
        channel.conversation.keys["customer_code"] = plain_text(unquote(message.get("Code")))
        return (channel.conversation,)
    return _held_by_the_pbx(mirror, channel, message)


_USER_EVENTS: Final = frozenset({"CtiCustomer", "CtiHeld", "CtiRetrieved"})


def _held_by_the_pbx(mirror: Mirror, held: Channel, message: AmiMessage) -> Touched:
    """The same as a phone's own hold, which Asterisk tells of the phone's channel."""
    holder = mirror.by_name.get(message.get("Holder"))
    if holder is None:
        return NOTHING
    mirror.held.add(holder.id)
    holder.is_held_by_pbx = message.get("UserEvent") == "CtiHeld"
    if holder.bridge != held.bridge:  # it consults meanwhile
        return NOTHING
    holder.has_held = holder.is_held_by_pbx
    return (holder.conversation,)


def recording(mirror: Mirror, message: AmiMessage, _at: datetime) -> Touched:
    """MixMonitorStart, MixMonitorMute, MixMonitorStop: of whatever is recorded, by whomever."""
    channel = known_channel(mirror, message)
    if channel is None:
        return NOTHING
    is_paused = message.event == "MixMonitorMute" and message.get("State") == "1"
    now = Recording.PAUSED if is_paused else Recording.ON
    channel.conversation.recording = Recording.OFF if message.event == "MixMonitorStop" else now
    channel.conversation.recorded = channel.id
    return (channel.conversation,)
