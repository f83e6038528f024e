"""The door the dialplan knocks at: who is let in, and what one call's misfortune costs the others."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from cti.calls.call import PbxName
from cti.telephony.asterisk.agi_server import AgiServer, Nonces
from cti.telephony.asterisk.agi_voice import PATIENCE, Patience
from cti.telephony.replay.voice import hang_up
from cti.telephony.voice import Asked, Sound, ToQueue, VoiceChannel
from tests.conftest import LogLines
from tests.unit.telephony.fake_agi import PBX, SECRET, FakePbx, caller_voice, environment

Serve = Callable[[VoiceChannel], Awaitable[None]]
SOON_S = 5.0
HASTY = Patience(answer_s=0.05)


async def to_support(voice: VoiceChannel) -> None:
    await voice.leave(ToQueue(queue="support", priority=7))


@contextlib.asynccontextmanager
async def listening(
    serve: Serve = to_support, *, permit: tuple[str, ...] = ("127.0.0.1/255.255.255.255",), most: int = 2000,
    patience: Patience = PATIENCE,
) -> AsyncIterator[AgiServer]:  # fmt: skip
    server = AgiServer(
        host="127.0.0.1", port=0, permit=permit, doors={PBX: SECRET, PbxName("branch"): "b" * 40}, serve=serve,
        most_sessions=most, patience=patience,
    )  # fmt: skip
    started = asyncio.Event()
    running = asyncio.create_task(server.run(started))
    try:
        async with asyncio.timeout(SOON_S):
            await started.wait()
            yield server
    finally:
        running.cancel()
        async with asyncio.timeout(SOON_S):
            await asyncio.gather(running, return_exceptions=True)


async def call(server: AgiServer, opening: bytes | None = None) -> FakePbx:
    pbx = FakePbx(caller_voice())
    await pbx.call(server.port, opening)
    return pbx


async def test_a_question_is_answered() -> None:
    seen: list[Asked] = []

    async def serve(voice: VoiceChannel) -> None:
        seen.append(voice.asked)
        await to_support(voice)

    async with listening(serve) as server:
        pbx = await call(server)
    assert pbx.variables == {"CTI_GO_TO": "support", "CTI_PRIORITY": "7", "CTI_GO": "queue"}
    assert list(pbx.variables)[-1] == "CTI_GO"
    [asked] = seen
    assert (asked.pbx, asked.leg, asked.ani, asked.ani_name) == ("main", "1795301646.0", "0912345678", "")
    assert (asked.dnis, asked.language, asked.default_queue) == ("0800100100", "en", "support")
    assert not asked.is_after
    assert server.figures.served == 1
    assert server.figures.live == 0


async def test_the_question_after_the_conversation() -> None:
    seen: list[Asked] = []

    async def serve(voice: VoiceChannel) -> None:
        seen.append(voice.asked)

    async with listening(serve) as server:
        await call(server, environment(arg_1="after"))
    assert [asked.is_after for asked in seen] == [True]


async def test_the_first_word_winds_up_the_dialplans_clock_before_the_flow_has_thought() -> None:
    async def serve(voice: VoiceChannel) -> None:
        pass

    async with listening(serve) as server:
        pbx = await call(server)
    assert pbx.commands == [["SET", "AUTOHANGUP", "60"]]


async def test_the_caller_number_is_digits_whatever_the_dialplan_lets_through() -> None:
    seen: list[str] = []

    async def serve(voice: VoiceChannel) -> None:
        seen.append(voice.asked.ani)

    async with listening(serve) as server:
        await call(server, environment(callerid="<b>+49 30-1234"))
    assert seen == ["+49301234"]


@pytest.mark.parametrize(
    ("reason", "opening"),
    [
        ("environment", environment(arg_9="x")),
        ("environment", environment(callerid="1\nagi_dnid: 2")),
        ("environment", b"GET / HTTP/1.1\r\n\r\n"),
        ("environment", b"\n" + environment()),
        ("environment", b"agi_callerid: " + b"1" * 20_000 + b"\n\n"),
        ("arguments", environment(arg_1="else")),
        ("arguments", b"agi_network: yes\nagi_uniqueid: 1.1\nagi_arg_1: ivr\nagi_arg_2: support\nagi_arg_3: 17-1234567\n\n"),
        ("arguments", environment(uniqueid="x y")),
        ("proof", environment(arg_4="0" * 40)),
        ("proof", environment(arg_4="")),
        ("proof", environment(arg_3="17-7654321")),
        ("proof", environment(uniqueid="1.1").replace(b"agi_uniqueid: 1.1", b"agi_uniqueid: 1.2")),
        ("proof", environment(network_script="elsewhere")),
        ("proof", environment(network_script="branch")),
        ("proof", environment(nonce="short")),
    ],
)  # fmt: skip
async def test_who_is_cut_off(reason: str, opening: bytes) -> None:
    async with listening() as server:
        pbx = await call(server, opening)
        assert pbx.commands == []
        assert dict(server.figures.refused) == {reason: 1}
        assert server.figures.served == 0


async def test_fastagi_env_injection() -> None:
    """Trust test 7, at the socket; ``test_fail_open.py`` has it with a real call."""
    opening = environment().replace(b"agi_callerid: 0912345678\n", b"agi_callerid: 1\nagi_arg_9: x\n")
    async with listening() as server:
        assert (await call(server, opening)).commands == []
        assert dict(server.figures.refused) == {"environment": 1}


async def test_a_question_is_asked_once() -> None:
    async with listening() as server:
        first, again = await call(server), await call(server)
        other = await call(server, environment(nonce="17-1234568"))
        assert (bool(first.commands), bool(again.commands), bool(other.commands)) == (True, False, True)
        assert dict(server.figures.refused) == {"nonce": 1}


async def test_strangers_are_cut_off_before_they_speak() -> None:
    async with listening(permit=("10.0.0.0/8", "::1/128")) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        assert await reader.read() == b""
        writer.close()
        assert dict(server.figures.refused) == {"address": 1}


async def test_one_too_many_takes_the_safe_path() -> None:
    async def wait(voice: VoiceChannel) -> None:
        while True:
            await voice.key(within_s=60)

    async with listening(wait, most=1) as server:
        first = asyncio.create_task(FakePbx(caller_voice()).call(server.port))
        await _until(lambda: server.figures.live == 1)
        second = await call(server, environment(nonce="17-1234568"))
        assert second.commands == []
        assert dict(server.figures.refused) == {"full": 1}
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)


async def test_half_an_environment_is_waited_for_one_second() -> None:
    async with listening() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(environment()[:-1])
        assert await reader.read() == b""
        writer.close()
        assert dict(server.figures.refused) == {"slow": 1}


async def test_a_mistake_in_one_session_costs_that_call_only(log_lines: LogLines) -> None:
    async def serve(voice: VoiceChannel) -> None:
        if voice.asked.nonce == "17-1234567":
            raise ZeroDivisionError
        await to_support(voice)

    async with listening(serve) as server:
        broken, fine = await call(server), await call(server, environment(nonce="17-1234568"))
        assert "CTI_GO" not in broken.variables
        assert fine.variables["CTI_GO"] == "queue"
        assert (server.figures.failed, server.figures.served, server.figures.live) == (1, 2, 0)
    assert [line["level"] for line in log_lines() if line["event"] == "voice_failed"] == ["error"]


async def test_a_caller_who_hangs_up_is_no_mistake() -> None:
    async def serve(voice: VoiceChannel) -> None:
        await voice.play([Sound("demo-congrats")])

    async with listening(serve) as server:
        pbx = FakePbx(caller_voice(hang_up(on="demo")))
        await pbx.call(server.port)
        await _until(lambda: server.figures.served == 1)
        assert server.figures.failed == 0


async def test_when_the_service_stops_the_callers_go_on_without_it() -> None:
    async def serve(_voice: VoiceChannel) -> None:
        await asyncio.Event().wait()

    async with listening(serve) as server:
        callers = [
            asyncio.create_task(FakePbx(caller_voice()).call(server.port, environment(nonce=f"17-123456{nr}")))
            for nr in range(3)
        ]
        await _until(lambda: server.figures.live == 3)
    async with asyncio.timeout(SOON_S):
        await asyncio.gather(*callers)
    assert server.figures.live == 0


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"", "no answer within"),
        (b"510 Invalid or unknown command\n", "510 to SET"),
        (b"520-Invalid\n520 End of proper usage.\n", "520 to SET"),
        (b"what?\n", "an answer without a code"),
    ],
)
async def test_a_pbx_that_says_nothing_or_nonsense_holds_nobody(
    answer: bytes, reason: str, log_lines: LogLines
) -> None:
    async with listening(patience=HASTY) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(environment())
        assert await reader.readline() == b'SET AUTOHANGUP "60"\n'
        writer.write(answer)
        assert await reader.read() == b""
        writer.close()
        await _until(lambda: server.figures.served == 1)
    [line] = [line for line in log_lines() if line["event"] == "voice_lost"]
    assert line["reason"].startswith(reason)


async def test_neither_keys_nor_numbers_stand_in_the_log(log_lines: LogLines) -> None:
    async def serve(voice: VoiceChannel) -> None:
        keys = [await voice.key(within_s=1) for _ in range(6)]
        raise RuntimeError(f"{len(keys)} keys")

    async with listening(serve) as server:
        await FakePbx(caller_voice("739164")).call(server.port, environment(arg_4="0" * 40))
        await FakePbx(caller_voice("739164")).call(server.port)
        await _until(lambda: server.figures.failed == 1)
    text = str(log_lines())
    assert "voice_failed" in text
    assert "739164" not in text
    assert "0912345678" not in text
    assert SECRET not in text


def test_nonces_are_remembered_as_far_as_memory_goes() -> None:
    nonces = Nonces(most=2)
    assert [nonces.is_new("1.1", nonce) for nonce in ("a", "b", "a", "c", "b", "c", "a")] == [
        True, True, False, True, False, False, True,
    ]  # fmt: skip


async def _until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON_S):
        while not reached():  # noqa: ASYNC110 - it has no event
            await asyncio.sleep(0.001)
