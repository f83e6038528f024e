"""One service before two PBXs of different versions: each call belongs to its own, and one's trouble is not the other's."""

import asyncio
from pathlib import Path

import pytest

from cti.calls.call import Outcome
from tests.integration.pbx.service import Service, Site, serving
from tests.testbed import sipp
from tests.testbed.asterisk import Asterisk
from tests.testbed.fixtures import require
from tests.testbed.sipp import AwaitHangUp, HangUp, Sipp, Wait
from tests.testbed.story import SUPPORT

pytestmark = pytest.mark.real_asterisk


def agent(pbx: Asterisk, number: str) -> Sipp:
    return Sipp(sipp.agent(ring_s=0.3), pbx.ports.sip, pbx.ports.agents[number])


def caller(pbx: Asterisk, number: str, *steps: sipp.Step) -> Sipp:
    return Sipp(sipp.caller(*steps), pbx.ports.sip, rows=[(number, "Wang", SUPPORT)])


@pytest.fixture
def both(asterisk_22: Asterisk, asterisk_16: Asterisk, tmp_path: Path) -> Site:
    require("sipp")
    return Site({"north": asterisk_22, "south": asterisk_16}, tmp_path)


async def one_talks(service: Service) -> None:
    await service.until(lambda: [call.state for call in service.calls] == ["talking", "talking"], "one talks on each")


async def test_calls_belong_to_their_pbx(both: Site) -> None:
    north, south = both.pbxs.values()
    async with serving(both) as service:
        async with (
            agent(north, "2001"),
            agent(south, "2001"),
            caller(north, "0911111111", Wait(8), HangUp()) as one,
            caller(south, "0922222222", Wait(8), HangUp()) as other,
        ):
            await one_talks(service)
            assert [await one.wait(), await other.wait()] == [0, 0], one.errors() + other.errors()
        rows = await service.rows(2)
        assert {(row.pbx, row.ani, row.agent, row.outcome) for row in rows} == {
            ("north", "0911111111", "ann", Outcome.ANSWERED),
            ("south", "0922222222", "ann", Outcome.ANSWERED),
        }
        assert all(row.call.startswith(f"{row.pbx}-") for row in rows)
        assert await service.broken() == []


async def test_one_is_killed_and_the_other_goes_on(both: Site) -> None:
    north, south = both.pbxs.values()
    async with serving(both) as service, service.screen("ann") as ann:
        async with (
            agent(north, "2001"),
            agent(south, "2001"),
            caller(north, "0911111111", AwaitHangUp()),
            caller(south, "0922222222", Wait(12), HangUp()) as other,  # longer than Ann may rest from the story before
        ):
            await one_talks(service)
            await asyncio.to_thread(north.kill)
            await ann.hears("pbx", name="north", state="lost")
            assert service.links["south"].status.state == "connected"
            assert await other.wait() == 0, other.errors()
        await asyncio.to_thread(north.start)
        rows = await service.rows(2, within_s=40)
        assert {(row.pbx, row.cause) for row in rows} == {("north", "pbx_restart"), ("south", "normal")}
        await service.until_connected(40)
        assert await service.broken() == []
