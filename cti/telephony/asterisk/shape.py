"""Is this block what Asterisk writes, or what a caller wrote?

Caller's number and name, dialled digits and channel variables may hold line breaks, and Asterisk may print them into an
event as they are. Such an event falls into pieces: a channel's headers cut short, then whatever the caller made up, then
the rest of the headers. So a block is believed only if the headers of each channel in it stand whole and in order.
Source: the order is that of ``ast_manager_build_channel_state_string_prefix`` (main/manager_channels.c, Asterisk 16 to 22;
``Tenantid`` since 20.?), seen in every trace of ``tests/traces``.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from cti.telephony.asterisk.ami_codec import AmiMessage

CHANNEL: Final = (
    "Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "ConnectedLineNum", "ConnectedLineName",
    "Language", "AccountCode", "Context", "Exten", "Priority", "Uniqueid", "Linkedid",
)  # fmt: skip
_ANYWHERE: Final = frozenset(
    {"Event", "Privilege", "Timestamp", "SequenceNumber", "File", "Line", "Func", "ActionID", "SystemName"}
)
_HEADS: Final = frozenset({"Event", "Response"})

_ONE: Final = ("",)
_DIAL: Final = ("", "Dest")
_PREFIXES: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        (
            "Newchannel", "Newstate", "NewCallerid", "NewConnectedLine", "NewExten", "Hangup", "HangupRequest",
            "SoftHangupRequest", "Hold", "Unhold", "MusicOnHoldStart", "MusicOnHoldStop", "BridgeEnter", "BridgeLeave",
            "QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon", "CoreShowChannel",
        ),
        _ONE,
    ),
    **dict.fromkeys(("AgentCalled", "AgentConnect", "AgentRingNoAnswer"), _DIAL),
    "Pickup": ("", "Target"),
    "LocalBridge": ("LocalOne", "LocalTwo"),
    "BlindTransfer": ("Transferer", "Transferee"),
    "AttendedTransfer": ("OrigTransferer", "SecondTransferer"),
    "ParkedCall": ("Parkee",),
    "UnParkedCall": ("Parkee", "Retriever"),
    "ParkedCallTimeOut": ("Parkee",),
    "ParkedCallGiveUp": ("Parkee",),
}  # fmt: skip
_OPTIONAL: Final[dict[str, tuple[str, ...]]] = dict.fromkeys(
    ("DialBegin", "DialState", "DialEnd", "AgentComplete"), _DIAL
)
_MEMBER: Final = ("StateInterface", "Membership", "Penalty")
_NO_CHANNEL: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("FullyBooted", "Shutdown", "DeviceStateChange", "Reload"), ()),
    **dict.fromkeys(
        ("QueueMemberAdded", "QueueMemberRemoved", "QueueMemberPause", "QueueMemberPenalty", "QueueMemberStatus"),
        ("Queue", "MemberName", "Interface", *_MEMBER),
    ),
    "QueueMember": ("Queue", "Name", "Location", *_MEMBER),
}
"""Events about no channel, and what stands in them first (apps/app_queue.c, 16 to 22)."""


CDR: Final = (
    "AccountCode", "Source", "Destination", "DestinationContext", "CallerID", "Channel", "DestinationChannel", "LastApplication",
    "LastData", "StartTime", "AnswerTime", "EndTime", "Duration", "BillableSeconds", "Disposition", "AMAFlags", "UniqueID",
)  # fmt: skip
_QUEUE_ENTRY: Final = (
    "Queue", "Position", "Channel", "Uniqueid", "CallerIDNum", "CallerIDName", "ConnectedLineNum", "ConnectedLineName", "Wait",
)  # fmt: skip
_SECURITY: Final = (
    "EventTV",
    "Severity",
    "Service",
    "EventVersion",
    "AccountID",
    "SessionID",
    "LocalAddress",
    "RemoteAddress",
)
"""What main/security_events.c requires of every one. AccountID is what a stranger's phone calls itself."""
_SEQUENCES: Final = {"Cdr": CDR, "QueueEntry": _QUEUE_ENTRY}


