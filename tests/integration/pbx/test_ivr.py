"""What an IVR asks, on a real Asterisk: each kind of step that listens, decides or tells, with a caller who keys."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cti.calls.call import Outcome
from cti.calls.journey import DOT, IvrOutcome, Journey, KnownBy, LeftBy
from cti.ivr import spoken
from cti.ivr.hours import DAYS
from tests.integration.pbx.ivr_house import BYE, CODE, ORDER, PEOPLE, PIN, contacts_of, flow, house, meets, running
from tests.testbed.asterisk import Asterisk

pytestmark = pytest.mark.real_asterisk

WORDS = """
[prompts]
std_no_input = "Nothing."
std_no_match = "No such key."
std_not_valid = "Not right."
std_enter_code = "Code."
std_enter_number = "Number."
std_enter_order = "Which order?"
std_confirm_name = "Are you {name}?"
std_unknown_customer = "Unknown."
std_enter_pin = "PIN."
std_pin_refused = "Refused."
std_order = "Order {order} is {status}."
std_balance = "You owe {balance}."
"""
OTHER_NUMBER = "0222223333"
"""Nobody's on record."""


@pytest.fixture(scope="module")
def pbx() -> Iterator[Asterisk]:
    yield from running("22")


def ways(journey: Journey) -> list[tuple[str, LeftBy]]:
    return [(step.step, step.how) for step in journey.steps]


# ---- menus


MENUS = """
[steps.hello]
kind = "say"
prompt = "Hello."
next = "menu"
[steps.menu]
kind = "menu"
prompt = "Menu."
choices.1 = { to = "people", label = "Billing", intent = "a bill" }
wait_s = 0.5
otherwise = "bye"
"""


async def test_a_menu_is_said_again_for_the_silent_and_the_mistaken(pbx: Asterisk, tmp_path: Path) -> None:
    async with house(pbx, tmp_path, {"bank": flow("hello", MENUS, PEOPLE, BYE, head=WORDS)}) as ivr:
        caller = await ivr.call()
        await ivr.until_said("Menu.", times=2)
        await caller.press("9")
        await ivr.until_said("Menu.", times=3)
        await caller.press("1")
        await meets(ivr)
        await caller.until_over()
        journey = await ivr.ended_as(IvrOutcome.TO_AGENT, Outcome.ANSWERED)
        assert [await ivr.said(text) for text in ("Hello.", "Nothing.", "No such key.")] == [1, 1, 1]
    menu = journey.steps[1]
    assert (menu.choice, menu.keyed, menu.failures, journey.intent) == ("Billing", "1", 2, "a bill")
    assert ways(journey) == [(step, LeftBy.DONE) for step in ("hello", "menu", "people")]


async def test_who_knows_the_menu_keys_ahead_and_is_not_told_it(pbx: Asterisk, tmp_path: Path) -> None:
    async with house(pbx, tmp_path, {"bank": flow("hello", MENUS, PEOPLE, BYE, head=WORDS)}) as ivr:
        caller = await ivr.call()
        await ivr.until_said("Hello.")
        await caller.press("1")
        await meets(ivr)
        await caller.until_over()
        journey = await ivr.ended_as(IvrOutcome.TO_AGENT, Outcome.ANSWERED)
        assert await ivr.said("Menu.") == 0
    assert journey.steps[1].choice == "Billing"


async def test_the_language_chosen_is_the_one_spoken_from_then_on(pbx: Asterisk, tmp_path: Path) -> None:
    steps = """
[steps.language]
kind = "language"
prompt = { en = "English 1.", zh-Hant = "中文按 2。" }
choices = { 1 = "en", 2 = "zh-Hant" }
next = "greet"
[steps.greet]
kind = "say"
prompt = { en = "Welcome.", zh-Hant = "歡迎。" }
next = "bye"
[steps.bye]
kind = "hang_up"
prompt = { en = "Bye.", zh-Hant = "再見。" }
"""
    async with house(pbx, tmp_path, {"bank": flow("language", steps, head='languages = ["en", "zh-Hant"]')}) as ivr:
        caller = await ivr.call()
        await ivr.until_said("中文按 2。", language="zh-Hant")
        await caller.press("2")
        await caller.until_over()
        journey = await ivr.ended_as(IvrOutcome.SELF_SERVED, Outcome.UNATTENDED)
        said = [await ivr.said(*one) for one in (("Welcome.", "en"), ("歡迎。", "zh-Hant"), ("再見。", "zh-Hant"))]
    assert said == [0, 1, 1]
    assert journey.language == "zh-Hant"


