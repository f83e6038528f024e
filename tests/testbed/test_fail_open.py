"""The PBX goes on without us, wherever we fail it; and goes where we say when we do not (FastAGI)."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from cti.calls.call import PbxName
from cti.telephony.asterisk.agi_server import AgiServer
from cti.telephony.voice import Asked, CallerGone, Destination, HangUp, Sound, ToAgent, ToNumber, ToQueue, VoiceChannel
from tests.testbed import parts
from tests.testbed.asterisk import Asterisk, asking_asterisk
from tests.testbed.fixtures import require
from tests.testbed.phone import PhoneCall
from tests.testbed.story import Stage, hang_up, open_stage

pytestmark = pytest.mark.real_asterisk
BOTH_VERSIONS = pytest.mark.parametrize("version", parts.ASTERISK_VERSIONS)
NEWEST = pytest.mark.parametrize("version", parts.ASTERISK_VERSIONS[:1])
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[[VoiceChannel], Awaitable[None]]

SECRET = "the-secret-of-the-fail-open-tests-is-long"
UNCLEAN = "0800100650"
"""A number whose dialplan forgot to clean what callers write."""
LONG = Sound("demo-congrats")
SHORT_QUEUE = "0800100300"


def _unclean(port: int) -> str:
    return f"""
[cti-inbound]
exten => {UNCLEAN},1,Answer()
 same => n,Set(CTI_BACK=${{CONTEXT}},${{EXTEN}},asked)
 same => n,Gosub(cti-ask,s,1)
 same => n,AGI(agi://127.0.0.1:{port}/main,ivr,support,${{CTI_NONCE}},${{CTI_PROOF}})
 same => n(asked),Set(TIMEOUT(absolute)=0)
 same => n,Queue(support,tk,,,30)
 same => n,Hangup()
"""


@pytest.fixture(scope="module")
def asking_pbx() -> Iterator[Callable[[str], Asterisk]]:
    """Version -> an Asterisk whose dialplan asks; who answers there, if anybody, is the test's affair."""
    running: dict[str, Asterisk] = {}

    def get(version: str) -> Asterisk:
        require(f"asterisk-{version}")
        if version not in running:
            pbx = asking_asterisk(version, SECRET)
            pbx.extra = {"extensions.conf": _unclean(pbx.ports.fastagi)}
            running[version] = pbx
            pbx.start()
        return running[version]

    yield get
    for pbx in running.values():
        pbx.remove()


@pytest.fixture
async def stage(version: str, asking_pbx: Callable[[str], Asterisk]) -> AsyncIterator[Stage]:
    pbx = asking_pbx(version)
    async with open_stage(pbx) as opened:
        yield opened
        await asyncio.to_thread(pbx.hang_up_everything)


@contextlib.asynccontextmanager
async def answering(stage: Stage, answer: Answer) -> AsyncIterator[None]:
    """Somebody at the door who behaves so."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            await answer(reader, writer)
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", stage.pbx.ports.fastagi):
        yield


@contextlib.asynccontextmanager
async def serving(stage: Stage, serve: Serve, secret: str = SECRET) -> AsyncIterator[AgiServer]:
    server = AgiServer(
        host="127.0.0.1",
        port=stage.pbx.ports.fastagi,
        permit=["127.0.0.1"],
        doors={PbxName("main"): secret},
        serve=serve,
    )
    started = asyncio.Event()
    running = asyncio.create_task(server.run(started))
    try:
        await started.wait()
        yield server
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


FROZEN = """
import asyncio, sys
from cti.telephony.asterisk.agi_server import AgiServer
from cti.telephony.asterisk.agi_voice import Patience
from cti.telephony.voice import Sound

async def serve(voice):
    print("playing", flush=True)
    await voice.play([Sound("demo-congrats")])

server = AgiServer(host="127.0.0.1", port=int(sys.argv[1]), permit=["127.0.0.1"], doors={"main": sys.argv[2]}, serve=serve,
                   patience=Patience(beat_s=1, sound_s=2, answer_s=0.5))

async def main():
    started = asyncio.Event()
    running = asyncio.create_task(server.run(started))
    await started.wait()
    print("ready", flush=True)
    await running

asyncio.run(main())
"""


@contextlib.asynccontextmanager
async def service_apart(stage: Stage) -> AsyncIterator[asyncio.subprocess.Process]:
    """A service in a process of its own, which can be frozen and killed; it plays something long to every caller."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FROZEN, str(stage.pbx.ports.fastagi), SECRET, cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."}, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        await _says(process, b"ready")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _says(process: asyncio.subprocess.Process, word: bytes) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(15):
        assert (await process.stdout.readline()).strip() == word


