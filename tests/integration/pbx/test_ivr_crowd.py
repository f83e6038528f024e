"""Many callers in the IVR at once: each keys their own code, and each is known as who they are."""

import asyncio
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from cti.calls.journey import IvrOutcome
from cti.store.customers import Customer, put_customers
from cti.store.database import Database
from tests.integration.pbx.ivr_house import BYE, CODE, NEIGHBOUR, PEOPLE, flow, house, running
from tests.testbed import sipp
from tests.testbed.asterisk import Asterisk
from tests.testbed.fixtures import require
from tests.testbed.sipp import AwaitHangUp, Press, Sipp, Wait
from tests.testbed.story import SUPPORT

pytestmark = pytest.mark.real_asterisk

CROWD = 20
WHO = """
[steps.who]
kind = "identify"
confirm = false
prompt = "Code."
wait_s = 20
found = "known"
unknown = "people"
[steps.known]
kind = "say"
prompt = "Known."
serves = true
next = "bye"
"""


@pytest.fixture(scope="module")
def pbx() -> Iterator[Asterisk]:
    yield from running("22")


async def test_two_callers_key_in_turns_and_do_not_mix(pbx: Asterisk, tmp_path: Path) -> None:
    numbers = ("0911111111", "0922222222")
    async with house(pbx, tmp_path, {"bank": flow("who", WHO, PEOPLE, BYE)}) as ivr:
        callers = [await ivr.call(number) for number in numbers]
        await ivr.until_said("Code.", times=2)
        for keys in zip(f"{CODE}#", f"{NEIGHBOUR.code}#", strict=True):
            await asyncio.gather(*(caller.press(key) for caller, key in zip(callers, keys, strict=True)))
        for caller in callers:
            await caller.until_over()
        rows = await ivr.service.rows(2)
    assert {row.ani: row.contact for row in rows} == dict(zip(numbers, ("k1", "k2"), strict=True))


async def test_twenty_at_once_each_get_their_own_customer(pbx: Asterisk, tmp_path: Path) -> None:
    require("sipp")
    people = {f"09{nr:08}": f"{nr:05}" for nr in range(81_000, 81_000 + CROWD)}
    rows = [(number, "Somebody", SUPPORT, f"{code}#") for number, code in people.items()]
    scenario = sipp.caller(Wait(3), Press("[field3]", 100), AwaitHangUp())
    async with house(pbx, tmp_path, {"bank": flow("who", WHO, PEOPLE, BYE)}) as ivr:
        await put_crowd(Database(ivr.service.site.url), people.values())
        async with Sipp(scenario, pbx.ports.sip, rows=rows, calls=CROWD, rate=CROWD) as callers:
            assert await callers.wait() == 0, callers.errors()
        told = await ivr.service.rows(CROWD)
    journeys = [row.journey for row in told if row.journey]
    assert {row.ani: row.contact for row in told} == {number: f"c{code}" for number, code in people.items()}
    assert {row.ani: row.journey.known_value for row in told if row.journey} == people
    assert {journey.outcome for journey in journeys} == {IvrOutcome.SELF_SERVED}
    assert max(journey.entered_at for journey in journeys) < min(
        journey.left_at or journey.entered_at for journey in journeys
    )


async def put_crowd(database: Database, codes: Iterable[str]) -> None:
    await put_customers(
        database, [Customer(id=f"c{code}", code=code, name=f"Caller {code}") for code in codes], country="TW"
    )
    await database.close()
