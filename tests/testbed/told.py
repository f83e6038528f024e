"""What Asterisk told while a test failed, a line for each event of a channel: such a failure seldom comes twice."""

import re
from collections.abc import Iterator
from typing import Final

_SHOWN: Final = ("Channel", "Uniqueid", "Linkedid", "ChannelStateDesc", "DestChannel", "DestUniqueid", "DestLinkedid",
                 "DialStatus", "Cause", "BridgeUniqueid", "Queue")  # fmt: skip
_LEFT_OUT: Final = frozenset(
    {"VarSet", "Newexten", "DeviceStateChange", "RTCPSent", "RTCPReceived", "QueueMemberStatus", "Cdr"}
)


def story_of(heard: bytes) -> str:
    return "\n".join(_lines(heard.decode("utf-8", "replace")))


def _lines(text: str) -> Iterator[str]:
    for block in re.split(r"\r\n\r\n", text):
        headers = dict(line.split(": ", 1) for line in block.split("\r\n") if ": " in line)
        event = headers.get("Event", "")
        if event and event not in _LEFT_OUT:
            shown = (f"{name}={headers[name]}" for name in _SHOWN if headers.get(name))
            yield " ".join([headers.get("Timestamp", "")[-10:], event, *shown])
