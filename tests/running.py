"""The service as a process of its own, ``cti run``, so that SIGKILL and SIGSTOP are what they are in the field."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from tests import invariants
from tests.ports import free_port

ROOT: Final = Path(__file__).parents[1]
STOP_S: Final = 60.0
ANSWER_S: Final = 5.0
TRACEBACK: Final = "Traceback"
"""Of an end that was not logged."""


@dataclass(slots=True, kw_only=True)
class Running:
    """Its settings and its words are in ``folder``."""

    folder: Path
    name: str = "main"
    web_port: int = field(default_factory=free_port)
    push_port: int = field(default_factory=free_port)
    exits: list[int] = field(default_factory=list)
    """Exit codes of all processes so far; negative: the signal."""
    _process: asyncio.subprocess.Process | None = None

    @property
    def config(self) -> Path:
        return self.folder / "cti.toml"

    @property
    def log(self) -> Path:
        return self.folder / f"{self.name}.log"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.push_port}/"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def run(self, *options: str, **settings: str) -> None:
        """``settings``: more environment."""
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                str(Path(sys.executable).with_name("cti")), "run", "--config", str(self.config), *options,
                stdout=log, stderr=log, cwd=ROOT, env=os.environ | settings,
            )  # fmt: skip

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

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

    async def close(self) -> None:
        """Whatever became of it."""
        if self.is_running:
            with contextlib.suppress(ProcessLookupError):
                self.signal(signal.SIGCONT)
                self.signal(signal.SIGKILL)
            await self.ended()

    async def parts(self) -> Mapping[str, str]:
        """What ``/readyz`` says; empty while nobody answers."""
        body = await self._get("/readyz")
        return {part["name"]: part["state"] for part in json.loads(body)["parts"]} if body else {}

    async def figures(self) -> dict[str, float]:
        """Of ``/metrics``, summed over their labels."""
        return invariants.summed(await self._get("/metrics"))

    async def _get(self, path: str) -> str:
        with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
            limit = aiohttp.ClientTimeout(total=ANSWER_S)
            async with aiohttp.ClientSession(timeout=limit) as web, web.get(self.origin + path) as answer:
                return await answer.text()
        return ""

    def told(self, event: str) -> list[dict[str, Any]]:
        """Those lines of its log."""
        return [line for line in self._words() if line.get("event") == event]

    def complaints(self) -> list[dict[str, Any]]:
        """What its log has of exceptions: none is expected, whatever happens around it."""
        return [line for line in self._words() if "exception" in line or line.get("event") in {"facts_lost", TRACEBACK}]

    def _words(self) -> Iterator[dict[str, Any]]:
        for line in self.log.read_text("utf-8", "replace").splitlines() if self.log.exists() else ():
            if line.startswith("{"):
                yield json.loads(line)
            elif line.startswith(TRACEBACK):
                yield {"event": TRACEBACK}
