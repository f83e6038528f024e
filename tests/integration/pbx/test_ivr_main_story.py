"""The main story with an IVR, end to end: callers key, and whoever needs a person meets one who has read it all already.

SIPp calls and keys; Chromium is the agent's screen; both versions of Asterisk.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from cti.calls.call import Outcome
from cti.calls.journey import DOT, IvrOutcome, Journey
from cti.ivr import spoken
from tests.integration.pbx import test_main_story as desk
from tests.integration.pbx.ivr_house import BYE, CODE, PEOPLE, PIN, asking_pbx, flow, house
from tests.testbed import parts, sipp
from tests.testbed.asterisk import Asterisk
from tests.testbed.sipp import AwaitHangUp, HangUp, Press, Sipp, Step, Wait
from tests.testbed.story import SUPPORT

pytestmark = [pytest.mark.real_asterisk, pytest.mark.browser]

page = desk.page
BANK = flow(
    "language",
    """
[steps.language]
kind = "language"
prompt = { en = "English 1.", zh-Hant = "中文按 2。" }
choices = { 1 = "en", 2 = "zh-Hant" }
next = "code"
[steps.code]
kind = "identify"
label = "Customer code"
confirm = false
found = "menu"
unknown = "people"
[steps.menu]
kind = "menu"
prompt = { en = "Menu.", zh-Hant = "選單。" }
choices.1 = { to = "pin_for_order", label = "Order status" }
choices.2 = { to = "billing", label = "Billing", intent = "billing" }
wait_s = 20
otherwise = "people"
[steps.pin_for_order]
kind = "authenticate"
label = "PIN"
next = "order"
otherwise = "people"
[steps.order]
kind = "tell"
what = "order"
next = "more"
unverified = "people"
[steps.pin]
kind = "authenticate"
label = "PIN"
next = "people"
otherwise = "people"
[steps.more]
kind = "menu"
prompt = { en = "More?", zh-Hant = "還有嗎" }
choices = { 1 = "menu" }
wait_s = 20
otherwise = "bye"
[steps.billing]
kind = "menu"
label = "Billing"
prompt = { en = "Billing.", zh-Hant = "帳單。" }
choices.1 = { to = "pin", label = "Invoice is wrong", intent = "a wrong invoice" }
wait_s = 20
otherwise = "people"
""",
    PEOPLE,
    BYE.replace('"Bye."', '{ en = "Bye.", zh-Hant = "再見。" }'),
    head="""
label = "Bank"
languages = ["en", "zh-Hant"]
[prompts]
std_enter_code = { en = "Code.", zh-Hant = "代碼。" }
std_enter_pin = { en = "PIN.", zh-Hant = "密碼。" }
std_order = { en = "Order {order}.", zh-Hant = "訂單 {order}。" }
""",
)
WHO = f"1{CODE}#"
TONE_MS = 150
HEARS_US_S = 2.0
"""After the answer; keys pressed before we speak are heard by nobody."""
WAY = ("Customer code", "Billing", "Invoice is wrong", "PIN", "people")
"""As the agent reads it."""
NUMBERS = ("0911111111", "0922222222", "0933333333")
"""Of telephones that nobody has on record: what the agent knows, the caller has keyed."""


@pytest.fixture(scope="module", params=parts.ASTERISK_VERSIONS)
def pbx(request: pytest.FixtureRequest) -> Iterator[Asterisk]:
    with asking_pbx(request.param) as started:
        yield started


def calls(pbx: Asterisk, number: str, keys: str, *steps: Step) -> Sipp:
    """Keys all of it at once: whoever knows the menu does not wait for it."""
    return Sipp(
        sipp.caller(Wait(HEARS_US_S), Press(keys, TONE_MS), *steps), pbx.ports.sip, rows=[(number, "Somebody", SUPPORT)]
    )


async def test_what_callers_key_serves_them_or_is_on_the_screen_of_who_does(
    pbx: Asterisk, tmp_path: Path, page: Page
) -> None:
    async with house(pbx, tmp_path, {"bank": BANK}) as ivr:
        await desk.log_in(page, ivr.service)
        async with calls(pbx, NUMBERS[0], f"{WHO}21{PIN}#", AwaitHangUp()) as first:
            ringing = await ivr.stage.agents["2001"].rings()
            await reads_all_of_it(page)
            assert ringing.answered_at == 0, "the screen knows before anybody has said a word"
            ringing.answer()
            await page.locator("#note").wait_for()
            await (
                page.get_by_role("button", name="Hide steps")
                .or_(page.get_by_role("button", name="steps"))
                .first.wait_for()
            )
            ringing.hang_up()
            assert await first.wait() == 0, first.errors()

        async with calls(pbx, NUMBERS[1], f"{WHO}1{PIN}#", Wait(7), HangUp()) as second:
            assert await second.wait() == 0, second.errors()
        assert await ivr.said(spoken.words(spoken.Digits("88301"), "en")) == 1

        async with calls(pbx, NUMBERS[2], f"{WHO}2", Wait(1), HangUp()) as third:
            assert await third.wait() == 0, third.errors()
        rows = await ivr.service.rows(3)

    first_row, second_row, third_row = rows
    to_agent, self_served, gave_up = [way(row.journey) for row in rows]
    assert [row.ani for row in rows] == list(NUMBERS)
    assert {row.contact for row in rows} == {"k1"}
    assert (first_row.outcome, first_row.agent) == (Outcome.ANSWERED, "ann")
    assert (to_agent.outcome, to_agent.to, to_agent.intent) == (IvrOutcome.TO_AGENT, "queue support", "a wrong invoice")
    assert [step.step for step in to_agent.steps] == ["language", "code", "menu", "billing", "pin", "people"]
    assert (to_agent.is_verified, to_agent.steps[4].keyed) == (True, len(PIN) * DOT)
    assert (second_row.outcome, self_served.outcome, self_served.at_step) == (
        Outcome.UNATTENDED,
        IvrOutcome.SELF_SERVED,
        "more",
    )
    assert (third_row.outcome, gave_up.outcome, gave_up.at_step) == (
        Outcome.UNATTENDED,
        IvrOutcome.ABANDONED,
        "billing",
    )


async def reads_all_of_it(page: Page) -> None:
    """The pop, while the phone rings: who it is, that they proved it, which way they came and what they want."""
    pop = page.locator(".pop")
    await expect(pop.get_by_text("Lin Mei-hua").first).to_be_visible()
    await expect(pop.get_by_text("PIN verified")).to_be_visible()
    await expect(pop.get_by_text("Wants: A wrong invoice")).to_be_visible()
    way = pop.get_by_role("list", name="Way through the menu")
    await expect(way).to_have_attribute("title", " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} ".join(WAY))


def way(journey: Journey | None) -> Journey:
    assert journey
    return journey