# ---- what is keyed


async def test_a_number_with_a_wrong_check_digit_is_asked_for_again(pbx: Asterisk, tmp_path: Path) -> None:
    steps = """
[steps.card]
kind = "collect"
prompt = "Card."
name = "card"
max = 12
check = "luhn"
next = "secret"
otherwise = "people"
[steps.secret]
kind = "collect"
prompt = "Secret."
name = "hidden"
max = 4
secret = true
next = "read"
otherwise = "people"
[steps.read]
kind = "say"
prompt = "You keyed {card}."
next = "bye"
"""
    async with house(pbx, tmp_path, {"bank": flow("card", steps, PEOPLE, BYE, head=WORDS)}) as ivr:
        caller = await ivr.call()
        await ivr.until_said("Card.")
        await caller.press("79927398710#")
        await ivr.until_said("Card.", times=2)
        await caller.press("79927398713#")
        await ivr.until_said("Secret.")
        await caller.press("4711")
        await caller.until_over()
        _, journey = await ivr.told()
        assert await ivr.said("Not right.") == 1
        assert await ivr.said(spoken.words(spoken.Digits("79927398713"), "en")) == 1
    card, secret = journey.steps[:2]
    assert (card.keyed, card.failures, card.how) == ("79927398713", 1, LeftBy.DONE)
    assert secret.keyed == 4 * DOT


@pytest.mark.parametrize(
    ("by", "keyed"), [(KnownBy.CODE, CODE), (KnownBy.NUMBER, "0912345678"), (KnownBy.ORDER, ORDER)]
)
async def test_a_caller_says_who_they_are_and_the_agent_sees_them_before_answering(
    pbx: Asterisk, tmp_path: Path, by: KnownBy, keyed: str
) -> None:
    identify = f"""
[steps.who]
kind = "identify"
by = "{by}"
found = "people"
unknown = "bye"
"""
    prompt = {"code": "Code.", "number": "Number.", "order": "Which order?"}[by]
    async with (
        house(pbx, tmp_path, {"bank": flow("who", identify, PEOPLE, BYE, head=WORDS)}) as ivr,
        ivr.service.screen("ann") as ann,
    ):
        caller = await ivr.call(OTHER_NUMBER)
        await ivr.until_said(prompt)
        await caller.press("999999#")
        await ivr.until_said(prompt, times=2)
        await caller.press(f"{keyed}#")
        await ivr.until_said("Are you")
        await caller.press("1")
        pop = await ann.hears("pop")
        assert [one["name"] for one in await contacts_of(pop, ann)] == ["Lin Mei-hua"]
        assert (pop["call"]["journey"]["known_by"], pop["call"]["journey"]["known_value"]) == (by, keyed)
        await meets(ivr)
        await caller.until_over()
        row, journey = await ivr.told()
        assert await ivr.said("Unknown.") == 1
    assert (row.ani, row.contact, row.outcome) == (OTHER_NUMBER, "k1", Outcome.ANSWERED)
    assert (journey.contact, journey.known_by, journey.is_verified) == ("k1", by, False)
    assert journey.steps[0].failures == 1


async def test_a_caller_with_the_right_pin_is_told_order_and_balance_and_has_served_themselves(
    pbx: Asterisk, tmp_path: Path
) -> None:
    steps = """
[steps.who]
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
next = "balance"
unverified = "people"
[steps.balance]
kind = "tell"
what = "balance"
next = "bye"
unverified = "people"
"""
    async with house(pbx, tmp_path, {"bank": flow("who", steps, PEOPLE, BYE, head=WORDS)}) as ivr:
        caller = await ivr.call()
        await ivr.until_said("Code.")
        await caller.press(f"{CODE}#")
        await ivr.until_said("PIN.")
        await caller.press("111222#")
        await ivr.until_said("PIN.", times=2)
        await caller.press(f"{PIN}#")
        await ivr.until_said("You owe")
        caller.hang_up()
        journey = await ivr.ended_as(IvrOutcome.SELF_SERVED, Outcome.UNATTENDED)
        assert await ivr.said(spoken.words(spoken.Digits(ORDER), "en")) == 1
        assert await ivr.said("Refused.") == 1
    assert journey.is_verified
    assert (journey.at_step, journey.steps[1].failures, journey.steps[1].keyed) == ("balance", 1, 6 * DOT)


