"""The caller at the other end of a FastAGI connection, as a ``VoiceChannel``.

**The heartbeat.** The dialplan gives us a second before it takes the caller back (``TIMEOUT(absolute)``). We wind that clock
up again and again (``SET AUTOHANGUP``), always for a while beyond what we are about to do. Whoever stops winding, frozen,
looping, waiting for something that never comes, loses the caller to the safe path in bounded time.

**Keys while we think.** Asterisk hears no keys between two commands: it reads them and throws them away. So when the flow has
asked nothing for a moment, we listen in short turns, and what is keyed meanwhile counts later.

**Gone, or dead?** A caller who hangs up shows as ``HANGUP``, as ``result=-1``, as 511, or as the end of the connection, in
whichever order they win. A PBX that dies shows as the end of the connection too, and its callers are gone with it: all of it
is ``CallerGone``. ``PbxUnavailable`` is left for a PBX that does not answer in time, or says what nobody understands.
"""

import asyncio
import contextlib
import math
import re
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal

from cti.errors import PbxUnavailable
from cti.log import logger
from cti.telephony.asterisk.agi_codec import AgiReply, command, note
from cti.telephony.asterisk.agi_wire import AgiWire
from cti.telephony.voice import (
    KEYS,
    Asked,
    CallerGone,
    Destination,
    HangUp,
    Keys,
    Recorded,
    SafePath,
    Sound,
    ToAgent,
    ToNumber,
    ToQueue,
)

log = logger("telephony")

SAMPLES_A_SECOND: Final = 8000
"""Of the wav files that Asterisk records, and of the positions it tells."""
MOST_KEYS: Final = 64
"""Kept for later; a caller who leans on the keys fills no memory."""
_KEY: Final = {str(ord(key)): key for key in KEYS}
"""A key as a result tells it: its ASCII code."""
_UP: Final = "6"
"""What CHANNEL STATUS says of a channel that somebody talks on."""


_IN_THE_BEEP: Final = "randomerror"
"""What RECORD FILE says when something ended the beep, and so nothing was recorded: a key, whose code is the result, or the
caller's going (``res_agi.c``, 16 and 22)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds."""

    beat_s: float = 60.0
    """How long a caller waits, beyond what was under way, for a service that froze."""
    rewind_s: float = 10.0
    """The clock is not wound up more often than this, unless what comes takes longer than it has left."""
    sound_s: float = 120.0
    """The longest sound. What lasts longer has to be cut in pieces."""
    answer_s: float = 5.0
    """For the PBX to say something, beyond what the command itself takes."""
    pause_s: float = 0.02
    """Between two questions of a flow in which nobody listens: too short to press a key, long enough to ask the next."""
    turn_s: float = 0.2
    """Of listening while the flow thinks; what it asks next waits so long at most."""
    think_s: float = 30.0
    """Then nobody listens any more, and the clock runs out: a flow that thinks so long has gone wrong."""


PATIENCE: Final = Patience()


