"""AMI's words -> the mirror: one small function per AMI event. AMI's spelling stops here.

Each function writes what the event says into the mirror and returns the conversations it touched. Events that are not in
the table say nothing about calls and are skipped by name, unread. Times are the event's.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import unquote

from cti.calls.call import LegId, TransferKind
from cti.numbers import dialled_digits
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import dialled_exten, is_local, other_half, plain_text
from cti.telephony.asterisk.mirror import CALLING, RINGING, UP, Channel, Conversation, Mirror, SeenTransfer

Touched = Iterable[Conversation]
_Translate = Callable[[Mirror, AmiMessage, datetime], Touched]
_NOTHING: Final[Touched] = ()


class Contradiction(ValueError):  # noqa: N818 - what it is, not how it is raised
    """The event says of a channel what cannot be: another name for a known Uniqueid."""


def _channel(mirror: Mirror, message: AmiMessage, at: datetime, prefix: str = "") -> Channel | None:
    """The channel an event is about, brought up to date from the headers every event repeats; made known if it is new.

    None for one already buried. Raises Contradiction where its name is not the one it was first seen with.
    """
    leg, name = LegId(message.get(f"{prefix}Uniqueid")), message.get(f"{prefix}Channel")
    if not leg or not name:
        return None
    known = mirror.channels.get(leg)
    is_new = known is None
    channel = known if known and known.name == name else mirror.add(leg, name, LegId(message.get(f"{prefix}Linkedid") or leg), at)
    if channel is None:
        if not is_new:
            raise Contradiction(f"{name} claims to be {leg}")
        return None
    read_headers(mirror, channel, message, prefix, is_new=is_new)
    return channel


def _known(mirror: Mirror, message: AmiMessage, at: datetime, prefix: str = "") -> Channel | None:
    """The same for events that end something: of a channel never heard of they say nothing worth knowing."""
    if LegId(message.get(f"{prefix}Uniqueid")) not in mirror.channels:
        return None
    return _channel(mirror, message, at, prefix)


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


# ---- channels


def _seen(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = _channel(mirror, message, at)
    return (channel.conversation,) if channel else _NOTHING


def _new_channel(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = _channel(mirror, message, at)
    if channel is None:
        return _NOTHING
    if message.get("Linkedid") == channel.id:
        _join_as_consultation(mirror, channel)
    return (channel.conversation,)


def _join_as_consultation(mirror: Mirror, channel: Channel) -> None:
    """A phone with a customer on the line calls out: it consults for that customer."""
    if is_local(channel.name) or not channel.exten or not mirror.is_agents(channel):
        return
    busy = [
        other
        for other in mirror.channels.values()
        if other.device == channel.device and other is not channel and other.was_with and not other.consults and not other.conversation.is_over
    ]
    if len(busy) == 1 and busy[0].conversation is not channel.conversation:
        mirror.merge(busy[0].conversation, channel.conversation)
        channel.consults = True


def _caller_id(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = _channel(mirror, message, at)
    if channel is None:
        return _NOTHING
    channel.number = dialled_digits(message.get("CallerIDNum"))
    channel.caller_name = plain_text(message.get("CallerIDName"))
    return (channel.conversation,)


def _hangup_request(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    """The far end of ``channel`` hung up. A phone that only rang declined; it ends nothing but its own ringing."""
    channel = _known(mirror, message, at)
    if channel is None or is_local(channel.name):
        return _NOTHING
    is_rung = not channel.is_up and channel.state != CALLING
    if is_rung:
        channel.why = channel.why or _CAUSES.get(message.get("Cause"), "")
    declines = is_rung and channel is not channel.conversation.origin
    if not channel.consults and not declines and channel.conversation.hung_up_by is None:
        channel.conversation.hung_up_by = channel.id
    return _NOTHING


def _soft_hangup_request(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    """Somebody asked the PBX to hang up ``channel``. While it still speaks, that stands for its party's own wish: it is how
    the hang-up button of a console arrives here. Else it is the PBX tidying up."""
    channel = _known(mirror, message, at)
    if channel and channel.bridge and not is_local(channel.name) and channel.conversation.hung_up_by is None:
        channel.conversation.hung_up_by = channel.id
    return _NOTHING


def _hangup(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = _known(mirror, message, at)
    if channel is None:
        mirror.dig(LegId(message.get("Uniqueid")))
        return _NOTHING
    channel.why = channel.why or _CAUSES.get(message.get("Cause"), "normal")
    mirror.bury(channel)
    conversation = channel.conversation
    goes_on = conversation.parked_in or sum(not other.is_gone for other in conversation.parties()) > 1
    if conversation.hung_up_by == channel.id and goes_on and mirror.is_agents(channel):
        conversation.hung_up_by = None  # the call goes on without whoever left
    return (conversation,)


_CAUSES: Final = {
    "1": "unallocated", "2": "unreachable", "3": "unreachable", "17": "busy", "18": "no_answer", "19": "no_answer",
    "20": "unreachable", "21": "declined", "22": "forwarded", "26": "answered_elsewhere", "27": "unreachable", "28": "unallocated",
    "34": "congestion", "38": "congestion", "41": "congestion", "42": "congestion", "44": "congestion", "58": "congestion",
}  # fmt: skip
"""Q.850 causes, as in include/asterisk/causes.h."""


# ---- dialling


def _dial_begin(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    caller = _channel(mirror, message, at)
    called = _channel(mirror, message, at, "Dest")
    if called is None:
        return _NOTHING
    called.is_called = True
    if caller is None and message.get("DestUniqueid") == message.get("DestLinkedid"):
        by = _transferer(mirror, called)
        if by and by.conversation is not called.conversation:
            mirror.merge(by.conversation, called.conversation)
    if caller:
        called.called_by = caller
        if caller.conversation is not called.conversation:
            mirror.merge(caller.conversation, called.conversation)
    called.dialled = called.dialled or _dialled(message, called, caller)
    return _pass_on_member(called)


def _dialled(message: AmiMessage, called: Channel, caller: Channel | None) -> str:
    """A phone that an Originate rings was dialled by nobody; without a caller's number of its own it shows the phone's."""
    number = dialled_exten(message.get("DestCallerIDNum")) or dialled_exten(message.get("DestExten"))
    return "" if caller is None and number == called.device.rpartition("/")[2] else number


def _transferer(mirror: Mirror, called: Channel) -> Channel | None:
    """A transfer that failed rings the phone it came from again, with a channel that nothing ties to the call (16 and 22:
    blonde_transfer_comes_back.ami)."""
    handed = [
        conversation.channels[conversation.transfers[-1].by]
        for conversation in mirror.conversations
        if conversation.transfers and not conversation.is_over and conversation.transfers[-1].by in conversation.channels
    ]
    return next((by for by in reversed(handed) if by.device == called.device), None)


def _pass_on_member(called: Channel) -> Touched:
    """A queue member behind a Local channel: what the queue called and what rings is one agent."""
    by = called.called_by
    if by is not None and is_local(by.name) and not called.member:
        name = other_half(by.name)
        halves = (by, *(known for known in called.conversation.channels.values() if known.name == name))
        called.member = next((half.member for half in halves if half.member), "")
    return (called.conversation,)


def _dial_state(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    called = _channel(mirror, message, at, "Dest")
    if called is None:
        return _NOTHING
    if message.get("DialStatus") in {"RINGING", "PROGRESS"}:
        called.rings = True
    return (called.conversation,)


def _dial_end(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    called = _known(mirror, message, at, "Dest")
    if called is None:
        return _NOTHING
    status = message.get("DialStatus")
    if message.get("Forward"):
        called.why, called.where_to = "forwarded", dialled_exten(message.get("Forward"))
    elif status != "ANSWER":
        called.why = called.why or _DIALS.get(status, "unreachable")
    return (called.conversation,)


_DIALS: Final = {"NOANSWER": "no_answer", "BUSY": "busy", "CANCEL": "cancelled", "CONGESTION": "unreachable",
                 "CHANUNAVAIL": "unreachable", "ABORT": "cancelled", "DONTCALL": "declined", "TORTURE": "declined"}  # fmt: skip


# ---- bridges


def _bridge_enter(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = _channel(mirror, message, at)
    if channel is None:
        return _NOTHING
    _note_kind(mirror, message)
    mirror.moved.add(channel.id)
    mirror.enter_bridge(channel, message.get("BridgeUniqueid"))
    channel.has_held = False  # a feature code's hold ends by coming back, and says nothing; a phone's never leaves the bridge
    return meet(mirror, channel)


def _note_kind(mirror: Mirror, message: AmiMessage) -> None:
    if message.get("BridgeTechnology") == "holding_bridge" or message.get("BridgeCreator") in {"Parking", "ConfBridge"}:
        mirror.shared_bridges.add(message.get("BridgeUniqueid"))


def meet(mirror: Mirror, channel: Channel) -> Touched:
    """Those in one bridge belong to one conversation, unless strangers meet there."""
    if channel.bridge in mirror.shared_bridges:
        return (channel.conversation,)
    touched: list[Conversation] = []
    for other in mirror.in_bridge(channel.bridge):
        if other.conversation is not channel.conversation:
            touched.extend(mirror.merge(other.conversation, channel.conversation))
    together = mirror.in_bridge(channel.bridge)
    if len(together) > 1:
        channel.conversation.parked_in = ""  # somebody fetched the call; UnParkedCall may come later
    if len(together) > 1 and channel.conversation.waits_on in {other.id for other in together}:
        channel.conversation.is_waiting = False  # taken out of the queue by hand (Bridge), of which QueueCallerLeave says nothing
    _remember_company(mirror, channel)
    return (*touched, channel.conversation)


def _remember_company(mirror: Mirror, channel: Channel) -> None:
    for other in mirror.in_bridge(channel.bridge):
        if is_local(other.name) and other.name.endswith(";1") and other.called_by is None:
            # A transfer by feature code makes its Local channel without a Dial; who meets it first called through it.
            other.called_by = next((known for known in mirror.in_bridge(channel.bridge) if known.is_real), None)
    speaking = frozenset(leg for leg in mirror.hears(channel) if (known := mirror.channels.get(leg)) and known.is_real)
    if len(speaking) > 1:
        for leg in speaking:
            mirror.channels[leg].was_with |= speaking - {leg}


def _bridge_leave(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    mirror.moved.add(LegId(message.get("Uniqueid")))
    channel = _known(mirror, message, at)
    if channel is None or channel.bridge != message.get("BridgeUniqueid"):
        return _NOTHING
    mirror.leave_bridge(channel)
    return (channel.conversation,)


def _bridge_destroy(mirror: Mirror, message: AmiMessage, _at: datetime) -> Touched:
    mirror.shared_bridges.discard(message.get("BridgeUniqueid"))
    return _NOTHING


def _hold(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = _channel(mirror, message, at)
    if channel is None:
        return _NOTHING
    channel.has_held = message.event == "Hold"
    return (channel.conversation,)


# ---- queues


def _joined(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = _channel(mirror, message, at)
    if channel is None:
        return _NOTHING
    mirror.left.discard(channel.id)
    if channel.consults:
        channel.queue = plain_text(message.get("Queue"))
        return (channel.conversation,)
    conversation = channel.conversation
    conversation.has_abandoned = False
    conversation.queue, conversation.is_waiting, conversation.left_at = plain_text(message.get("Queue")), True, None
    conversation.joined_at = at
    conversation.position = int(message.get("Position")) if message.get("Position").isdigit() else 0
    conversation.left_why, conversation.waits_on = "", channel.id
    return (conversation,)


def _abandoned(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = _known(mirror, message, at)
    if channel:
        channel.conversation.has_abandoned = True
    return _NOTHING


def _left(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    """Asterisk does not say why. Answered, where a phone it called is up; given up, where the far end has hung up; else
    out of time (or the queue ran empty), for which app_queue counts it as abandoned too (16 and 22: queue_timeout.ami), or by
    a key, for which it does not."""
    mirror.left.add(LegId(message.get("Uniqueid")))
    channel = _known(mirror, message, at)
    if channel is None:
        return _NOTHING
    if channel.consults:
        channel.queue = ""
        return _NOTHING
    conversation = channel.conversation
    answered = any(other.is_up and channel in (other.called_by, mirror.caller_of(other)) for other in conversation.channels.values())
    conversation.is_waiting = False
    if not answered and not conversation.is_picked_up and conversation.hung_up_by != channel.id:
        conversation.left_at = at
        conversation.left_why = "timeout" if conversation.has_abandoned else "key"
    return (conversation,)


def _entry(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    conversation = wait(mirror, message, at)
    return (conversation,) if conversation else _NOTHING


def wait(mirror: Mirror, entry: AmiMessage, at: datetime) -> Conversation | None:
    """A QueueEntry of QueueStatus: this channel waits, for so long already. None for a channel that is not known."""
    channel = mirror.channels.get(LegId(entry.get("Uniqueid")))
    if channel is None:
        return None
    conversation = channel.conversation
    if not conversation.is_waiting:
        waited_s = int(entry.get("Wait")) if entry.get("Wait").isdigit() else 0
        conversation.joined_at = max(conversation.began_at, at - timedelta(seconds=waited_s))
    conversation.queue, conversation.is_waiting, conversation.waits_on = plain_text(entry.get("Queue")), True, channel.id
    conversation.position = int(entry.get("Position")) if entry.get("Position").isdigit() else 0
    return conversation


def _bridge_listed(mirror: Mirror, message: AmiMessage, _at: datetime) -> Touched:
    _note_kind(mirror, message)
    return _NOTHING


def _agent_called(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    caller = _channel(mirror, message, at)
    called = _channel(mirror, message, at, "Dest")
    if called is None:
        return _NOTHING
    called.is_called = True
    called.member = plain_text(message.get("MemberName")) or plain_text(message.get("Interface"))
    called.called_by = called.called_by or caller
    for channel in called.conversation.channels.values():
        if channel.called_by is not None and not channel.member:
            _pass_on_member(channel)
    return (called.conversation,)


def _member(mirror: Mirror, message: AmiMessage, _at: datetime) -> Touched:
    for header in ("StateInterface", "Interface", "Location"):
        device = message.get(header)
        if device and not is_local(device):
            mirror.members.add(device)
    return _NOTHING


# ---- transfers, parking, pickup


def _hand_over(conversation: Conversation, transfer: SeenTransfer) -> None:
    """Told twice, it was once."""
    if not any((known.by, known.at) == (transfer.by, transfer.at) for known in conversation.transfers):
        conversation.transfers.append(transfer)


def _blind_transfer(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    by = _channel(mirror, message, at, "Transferer")
    if by is None or message.get("Result") != "Success":
        return _NOTHING
    conversation = by.conversation
    _hand_over(conversation, SeenTransfer(TransferKind.BLIND, by.id, dialled_exten(message.get("Extension")), None, at))
    conversation.hung_up_by = None
    return (conversation,)


def _attended_transfer(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    first = _channel(mirror, message, at, "OrigTransferer")
    second = _channel(mirror, message, at, "SecondTransferer")
    if first is None or message.get("Result") != "Success":
        return _NOTHING
    touched: tuple[Conversation, ...] = ()
    if second and second.conversation is not first.conversation:
        touched = mirror.merge(first.conversation, second.conversation)
    conversation = first.conversation
    target = _target(mirror, message, first, second)
    by = next((leg.id for leg in (first, second) if leg and not leg.consults), first.id)
    dialled = second.exten if second and second is not first else ""
    if second and second.queue:
        _take_place_in_queue(conversation, second, at)
        _hand_over(conversation, SeenTransfer(TransferKind.BLONDE, by, dialled, None, at))
    elif target and message.get("DestType") != "Threeway":
        kind = TransferKind.ATTENDED if target.is_up else TransferKind.BLONDE
        _hand_over(conversation, SeenTransfer(kind, by, dialled or _number(target), target.id, at))
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
        for other in first.conversation.parties()
        if other.id not in transferers and not other.is_gone and not other.why
        and (caller := mirror.caller_of(other)) is not None and caller.id in transferers
    ]  # fmt: skip
    if named is not None and named.is_party:
        return named
    return consulted[-1] if consulted else None


def _number(channel: Channel) -> str:
    return channel.dialled or channel.device.rpartition("/")[2]


def _parked(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = _channel(mirror, message, at, "Parkee")
    if channel is None:
        return _NOTHING
    channel.conversation.parked_in = plain_text(message.get("ParkingSpace"))
    channel.conversation.hung_up_by = None
    return (channel.conversation,)


def _unparked(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = _channel(mirror, message, at, "Parkee")
    if channel is None:
        return _NOTHING
    channel.conversation.parked_in = ""
    return (channel.conversation,)


def _pickup(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    picker = _channel(mirror, message, at)
    picked = _channel(mirror, message, at, "Target")
    if picker is None or picked is None:
        return _NOTHING
    picked.why = "picked_up"
    picked.conversation.is_picked_up = True
    if picker.conversation is picked.conversation:
        return (picked.conversation,)
    return mirror.merge(picker.conversation, picked.conversation)


# ---- what the dialplan says


def _user_event(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    """``UserEvent(CtiCustomer,Code: ${URIENCODE(...)})``: a key for the look-up, of the channel that runs the dialplan."""
    channel = _channel(mirror, message, at) if message.get("UserEvent") == "CtiCustomer" else None
    if channel is None:
        return _NOTHING
    channel.conversation.keys["customer_code"] = plain_text(unquote(message.get("Code")))
    return (channel.conversation,)


TRANSLATE: Final[Mapping[str, _Translate]] = {
    "Newchannel": _new_channel,
    "Newstate": _seen,
    "NewCallerid": _caller_id,
    "HangupRequest": _hangup_request,
    "SoftHangupRequest": _soft_hangup_request,
    "Hangup": _hangup,
    "DialBegin": _dial_begin,
    "DialState": _dial_state,
    "DialEnd": _dial_end,
    "BridgeEnter": _bridge_enter,
    "BridgeLeave": _bridge_leave,
    "BridgeDestroy": _bridge_destroy,
    "Hold": _hold,
    "Unhold": _hold,
    "QueueCallerJoin": _joined,
    "QueueCallerAbandon": _abandoned,
    "QueueCallerLeave": _left,
    "AgentCalled": _agent_called,
    "QueueEntry": _entry,
    "BridgeListItem": _bridge_listed,
    "QueueMember": _member,
    "QueueMemberAdded": _member,
    "BlindTransfer": _blind_transfer,
    "AttendedTransfer": _attended_transfer,
    "ParkedCall": _parked,
    "UnParkedCall": _unparked,
    "ParkedCallTimeOut": _unparked,
    "ParkedCallGiveUp": _unparked,
    "Pickup": _pickup,
    "UserEvent": _user_event,
}
