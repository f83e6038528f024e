"""Is this block what Asterisk writes, or what a caller wrote?

Caller's number and name, dialled digits and channel variables may hold line breaks, and Asterisk may print them into an
event as they are. Such an event falls into pieces: a channel's headers cut short, then whatever the caller made up, then
the rest of the headers. So a block is believed only if the headers of each channel in it stand whole and in order.
Source: the order is that of ``ast_manager_build_channel_state_string_prefix`` (main/manager_channels.c, Asterisk 16 to 22;
``Tenantid`` since 20.?), seen in every trace of ``tests/traces``.
"""

from collections.abc import Iterator
from typing import Final

from cti.telephony.asterisk.ami_codec import AmiMessage

_CHANNEL: Final = (
    "Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "ConnectedLineNum", "ConnectedLineName",
    "Language", "AccountCode", "Context", "Exten", "Priority", "Uniqueid", "Linkedid",
)  # fmt: skip
_ANYWHERE: Final = frozenset({"Event", "Privilege", "Timestamp", "SequenceNumber", "File", "Line", "Func", "ActionID", "SystemName"})
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
    **dict.fromkeys(("AgentCalled", "AgentConnect", "AgentComplete", "AgentRingNoAnswer"), _DIAL),
    "Pickup": ("", "Target"),
    "LocalBridge": ("LocalOne", "LocalTwo"),
    "BlindTransfer": ("Transferer", "Transferee"),
    "AttendedTransfer": ("OrigTransferer", "SecondTransferer"),
    "ParkedCall": ("Parkee",),
    "UnParkedCall": ("Parkee", "Retriever"),
    "ParkedCallTimeOut": ("Parkee",),
    "ParkedCallGiveUp": ("Parkee",),
}  # fmt: skip
_OPTIONAL: Final[dict[str, tuple[str, ...]]] = dict.fromkeys(("DialBegin", "DialState", "DialEnd"), _DIAL)
_NO_CHANNEL: Final = frozenset({"FullyBooted", "Shutdown", "QueueMemberAdded", "QueueMemberRemoved", "QueueMemberPause",
                                "QueueMemberStatus", "DeviceStateChange", "Reload"})  # fmt: skip


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
        return "a channel's headers behind an event that has none" if "Linkedid" in keys else None
    return next(_faults(message.event, keys), None)


def _faults(event: str, keys: tuple[str, ...]) -> Iterator[str]:
    for prefix in _PREFIXES.get(event, ()):
        yield from _fault_of_channel(prefix, keys, event)
    for prefix in _OPTIONAL.get(event, ()):
        if f"{prefix}Channel" in keys:
            yield from _fault_of_channel(prefix, keys, event)


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
    prefix: tuple(prefix + name for name in _CHANNEL)
    for prefix in {*_OPTIONAL["DialBegin"], *(prefix for prefixes in _PREFIXES.values() for prefix in prefixes)}
}


class Gate:
    """Lets believable blocks through. Asterisk writes an event in one piece, so what stands between an event that was cut
    and its tail was written by a caller, however well-formed it looks."""

    MOST_BETWEEN: Final = 16
    """Blocks. A caller's value is short; when no tail follows, the snapshot that is asked for mends what was missed."""

    def __init__(self) -> None:
        self._distrusted = 0

    def fault(self, message: AmiMessage) -> str | None:
        """Why the block must not be applied; None lets it through."""
        fault = fault_of(message)
        if self._distrusted:
            self._distrusted -= 1
            if fault and not message.event:
                self._distrusted = 0
            return fault or "between an event that was cut and its tail"
        if fault and message.event and "Linkedid" not in message.headers[-1][0] and _is_cut(message):
            self._distrusted = self.MOST_BETWEEN
        return fault


def _is_cut(message: AmiMessage) -> bool:
    keys = {key for key, _ in message.headers}
    prefixes = _PREFIXES.get(message.event) or _OPTIONAL.get(message.event) or ()
    return any(f"{prefix}Linkedid" not in keys for prefix in prefixes)
