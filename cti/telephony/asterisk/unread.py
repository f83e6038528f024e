"""Events that are not read at all: they change nothing that is told, and are most of what a busy PBX writes.

Such an event is only looked at for its form, and counted. The form matters all the same: what a caller wrote may have cut the
event, and then what follows must not be believed (``shape.py``). So an event is passed over only when it has its usual headers
in their usual order, and nothing behind them that could be more than a value; any other goes the way of all events. One that is
passed over between an event that was cut and its tail is not missed there: distrust then lasts longer, never shorter.
"""

import re
from collections.abc import Iterable
from typing import Final

from cti.telephony.asterisk.shape import CDR, CHANNEL

_BRIDGE: Final = (
    "BridgeUniqueid", "BridgeType", "BridgeTechnology", "BridgeCreator", "BridgeName", "BridgeNumChannels",
    "BridgeVideoSourceMode",
)  # fmt: skip
_MEMBER: Final = (
    "Queue", "MemberName", "Interface", "StateInterface", "Membership", "Penalty", "CallsTaken", "LastCall", "LastPause",
    "LoginTime", "InCall", "Status", "Paused", "PausedReason", "Ringinuse", "Wrapuptime",
)  # fmt: skip
_AGENT: Final = ("Queue", "Interface", "MemberName", "HoldTime")
_VALUE: Final = r"[^\r]*+"
"""As far as a value goes, and once it is read it is not gone back to; with a CR in it, an event goes the way of all events."""
_HEAD: Final = rf"\r\nPrivilege: {_VALUE}(?:\r\nTimestamp: [0-9.]++)?+"


def _lines(*parts: Iterable[str]) -> str:
    """These headers, and nothing else; behind a channel its variables may stand."""
    return "".join(_line(name) for part in parts for name in part)


def _line(name: str) -> str:
    line = rf"\r\n{name}: {_VALUE}"
    prefix, is_last, _ = name.partition("Linkedid")
    return rf"{line}(?:\r\n{prefix}ChanVariable: {_VALUE})*+" if is_last else line


def _channel(prefix: str) -> tuple[str, ...]:
    return tuple(prefix + name for name in CHANNEL)


_RTCP: Final = rf"(?:\r\n(?:To|From|RTT|MES|SSRC|PT|ReportCount|Sent[A-Z]\w++|Report\d++\w++): {_VALUE})*+"
_ONE: Final = _channel("")
_TWO: Final = (_channel(""), _channel("Dest"))
_LOCAL: Final = (_channel("LocalOne"), _channel("LocalTwo"))
_FORMS: Final[dict[str, str]] = {
    "VarSet": _lines(_ONE, ("Variable", "Value")),
    "Newexten": _lines(_ONE, ("Extension", "Application", "AppData")),
    "NewConnectedLine": _lines(_ONE),
    "MusicOnHoldStart": _lines(_ONE, ("Class",)),
    "MusicOnHoldStop": _lines(_ONE),
    "DTMFBegin": _lines(_ONE, ("Digit", "Direction")),
    "DTMFEnd": _lines(_ONE, ("Digit", "DurationMs", "Direction")),
    "RTCPSent": _lines(_ONE) + _RTCP,
    "RTCPReceived": _lines(_ONE) + _RTCP,
    "AgentConnect": _lines(*_TWO, (*_AGENT, "RingTime")),
    "AgentComplete": _lines(*_TWO, (*_AGENT, "TalkTime", "Reason")),
    "LocalBridge": _lines(*_LOCAL, ("Context", "Exten", "LocalOptimization")),
    "LocalOptimizationBegin": _lines(*_LOCAL, _channel("Source"), ("DestUniqueId", "Id")),
    "LocalOptimizationEnd": _lines(*_LOCAL, ("Success", "Id")),
    "BridgeCreate": _lines(_BRIDGE),
    "QueueMemberStatus": _lines(_MEMBER),
    "DeviceStateChange": _lines(("Device", "State")),
    "Cdr": _lines(CDR, ("UserField",)),
}
UNREAD: Final = frozenset(_FORMS)
_FORM: Final = re.compile(
    rf"Event: (?:{'|'.join(rf'{name}{_HEAD}{lines}' for name, lines in _FORMS.items())})".encode()
).fullmatch


def is_unread(block: bytes) -> bool:
    """May the decoder pass over it? Asked of every event of the PBX."""
    return _FORM(block) is not None
