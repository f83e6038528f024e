"""The service is killed with a customer on hold, with a recording paused, in a consultation; the next one takes it up."""

import asyncio
from pathlib import Path

import pytest

from tests.integration.pbx.service import Screen, Service, Site, serving
from tests.integration.pbx.test_desk_to_command import Recorded, done, offered, seen, talking, until_offered
from tests.testbed.asterisk import Asterisk
from tests.testbed.story import Stage


@pytest.fixture
def site(asterisk: Asterisk, tmp_path: Path) -> Site:
    return Recorded({"main": asterisk}, tmp_path)


async def taken_up(screen: Screen, service: Service, call: str) -> dict[str, object]:
    """The call after the first reading of the PBX's lists."""
    await service.until(lambda: service.calls, "the call is taken up")
    return await seen(screen, call)


async def test_a_customer_held_by_the_pbx_is_held_after_a_restart_and_can_be_taken_back(
    stage: Stage, site: Site
) -> None:
    async with serving(site) as service, service.screen("ann") as ann:
        call = await talking(stage, ann)
        await done(ann, call, "hold")

    async with serving(site) as service, service.screen("ann") as ann:
        held = await taken_up(ann, service, call)
        assert held["state"] == "held"
        assert {"retrieve", "transfer", "consult", "park"} <= offered(held)
        await done(ann, call, "retrieve")
        assert (await seen(ann, call))["state"] == "talking"
        await done(ann, call, "hold")
    async with serving(site) as service, service.screen("ann") as ann:
        await done(ann, call, "transfer", to="2002")
        bob = await stage.agents["2002"].rings()
        bob.answer()
        await asyncio.sleep(1)
        bob.hang_up()


async def test_a_recording_paused_before_a_restart_goes_on_after_it(stage: Stage, site: Site) -> None:
    async with serving(site) as service, service.screen("ann") as ann:
        call = await talking(stage, ann)
        await done(ann, call, "record")
        await done(ann, call, "record_pause")
    async with serving(site) as service, service.screen("ann") as ann:
        now = await seen(ann, call)
        if now["recording"] != "on":
            await ann.hears("call", recording="on")
        await done(ann, call, "record_stop")
        await done(ann, call, "hangup")


async def test_a_consultation_is_completed_after_a_restart(stage: Stage, site: Site) -> None:
    async with serving(site) as service, service.screen("ann") as ann:
        call = await talking(stage, ann)
        await done(ann, call, "consult", to="2002")
        phone = await stage.agents["2002"].rings()
        phone.answer()
        await until_offered(ann, "conference")
    async with serving(site) as service, service.screen("ann") as ann, service.screen("bob") as bob:
        assert {"complete", "reconnect", "alternate"} <= offered(await taken_up(ann, service, call))
        await done(ann, call, "alternate")
        await done(ann, call, "alternate")
        await done(ann, call, "complete")
        await done(bob, call, "hangup")
