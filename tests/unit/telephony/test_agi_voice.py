"""What ``AgiVoice`` adds to the contract: the heartbeat, its limits, and what Asterisk says when something is not as it should be."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import pytest

from cti.errors import PbxUnavailable
from cti.telephony.asterisk.agi_codec import AgiReply, command
from cti.telephony.asterisk.agi_voice import AgiVoice, Patience
from cti.telephony.asterisk.agi_wire import AgiWire
from cti.telephony.voice import CallerGone, HangUp, SafePath, Sound, ToQueue
from tests.conftest import LogLines
from tests.unit.telephony.fake_agi import asked, environment

SOON_S = 5.0
FINE = AgiReply(200, "0", endpos=8000)
MISSING = AgiReply(200, "-1")
QUIET = Patience(pause_s=60)
"""Nobody listens between two questions: what is asked is what the test asks."""


@dataclass(slots=True)
class Wire:
    """Answers by command; each takes its time. Stands for ``AgiWire``, so that hours take none."""

    answers: dict[str, AgiReply] = field(default_factory=dict)
    takes_s: dict[str, float] = field(default_factory=dict)
    now_s: float = 0.0
    asked: list[tuple[str, float]] = field(default_factory=list)

    async def ask(self, data: bytes, limit_s: float) -> AgiReply:
        text = data.decode().strip()
        name = " ".join(word for word in text.split() if not word.startswith('"'))
        self.asked.append((text, limit_s))
        self.now_s += self.takes_s.get(name, 0.0)
        await asyncio.sleep(0)
        return self.answers.get(name, FINE)

    def close(self) -> None:
        pass

    def named(self, name: str) -> list[str]:
        return [text for text, _ in self.asked if text.startswith(name)]


@contextlib.asynccontextmanager
async def speaking(wire: Wire, patience: Patience = QUIET) -> AsyncIterator[AgiVoice]:
    voice = AgiVoice(wire, asked(), patience=patience, seconds=lambda: wire.now_s)  # type: ignore[arg-type]
    await voice.begin()
    try:
        async with asyncio.timeout(SOON_S):
            yield voice
    finally:
        await voice.close()


# ---- the heartbeat


async def test_the_clock_is_wound_up_beyond_what_comes() -> None:
    wire = Wire()
    async with speaking(wire) as voice:
        await voice.play([Sound("a")])
        assert wire.named("SET AUTOHANGUP") == ['SET AUTOHANGUP "60"', 'SET AUTOHANGUP "180"']
        wire.now_s = 20
        await voice.key(within_s=5)
        assert wire.named("SET AUTOHANGUP")[2:] == ['SET AUTOHANGUP "65"']


async def test_the_clock_is_not_wound_up_with_every_word() -> None:
    wire = Wire(takes_s={"WAIT FOR DIGIT": 0.5})
    async with speaking(wire) as voice:
        for _ in range(60):
            await voice.key(within_s=5)
    assert len(wire.named("WAIT FOR DIGIT")) == 60
    assert len(wire.named("SET AUTOHANGUP")) == 3


async def test_a_flow_that_thinks_for_ever_loses_the_caller() -> None:
    """Listening winds the clock up too; so it ends by itself, and the clock runs out."""
    wire = Wire(takes_s={"WAIT FOR DIGIT": 0.2})
    async with speaking(wire, Patience(pause_s=0)) as voice:
        listener = voice._listener
        assert listener is not None
        await listener
        assert 30 <= wire.now_s < 31
        assert len(wire.named("SET AUTOHANGUP")) == 3


async def test_listening_ends_when_the_flow_asks() -> None:
    wire = Wire(takes_s={"WAIT FOR DIGIT": 0.2})
    async with speaking(wire, Patience(pause_s=0)) as voice:
        while (turns := len(wire.named("WAIT FOR DIGIT"))) < 3:  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0)
        await voice.note("CTI_X", "1")
        before = [text for text, _ in wire.asked[: wire.asked.index(('SET VARIABLE "CTI_X" "1"', 5.0))]]
        assert sum(text.startswith("WAIT") for text in before) <= turns + 1


async def test_each_command_has_its_limit() -> None:
    wire = Wire(answers={"RECORD FILE": AgiReply(200, "0", "timeout", 8000)})
    async with speaking(wire) as voice:
        await voice.play([Sound("a")])
        await voice.key(within_s=7)
        await voice.record(PurePosixPath("m"), max_s=30, silence_s=3)
        await voice.note("CTI_X", "1")
    limits = {text.split(" ")[0]: limit_s for text, limit_s in wire.asked}
    assert limits == {"SET": 5, "STREAM": 125, "WAIT": 12, "RECORD": 35}


# ---- what Asterisk says when something is not as it should be


async def test_a_sound_that_is_not_there_is_passed_over(log_lines: LogLines) -> None:
    wire = Wire({"STREAM FILE": MISSING, "CHANNEL STATUS": AgiReply(200, "6")})
    async with speaking(wire) as voice:
        assert await voice.play([Sound("cti/none"), Sound("cti/neither")]) == ""
    assert [line["file"] for line in log_lines() if line["event"] == "sound_missing"] == ["cti/none", "cti/neither"]


async def test_a_sound_that_failed_as_the_caller_went() -> None:
    wire = Wire({"STREAM FILE": MISSING, "CHANNEL STATUS": AgiReply(200, "0")})
    async with speaking(wire) as voice:
        with pytest.raises(CallerGone):
            await voice.play([Sound("a")])


async def test_a_recording_that_cannot_be_written_is_no_silence() -> None:
    wire = Wire({"RECORD FILE": AgiReply(200, "-1", "writefile", text="result=-1 (writefile)")})
    async with speaking(wire) as voice:
        with pytest.raises(PbxUnavailable, match="writefile"):
            await voice.record(PurePosixPath("m"), max_s=30, silence_s=3)


async def test_a_caller_gone_at_the_beep_left_no_message() -> None:
    wire = Wire({"RECORD FILE": AgiReply(200, "-1", "hangup", 0)})
    async with speaking(wire) as voice:
        with pytest.raises(CallerGone):
            await voice.record(PurePosixPath("m"), max_s=30, silence_s=3)


@pytest.mark.parametrize(("result", "status", "ends"), [("35", "6", "key"), ("-1", "0", "gone")])
async def test_what_ends_the_beep(result: str, status: str, ends: str) -> None:
    wire = Wire({"RECORD FILE": AgiReply(200, result, "randomerror", 0), "CHANNEL STATUS": AgiReply(200, status)})
    async with speaking(wire) as voice:
        recording = voice.record(PurePosixPath("m"), max_s=30, silence_s=3)
        if ends == "key":
            assert (await recording).how == "key"
        else:
            with pytest.raises(CallerGone):
                await recording


async def test_who_leans_on_the_keys_fills_no_memory() -> None:
    wire = Wire({"STREAM FILE": AgiReply(200, "49", endpos=1)})
    async with speaking(wire) as voice:
        playing = asyncio.create_task(voice.play([Sound("a")], until=""))
        while len(wire.named("STREAM FILE")) < 500:
            wire.answers["STREAM FILE"] = AgiReply(200, "49", endpos=len(wire.asked) + 1)
            await asyncio.sleep(0)
        wire.answers["STREAM FILE"] = AgiReply(200, "0", endpos=100_000)
        await playing
        assert len(voice._keys) == 64


# ---- the last word


async def test_the_last_word_is_said_last() -> None:
    wire = Wire()
    async with speaking(wire) as voice:
        await voice.leave(ToQueue(queue="support", priority=10))
    assert [text.split('"')[1::2] for text in wire.named("SET VARIABLE")] == [
        ["CTI_GO_TO", "support"], ["CTI_PRIORITY", "10"], ["CTI_GO", "queue"],
    ]  # fmt: skip


async def test_the_safe_path_needs_no_word() -> None:
    wire = Wire()
    async with speaking(wire) as voice:
        await voice.leave(SafePath())
    assert wire.named("SET VARIABLE") == []


# ---- the wire


@contextlib.asynccontextmanager
async def wired(*says: bytes) -> AsyncIterator[tuple[AgiWire, asyncio.StreamReader]]:
    """A wire to a PBX that sends its environment and then says that, whatever it is told; and what it has been told."""
    here: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda *streams: here.set_result(streams), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
    writer.write(environment())
    wire_reader, wire_writer = await here
    wire = AgiWire(wire_reader, wire_writer)
    async with asyncio.timeout(SOON_S):
        await wire.environment()
        writer.write(b"".join(says))
        if says[-1:] == (b"",):
            writer.write_eof()
        yield wire, reader
    wire.close()
    writer.close()
    server.close()
    await asyncio.sleep(0)


WORD = command("NOOP")


@pytest.mark.parametrize(
    "said", [[b"HANGUP\n"], [b"511 Command Not Permitted on a dead channel\n"], [b""], [b"200 resul", b""]], ids=str
)
async def test_every_way_of_being_gone(said: list[bytes]) -> None:
    async with wired(*said) as (wire, _):
        for _ in range(2):
            with pytest.raises(CallerGone):
                await wire.ask(WORD, 1)


async def test_after_a_question_was_given_up_no_other_gets_its_answer() -> None:
    async with wired() as (wire, pbx):
        asking = asyncio.create_task(wire.ask(WORD, 60))
        assert await pbx.readline() == WORD
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert await pbx.read() == b""
        with pytest.raises(CallerGone):
            await wire.ask(WORD, 1)


async def test_an_answer_that_never_comes() -> None:
    async with wired() as (wire, _):
        with pytest.raises(PbxUnavailable, match=r"no answer within 0\.01 s"):
            await wire.ask(WORD, 0.01)


async def test_a_hang_up_is_heard_at_the_last_word_too() -> None:
    async with wired(b"200 result=0\nHANGUP\n") as (wire, _):
        voice = AgiVoice(wire, asked(), patience=QUIET)
        await voice.begin()
        with pytest.raises(CallerGone):
            await voice.leave(HangUp())
        await voice.close()
