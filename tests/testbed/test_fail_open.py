"""The PBX goes on without us: CTI not there, silent, or slow when the dialplan asks it (FastAGI)."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.testbed import parts
from tests.testbed.asterisk import Asterisk
from tests.testbed.fixtures import require
from tests.testbed.story import Stage, hang_up, open_stage

pytestmark = pytest.mark.real_asterisk
BOTH_VERSIONS = pytest.mark.parametrize("version", parts.ASTERISK_VERSIONS)
Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def asking(version: str, answer: Answer | None) -> AsyncIterator[Stage]:
    """A stage whose dialplan asks a FastAGI server that behaves so; None: nobody listens there."""
    require(f"asterisk-{version}")
    server = await asyncio.start_server(_closing(answer or _silent), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    if answer is None:
        server.close()
    async with Asterisk(version, fastagi_url=f"agi://127.0.0.1:{port}/route") as pbx, open_stage(pbx) as stage:
        yield stage
    server.close()


def _closing(answer: Answer) -> Answer:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError, asyncio.CancelledError):
            await answer(reader, writer)
        writer.close()

    return handle


async def _silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def _refusing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def _slow_but_alive(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Stops the dialplan's clock first, as an IVR must, and takes two seconds."""
    await reader.readuntil(b"\n\n")
    writer.write(b"SET AUTOHANGUP 0\n")
    await reader.readline()
    await asyncio.sleep(2)


async def _rings_after_s(stage: Stage) -> float:
    """How long until the agent's phone rings."""
    caller = stage.caller()
    agent = await stage.agents["2001"].rings()
    agent.answer()
    await asyncio.sleep(0.5)
    assert not agent.is_over
    await hang_up(caller, agent)
    return agent.began_at - caller.began_at


@BOTH_VERSIONS
async def test_nobody_there(version: str) -> None:
    async with asking(version, None) as stage:
        assert await _rings_after_s(stage) < 1


@BOTH_VERSIONS
async def test_the_door_is_shut_in_its_face(version: str) -> None:
    async with asking(version, _refusing) as stage:
        assert await _rings_after_s(stage) < 1


@BOTH_VERSIONS
async def test_silence_is_not_waited_for(version: str) -> None:
    async with asking(version, _silent) as stage:
        assert 0.9 < await _rings_after_s(stage) < 3


@BOTH_VERSIONS
async def test_whoever_stops_the_clock_is_waited_for(version: str) -> None:
    async with asking(version, _slow_but_alive) as stage:
        assert 1.9 < await _rings_after_s(stage) < 3.5
