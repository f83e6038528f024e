"""What every ``VoiceChannel`` does: the caller in memory, FastAGI before an Asterisk made of bytes, and before real ones."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import PurePosixPath

import pytest

from cti.telephony.asterisk.agi_server import AgiServer
from cti.telephony.replay.voice import Act, Caller, QuickClock, ScriptedVoice, hang_up, press, speak
from cti.telephony.voice import (
    CallerGone,
    Destination,
    HangUp,
    SafePath,
    Sound,
    ToAgent,
    ToNumber,
    ToQueue,
    VoiceChannel,
)
from tests.testbed import parts
from tests.testbed.asterisk import Asterisk, asking_asterisk
from tests.testbed.fixtures import require
from tests.testbed.phone import PhoneCall
from tests.testbed.story import Stage, open_stage
from tests.unit.telephony.fake_agi import LENGTHS_S, PBX, SECRET, FakePbx, asked

SOON_S = 15.0
BEEP = Sound("beep")
LONG = Sound("demo-congrats")


class Rig(ABC):
    """A caller on the line, whom the test makes do things."""

    voice: VoiceChannel

    @abstractmethod
    def caller(self, act: Act) -> None:
        """Begins now. ``speak`` is said into the recording that follows."""

    @abstractmethod
    async def passes(self, seconds: float) -> None:
        """Time, in which nobody asks the caller anything."""

    @abstractmethod
    async def noted(self, name: str) -> str: ...

    def recording(self) -> PurePosixPath:
        return PurePosixPath("message")

    def is_kept(self, file: PurePosixPath) -> bool:  # noqa: ARG002 - only a real PBX keeps files
        return True


class TwinRig(Rig):
    def __init__(self) -> None:
        self.script: list[Act] = []
        self.clock = QuickClock()
        self.twin = ScriptedVoice(
            asked(), _Late(self.script), clock=self.clock, length_s=lambda sound: LENGTHS_S[sound.file]
        )
        self.voice = self.twin

    def caller(self, act: Act) -> None:
        self.script.append(act) if act.speaks_s else self.twin.does(act)

    async def passes(self, seconds: float) -> None:
        await self.clock.sleep(seconds)

    async def noted(self, name: str) -> str:
        return self.twin.story.notes[name]


class _Late(Caller):
    """A script that is written while it is played."""

    def __init__(self, acts: list[Act]) -> None:
        super().__init__()
        self.acts = acts

    def next_spoken(self) -> Act:
        return self.acts.pop(0)


class BytesRig(TwinRig):
    """The twin's caller behind AGI bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.pbx = FakePbx(self.twin)

    async def passes(self, seconds: float) -> None:
        """The listening itself moves this PBX's clock."""
        until_s = self.clock.seconds() + seconds
        async with asyncio.timeout(SOON_S):
            while self.clock.seconds() < until_s and not self.twin.story.is_gone:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.001)

    async def noted(self, name: str) -> str:
        return self.pbx.variables[name]


class RealRig(Rig):
    def __init__(self, stage: Stage, call: PhoneCall) -> None:
        self.stage, self.call = stage, call
        self.doing: set[asyncio.Task[None]] = set()

    def caller(self, act: Act) -> None:
        doing = asyncio.create_task(self._does(act))
        self.doing.add(doing)
        doing.add_done_callback(self.doing.discard)

    async def _does(self, act: Act) -> None:
        await asyncio.sleep(act.after_s + act.speaks_s)
        await self.call.press(act.keys)
        if act.is_hanging_up:
            self.call.hang_up()

    async def passes(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def noted(self, name: str) -> str:
        [channel] = [
            name for name in (await self.stage.cli("core show channels concise")).split("!") if "PJSIP" in name
        ]
        shown = await self.stage.cli(f"core show channel {channel}")
        return next(line.partition("=")[2] for line in shown.splitlines() if line.strip().startswith(f"{name}="))

    def recording(self) -> PurePosixPath:
        return PurePosixPath(self.stage.pbx.shared_inside, "message")

    def is_kept(self, file: PurePosixPath) -> bool:
        return self.stage.pbx.shared.joinpath(f"{file.name}.wav").stat().st_size > 1000


@contextlib.asynccontextmanager
async def served(port: int) -> AsyncIterator[tuple[AgiServer, "asyncio.Future[VoiceChannel]"]]:
    """A server that hands its first caller to the test, and waits until the test has done."""
    arrived, done = asyncio.get_running_loop().create_future(), asyncio.Event()

    async def serve(voice: VoiceChannel) -> None:
        arrived.set_result(voice)
        await done.wait()

    server = AgiServer(host="127.0.0.1", port=port, permit=["127.0.0.1"], doors={PBX: SECRET}, serve=serve)
    started = asyncio.Event()
    running = asyncio.create_task(server.run(started))
    try:
        await started.wait()
        yield server, arrived
    finally:
        done.set()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@contextlib.asynccontextmanager
async def twin() -> AsyncIterator[Rig]:
    yield TwinRig()


@contextlib.asynccontextmanager
async def agi_bytes() -> AsyncIterator[Rig]:
    async with served(0) as (server, arrived):
        rig = BytesRig()
        calling = asyncio.create_task(rig.pbx.call(server.port))
        rig.voice = await arrived
        yield rig
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)


