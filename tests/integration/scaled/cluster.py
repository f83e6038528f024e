"""One service of several processes: ``cti run --roles ...`` each, before one PBX, one PostgreSQL and one Redis."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.running import Running

UP_S: Final = 60.0


@dataclass(slots=True, kw_only=True)
class Process(Running):
    roles: str

    async def start(self, **settings: str) -> None:
        ports = {"CTI_WEB__PORT": str(self.web_port), "CTI_PUSH__PORT": str(self.push_port)}
        roles = ["--roles", self.roles] if self.roles else []
        await self.run(*roles, **ports, CTI_PROCESS__NAME=self.name, **settings)

    async def until(self, within_s: float = UP_S, **parts: str) -> None:
        """Until ``/readyz`` says so of these parts; ``pbx`` is ``pbx:main``."""
        wanted = {("pbx:main" if name == "pbx" else name): state for name, state in parts.items()}
        try:
            async with asyncio.timeout(within_s):
                while not wanted.items() <= (await self.parts()).items():
                    assert self.is_running, f"{self.name} ended; see {self.log}"
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise AssertionError(f"{self.name}: {await self.parts()}, not {wanted}; see {self.log}") from None

    def told_of(self, event: str, agent: str) -> list[dict[str, Any]]:
        return [line for line in self.told(event) if line.get("agent") == agent]

    async def until_told(self, event: str, reason: str = "", within_s: float = UP_S) -> None:
        async with asyncio.timeout(within_s):
            while not any(reason in one.get("reason", "") for one in self.told(event)):  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.05)


@dataclass(slots=True)
class Cluster:
    folder: Path
    database: str
    redis: str
    ami_port: int
    processes: list[Process] = field(default_factory=list)

    def process(self, name: str, roles: str) -> Process:
        made = Process(folder=self.folder, name=name, roles=roles)
        if not made.config.exists():
            made.config.write_text(self._settings(), encoding="utf-8")
            made.config.chmod(0o600)
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
