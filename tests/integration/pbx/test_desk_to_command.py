"""From the desk's button to Asterisk and back to the screen, through the whole service: what is offered is what can be done."""

import asyncio
import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cti import settings
from cti.settings.sections import Recording
from tests.integration.pbx.service import CUSTOMER, CUSTOMER_NUMBER, Screen, Service, Site
from tests.testbed.asterisk import Asterisk
from tests.testbed.story import SUPPORT, Stage, connect

MOST_PAUSE_S = 1.0
_ids = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Recorded(Site):
    """Paused recordings go on soon."""

    def given(self) -> settings.Settings:
        given = Site.given(self)
        return given.model_copy(update={"recording": Recording(most_pause_s=MOST_PAUSE_S)})


@pytest.fixture
def site(asterisk: Asterisk, tmp_path: Path) -> Site:
    return Recorded({"main": asterisk}, tmp_path)


async def does(screen: Screen, call: str, action: str, **more: str) -> dict[str, Any]:
    """Press it; what became of it."""
    command = f"command-{next(_ids)}"
    await screen.asks("POST", f"/api/v1/calls/{call}/actions/{action}", {"id": command, **more})
    return await screen.hears("command", command=command)


async def done(screen: Screen, call: str, action: str, **more: str) -> None:
    result = await does(screen, call, action, **more)
    assert (result["status"], result["reason"]) == ("done", "")


async def seen(screen: Screen, call: str) -> dict[str, Any]:
    """The call as this agent sees it now; a command that is done has been told of before."""
    found: dict[str, Any] = (await screen.asks("GET", f"/api/v1/calls/{call}", status=200))["call"]
    return found


def offered(call: dict[str, Any]) -> set[str]:
    return {action["name"] for action in call["actions"] if action["allowed"]}


async def talking(stage: Stage, screen: Screen) -> str:
    await connect(stage, SUPPORT)
    return str((await screen.hears("call", state="talking"))["call"])


async def test_a_paused_recording_goes_on_by_itself(stage: Stage, service: Service) -> None:
    async with service.screen("ann") as ann:
        call = await talking(stage, ann)
        await done(ann, call, "record")
        await done(ann, call, "record_pause")
        paused = await seen(ann, call)
        assert (paused["recording"], paused["recording_resumes_at"] is not None) == ("paused", True)
        assert {"record_resume", "record_stop"} <= offered(paused)
        assert (await ann.hears("call", recording="on"))["recording_resumes_at"] is None


async def test_asked_handed_over_and_each_screen_offers_what_can_be_done(stage: Stage, service: Service) -> None:
    async with service.screen("ann") as ann, service.screen("bob") as bob:
        call = await talking(stage, ann)
        await done(ann, call, "hold")
        assert {"retrieve", "consult", "transfer"} <= offered(await seen(ann, call))
        await done(ann, call, "consult", to="2002")
        phone = await stage.agents["2002"].rings()
        phone.answer()
        asked = await bob.hears("call", state="talking")
        assert {"transfer", "complete"}.isdisjoint(offered(asked))
        await ann.asks("POST", f"/api/v1/calls/{call}/actions/transfer", {"id": "too-soon-1", "to": "2003"}, status=409)
        await done(ann, call, "complete")
        his = await until_offered(bob, "transfer")
        assert {"hold", "park", "hangup"} <= offered(his)


async def until_offered(screen: Screen, action: str) -> dict[str, Any]:
    while True:
        call = await screen.hears("call")
        if action in offered(call):
            return call


async def test_56_toll_guard_asterisk_never_hears_of_a_forbidden_number(stage: Stage, service: Service) -> None:
    async with service.screen("ann") as ann:
        call = await talking(stage, ann)
        for number, code in (
            ("0204 123 456", "premium"),
            ("2002&PJSIP/2003", "not_a_number"),
            ("+1 900 555 1234", "country_not_allowed"),
        ):
            body = {"id": f"command-{next(_ids)}", "to": number}
            answer = await ann.asks("POST", f"/api/v1/calls/{call}/actions/transfer", body, status=400)
            assert answer["code"] == code
        assert 'cti_numbers_refused_total{why="premium"} 1.0' in await service.metrics()
        await done(ann, call, "hangup")


async def test_whoever_is_parked_is_told_to_all_and_fetched_by_another(stage: Stage, service: Service) -> None:
    async with service.screen("ann") as ann, service.screen("bob") as bob:
        call = await talking(stage, ann)
        await done(ann, call, "park")
        (parked,) = (await bob.hears("parked"))["parked"]
        assert (parked["call"], parked["by"]) == (call, "Ann")
        await bob.asks("POST", f"/api/v1/parked/{parked['space']}/fetch", {"id": "fetch-01"})
        phone = await stage.agents["2002"].rings()
        phone.answer()
        command, parked = await bob.hears_both("command", "parked")
        assert (command["command"], command["status"]) == ("fetch-01", "done")
        assert parked["parked"] == []


async def test_of_whom_an_agent_clicks_on_the_card_is_there_when_their_phone_rings(
    stage: Stage, service: Service
) -> None:
    async with service.screen("ann") as ann:
        dialled = ann.asks("POST", "/api/v1/calls", {"to": CUSTOMER_NUMBER, "id": "dial-0001", "contact": "k1"})
        card = (await asyncio.gather(ann.hears("card", state="found"), dialled))[0]["card"]
        assert [one["name"] for one in card["contacts"]] == [CUSTOMER]
        phone = await stage.agents["2001"].rings()
        phone.refuse()
        assert (await ann.hears("command", command="dial-0001"))["status"] == "failed"