@contextlib.asynccontextmanager
async def real(pbx: Asterisk) -> AsyncIterator[Rig]:
    async with served(pbx.ports.fastagi) as (_, arrived), open_stage(pbx) as stage:
        rig = RealRig(stage, stage.caller())
        rig.voice = await arrived
        await rig.call.until_answered()
        yield rig
        await asyncio.to_thread(pbx.hang_up_everything)


@pytest.fixture(scope="module")
def asking_pbx() -> Iterator[Callable[[str], Asterisk]]:
    """Version -> an Asterisk whose dialplan asks, on its own port; started when first asked for."""
    running: dict[str, Asterisk] = {}

    def get(version: str) -> Asterisk:
        require(f"asterisk-{version}")
        if version not in running:
            running[version] = asking_asterisk(version, SECRET)
            running[version].start()
        return running[version]

    yield get
    for pbx in running.values():
        pbx.remove()


REAL = [
    pytest.param(version, id=f"asterisk {version}", marks=pytest.mark.real_asterisk)
    for version in parts.ASTERISK_VERSIONS
]


@pytest.fixture(params=["twin", "agi bytes", *REAL])
async def rig(request: pytest.FixtureRequest, asking_pbx: Callable[[str], Asterisk]) -> AsyncIterator[Rig]:
    made = {"twin": twin, "agi bytes": agi_bytes}.get(request.param) or (lambda: real(asking_pbx(request.param)))
    async with asyncio.timeout(60), made() as opened:
        yield opened


async def test_what_is_said_to_its_end_gives_no_key(rig: Rig) -> None:
    assert await rig.voice.play([BEEP, BEEP]) == ""


async def test_a_key_stops_all_that_was_to_be_said(rig: Rig) -> None:
    rig.caller(press("4"))
    assert await rig.voice.play([LONG, LONG]) == "4"


async def test_a_key_that_nobody_waits_for_is_lost(rig: Rig) -> None:
    rig.caller(press("94"))
    assert await rig.voice.play([LONG], until="1234") == "4"
    assert await rig.voice.key(within_s=0.3) == ""


async def test_a_key_pressed_beforehand_counts(rig: Rig) -> None:
    rig.caller(press("#2", after_s=0.1))
    assert await rig.voice.play([BEEP, BEEP, BEEP], until="") == ""
    assert await rig.voice.play([LONG], until="12") == "2"
    assert await rig.voice.key(within_s=0.3) == ""


async def test_keys_pressed_while_nobody_asks_count_later(rig: Rig) -> None:
    await rig.voice.play([BEEP])
    rig.caller(press("47", after_s=0.1))
    await rig.passes(1.5)
    assert await rig.voice.play([LONG]) == "4"
    assert await rig.voice.key(within_s=3) == "7"


async def test_keys_come_one_by_one_in_order(rig: Rig) -> None:
    rig.caller(press("0123456789*#"))
    assert [await rig.voice.key(within_s=2) for _ in range(12)] == list("0123456789*#")


async def test_no_key_in_time(rig: Rig) -> None:
    assert await rig.voice.key(within_s=0.3) == ""


async def test_nothing_to_say_is_said_at_once(rig: Rig) -> None:
    assert await rig.voice.play([]) == ""