async def _silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _refusing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _reaches_queue(stage: Stage, caller: PhoneCall) -> float:
    """How long until the default queue's agent rings; they talk then."""
    agent = await stage.agents["2001"].rings()
    agent.answer()
    await asyncio.sleep(0.5)
    assert not agent.is_over
    await hang_up(caller, agent)
    return agent.began_at - caller.began_at


# ---- we fail


@BOTH_VERSIONS
async def test_nobody_there(stage: Stage) -> None:
    assert await _reaches_queue(stage, stage.caller()) < 1


@BOTH_VERSIONS
async def test_the_door_is_shut_in_its_face(stage: Stage) -> None:
    async with answering(stage, _refusing):
        assert await _reaches_queue(stage, stage.caller()) < 1


@BOTH_VERSIONS
async def test_silence_is_not_waited_for(stage: Stage) -> None:
    async with answering(stage, _silent):
        assert 0.9 < await _reaches_queue(stage, stage.caller()) < 3


@BOTH_VERSIONS
async def test_a_flow_may_take_its_time(stage: Stage) -> None:
    async def serve(_voice: VoiceChannel) -> None:
        await asyncio.sleep(2)

    async with serving(stage, serve):
        assert 1.9 < await _reaches_queue(stage, stage.caller()) < 3.5


@BOTH_VERSIONS
async def test_frozen_in_mid_flow(stage: Stage) -> None:
    """SIGSTOP while a prompt plays: the clock runs out, three seconds after it was wound up for that prompt; one second, where
    the service froze before it came to that."""
    async with service_apart(stage) as service:
        caller = stage.caller()
        await _says(service, b"playing")
        service.send_signal(signal.SIGSTOP)
        assert 0.9 < await _reaches_queue(stage, caller) < 6


@BOTH_VERSIONS
async def test_killed_in_mid_flow(stage: Stage) -> None:
    """While it plays, Asterisk does not look at the connection: the prompt's end, or the clock, comes first."""
    async with service_apart(stage) as service:
        caller = stage.caller()
        await _says(service, b"playing")
        service.kill()
        assert await _reaches_queue(stage, caller) < 6


@BOTH_VERSIONS
async def test_a_proof_that_is_none(stage: Stage) -> None:
    async def serve(_voice: VoiceChannel) -> None:
        raise AssertionError

    async with serving(stage, serve, secret="x" * 40) as server:
        assert await _reaches_queue(stage, stage.caller()) < 1
        assert dict(server.figures.refused) == {"proof": 1}


@BOTH_VERSIONS
@pytest.mark.parametrize("header", ["from", "diversion"])
async def test_fastagi_env_injection(stage: Stage, header: str) -> None:
    """Trust test 7: a caller whose number holds a line of the environment. Uncleaned it is refused, and goes to the queue."""
    asked: list[Asked] = []

    async def serve(voice: VoiceChannel) -> None:
        asked.append(voice.asked)

    forged = {
        "from": {"from_header": "<sip:0912%0aagi_arg_9:%20x@127.0.0.1>"},
        "diversion": {"headers": ["Diversion: <sip:0912%0aagi_arg_9:%20x@127.0.0.1>;reason=unconditional"]},
    }[header]
    async with serving(stage, serve) as server:
        caller = stage.carrier.dial(UNCLEAN if header == "from" else "0800100100", **forged)  # type: ignore[arg-type]
        await _reaches_queue(stage, caller)
        assert (dict(server.figures.refused), len(asked)) == (({"environment": 1}, 0) if header == "from" else ({}, 1))


# ---- we do not


@pytest.fixture
async def sent(stage: Stage) -> AsyncIterator[Callable[[Destination], Awaitable[PhoneCall]]]:
    """Call in, and be sent there."""
    where: list[Destination] = []

    async def serve(voice: VoiceChannel) -> None:
        await voice.leave(HangUp() if voice.asked.is_after else where[0])

    async def send(to: Destination) -> PhoneCall:
        where.append(to)
        caller = stage.caller()
        await caller.until_answered()
        return caller

    async with serving(stage, serve):
        yield send


Sent = Callable[[Destination], Awaitable[PhoneCall]]


@BOTH_VERSIONS
async def test_to_another_queue_by_priority(stage: Stage, sent: Sent) -> None:
    caller = await sent(ToQueue(queue="billing", priority=7))
    await stage.agents["2002"].rings()
    assert "prio: 7" in await stage.cli("queue show billing")
    caller.hang_up()