def fault_of(message: AmiMessage) -> str | None:
    """What is wrong with the block's shape; None when it may be believed. Only bytes off the wire can be judged."""
    if not message.is_ours or message.is_greeting:
        return None
    keys = tuple([key for key, _ in message.headers])
    if keys[0] not in _HEADS:
        return "no event and no response: the tail of something"
    if not message.event:
        return None
    if keys.count("Event") > 1:
        return "two events in one"
    if message.event in _NO_CHANNEL:
        return _fault_without_channel(_NO_CHANNEL[message.event], keys)
    return next(_faults(message.event, keys), None)


def _fault_without_channel(wanted: tuple[str, ...], keys: tuple[str, ...]) -> str | None:
    if "Linkedid" in keys or "Uniqueid" in keys:
        return "a channel's headers behind an event that has none"
    if not wanted:
        return None
    if len(set(keys)) != len(keys):
        return "a header of a queue's member stands twice"
    return None if _stands(wanted, keys) else "the headers of a queue's member are cut or out of order"


def _faults(event: str, keys: tuple[str, ...]) -> Iterator[str]:
    for prefix in _PREFIXES.get(event, ()):
        yield from _fault_of_channel(prefix, keys, event)
    for prefix in _OPTIONAL.get(event, ()):
        if f"{prefix}Channel" in keys:
            yield from _fault_of_channel(prefix, keys, event)
    if event not in _PREFIXES and event not in _OPTIONAL:
        yield from (
            f"the headers of {wanted[0]} are cut or out of order"
            for wanted in _sequences(event, keys)
            if not _stands(wanted, keys)
        )


def _sequences(event: str, keys: Sequence[str]) -> list[tuple[str, ...]]:
    """What must stand whole and in order in this event."""
    if event in _PREFIXES:
        return [_WANTED[prefix] for prefix in _PREFIXES[event]]
    if event in _OPTIONAL:
        return [_WANTED[prefix] for prefix in _OPTIONAL[event] if f"{prefix}Channel" in keys]
    if event in _SEQUENCES:
        return [_SEQUENCES[event]]
    if "EventTV" in keys:
        return [_SECURITY]
    return [tuple(key.removesuffix(_DESC) + name for name in CHANNEL) for key in keys if key.endswith(_DESC)]


def _stands(wanted: tuple[str, ...], keys: tuple[str, ...]) -> bool:
    if keys.count(wanted[0]) != 1:
        return False
    first = keys.index(wanted[0])
    return keys[first : first + len(wanted)] == wanted


def _fault_of_channel(prefix: str, keys: tuple[str, ...], event: str) -> Iterator[str]:
    wanted = _WANTED[prefix]
    if keys.count(wanted[0]) != 1 or keys.count(wanted[-2]) != 1 or keys.count(wanted[-1]) != 1:
        yield f"{wanted[0]}, {wanted[-2]} and {wanted[-1]} must stand once each"
        return
    first = keys.index(wanted[0])
    if keys[first : first + len(wanted)] != wanted:
        yield f"the headers of {wanted[0]} are cut or out of order"
    if event in _FIRST_OF_ALL and not _ANYWHERE.issuperset(keys[:first]):
        yield f"something stands before {wanted[0]}"


_FIRST_OF_ALL: Final = frozenset({"Newchannel", "Newstate", "Hangup"})
_WANTED: Final = {
    prefix: tuple(prefix + name for name in CHANNEL)
    for prefix in {*_OPTIONAL["DialBegin"], *(prefix for prefixes in _PREFIXES.values() for prefix in prefixes)}
}


def is_plain(message: AmiMessage) -> bool:
    """Is it certainly well-formed? Most are, and one look tells; what has no fault may still not be plain."""
    form = _FORMS.get(message.event)
    message.form = form(message.text) if form else None
    return message.form is not None


READ: Final = ("Channel", "ChannelState", "CallerIDNum", "CallerIDName", "Exten", "Uniqueid", "Linkedid")
"""What is read of a channel, in the order in which it stands."""
STAMP: Final = 1
GROUPS: Final = {"": tuple(range(2, 2 + len(READ))), "Dest": tuple(range(2 + len(READ), 2 + 2 * len(READ)))}
"""Where a message's ``form`` has the time, and what is read of each channel."""

_VALUE: Final = r"[^\r]*+"
"""Once it is read it is not gone back to; what has a CR in it is not plain."""


def _sequence(prefix: str) -> str:
    return "".join(rf"\r\n{prefix}{name}: " + (f"({_VALUE})" if name in READ else _VALUE) for name in CHANNEL)