# ---- what decides


async def test_who_is_gold_goes_to_people_and_who_is_not_known_does_not(pbx: Asterisk, tmp_path: Path) -> None:
    steps = """
[steps.who]
kind = "identify"
confirm = false
tries = 1
found = "worth"
unknown = "worth"
[steps.worth]
kind = "branch"
cases = [{ tier = ["gold"], to = "people", label = "gold" }]
otherwise = "bye"
"""
    async with house(pbx, tmp_path, {"bank": flow("who", steps, PEOPLE, BYE, head=WORDS)}) as ivr:
        stranger = await ivr.call(OTHER_NUMBER)
        await ivr.until_said("Code.")
        await stranger.press("999999#")
        await stranger.until_over()
        gold = await ivr.call()
        await ivr.until_said("Code.", times=2)
        await gold.press(f"{CODE}#")
        await meets(ivr)
        rows = await ivr.service.rows(2)
    first, second = [row.journey for row in rows]
    assert first
    assert second
    assert (first.at_step, second.at_step) == ("bye", "people")
    assert second.steps[1].choice == "gold"


async def test_who_calls_while_another_waits_is_told_that_it_is_busy(pbx: Asterisk, tmp_path: Path) -> None:
    steps = """
[steps.load]
kind = "branch"
queue = "empty"
cases = [{ waiting_over = 0, to = "bye", label = "busy" }]
otherwise = "wait"
[steps.wait]
kind = "to_queue"
queue = "empty"
"""
    async with house(pbx, tmp_path, {"bank": flow("load", steps, BYE)}) as ivr:
        waiting = await ivr.call()
        await ivr.service.until(lambda: any(call.is_waiting for call in ivr.service.calls), "waiting")
        late = await ivr.call(OTHER_NUMBER)
        await late.until_over()
        waiting.hang_up()
        rows = await ivr.service.rows(2)
    assert [(row.ani, row.queue) for row in rows] == [("0912345678", "empty"), (OTHER_NUMBER, "")]
    assert rows[1].journey
    assert rows[1].journey.steps[0].choice == "busy"


async def test_outside_the_opening_hours_the_caller_is_told_and_let_go(pbx: Asterisk, tmp_path: Path) -> None:
    other_day = DAYS[(datetime.now(UTC).weekday() + 3) % 7]
    hours = f"""
[steps.open]
kind = "hours"
hours = {{ time_zone = "UTC", {other_day} = ["09:00-10:00"] }}
open = "people"
closed = "bye"
"""
    async with house(pbx, tmp_path, {"bank": flow("open", hours, PEOPLE, BYE)}) as ivr:
        caller = await ivr.call()
        await caller.until_over()
        journey = await ivr.ended_as(IvrOutcome.AFTER_HOURS, Outcome.UNATTENDED)
        assert await ivr.said("Bye.") == 1
    assert journey.steps[0].choice == "closed"


async def test_a_later_caller_with_priority_is_served_first(pbx: Asterisk, tmp_path: Path) -> None:
    vip = """
[steps.vip]
kind = "set"
intent = "a complaint"
skills = ["technical", "french"]
priority = 5
next = "wait"
"""
    wait = '[steps.wait]\nkind = "to_queue"\nqueue = "keyed"\n'
    flows = {"plain": flow("wait", wait), "vip": flow("vip", vip, wait)}
    async with house(pbx, tmp_path, flows, lines={"0800100200": "vip"}) as ivr:
        ann = ivr.stage.agents["2001"]
        ann.refuse_with = 486
        early = await ivr.call()
        await ivr.service.until(lambda: sum(call.is_waiting for call in ivr.service.calls) == 1, "one waits")
        late = await ivr.call(OTHER_NUMBER, dnis="0800100200")
        await ivr.service.until(lambda: sum(call.is_waiting for call in ivr.service.calls) == 2, "two wait")
        ann.refuse_with = 0
        ringing = await ann.rings()
        assert ringing.remote_number == OTHER_NUMBER
        early.hang_up()
        late.hang_up()
        rows = await ivr.service.rows(2)
    journey = rows[1].journey
    assert journey
    assert (journey.intent, journey.skills) == ("a complaint", ("technical", "french"))