@NEWEST
async def test_to_a_queue_that_does_not_exist(stage: Stage, sent: Sent) -> None:
    caller = await sent(ToQueue(queue="nowhere"))
    assert await _reaches_queue(stage, caller) < 2


@BOTH_VERSIONS
async def test_to_one_agent(stage: Stage, sent: Sent) -> None:
    caller = await sent(ToAgent(extension="2004"))
    agent = await stage.agents["2004"].rings()
    agent.answer()
    await hang_up(caller, agent)


@BOTH_VERSIONS
@pytest.mark.parametrize("status", [486, 480])
async def test_an_agent_who_does_not_take_it_leaves_the_caller_to_the_queue(
    stage: Stage, sent: Sent, status: int
) -> None:
    stage.agents["2004"].refuse_with = status
    caller = await sent(ToAgent(extension="2004"))
    await _reaches_queue(stage, caller)


@NEWEST
async def test_an_agent_whom_nobody_knows_leaves_the_caller_to_the_queue(stage: Stage, sent: Sent) -> None:
    caller = await sent(ToAgent(extension="9999"))
    await _reaches_queue(stage, caller)


@BOTH_VERSIONS
async def test_to_a_number_outside(stage: Stage, sent: Sent) -> None:
    caller = await sent(ToNumber(number="+49301234567"))
    outside = await stage.carrier.rings()
    assert outside.invite_packet is not None
    assert "sip:+49301234567@" in outside.invite_packet.start
    outside.answer()
    await hang_up(caller, outside)


@BOTH_VERSIONS
async def test_let_go(sent: Sent) -> None:
    caller = await sent(HangUp())
    await caller.until_over(within_s=3)


# ---- after the conversation


@contextlib.asynccontextmanager
async def questions(stage: Stage, to: Destination) -> AsyncIterator[list[Asked]]:
    """Every question that was asked; callers go ``to``, and after the conversation are asked for a key."""
    asked: list[Asked] = []

    async def serve(voice: VoiceChannel) -> None:
        asked.append(voice.asked)
        if voice.asked.is_after:
            with contextlib.suppress(CallerGone):
                await voice.play([LONG])
            await voice.leave(HangUp())
        await voice.leave(to)

    async with serving(stage, serve):
        yield asked


@BOTH_VERSIONS
@pytest.mark.parametrize(
    ("to", "who"),
    [
        (ToQueue(queue="support"), "2001"), (ToAgent(extension="2004"), "2004"), (ToNumber(number="0301234567"), "carrier"),
    ],
    ids=["queue", "agent", "number"],
)  # fmt: skip
async def test_who_was_spoken_to_is_asked_how_it_was(stage: Stage, to: Destination, who: str) -> None:
    async with questions(stage, to) as asked:
        caller = stage.caller()
        other = await (stage.carrier if who == "carrier" else stage.agents[who]).rings()
        other.answer()
        await asyncio.sleep(0.5)
        other.hang_up()
        await asyncio.sleep(0.5)
        await caller.press("5")
        await caller.until_over(within_s=5)
    assert [question.is_after for question in asked] == [False, True]
    assert len({question.leg for question in asked}) == 1
    assert len({question.nonce for question in asked}) == 2
    assert asked[1].dnis == "0800100100"


@BOTH_VERSIONS
async def test_after_the_conversation_nobody_waits_for_us_longer_than_a_second(stage: Stage) -> None:
    caller = stage.caller()
    agent = await stage.agents["2001"].rings()
    agent.answer()
    await asyncio.sleep(0.5)
    async with answering(stage, _silent):
        agent.hang_up()
        await caller.until_over(within_s=3)
    assert 0.9 < caller.ended_at - agent.ended_at < 2.5


@NEWEST
async def test_whom_nobody_spoke_to_is_asked_nothing(stage: Stage) -> None:
    async with questions(stage, ToQueue(queue="nowhere")) as asked:
        caller = stage.caller(SHORT_QUEUE)
        await caller.until_over(within_s=12)
    assert [question.is_after for question in asked] == [False]


@NEWEST
async def test_who_hangs_up_first_is_asked_nothing(stage: Stage) -> None:
    async with questions(stage, ToQueue(queue="support")) as asked:
        caller = stage.caller()
        agent = await stage.agents["2001"].rings()
        agent.answer()
        await hang_up(caller, agent)
        await asyncio.to_thread(stage.pbx.hang_up_everything)
    assert [question.is_after for question in asked] == [False]
