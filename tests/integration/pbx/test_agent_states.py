"""Agents' states on a real Asterisk: what the console says, ``queue show`` says too, and the record."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cti import settings
from tests.integration.pbx.service import Screen, Service, Site, on_22, serving, until_pbx
from tests.testbed.asterisk import Asterisk
from tests.testbed.stories_queue import EMPTY
from tests.testbed.story import SUPPORT, Stage, hang_up

REASON = 2
"""Lunch."""


@pytest.fixture
def site(asterisk: Asterisk, tmp_path: Path) -> Site:
    """``support`` has Ann and Bob in queues.conf; of ``empty`` they are members while they are logged in."""
    return Site(
        {"main": asterisk}, tmp_path, agent_queues=("support", "empty"),
        desk=settings.Desk(reload_s=1.5, log_out_after_s=60), queue=settings.Queue(wrap_up="required", wrap_up_s=30),
    )  # fmt: skip


class Clerk(Screen):
    """A desktop whose agent says where they are."""

    count = 0

    async def asks_for(self, state: str, *, who: str = "me", status: int = 202, **more: Any) -> str:
        Clerk.count += 1
        command = f"state-{Clerk.count:04}"
        await self.asks("POST", f"/api/v1/agents/{who}/state", {"id": command, "state": state, **more}, status=status)
        return command

    async def becomes(self, state: str, **fields: Any) -> dict[str, Any]:
        return await self.hears("presence", state=state, is_confirmed=True, **fields)

    async def is_ready(self) -> None:
        await self.asks_for("READY")
        await self.becomes("READY")


@contextlib.asynccontextmanager
async def at_work(service: Service, agent: str = "ann") -> AsyncIterator[Clerk]:
    async with service.screen(agent) as screen:
        yield Clerk(screen.browser, screen.desktop, screen.snapshot)


def member(pbx: Asterisk, queue: str, number: str = "2001") -> str:
    """As ``queue show`` has it: ``-``, ``ready``, or ``paused: reason``."""
    line = next((line for line in pbx.cli(f"queue show {queue}").splitlines() if f"PJSIP/{number}" in line), "")
    if not line:
        return "-"
    paused = re.search(r"\(paused(?::(.*?))?(?: was \d+ secs ago)?\)", line)
    return f"paused: {paused[1] or ''}" if paused else "ready"


def pauses(pbx: Asterisk) -> list[str]:
    """The reasons that Asterisk itself wrote down for Ann in ``support``."""
    log = (pbx.home / "log" / "queue_log").read_text(encoding="utf-8")
    return re.findall(r"\|support\|[^|]*\|PAUSE\|(\w+)", log)


async def becomes(pbx: Asterisk, queue: str, is_now: str, number: str = "2001") -> None:
    try:
        await until_pbx(pbx, lambda known: member(known, queue, number) == is_now, within_s=10)
    except TimeoutError:
        raise AssertionError(f"{queue} has {number} as {member(pbx, queue, number)!r}, not {is_now!r}") from None


async def test_a_whole_turn_at_the_desk(stage: Stage, service: Service) -> None:
    """Log in, ready, a call, its wrap-up, ready, lunch, log out: at each step PBX and screen say the same."""
    pbx = stage.pbx
    async with at_work(service) as ann:
        assert ann.snapshot["presence"]["state"] == "NOT_READY"
        await becomes(pbx, "support", "paused: logged_in")
        await becomes(pbx, "empty", "paused: logged_in")
        await ann.is_ready()
        assert (member(pbx, "support"), member(pbx, "empty")) == ("ready", "ready")

        caller = stage.caller(EMPTY)
        ringing = await stage.agents["2001"].rings()
        await ann.hears("presence", state="RESERVED")
        ringing.answer()
        await ann.hears("presence", state="TALKING")
        await hang_up(caller, ringing)
        await ann.becomes("WORK_READY")
        assert (member(pbx, "support"), member(pbx, "empty")) == ("paused: wrap_up", "paused: wrap_up")
        row = await service.row()
        await ann.asks_for("READY", status=409)
        await ann.asks("PUT", f"/api/v1/interactions/{row.call}/result", {"code": "solved"}, status=204)
        await ann.is_ready()
        assert member(pbx, "empty") == "ready"

        await ann.asks_for("NOT_READY", reason_code=REASON)
        await ann.becomes("NOT_READY", reason="Lunch")
        assert (member(pbx, "support"), member(pbx, "empty")) == ("paused: Lunch", "paused: Lunch")
        await ann.asks_for("LOGOUT")
        await ann.becomes("LOGOUT")
        assert (member(pbx, "support"), member(pbx, "empty")) == ("paused: logged_out", "-")


async def test_21_rona(stage: Stage, service: Service) -> None:
    """Missed: paused once, with the reason; the caller keeps the place, is never offered to the same agent again, and
    whoever gets ready next takes them."""
    async with at_work(service, "ann") as ann, at_work(service, "bob") as bob:
        await becomes(stage.pbx, "support", "paused: logged_in", "2002")
        await ann.is_ready()
        before = pauses(stage.pbx).count("missed_call")
        caller = stage.caller(SUPPORT)
        missed = await stage.agents["2001"].rings()
        await missed.until_over()
        await ann.becomes("NOT_READY", cause="missed_call")
        assert member(stage.pbx, "support") == "paused: missed_call"
        (call,) = service.calls
        assert (call.state, call.position) == ("queued", 1)

        again = asyncio.create_task(stage.agents["2001"].rings())
        await asyncio.sleep(5)  # longer than the queue's retry: nobody rings
        assert not again.done()
        again.cancel()
        await bob.asks_for("READY")
        taken = await stage.agents["2002"].rings()
        await asyncio.sleep(0.3)
        taken.answer()
        await bob.hears("presence", state="TALKING")
        await hang_up(caller, taken)
        row = await service.row()
        assert [part.number for part in row.handled_by if part.rang_at] == ["2001", "2002"]
        assert pauses(stage.pbx).count("missed_call") == before + 1
        await bob.asks("PUT", f"/api/v1/interactions/{row.call}/result", {"code": "solved"}, status=204)


@on_22
async def test_a_supervisor_forces_not_ready_and_only_a_supervisor_takes_it_back(
    stage: Stage, service: Service
) -> None:
    async with at_work(service, "ann") as ann, at_work(service, "fay") as fay:
        await ann.is_ready()
        await fay.asks_for("NOT_READY", who="ann")
        assert (await ann.becomes("NOT_READY", cause="forced"))["by"] == "Fay"
        assert member(stage.pbx, "support") == "paused: forced"
        await ann.asks_for("READY", status=409)
        await fay.asks_for("READY", who="ann")
        await ann.becomes("READY")
        assert member(stage.pbx, "support") == "ready"


async def test_a_pause_by_another_program_shows_and_goes_with_it(stage: Stage, service: Service) -> None:
    async with at_work(service) as ann:
        await ann.is_ready()
        await stage.cli("queue pause member PJSIP/2001 queue support reason nightshift")
        assert (await ann.becomes("NOT_READY", cause="pbx"))["made_by"] == "pbx"
        await becomes(stage.pbx, "empty", "paused: ")
        assert member(stage.pbx, "support") == "paused: nightshift"
        await stage.cli("queue unpause member PJSIP/2001 queue support")
        await ann.becomes("READY")
        await becomes(stage.pbx, "empty", "ready")


@on_22
async def test_a_member_that_somebody_removed_is_put_back(stage: Stage, service: Service) -> None:
    async with at_work(service) as ann:
        await ann.is_ready()
        await stage.cli("queue remove member PJSIP/2001 from empty")
        await ann.hears("presence", is_confirmed=False)
        await ann.becomes("READY")
        assert member(stage.pbx, "empty") == "ready"
    assert "cti_members_mended_total 1.0" in await service.metrics()


async def test_a_restart_of_ours_changes_nothing(stage: Stage, site: Site) -> None:
    """Killed while Ann is ready: the PBX goes on, and the service comes back to where she was."""
    async with serving(site) as service, at_work(service) as ann:
        await ann.asks_for("READY")
        before = await ann.becomes("READY")
    assert (member(stage.pbx, "support"), member(stage.pbx, "empty")) == ("ready", "ready")
    async with serving(site) as service:
        async with at_work(service) as ann:
            presence = ann.snapshot["presence"]
            assert (presence["state"], presence["since"]) == ("READY", before["since"])
            assert member(stage.pbx, "empty") == "ready"
        assert await service.broken() == []


@on_22
async def test_a_pbx_that_restarted_gets_its_members_back(service: Service, asterisk: Asterisk) -> None:
    async with at_work(service) as ann:
        await ann.is_ready()
        await asyncio.to_thread(asterisk.kill)
        await ann.hears("presence", is_confirmed=False)
        await ann.asks_for("NOT_READY", reason_code=REASON, status=503)
        await asyncio.to_thread(asterisk.start)
        await service.until_connected(40)
        await ann.becomes("READY")
        assert member(asterisk, "empty") == "ready"


@on_22
async def test_a_desktop_that_is_gone_makes_its_agent_not_ready_and_never_in_the_middle_of_a_call(
    stage: Stage, service: Service
) -> None:
    async with at_work(service) as ann:
        await ann.is_ready()
        caller = stage.caller(EMPTY)
        ringing = await stage.agents["2001"].rings()
        ringing.answer()
        await ann.hears("presence", state="TALKING")
    await becomes(stage.pbx, "empty", "paused: connection_lost")
    (call,) = service.calls
    assert call.state == "talking"
    await hang_up(caller, ringing)
    async with at_work(service) as ann:
        assert ann.snapshot["presence"]["state"].startswith("WORK")
        row = await service.row()
        await ann.asks("PUT", f"/api/v1/interactions/{row.call}/result", {"code": "solved"}, status=204)


@on_22
async def test_14_a_call_that_ended_while_we_were_away_leaves_no_agent_busy(stage: Stage, site: Site) -> None:
    async with serving(site) as service, at_work(service) as ann:
        await ann.is_ready()
        caller = stage.caller(EMPTY)
        ringing = await stage.agents["2001"].rings()
        ringing.answer()
        await ann.hears("presence", state="TALKING")
    await hang_up(caller, ringing)
    async with serving(site) as service:
        await service.rows(1)
        async with at_work(service) as ann:
            assert ann.snapshot["presence"]["state"].startswith("WORK")
            assert ann.snapshot["presence"]["calls"] == 0
        assert await service.broken() == []


@on_22
async def test_33_two_desktops_of_one_agent(stage: Stage, service: Service) -> None:
    """The second asks, takes over, and the agent says anew that they are ready; the first says where it is open."""
    async with at_work(service) as ann:
        await ann.is_ready()
        async with service.desktop() as browser:
            async with browser.socket() as refused:
                assert (await refused.hears_of("occupied", "welcome"))["type"] == "occupied"
            async with browser.socket(take_over=True) as second:
                snapshot = await second.hears_of("snapshot")
                assert snapshot["presence"]["cause"] == "elsewhere"
                await ann.hears("displaced")
                await becomes(stage.pbx, "empty", "paused: elsewhere")


@on_22
async def test_the_end_of_the_session_is_the_end_of_the_shift(stage: Stage, service: Service) -> None:
    async with at_work(service) as ann:
        await ann.is_ready()
        await ann.asks("DELETE", "/api/v1/session", status=204)
        assert await ann.desktop.closed() == 4401
        await becomes(stage.pbx, "empty", "-")
        assert member(stage.pbx, "support") == "paused: logged_out"
