"""Asterisk's side of FastAGI, without Asterisk: asks as the dialplan does, and does what it is told to a scripted caller."""

import asyncio
import contextlib
import shlex
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from cti.calls.call import LegId, PbxName
from cti.telephony.asterisk.agi_server import proof_of
from cti.telephony.replay.voice import Act, Caller, QuickClock, ScriptedVoice
from cti.telephony.voice import KEYS, Asked, CallerGone, Sound

SECRET: Final = "a-secret-of-thirty-two-letters-and-more"
PBX: Final = PbxName("main")
SAMPLES_A_SECOND: Final = 8000
LENGTHS_S: Final = {"beep": 0.4, "demo-congrats": 30.0}
"""Of the sounds that this PBX has."""
DEAD: Final = b"200 result=-1 endpos=36960\nHANGUP\n"


def asked(**more: str) -> Asked:
    fields = {
        "ani": "0912345678",
        "dnis": "0800100100",
        "language": "en",
        "default_queue": "support",
        "nonce": "17-1234567",
    }
    return Asked(pbx=PBX, leg=LegId("1795301646.0"), **{**fields, **more})  # type: ignore[arg-type]


def caller_voice(*keys: str | Act) -> ScriptedVoice:
    return ScriptedVoice(asked(), Caller(keys), clock=QuickClock(), length_s=lambda sound: LENGTHS_S[sound.file])


def environment(uniqueid: str = "1795301646.0", nonce: str = "17-1234567", **changed: str) -> bytes:
    """As Asterisk 22 writes it; ``changed`` values replace those, or come behind."""
    values = {
        "network": "yes", "network_script": PBX, "request": f"agi://127.0.0.1:4573/{PBX}", "channel": "PJSIP/trunk-00000000",
        "language": "en", "type": "PJSIP", "uniqueid": uniqueid, "version": "22.10.1", "callerid": "0912345678",
        "calleridname": "unknown", "callingpres": "0", "callingani2": "0", "callington": "0", "callingtns": "0",
        "dnid": "0800100100", "rdnis": "unknown", "context": "cti-inbound", "extension": "0800100100", "priority": "5",
        "enhanced": "0.0", "accountcode": "", "threadid": "139975768770240", "arg_1": "ivr", "arg_2": "support",
        "arg_3": nonce, "arg_4": proof_of(SECRET, uniqueid, nonce),
    }  # fmt: skip
    return "".join(f"agi_{key}: {value}\n" for key, value in (values | changed).items()).encode() + b"\n"


@dataclass(slots=True)
class FakePbx:
    """One call. ``commands``: what it was told, in order; ``variables``: what was left on the channel."""

    caller: ScriptedVoice
    commands: list[list[str]] = field(default_factory=list)
    variables: dict[str, str] = field(default_factory=dict)

    async def call(self, port: int, opening: bytes | None = None) -> None:
        """Returns when either side has closed."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(environment() if opening is None else opening)
        try:
            while line := await reader.readline():
                writer.write(await self._told(shlex.split(line.decode())))
        except CallerGone:
            writer.write(DEAD)
        except OSError:
            pass
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _told(self, words: list[str]) -> bytes:  # noqa: PLR0911 - a line for each command
        self.commands.append(words)
        match words:
            case ["SET", "AUTOHANGUP", _]:
                return b"200 result=0\n"
            case ["SET", "VARIABLE", name, value]:
                self.variables[name] = value
                return b"200 result=1\n"
            case ["CHANNEL", "STATUS"]:
                return b"200 result=6\n"
            case ["WAIT", "FOR", "DIGIT", limit_ms]:
                return _result(await self.caller.key(within_s=int(limit_ms) / 1000))
            case ["STREAM", "FILE", name, escapes, at]:
                return await self._stream(name, escapes, int(at))
            case ["RECORD", "FILE", name, "wav", escapes, limit_ms, "BEEP", silence]:
                return await self._record(name, escapes, int(limit_ms) / 1000, float(silence.removeprefix("s=")))
            case _:
                return b"510 Invalid or unknown command\n"

    async def _stream(self, name: str, escapes: str, at: int) -> bytes:
        if name not in LENGTHS_S:
            return b"200 result=-1 endpos=0\n"
        began_s = self.caller.clock.seconds()
        key = await self.caller.play([Sound(name)], until=escapes)
        if not escapes:
            await self._lose_keys()
        played = round((self.caller.clock.seconds() - began_s) * SAMPLES_A_SECOND)
        return _result(key, f" endpos={at + max(played, 160)}")

    async def _lose_keys(self) -> None:
        """As Asterisk does with keys that stop nothing."""
        while await self.caller.key(within_s=0):
            pass

    async def _record(self, name: str, escapes: str, max_s: float, silence_s: float) -> bytes:
        recorded = await self.caller.record(PurePosixPath(name), max_s=max_s, silence_s=silence_s, until=escapes)
        said = {"key": "dtmf", "hung_up": "hangup", "silence": "timeout", "limit": "timeout"}[recorded.how]
        return f"200 result=0 ({said}) endpos={round(recorded.length_s * SAMPLES_A_SECOND)}\n".encode()


def _result(key: str, more: str = "") -> bytes:
    assert not key or key in KEYS
    return f"200 result={ord(key) if key else 0}{more}\n".encode()
