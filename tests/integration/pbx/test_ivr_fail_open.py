"""The PBX goes on without us: ``cti run`` as a process of its own is killed, frozen and started again under a caller.

Flows here lead to queue billing, the dialplan to queue support: whose phone rings tells who has decided.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest

from cti import settings
from cti.calls.journey import PinTried
from cti.journeys import TYPE_OF
from cti.store import schema
from cti.store.database import Database
from cti.store.sql_journeys import SqlJourneyLog
from tests.integration.pbx import ivr_child
from tests.integration.pbx.ivr_house import (
    CODE,
    NO_FLOWS,
    PIN,
    Hall,
    asking_pbx,
    customers,
    flow,
    ivr_settings,
    until,
    voice_of,
)
from tests.integration.pbx.service import LIMIT_S
from tests.ports import free_port
from tests.testbed import parts
from tests.testbed.asterisk import Asterisk
from tests.testbed.story import open_stage

pytestmark = [pytest.mark.real_asterisk, pytest.mark.chaos]

OF_THE_FLOW, OF_THE_DIALPLAN = "2002", "2001"
"""Whose phone rings first in queue billing, and in queue support."""
WRONG = "111222"
MENU_S = 3
MENU = flow(
    "menu",
    f"""
[steps.menu]
kind = "menu"
prompt = "Menu."
choices = {{ 1 = "people" }}
wait_s = {MENU_S}
otherwise = "menu"
[steps.people]
kind = "to_queue"
queue = "billing"
""",
)
BANK = flow(
    "code",
    """
[steps.code]
kind = "identify"
confirm = false
found = "pin"
unknown = "people"
[steps.pin]
kind = "authenticate"
tries = 2
next = "verified"
otherwise = "people"
[steps.verified]
kind = "say"
prompt = "Verified."
next = "people"
[steps.people]
kind = "to_queue"
queue = "billing"
""",
    head='[prompts]\nstd_enter_code = "Code."\nstd_enter_pin = "PIN."\nstd_pin_refused = "Refused."',
)


@pytest.fixture(scope="module", params=parts.ASTERISK_VERSIONS)
def pbx(request: pytest.FixtureRequest) -> Iterator[Asterisk]:
    with asking_pbx(request.param) as started:
        yield started


@pytest.fixture(scope="module")
def pbx_22() -> Iterator[Asterisk]:
    with asking_pbx("22") as started:
        yield started


class Process:
    """``cti run --config`` before that PBX. Started as often as one likes, always on the same database."""

    def __init__(self, pbx: Asterisk, folder: Path, ivr: settings.Ivr) -> None:
        self._pbx, self._folder = pbx, folder
        self.database = folder / "cti.db"
        self._web_port = free_port()
        self._config = folder / "cti.toml"
        self._config.write_text(_config(pbx, folder, ivr, self._web_port), encoding="utf-8")
        self._running: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Returns once its flows are in use and the PBX is connected."""
        with (self._folder / "said").open("ab") as said:
            self._running = await asyncio.create_subprocess_exec(
                sys.executable, "-m", ivr_child.__name__, "run", "--config", str(self._config),
                env={"PATH": os.environ["PATH"], **self._secrets()}, stdin=asyncio.subprocess.DEVNULL, stdout=said,
                stderr=said,
            )  # fmt: skip
        await until(self._is_ready, bool, f"ready: {(self._folder / 'said').read_text()}", 60)

    def send(self, what: signal.Signals) -> None:
        assert self._running
        self._running.send_signal(what)

    async def kill(self) -> None:
        if self._running and self._running.returncode is None:
            self._running.kill()
            await self._running.wait()

    def _secrets(self) -> dict[str, str]:
        assert self._pbx.fastagi
        options = self._pbx.options
        return {
            "CTI_PBX__MAIN__EVENTS_SECRET": options.events_secret,
            "CTI_PBX__MAIN__COMMANDS_SECRET": options.commands_secret,
            "CTI_PBX__MAIN__FASTAGI_SECRET": self._pbx.fastagi.secret,
        }

    async def _is_ready(self) -> bool:
        with contextlib.suppress(aiohttp.ClientError):
            async with (
                aiohttp.ClientSession() as session,
                session.get(f"http://127.0.0.1:{self._web_port}/readyz") as answer,
            ):
                parts = (await answer.json())["parts"]
                return all(part["state"] == "ok" and part["detail"] != NO_FLOWS for part in parts)
        return False


