"""The short form of ``make chaos``: one story with several mischiefs in a row, on the newer Asterisk, a fixed seed."""

import asyncio
from random import Random

import pytest

from tests.chaos.house import House
from tests.chaos.mischief import Mischief
from tests.chaos.pbx import chaos_asterisk
from tests.chaos.story import play
from tests.testbed.fixtures import require

pytestmark = [pytest.mark.chaos, pytest.mark.real_asterisk]

EXACT_S = 0.25
"""`make chaos` has the machine to itself, and 50 ms; here other tests run beside, and Asterisk notes one moment twice, 0.1 s apart."""


async def a_bad_quarter_of_an_hour(house: House) -> None:
    """Told in as many seconds: killed, back, stalled, cut, back."""
    await house.calls_go_on(3)
    with house.unseen():
        await house.daemon.kill()
        await house.calls_go_on(2)
        await house.daemon.start()
    await house.calls_go_on(2)
    with house.unseen():  # what a cut finds held back is not late but lost
        house.proxy.stall()
        await house.calls_go_on(3)
        house.proxy.go_on()
        house.proxy.refuse = True
        house.proxy.cut()
        await house.calls_go_on(2)
        house.proxy.refuse = False
        await house.daemon.until_connected()
    await house.calls_go_on(2)


async def test_every_call_is_on_record_once_as_asterisk_has_it() -> None:
    require("asterisk-22", "sipp")
    pbx = chaos_asterisk("22")
    await asyncio.to_thread(pbx.start)
    try:
        bad = Mischief(act=a_bad_quarter_of_an_hour, says="all at once")
        told = await play("short", bad, pbx, Random(7), exact_s=EXACT_S)
    finally:
        await asyncio.to_thread(pbx.remove)
    assert told.troubles == []
    assert told.verdict.calls > 10
    assert told.verdict.backfilled > 0