_BEGINNING: Final = rf"\r\nEvent: {_VALUE}\r\nPrivilege: {_VALUE}(?:\r\nTimestamp: ([0-9.]++))?+"
_OF_BRIDGE: Final = rf"(?:\r\nBridge[A-Za-z]++: {_VALUE})++"
_BEHIND: Final = rf"(?:\r\n(?!Event:|(?:Dest)?(?:Channel|Uniqueid|Linkedid):){_VALUE})*+"
"""Whatever else the event says, but nothing that begins another."""
_OF_ONE: Final = re.compile(_BEGINNING + _sequence("") + _BEHIND)
_OF_A_BRIDGE: Final = re.compile(_BEGINNING + _OF_BRIDGE + _sequence("") + _BEHIND)
_OF_TWO: Final = re.compile(
    _BEGINNING + _sequence("") + rf"(?:\r\nChanVariable: {_VALUE})*+" + _sequence("Dest") + _BEHIND
)
_OURS: Final = re.compile(
    _BEGINNING + _sequence("") + rf"(?:\r\n(?:ChanVariable|UserEvent|Code|CallerNumber|Holder): {_VALUE})*+"
)
_OF_NO_CHANNEL: Final = re.compile(_BEGINNING + _OF_BRIDGE)
_FORMS: Final = {
    **dict.fromkeys(
        ("Newchannel", "Newstate", "NewCallerid", "Hangup", "HangupRequest", "SoftHangupRequest", "Hold", "Unhold",
         "QueueCallerJoin", "QueueCallerLeave", "QueueCallerAbandon"),
        _OF_ONE.fullmatch,
    ),
    **dict.fromkeys(("BridgeEnter", "BridgeLeave"), _OF_A_BRIDGE.fullmatch),
    **dict.fromkeys(("DialBegin", "DialState", "DialEnd", "AgentCalled"), _OF_TWO.fullmatch),
    "UserEvent": _OURS.fullmatch,
    "BridgeDestroy": _OF_NO_CHANNEL.fullmatch,
}  # fmt: skip
"""The usual forms of what comes often, each of the whole event."""

_DESC: Final = "ChannelStateDesc"
_ONE_WHOLE: Final = re.compile(
    rb"\r\n(\w*)Channel: [^\n]*" + b"".join(rb"\n\1" + name.encode() + rb": [^\n]*" for name in CHANNEL[1:])
)


def looks_whole(message: AmiMessage) -> bool:
    """Is an event that nobody wants to read certainly not a piece of one? Quick: most events are such."""
    raw = message.raw
    if b"\r\nEvent: " in raw:
        return False
    if b"ChannelStateDesc: " in raw:
        return len(_ONE_WHOLE.findall(raw)) == raw.count(b"ChannelStateDesc: ")
    return message.event not in _SEQUENCES and b"\r\nEventTV: " not in raw


class Gate:
    """Lets believable blocks through. Asterisk writes an event in one piece, so what stands between an event that was cut
    and its tail was written by a caller, however well-formed it looks."""

    MOST_BETWEEN: Final = 16
    """Blocks. A caller's value is short; when no tail follows, the snapshot that is asked for mends what was missed."""

    def __init__(self) -> None:
        self._distrusted = 0

    def fault(self, message: AmiMessage) -> str | None:
        """Why the block must not be applied; None lets it through."""
        if not self._distrusted and is_plain(message):
            return None
        fault = fault_of(message)
        if self._distrusted:
            self._distrusted -= 1
            if fault and not message.event:
                self._distrusted = 0
            return fault or "between an event that was cut and its tail"
        if fault and message.event and _is_cut(message):
            self._distrusted = self.MOST_BETWEEN
        return fault

    def unread(self, message: AmiMessage) -> str | None:
        """The same for an event that will not be applied, whatever it is: it may have been cut like any other."""
        if not self._distrusted and looks_whole(message):
            return None
        return self.fault(message)


def _is_cut(message: AmiMessage) -> bool:
    """Does something that must stand in it end before its last header? Lines too many cut nothing."""
    keys = [key for key, _ in message.headers]
    return any(not _runs_through(wanted, keys) for wanted in _sequences(message.event, keys))


def _runs_through(wanted: Sequence[str], keys: Sequence[str]) -> bool:
    """Is ``wanted`` there in its order, whatever stands between?"""
    left = iter(keys)
    return all(key in left for key in wanted)
