"""Trust test 56, the PIN half: many tries from many numbers lock the account; whoever then knows the right one is told the same
words and reaches a person. What was keyed is nowhere: not with us, and not with the PBX at its most talkative.

PINs have ten digits here, so that none of them is found by chance in a time or a nonce.
"""

import asyncio
import json
import random
import secrets
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cti.calls.call import Outcome
from cti.calls.journey import IvrOutcome, PinTried
from cti.crm.pin import hash_pin
from cti.journeys import TYPE_OF
from cti.store.customers import set_pin
from cti.store.database import Database
from tests.conftest import LogLines
from tests.integration.pbx.ivr_house import CODE, MEI_HUA, PEOPLE, House, asking_pbx, flow, house
from tests.testbed import sipp
from tests.testbed.ami import AmiWire
from tests.testbed.asterisk import Asterisk
from tests.testbed.fixtures import require
from tests.testbed.phone import Phone, PhoneCall
from tests.testbed.sipp import HangUp, Press, Sipp, Wait
from tests.testbed.story import SUPPORT

pytestmark = pytest.mark.real_asterisk

CALLS, TRIES, LOCKS_AFTER = 20, 3, 5
RIGHT = "2741908356"
SPY_SECRET = secrets.token_urlsafe(24)
TALKATIVE = {
    "logger.conf": "everything => debug,notice,warning,error,verbose(5),security",
    "manager.conf": f"""
[spy]
secret = {SPY_SECRET}
read = all
write = reporting
""",
}
"""A log of all there is but keys as such, and an account that may read all there is."""
BANK = flow(
    "code",
    """
[steps.code]
kind = "identify"
min = 5
max = 5
confirm = false
found = "pin"
unknown = "people"
[steps.pin]
kind = "authenticate"
next = "verified"
otherwise = "people"
[steps.verified]
kind = "say"
prompt = "Verified."
next = "people"
""",
    PEOPLE,
    head='[prompts]\nstd_enter_code = "Code."\nstd_enter_pin = "PIN."\nstd_pin_refused = "Refused."',
)


@pytest.fixture(scope="module")
def pbx() -> Iterator[Asterisk]:
    with asking_pbx("22", TALKATIVE) as started:
        yield started


def guesses() -> list[str]:
    """All different, none of them right."""
    chosen = random.Random(56)
    return [f"9{number:09}" for number in chosen.sample(range(10**9), CALLS * TRIES)]


async def test_56_many_tries_lock_the_account_and_leave_no_digit_anywhere(
    pbx: Asterisk, tmp_path: Path, log_lines: LogLines
) -> None:
    require("sipp")
    tried = guesses()
    async with house(pbx, tmp_path, {"bank": BANK}) as ivr:
        database = Database(ivr.service.site.url)
        await set_pin(database, MEI_HUA.id, hash_pin(RIGHT), at=datetime.now(UTC))
        await database.close()
        spy = await AmiWire.open(pbx.ports.ami)
        assert "Success" in await spy.login("spy", SPY_SECRET, events=True)
        await guess(ivr, tried)
        results = Counter(fact.data["result"] for fact in await ivr.facts(TYPE_OF[PinTried]))
        assert results.keys() == {"wrong", "locked"}
        assert results["wrong"] == LOCKS_AFTER
        await the_right_one_is_refused_in_the_same_words_and_a_person_answers(ivr)
        figures = await ivr.service.metrics()
        await spy.close()
    places = {
        "metrics": figures,
        "AMI": spy.received.decode("utf-8", "replace"),
        "our log": json.dumps(log_lines(), ensure_ascii=False),
        "database": dump(ivr.service.site.database),
        **{str(path): path.read_text("utf-8", "replace") for path in left_by(pbx, tmp_path)},
    }
    assert b"Event: AGIExecEnd" in spy.received
    assert b"Digit: " not in spy.received
    assert "Executing" in places[str(pbx.home / "log" / "everything")]
    found = [(pin, place) for pin in (*tried, RIGHT) for place, text in places.items() if pin in text]
    assert found == []


async def guess(ivr: House, tried: list[str]) -> None:
    """Each caller from a number of their own, three PINs one after the other, as fast as keys can be pressed."""
    keys = [CODE + "".join(f"{pin}#" for pin in tried[nr::CALLS]) for nr in range(CALLS)]
    rows = [(f"09{nr:08}", "Somebody", SUPPORT, keyed) for nr, keyed in enumerate(keys)]
    scenario = sipp.caller(Wait(2), Press("[field3]", 100), Wait(0.2 * len(keys[0])), HangUp())
    async with Sipp(scenario, ivr.pbx.ports.sip, rows=rows, calls=CALLS, rate=5) as callers:
        assert await callers.wait() == 0, callers.errors()
    await ivr.service.rows(CALLS)


async def the_right_one_is_refused_in_the_same_words_and_a_person_answers(ivr: House) -> None:
    phones = [ivr.stage.agents[number] for number in ("2001", "2002")]
    for phone in phones:
        while phone.is_ringing:
            await phone.rings()
    refused, codes, pins = [await ivr.said(text) for text in ("Refused.", "Code.", "PIN.")]
    caller = await ivr.call()
    await ivr.until_said("Code.", times=codes + 1)
    await caller.press(CODE)
    for nr in range(1, TRIES + 1):
        await ivr.until_said("PIN.", times=pins + nr)
        await caller.press(f"{RIGHT}#")
        await ivr.until_said("Refused.", times=refused + nr)
    (await first_to_ring(phones)).answer()
    await ivr.service.until(lambda: any(call.state == "talking" for call in ivr.service.calls), "talking")
    caller.hang_up()
    row = (await ivr.service.rows(CALLS + 1))[-1]
    assert row.journey
    assert (row.outcome, row.journey.outcome, row.journey.is_verified) == (
        Outcome.ANSWERED,
        IvrOutcome.TO_AGENT,
        False,
    )
    assert await ivr.said("Verified.") == 0


async def first_to_ring(phones: list[Phone]) -> PhoneCall:
    """Whose turn it is after so many callers, the queue knows."""
    waiting = [asyncio.create_task(phone.rings()) for phone in phones]
    done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for other in others:
        other.cancel()
    return done.pop().result()


def dump(database: Path) -> str:
    with closing(sqlite3.connect(database)) as db:
        return "\n".join(db.iterdump())


def left_by(pbx: Asterisk, folder: Path) -> list[Path]:
    """What the PBX logged and spooled, and what we did."""
    folders = (pbx.home / "log", pbx.home / "spool", folder / "spool")
    return [path for one in folders for path in one.rglob("*") if path.is_file()]
