"""The service before one PBX, as chaos has it."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.chaos.pbx import QUEUE, RING_S
from tests.integration.scaled.cluster import Process
from tests.running import Running
from tests.testbed.asterisk import AGENT_NAMES, Asterisk

UP_S: Final = 90.0
PASSWORD: Final = "correct horse battery"


@dataclass(slots=True, kw_only=True)
class Daemon(Running):
    """``ami_port``: where it finds the PBX, which may be a proxy."""

    pbx: Asterisk
    database: str
    ami_port: int
    spool: Path
    more: str = ""
    """Further settings, TOML."""
    front: Process | None = None
    """Where desktops are, if that is another process."""

    @property
    def door(self) -> Running:
        """Where desktops are."""
        return self.front or self

    async def start(self, failpoint: str = "", *, until_up: bool = True) -> None:
        """``failpoint``: where it is to be killed, see ``cti/store/failpoints.py``."""
        self.config.write_text(self._settings(), encoding="utf-8")
        self.config.chmod(0o600)
        roles = ("--roles", "pbx") if self.front else ()
        await self.run(*roles, CTI_FAILPOINT=failpoint, CTI_PROCESS__NAME=self.name)
        if until_up:
            await self.until_connected()
        if self.front and not self.front.is_running:
            await self.front.start()
            await self.until_heard()

    async def until_heard(self) -> None:
        """Desktops hear what is read of the PBX."""
        if self.front:
            await self.front.until(news="ok", bus="ok", pbx="ok")

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

    async def stop(self) -> int:
        """All of it; the first exit code that is none of success."""
        code = await self.front.stop() if self.front else 0
        return code or await Running.stop(self)

    async def close(self) -> None:
        if self.front:
            await self.front.close()
        await Running.close(self)

    def complaints(self) -> list[dict[str, Any]]:
        return [*Running.complaints(self), *(self.front.complaints() if self.front else [])]

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
