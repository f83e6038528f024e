"""The service as a process of its own: ``cti run --config``, so that SIGKILL and SIGSTOP are what they are in the field."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests import invariants
from tests.chaos.pbx import QUEUE, RING_S
from tests.ports import free_port
from tests.testbed.asterisk import AGENT_NAMES, Asterisk

ROOT: Final = Path(__file__).parents[2]
UP_S: Final = 90.0
STOP_S: Final = 25.0
PASSWORD: Final = "correct horse battery"


@dataclass(slots=True)
class Daemon:
    """Settings in ``folder``, its log in ``folder/log``. ``ami_port``: where it finds the PBX, which may be a proxy."""

    pbx: Asterisk
    folder: Path
    database: str
    ami_port: int
    spool: Path
    more: str = ""
    """Further settings, TOML."""
    web_port: int = field(default_factory=free_port)
    push_port: int = field(default_factory=free_port)
    exits: list[int] = field(default_factory=list)
    """Exit codes of all processes so far; negative: the signal."""
    _process: asyncio.subprocess.Process | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.push_port}/"

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self, failpoint: str = "", *, until_up: bool = True) -> None:
        """``failpoint``: where it is to be killed, see ``cti/store/failpoints.py``."""
        config = self.folder / "cti.toml"
        config.write_text(self._settings(), encoding="utf-8")
        config.chmod(0o600)
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                str(Path(sys.executable).with_name("cti")), "run", "--config", str(config),
                stdout=log, stderr=log, cwd=ROOT, env=os.environ | {"CTI_FAILPOINT": failpoint},
            )  # fmt: skip
        if until_up:
            await self.until_connected()

    async def ended(self) -> int:
        """Wait for its end."""
        assert self._process is not None
        code = await self._process.wait()
        self.exits.append(code)
        self._process = None
        return code

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        """As an operator does."""
        self.signal(signal.SIGTERM)
        async with asyncio.timeout(STOP_S):
            return await self.ended()

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def until_connected(self, within_s: float = UP_S) -> None:
        """Up, with a link to the PBX and a record to write into."""
        if not await self.comes_up(within_s):
            raise AssertionError(f"the service has ended by itself; see {self.log}")

    async def comes_up(self, within_s: float = UP_S) -> bool:
        """The same; False when it has ended before."""
        async with asyncio.timeout(within_s):
            while self.is_running:
                if await self._is_ready():
                    return True
                await asyncio.sleep(0.05)
        return False

    async def until(self, part: str, state: str, within_s: float = UP_S) -> None:
        """Wait for what ``/readyz`` says of one part: ``pbx:main``, ``database``."""
        async with asyncio.timeout(within_s):
            while (await self.parts()).get(part) != state:  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.05)

    async def parts(self) -> Mapping[str, str]:
        """What ``/readyz`` says; empty while nobody answers."""
        body = await self._get("/readyz")
        return {part["name"]: part["state"] for part in json.loads(body)["parts"]} if body else {}

    async def _is_ready(self) -> bool:
        parts = await self.parts()
        return parts.get("pbx:main") == "ok" and parts.get("database") == "ok"

    async def until_written(self, within_s: float = 30.0) -> None:
        """Everything that is known is in the database."""
        async with asyncio.timeout(within_s):
            while not await self._has_nothing_to_write():  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.05)

    async def _has_nothing_to_write(self) -> bool:
        figures = await self.figures()
        return not any(figures[name] for name in ("cti_facts_waiting", "cti_spool_facts"))

    async def figures(self) -> dict[str, float]:
        """Of ``/metrics``, summed over their labels."""
        return invariants.summed(await self._get("/metrics"))

    async def _get(self, path: str) -> str:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            limit = aiohttp.ClientTimeout(total=5)
            async with aiohttp.ClientSession(timeout=limit) as web, web.get(self.origin + path) as answer:
                return await answer.text()
        return ""

    def complaints(self) -> list[dict[str, Any]]:
        """What its log has of exceptions: none is expected, whatever happens around it."""
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        told = [json.loads(line) for line in lines if line.startswith("{")]
        bare = [{"event": line} for line in lines if line.startswith("Traceback")]
        return [line for line in told if "exception" in line or line.get("event") == "facts_lost"] + bare

    def _settings(self) -> str:
        agents = "".join(_account(number) for number in AGENT_NAMES)
        return f"""
[[pbx]]
name = "main"
port = {self.ami_port}
events_secret = "{self.pbx.options.events_secret}"
commands_secret = "{self.pbx.options.commands_secret}"
queue_log = "{self.pbx.queue_log}"
cdr = "{self.pbx.cdr_custom}"
dial_format = "national"
[web]
port = {self.web_port}
[push]
port = {self.push_port}
[database]
url = "{self.database}"
[spool]
dir = "{self.spool}"
[desk]
is_ready_at_login = true
declined_is_pause = false
[queues.{QUEUE}]
ring_timeout_s = {RING_S}
wrap_up = "off"
missed_limit = 0
[log]
format = "json"
{self.more}
{agents}"""


def _account(number: str) -> str:
    name = AGENT_NAMES[number]
    return f"""
[[agents]]
id = "{name.lower()}"
name = "{name}"
extension = "{number}"
device = "PJSIP/{number}"
queues = ["{QUEUE}"]
password = "{PASSWORD}"
"""
