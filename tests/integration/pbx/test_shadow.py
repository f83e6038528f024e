"""``cti shadow`` beside a real Asterisk with SIPp's callers: it agrees, call by call, and where it does not it says so."""

import asyncio
import contextlib
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.cli.conftest import CTI, settings
from tests.testbed import sipp
from tests.testbed.asterisk import Asterisk
from tests.testbed.fixtures import require
from tests.testbed.proxy import TcpProxy
from tests.testbed.sipp import AwaitHangUp, HangUp, Sipp, Wait
from tests.testbed.story import settle

pytestmark = pytest.mark.real_asterisk
ASKS = {"Login", "CoreShowChannels", "BridgeList", "QueueStatus", "DeviceStateList", "Ping", "Events", "Logoff"}


class Listening(TcpProxy):
    """Keeps what is sent to Asterisk."""

    sent: bytes = b""

    async def _deliver(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        if writer.get_extra_info("peername")[1] == self.target_port:
            Listening.sent += data
        await super()._deliver(data, writer)


def configured(folder: Path, pbx: Asterisk, port: int) -> str:
    return settings(
        folder,
        f'[[pbx]]\nname = "main"\nport = {port}\nevents_secret = "{pbx.options.events_secret}"\ncommands_secret = "none"\n'
        f'cdr = "{pbx.cdr_custom}"\n',
    )


class Shadow:
    """The verb as a process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.code: int | None = None
        self.told: list[dict[str, Any]] = []

    async def stop(self) -> None:
        """Ctrl-C, and what it says then."""
        self.process.send_signal(signal.SIGINT)
        async with asyncio.timeout(30):
            out, _ = await self.process.communicate()
        self.code, self.told = self.process.returncode, [json.loads(line) for line in out.splitlines()]

    @property
    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = self.told[-1]["summary"]
        return found


@contextlib.asynccontextmanager
async def shadowing(folder: Path, config: str, *arguments: str) -> AsyncIterator[Shadow]:
    """Begun, and connected."""
    process = await asyncio.create_subprocess_exec(
        CTI, "shadow", "--config", config, "--json", "--tolerance", "1", *arguments, cwd=folder, env={"PATH": "/usr/bin", "HOME": str(folder)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stderr
        async with asyncio.timeout(30):
            while b"connected" not in (line := await process.stderr.readline()):
                assert line, "it ended"
        yield Shadow(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def some_calls(pbx: Asterisk) -> None:
    """Two agents, six callers; the last two give up in a queue without agents."""
    require("sipp")
    agents = [
        Sipp(sipp.agent(Wait(0.5), HangUp(), ring_s=0.2), pbx.ports.sip, pbx.ports.agents[agent], calls=20)
        for agent in ("2001", "2002")
    ]
    patient = Sipp(
        sipp.caller(AwaitHangUp()),
        pbx.ports.sip,
        rows=[(f"091{n:07}", "Wang", "0800100200") for n in range(4)],
        calls=4,
        rate=5,
    )
    hasty = Sipp(
        sipp.caller(Wait(1), HangUp()),
        pbx.ports.sip,
        rows=[(f"092{n:07}", "Lin", "0800100440") for n in range(2)],
        calls=2,
        rate=5,
    )
    async with agents[0], agents[1], patient, hasty:
        assert [await patient.wait(), await hasty.wait()] == [0, 0], patient.errors() + hasty.errors()
    await settle(pbx)


async def test_it_agrees_with_queue_log_and_cdr_and_sends_nothing_but_questions(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    async with Listening(asterisk.ports.ami) as wire:
        config = configured(tmp_path, asterisk, wire.port)
        async with shadowing(tmp_path, config, "--queue-log", str(asterisk.queue_log)) as shadow:
            await some_calls(asterisk)
            await shadow.stop()
    assert (shadow.code, shadow.told[:-1]) == (0, [])
    assert (shadow.summary["recorded"], shadow.summary["agreed"]) == (6, 6)
    assert set(re.findall(r"Action: (\w+)", Listening.sent.decode())) <= ASKS
    assert os.listdir(tmp_path) == ["cti.toml"]  # noqa: PTH208 - quick, and nothing else is to be there


@pytest.mark.parametrize("asterisk", [pytest.param("22")], indirect=True)
async def test_where_the_records_say_otherwise_each_call_is_named(asterisk: Asterisk, tmp_path: Path) -> None:
    doctored = tmp_path / "queue_log"
    doctored.touch()
    config = configured(tmp_path, asterisk, asterisk.ports.ami)
    async with shadowing(tmp_path, config, "--queue-log", str(doctored)) as shadow:
        await some_calls(asterisk)
        lines = asterisk.queue_log.read_text()
        *_, abandoned = re.findall(r"\|([0-9.]+)\|empty\|NONE\|ABANDON\|", lines)
        doctored.write_text(
            re.sub(
                rf"\|{re.escape(abandoned)}\|empty\|NONE\|ABANDON.*",
                f"|{abandoned}|empty|NONE|EXITWITHTIMEOUT|1|1|1",
                lines,
            )
        )
        await shadow.stop()
    assert shadow.code == 1
    (found,) = (one["difference"] for one in shadow.told[:-1])
    assert (found["call"], found["kind"], found["pbx"], found["here"]) == (
        f"main-{abandoned}", "outcome", "queue_timeout", "abandoned",
    )  # fmt: skip
    assert shadow.summary["differences"] == {"outcome": 1}
