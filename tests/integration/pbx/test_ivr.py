"""The IVR's stories on a real Asterisk: what a caller keys is on the waiting agent's screen, on record, and nowhere else."""

import asyncio
from pathlib import Path

import pytest

from cti.calls.call import Outcome
from cti.calls.journey import IvrOutcome, LeftBy
from tests.integration.pbx.ivr_house import CODE, asking_pbx, house
from tests.testbed.story import CALLER

pytestmark = pytest.mark.real_asterisk

BANK = """
label = "Bank"
start = "menu"
[steps.menu]
kind = "menu"
prompt = "For orders, press 1."
choices = { 1 = "code" }
wait_s = 2
otherwise = "people"
[steps.code]
kind = "identify"
confirm = false
found = "pin"
unknown = "people"
[steps.pin]
kind = "authenticate"
next = "order"
otherwise = "people"
[steps.order]
kind = "tell"
what = "order"
next = "people"
unverified = "people"
[steps.people]
kind = "to_queue"
queue = "support"
"""


@pytest.mark.parametrize("version", ["22"])
async def test_code_keyed_customer_shown(version: str, tmp_path: Path) -> None:
    async with asking_pbx(version) as pbx, house(pbx, tmp_path, {"bank": BANK}) as ivr, ivr.service.screen("ann") as ann:
        caller = ivr.stage.caller()
        await caller.until_answered()
        await asyncio.sleep(0.5)
        await caller.press("1")
        await asyncio.sleep(1)
        await caller.press(f"{CODE}#")
        await asyncio.sleep(1)
        await caller.press("*")
        pop = await ann.hears("pop", within_s=30)
        print(pop)
        ringing = await ivr.stage.agents["2001"].rings()
        ringing.answer()
        await asyncio.sleep(1)
        ringing.hang_up()
        await caller.until_over()
        row = await ivr.service.row()
        print(row.journey)
        assert row.outcome is Outcome.ANSWERED
        assert row.journey.outcome is IvrOutcome.TO_AGENT
