"""A PBX that many calls go through, as AMI tells it: real events at their time, and lists that are true when asked for.

Each call: half a second in the IVR, ``ring_s`` at the agent's phone, ``talk_s`` with the agent. It has real stamps, so that what
is read off it has real durations.
"""

import asyncio
import contextlib
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

import streams

FIRST_PHONE: Final = 1000
SECRET: Final = "not-looked-at"
_STAMP: Final = re.compile(rb"(?<=\r\nTimestamp: )[\d.]+")
_TAIL: Final = (
    "Channel", "ChannelState", "ChannelStateDesc", "CallerIDNum", "CallerIDName", "ConnectedLineNum", "ConnectedLineName",
    "Language", "AccountCode", "Context", "Exten", "Priority", "Uniqueid", "Linkedid",
)  # fmt: skip
_ENTRY: Final = ("Channel", "Uniqueid", "CallerIDNum", "CallerIDName", "ConnectedLineNum", "ConnectedLineName")
_IVR: Final = 0.5
_RUNG: Final = 0.69
"""Which part of a recorded call's time goes by until the queue has it, and until it is answered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace(streams.Traffic):
    """One call to a stream, so its time is its length."""

    phone: int

    def agent(self, _: int) -> str:
        return str(self.phone)


@dataclass(slots=True)
class LivePbx:
    port: int
    phones: tuple[int, ...]
    ivr_s: float = 0.5
    ring_s: float = 10.0
    talk_s: float = 14.0
    ended: list[str] = field(default_factory=list)
    """Linkedids of calls that are over."""
    _readers: list[asyncio.StreamWriter] = field(default_factory=list)
    _channels: dict[str, dict[str, str]] = field(default_factory=dict)
    _waiting: dict[str, dict[str, str]] = field(default_factory=dict)
    _paused: dict[str, str] = field(default_factory=dict)
    """Phone -> why."""

    async def serve(self) -> asyncio.Server:
        return await asyncio.start_server(self._attend, "127.0.0.1", self.port)

    async def call(self, nr: int, phone: int) -> str:
        """One whole call; its linkedid."""
        began = time.time()
        pace = Pace(calls_per_s=1.0, in_flight=1, begins_at=began - nr, phone=phone)
        linkedid = ""
        for event in streams.generated(1, first=nr, traffic=pace):
            stamp = _STAMP.search(event)
            at = self._at(float(stamp[0]) - began) if stamp else 0.0
            await asyncio.sleep(began + at - time.time())
            told = _STAMP.sub(b"%.6f" % time.time(), event)
            linkedid = linkedid or _headers(told).get("Uniqueid", "")
            self._happens(told)
        self.ended.append(linkedid)
        return linkedid

    def _at(self, fraction: float) -> float:
        """When in the call's own time."""
        if fraction <= _IVR:
            return self.ivr_s * fraction / _IVR
        if fraction <= _RUNG:
            return self.ivr_s + self.ring_s * (fraction - _IVR) / (_RUNG - _IVR)
        return self.ivr_s + self.ring_s + self.talk_s * (fraction - _RUNG) / (1 - _RUNG)

    # ---- what is so now

    def _happens(self, event: bytes) -> None:
        told = _headers(event)
        leg = told.get("Uniqueid", "")
        match told["Event"]:
            case "Newchannel":
                self._channels[leg] = {"BridgeId": "", "began": told["Timestamp"]}
            case "Hangup":
                self._channels.pop(leg, None)
            case "BridgeEnter":
                self._channels[leg]["BridgeId"] = told["BridgeUniqueid"]
            case "BridgeLeave":
                self._channels[leg]["BridgeId"] = ""
            case "QueueCallerJoin":
                self._waiting[leg] = told
            case "QueueCallerLeave":
                self._waiting.pop(leg, None)
        if leg in self._channels:
            self._channels[leg] |= {name: told[name] for name in _TAIL if name in told}
        self._tell(event)

    def _tell(self, event: bytes) -> None:
        for reader in self._readers:
            reader.write(event)

    # ---- who asks

    async def _attend(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        with contextlib.suppress(asyncio.IncompleteReadError, asyncio.CancelledError, OSError):
            while asked := await reader.readuntil(b"\r\n\r\n"):
                self._answer(_headers(asked), writer)
        if writer in self._readers:
            self._readers.remove(writer)
        writer.close()

    def _answer(self, action: dict[str, str], writer: asyncio.StreamWriter) -> None:
        its_id = {"ActionID": action.get("ActionID", "")}
        writer.write(_block({"Response": "Success"} | its_id | {"Message": "ok"}))
        match action["Action"]:
            case "Login" if action.get("Events") != "off":
                writer.write(_block({"Event": "FullyBooted", "Privilege": "system,all", "Uptime": "1000"}))
                self._readers.append(writer)
            case "CoreShowChannels" | "QueueStatus" | "BridgeList" | "DeviceStateList" as name:
                items = list(self._listed(name, its_id))
                last = {"Event": f"{name}Complete"} | its_id | {"EventList": "Complete", "ListItems": str(len(items))}
                writer.write(b"".join(items) + _block(last))
            case "QueuePause":
                self._pause(action["Interface"], action.get("Reason", ""), is_paused=action["Paused"] == "true")

    def _pause(self, device: str, reason: str, *, is_paused: bool) -> None:
        self._paused.pop(device, None)
        if is_paused:
            self._paused[device] = reason
        self._tell(_block({"Event": "QueueMemberPause", "Privilege": "agent,all"} | self._member(device)))

    def _listed(self, name: str, its_id: dict[str, str]) -> Iterable[bytes]:
        if name == "CoreShowChannels":
            for known in self._channels.values():
                told = {header: known[header] for header in _TAIL}
                lasted_s = int(time.time() - float(known["began"]))
                after = {
                    "Application": "",
                    "ApplicationData": "",
                    "Duration": f"00:00:{lasted_s:02}",
                    "BridgeId": known["BridgeId"],
                }
                yield _block({"Event": "CoreShowChannel"} | its_id | told | after)
        if name == "QueueStatus":
            for phone in self.phones:
                device = f"PJSIP/{phone}"
                yield _block({"Event": "QueueMember"} | its_id | self._member(device, "Name", "Location"))
            for nr, entry in enumerate(self._waiting.values(), 1):
                who = {header: entry[header] for header in _ENTRY}
                place = {"Queue": entry["Queue"], "Position": str(nr)}
                yield _block({"Event": "QueueEntry"} | its_id | place | who | {"Wait": "1", "Priority": "0"})

    def _member(self, device: str, name: str = "MemberName", where: str = "Interface") -> dict[str, str]:
        paused = str(int(device in self._paused))
        return {
            "Queue": "support", name: device, where: device, "StateInterface": device, "Membership": "dynamic", "Penalty": "0",
            "CallsTaken": "0", "LastCall": "0", "LastPause": "0", "LoginTime": "0", "InCall": "0", "Status": "1",
            "Paused": paused, "PausedReason": self._paused.get(device, ""), "Ringinuse": "0", "Wrapuptime": "0",
        }  # fmt: skip


def _headers(block: bytes) -> dict[str, str]:
    return dict(line.split(": ", 1) for line in block.decode().strip().split("\r\n") if ": " in line)


def _block(headers: dict[str, str]) -> bytes:
    return "".join(f"{key}: {value}\r\n" for key, value in headers.items()).encode() + b"\r\n"