class AgiVoice:
    """Made by ``AgiServer`` once the question is known to be genuine; ``begin`` at once, ``close`` in every case."""

    def __init__(
        self,
        wire: AgiWire,
        asked: Asked,
        *,
        patience: Patience = PATIENCE,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.asked = asked
        self._wire, self._patience, self._seconds = wire, patience, seconds
        self._keys: deque[str] = deque(maxlen=MOST_KEYS)
        self._wound_s = self._runs_out_s = -math.inf
        self._wanted = asyncio.Event()
        self._listener: asyncio.Task[None] | None = None

    async def begin(self) -> None:
        """Our first word; the dialplan waits for it."""
        async with self._floor():
            await self._wind_up(0)

    async def close(self) -> None:
        """The connection ends, and the dialplan goes on; with what ``leave`` said, or along its safe path."""
        self._wire.close()
        if self._listener is not None:
            self._listener.cancel()
            await asyncio.gather(self._listener, return_exceptions=True)

    # ---- what VoiceChannel asks

    async def play(self, sounds: Sequence[Sound], *, until: Keys = KEYS) -> str:
        """With an empty ``until`` nothing stops them, and what is keyed meanwhile counts afterwards."""
        async with self._floor():
            key = self._beforehand(until)
            for sound in sounds:
                key = key or await self._heard_to_end(sound, until)
            return key

    async def key(self, *, within_s: float) -> str:
        async with self._floor():
            return self._keys.popleft() if self._keys else await self._digit(within_s)

    async def record(self, file: PurePosixPath, *, max_s: float, silence_s: float, until: Keys = KEYS) -> Recorded:
        """What was keyed before the beep is forgotten."""
        async with self._floor():
            self._keys.clear()
            asked = command(
                "RECORD FILE", str(file), "wav", until, round(max_s * 1000), "BEEP", f"s={math.ceil(silence_s)}"
            )
            reply = await self._do(asked, max_s)
            if reply.data == _IN_THE_BEEP and reply.result not in _KEY:
                await self._still_there()
        length_s = reply.endpos / SAMPLES_A_SECOND
        if reply.data == "hangup" and length_s == 0:
            raise CallerGone
        return Recorded(file=file, length_s=length_s, how=_how(reply, length_s, max_s))

    async def note(self, name: str, value: str) -> None:
        asked = note(name, value)
        async with self._floor():
            await self._do(asked)

    async def leave(self, to: Destination) -> None:
        said = last_words(to)
        await self._quiet()
        for asked in said:
            await self._do(asked)
        self._wire.close()

    # ---- sounds and keys

    async def _heard_to_end(self, sound: Sound, until: Keys) -> str:
        """One sound; the key of ``until`` that stopped it, else empty."""
        at = 0
        while True:
            asked = command("STREAM FILE", sound.file, until or KEYS, at)
            reply = await self._do(asked, self._patience.sound_s)
            key = _KEY.get(reply.result, "")
            if reply.result == "-1" or (not key and reply.endpos <= at):
                await self._passed_over(sound)
            if not key or until:
                return key
            self._keys.append(key)
            at = reply.endpos

    async def _passed_over(self, sound: Sound) -> None:
        """Nothing was heard: the file is not there, or the caller is not. Asterisk 16.28 and 22.10 say ``result=-1`` to both."""
        await self._still_there()
        log.warning("sound_missing", pbx=self.asked.pbx, file=sound.file)

    async def _still_there(self) -> None:
        status = await self._do(command("CHANNEL STATUS"))
        if status.result != _UP:
            raise CallerGone

    async def _digit(self, within_s: float) -> str:
        reply = await self._do(command("WAIT FOR DIGIT", round(within_s * 1000)), within_s)
        if reply.result == "-1":
            raise CallerGone
        return _KEY.get(reply.result, "")

    def _beforehand(self, until: Keys) -> str:
        """The first key of ``until`` among those pressed already; those before it are lost."""
        while until and self._keys:
            if (key := self._keys.popleft()) in until:
                return key
        return ""

    # ---- whose turn it is

    @contextlib.asynccontextmanager
    async def _floor(self) -> AsyncIterator[None]:
        """The flow's turn to ask; behind it we listen by ourselves."""
        await self._quiet()
        yield
        self._listener = asyncio.create_task(self._listen())

    async def _quiet(self) -> None:
        """End the listening. Raises what was heard there: that the caller has gone."""
        listener, self._listener = self._listener, None
        if listener is not None:
            self._wanted.set()
            await listener
        self._wanted.clear()

    async def _listen(self) -> None:
        enough_s = self._seconds() + self._patience.think_s
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), self._patience.pause_s)
        while not self._wanted.is_set() and self._seconds() < enough_s:
            if key := await self._digit(self._patience.turn_s):
                self._keys.append(key)

    # ---- the heartbeat

    async def _do(self, asked: bytes, takes_s: float = 0.0) -> AgiReply:
        await self._wind_up(takes_s)
        return await self._wire.ask(asked, takes_s + self._patience.answer_s)

    async def _wind_up(self, takes_s: float) -> None:
        patience, now_s = self._patience, self._seconds()
        is_recent = now_s - self._wound_s < patience.rewind_s
        if is_recent and self._runs_out_s > now_s + takes_s + patience.answer_s:
            return
        runs_s = math.ceil(takes_s + patience.beat_s)
        await self._wire.ask(command("SET AUTOHANGUP", runs_s), patience.answer_s)
        self._wound_s, self._runs_out_s = now_s, now_s + runs_s


def last_words(to: Destination) -> list[bytes]:
    """Where the caller goes, as the dialplan reads it; ``CTI_GO`` last, so that half a word is none. Raises ValueError for
    what the dialplan would not take."""
    match to:
        case SafePath():
            return []
        case HangUp():
            return [_said("CTI_GO", "hangup")]
        case ToQueue(queue=queue, priority=priority):
            _checked(_NAME, queue)
            return [_said("CTI_GO_TO", queue), _said("CTI_PRIORITY", str(priority)), _said("CTI_GO", "queue")]
        case ToAgent(extension=extension):
            return [_said("CTI_GO_TO", _checked(_NAME, extension)), _said("CTI_GO", "agent")]
        case ToNumber(number=number):
            return [_said("CTI_GO_TO", _checked(_NUMBER, number)), _said("CTI_GO", "number")]


_NAME: Final = re.compile(r"[0-9A-Za-z_-]+")
_NUMBER: Final = re.compile(r"\+?[0-9]+")


def _checked(pattern: re.Pattern[str], text: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError("not where the dialplan could send a caller")
    return text


def _said(name: str, value: str) -> bytes:
    return command("SET VARIABLE", name, value)


def _how(reply: AgiReply, length_s: float, max_s: float) -> Literal["key", "silence", "limit", "hung_up"]:
    """Asterisk says ``timeout`` for silence, too."""
    match reply.data:
        case "dtmf":
            return "key"
        case _ if reply.data == _IN_THE_BEEP and reply.result in _KEY:
            return "key"
        case "hangup":
            return "hung_up"
        case "timeout":
            return "limit" if length_s >= max_s - 0.5 else "silence"
        case _:
            raise PbxUnavailable(f"nothing could be recorded: {reply.text}")
