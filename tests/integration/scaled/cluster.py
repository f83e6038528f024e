"""One service of several processes: ``cti run --roles ...`` each, before one PBX, one PostgreSQL and one Redis."""

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
from tests.ports import free_port

ROOT: Final = Path(__file__).parents[3]
UP_S: Final = 60.0


@dataclass(slots=True)
class Process:
    name: str
    roles: str
    config: Path
    log: Path
    web_port: int = field(default_factory=free_port)
    push_port: int = field(default_factory=free_port)
    _process: asyncio.subprocess.Process | None = None

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.push_port}/"

    async def start(self, **settings: str) -> None:
        ports = {"CTI_WEB__PORT": str(self.web_port), "CTI_PUSH__PORT": str(self.push_port)}
        roles = ["--roles", self.roles] if self.roles else []
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                str(Path(sys.executable).with_name("cti")), "run", "--config", str(self.config), *roles,
                stdout=log, stderr=log, cwd=ROOT, env=os.environ | ports | {"CTI_PROCESS__NAME": self.name} | settings,
            )  # fmt: skip

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        self.signal(signal.SIGKILL)
        await self.ended()

    async def stop(self) -> int:
        self.signal(signal.SIGTERM)
        async with asyncio.timeout(UP_S):
            return await self.ended()

    async def ended(self) -> int:
        assert self._process is not None
        code = await self._process.wait()
        self._process = None
        return code

    async def close(self) -> None:
        if self._process and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGCONT)
                self.signal(signal.SIGKILL)
            await self.ended()

    async def parts(self) -> Mapping[str, str]:
        """What ``/readyz`` says; empty while nobody answers."""
        body = await self._get("/readyz")
        return {part["name"]: part["state"] for part in json.loads(body)["parts"]} if body else {}

    async def until(self, within_s: float = UP_S, **parts: str) -> None:
        """Until ``/readyz`` says so of these parts; ``pbx`` is ``pbx:main``."""
        wanted = {("pbx:main" if name == "pbx" else name): state for name, state in parts.items()}
        try:
            async with asyncio.timeout(within_s):
                while not wanted.items() <= (await self.parts()).items():
                    assert self._process is None or self._process.returncode is None, (
                        f"{self.name} ended; see {self.log}"
                    )
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{self.name}: {await self.parts()}, not {wanted}; see {self.log}") from None

    async def figures(self) -> dict[str, float]:
        return invariants.summed(await self._get("/metrics"))

    async def _get(self, path: str) -> str:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            limit = aiohttp.ClientTimeout(total=2)
            async with aiohttp.ClientSession(timeout=limit) as web, web.get(self.origin + path) as answer:
                return await answer.text()
        return ""

    def told(self, event: str) -> list[dict[str, Any]]:
        """Lines of its log."""
        lines = self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else []
        found = [json.loads(line) for line in lines if line.startswith("{")]
        return [line for line in found if line.get("event") == event]

    def told_of(self, event: str, agent: str) -> list[dict[str, Any]]:
        return [line for line in self.told(event) if line.get("agent") == agent]

    async def until_told(self, event: str, within_s: float = UP_S) -> None:
        async with asyncio.timeout(within_s):
            while not self.told(event):  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.05)

    def complaints(self) -> list[str]:
        """Exceptions in its log: none is expected, whatever happens around it."""
        text = self.log.read_text("utf-8", "replace") if self.log.exists() else ""
        return [line for line in text.splitlines() if '"exception"' in line or line.startswith("Traceback")]


@dataclass(slots=True)
class Cluster:
    folder: Path
    database: str
    redis: str
    ami_port: int
    processes: list[Process] = field(default_factory=list)

    def process(self, name: str, roles: str) -> Process:
        config = self.folder / "cti.toml"
        if not config.exists():
            config.write_text(self._settings(), encoding="utf-8")
            config.chmod(0o600)
        made = Process(name, roles, config, self.folder / f"{name}.log")
        self.processes.append(made)
        return made

    async def close(self) -> None:
        await asyncio.gather(*(one.close() for one in self.processes))

    def _settings(self) -> str:
        return f"""
[[pbx]]
name = "main"
port = {self.ami_port}
events_secret = "-"
commands_secret = "-"
[push]
allowed_origins = ["http://scaled"]
[database]
url = "{self.database}"
[redis]
url = "{self.redis}"
[spool]
dir = "{self.folder}/spool"
[desk]
is_ready_at_login = true
[queues.support]
wrap_up = "off"
missed_limit = 0
[log]
format = "json"
"""