def _config(pbx: Asterisk, folder: Path, ivr: settings.Ivr, web_port: int) -> str:
    """JSON's strings and numbers are TOML's."""
    tables: dict[str, dict[str, object]] = {
        "web": {"port": web_port},
        "push": {"port": free_port()},
        "database": {"url": f"sqlite:///{folder}/cti.db"},
        "spool": {"dir": str(folder / "spool")},
        "ivr": {
            "port": ivr.port, "flow": ivr.flow, "pin_tries": ivr.pin_tries, "flows": str(ivr.flows),
            "prompts": str(ivr.prompts), "prompts_as_pbx": ivr.prompts_as_pbx,
            "recordings": str(ivr.recordings), "recordings_as_pbx": ivr.recordings_as_pbx,
        },
    }  # fmt: skip
    lines = ['[[pbx]]\nname = "main"', f"port = {pbx.ports.ami}"]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    return "\n".join(lines)


@contextlib.asynccontextmanager
async def served(
    pbx: Asterisk, folder: Path, flows: dict[str, str], **given: object
) -> AsyncIterator[tuple[Hall, Process]]:
    """A PBX whose callers a process of ours serves, until the story does something to it."""
    await asyncio.to_thread(pbx.hang_up_everything)
    ivr = ivr_settings(pbx, folder, flows, **given)
    process = Process(pbx, folder, ivr)
    await schema.make_ready(f"sqlite:///{process.database}")
    async with database_of(process) as database:
        await customers(database)
    try:
        await process.start()
        async with open_stage(pbx) as stage:
            yield Hall(pbx, stage, voice_of(ivr), ivr.recordings), process
            await asyncio.to_thread(pbx.hang_up_everything)
            assert pbx.is_idle()
    finally:
        await process.kill()


@contextlib.asynccontextmanager
async def database_of(process: Process) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{process.database}")
    try:
        yield database
    finally:
        await database.close()


async def test_killed_in_mid_flow_the_caller_is_in_the_default_queue_and_the_next_one_gets_the_flow_again(
    pbx: Asterisk, tmp_path: Path
) -> None:
    async with served(pbx, tmp_path, {"bank": MENU}) as (hall, process):
        caller = await hall.call()
        await hall.until_said("Menu.")
        await process.kill()
        ringing = await hall.stage.agents[OF_THE_DIALPLAN].rings()
        ringing.answer()
        assert not caller.is_over
        caller.hang_up()
        await ringing.until_over()

        while_away = await hall.call()
        ringing = await hall.stage.agents[OF_THE_DIALPLAN].rings()
        while_away.hang_up()
        await ringing.until_over()

        await process.start()
        later = await hall.call()
        await hall.until_said("Menu.", times=2)
        await later.press("1")
        await hall.stage.agents[OF_THE_FLOW].rings()
        later.hang_up()


@pytest.mark.parametrize("where", ["in the prompt", "while it listens"])
async def test_frozen_in_mid_flow_the_caller_is_in_the_default_queue_within_the_heartbeat(
    pbx: Asterisk, tmp_path: Path, where: str
) -> None:
    async with served(pbx, tmp_path, {"bank": MENU}) as (hall, process):
        caller = await hall.call()
        await hall.until_said("Menu.", times=1 if where == "in the prompt" else 2)
        process.send(signal.SIGSTOP)
        hasty = ivr_child.HASTY
        heartbeat_s = max(hasty.sound_s, MENU_S) + hasty.beat_s + hasty.answer_s
        ringing = await hall.stage.agents[OF_THE_DIALPLAN].rings(within_s=heartbeat_s + LIMIT_S / 10)
        ringing.answer()
        process.send(signal.SIGCONT)
        assert not caller.is_over
        caller.hang_up()
        await ringing.until_over()


async def test_pins_tried_before_it_was_killed_are_counted_after_it_has_been_started_again(
    pbx_22: Asterisk, tmp_path: Path
) -> None:
    async with served(pbx_22, tmp_path, {"bank": BANK}, pin_tries=2) as (hall, process):
        guessing = await hall.call()
        await hall.until_said("Code.")
        await guessing.press(f"{CODE}#")
        for times in (1, 2):
            await hall.until_said("PIN.", times=times)
            await guessing.press(f"{WRONG}#")
        await hall.stage.agents[OF_THE_FLOW].rings()
        async with database_of(process) as database:
            since = datetime.now(UTC) - timedelta(minutes=5)
            record = SqlJourneyLog(database)
            await until(
                lambda: record.facts_of(TYPE_OF[PinTried], since=since), lambda found: len(found) == 2, "two tries"
            )
        await process.kill()
        guessing.hang_up()
        await process.start()

        knowing = await hall.call()
        await hall.until_said("Code.", times=2)
        await knowing.press(f"{CODE}#")
        await hall.until_said("PIN.", times=3)
        await knowing.press(f"{PIN}#")
        await hall.until_said("Refused.", times=3)
        await hall.until_said("PIN.", times=4)
        await knowing.press("*")
        await hall.stage.agents[OF_THE_FLOW].rings()
        assert await hall.said("Verified.") == 0
        knowing.hang_up()
