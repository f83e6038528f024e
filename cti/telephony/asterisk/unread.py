"""Events that are not read at all: they change nothing that is told, and are most of what a busy PBX writes.

Such an event is only looked at for its form, and counted. The form matters all the same: what a caller wrote may have cut the
event, and then what follows must not be believed (``shape.py``). So an event is passed over only when it has its usual headers
in their usual order, and nothing behind them that could be more than a value; any other goes the way of all events. One that is
passed over between an event that was cut and its tail is not missed there: distrust then lasts longer, never shorter.
"""

import re
from collections.abc import Callable, Iterable
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
_RTCP: Final = r"(?:\r\n(?:To|From|RTT|MES|SSRC|PT|ReportCount|Sent[A-Z]\w+|Report\d+\w+): .*)*"
_AGENT: Final = ("Queue", "Interface", "MemberName", "HoldTime")

_Form = Callable[[bytes], object]


def _form(*parts: Iterable[str], behind: str = "") -> _Form:
    """These headers, and nothing else; behind a channel its variables may stand."""
    lines = "".join(_lines(part) for part in parts) + behind
    return re.compile(rf"Event: .*\r\nPrivilege: .*(?:\r\nTimestamp: [0-9.]+)?{lines}".encode()).fullmatch


def _lines(names: Iterable[str]) -> str:
    lines = "".join(rf"\r\n{name}: .*" for name in names)
    last = tuple(names)[-1]
    return lines + rf"(?:\r\n{last.removesuffix('Linkedid')}ChanVariable: .*)*" if last.endswith("Linkedid") else lines


def _channel(prefix: str) -> tuple[str, ...]:
    return tuple(prefix + name for name in CHANNEL)


_ONE: Final = _channel("")
_TWO: Final = (_channel(""), _channel("Dest"))
_LOCAL: Final = (_channel("LocalOne"), _channel("LocalTwo"))
_FORMS: Final[dict[bytes, _Form]] = {
    b"VarSet": _form(_ONE, ("Variable", "Value")),
    b"Newexten": _form(_ONE, ("Extension", "Application", "AppData")),
    b"NewConnectedLine": _form(_ONE),
    b"MusicOnHoldStart": _form(_ONE, ("Class",)),
    b"MusicOnHoldStop": _form(_ONE),
    b"DTMFBegin": _form(_ONE, ("Digit", "Direction")),
    b"DTMFEnd": _form(_ONE, ("Digit", "DurationMs", "Direction")),
    b"RTCPSent": _form(_ONE, behind=_RTCP),
    b"RTCPReceived": _form(_ONE, behind=_RTCP),
    b"AgentConnect": _form(*_TWO, (*_AGENT, "RingTime")),
    b"AgentComplete": _form(*_TWO, (*_AGENT, "TalkTime", "Reason")),
    b"LocalBridge": _form(*_LOCAL, ("Context", "Exten", "LocalOptimization")),
    b"LocalOptimizationBegin": _form(*_LOCAL, _channel("Source"), ("DestUniqueId", "Id")),
    b"LocalOptimizationEnd": _form(*_LOCAL, ("Success", "Id")),
    b"BridgeCreate": _form(_BRIDGE),
    b"QueueMemberStatus": _form(_MEMBER),
    b"DeviceStateChange": _form(("Device", "State")),
    b"Cdr": _form(CDR, ("UserField",)),
}
UNREAD: Final = frozenset(name.decode() for name in _FORMS)


def is_unread(block: bytes) -> bool:
    """May the decoder pass over it? Asked of every event of the PBX."""
    form = _FORMS.get(block[7 : block.find(b"\r")])
    return form is not None and form(block) is not None