@pytest.mark.parametrize(
    ("act", "max_s", "silence_s", "how", "length_s"),
    [
        (speak(1.0, then="#"), 20, 10, "key", 1.0),
        (speak(5.0), 1, 10, "limit", 1.0),
        (speak(1.5, then_hang_up=True), 20, 10, "hung_up", 1.0),
    ],
    ids=["key", "limit", "hung up"],
)
async def test_a_message_is_kept_however_it_ends(  # noqa: PLR0917
    rig: Rig, act: Act, max_s: float, silence_s: float, how: str, length_s: float
) -> None:
    rig.caller(act)
    recorded = await rig.voice.record(rig.recording(), max_s=max_s, silence_s=silence_s)
    assert recorded.how == how
    assert recorded.length_s == pytest.approx(length_s, abs=0.7)
    assert recorded.file == rig.recording()
    assert rig.is_kept(recorded.file)


async def test_a_message_ends_with_silence(rig: Rig) -> None:
    rig.caller(speak(0.5))
    recorded = await rig.voice.record(rig.recording(), max_s=10, silence_s=1)
    assert recorded.how == "silence"


async def test_what_was_keyed_before_the_beep_does_not_end_the_message(rig: Rig) -> None:
    rig.caller(press("5", after_s=0.1))
    await rig.voice.play([BEEP], until="")
    rig.caller(speak(3.0))
    assert (await rig.voice.record(rig.recording(), max_s=1, silence_s=10)).how == "limit"
    assert await rig.voice.key(within_s=0.3) == ""


@pytest.mark.parametrize("ask", ["play", "announce", "key", "record"])
async def test_a_caller_who_hangs_up_is_gone_for_good(rig: Rig, ask: str) -> None:
    asking: dict[str, Callable[[], Awaitable[object]]] = {
        "play": lambda: rig.voice.play([LONG]),
        "announce": lambda: rig.voice.play([LONG], until=""),
        "key": lambda: rig.voice.key(within_s=30),
        "record": lambda: _recorded_and_more(rig),
    }
    rig.caller(speak(1.0, then_hang_up=True) if ask == "record" else hang_up())
    with pytest.raises(CallerGone):
        await asking[ask]()
    for again in (
        rig.voice.play([BEEP]),
        rig.voice.key(within_s=1),
        rig.voice.note("CTI_X", "1"),
        rig.voice.leave(HangUp()),
    ):
        with pytest.raises(CallerGone):
            await again


async def _recorded_and_more(rig: Rig) -> None:
    assert (await rig.voice.record(rig.recording(), max_s=30, silence_s=30)).how == "hung_up"
    await rig.voice.key(within_s=1)


async def test_a_caller_who_hangs_up_while_nobody_asks_is_missed_at_the_next_word(rig: Rig) -> None:
    await rig.voice.play([BEEP])
    rig.caller(hang_up(after_s=0.1))
    await rig.passes(1)
    with pytest.raises(CallerGone):
        await rig.voice.play([BEEP])


@pytest.mark.parametrize("value", ["4711", 'a "b" \\ c, ${X}', "", "王"], ids=ascii)
async def test_a_note_stays_on_the_channel(rig: Rig, value: str) -> None:
    await rig.voice.note("CTI_CUSTOMER_CODE", value)
    assert await rig.noted("CTI_CUSTOMER_CODE") == value


@pytest.mark.parametrize(
    ("name", "value"), [("PATH", "1"), ("CTI_GO", "hangup"), ("CTI_X", "a\nHANGUP"), ("CTI_X", "x" * 1000)], ids=ascii
)
async def test_a_note_that_cannot_be_left(rig: Rig, name: str, value: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        await rig.voice.note(name, value)
    assert await rig.voice.play([BEEP]) == ""


@pytest.mark.parametrize(
    "to",
    [ToQueue(queue="sales", priority=3), ToAgent(extension="2002"), ToNumber(number="+49301234"), HangUp(), SafePath()],
    ids=lambda to: type(to).__name__,
)
async def test_the_caller_is_sent_on(rig: Rig, to: Destination) -> None:
    """Where they arrive, ``test_fail_open.py`` knows."""
    await rig.voice.play([BEEP])
    await rig.voice.leave(to)


@pytest.mark.parametrize(
    "to",
    [
        ToQueue(queue="sales,tk"), ToQueue(queue=""), ToAgent(extension="2002&PJSIP/x"), ToNumber(number="1&PJSIP/x"),
        ToNumber(number=""),
    ],
    ids=ascii,
)  # fmt: skip
async def test_where_nobody_can_be_sent(rig: Rig, to: Destination) -> None:
    with pytest.raises(ValueError, match="not where the dialplan"):
        await rig.voice.leave(to)
    assert await rig.voice.play([BEEP]) == ""
