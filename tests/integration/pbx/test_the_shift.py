"""A whole shift at the desk, on a real Asterisk, with SIPp's phones, callers and a real Chromium: after each step PBX, record
and screen say the same."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import Locator, Page, async_playwright, expect

from cti import settings
from cti.agents.agent import Agent, AgentId, AgentRole
from cti.errors import Conflict
from cti.store.database import Database
from cti.store.sql_people import SqlPeople
from cti.web.passwords import hash_password
from tests.integration.console.fake_server import STATIC
from tests.integration.desktop.browser import Browser
from tests.integration.desktop.house import PASSWORD
from tests.integration.pbx.service import CUSTOMER, CUSTOMER_NUMBER, Service, Site, one_customer, serving, until_pbx
from tests.integration.pbx.test_main_story import FLAGS
from tests.testbed import parts, sipp
from tests.testbed.asterisk import Asterisk
from tests.testbed.fixtures import require
from tests.testbed.sipp import AwaitHangUp, Sipp, Speak

pytestmark = pytest.mark.browser

CARE: Final = "0800100450"
QUEUE: Final = "care"
ANSWERS: Final = sipp.agent(Speak(), AwaitHangUp(), ring_s=1.5)
SCREEN_MS: Final = 15_000
MANY: Final = 20
"""Calls that a phone of SIPp's takes before it ends."""


@pytest.fixture
def site(asterisk: Asterisk, tmp_path: Path) -> Site:
    return Site(
        {"main": asterisk}, tmp_path, desk=settings.Desk(reload_s=2.0), agent_queues=(QUEUE,),
        queue=settings.Queue(wrap_up="required", wrap_up_s=60.0, missed_limit=1, extension="3009"),
    )  # fmt: skip


@pytest.fixture
async def service(site: Site) -> AsyncIterator[Service]:
    async with serving(site, prepare=people) as running:
        yield running
        assert await running.broken() == []


async def people(database: Database) -> None:
    """One customer, and a supervisor without a phone."""
    await one_customer(database)
    sue = Agent(id=AgentId("sue"), name="Sue", role=AgentRole.SUPERVISOR)
    with contextlib.suppress(Conflict):  # a service started again
        await SqlPeople(database).add(sue, hash_password(PASSWORD))


@pytest.fixture
async def chromium() -> AsyncIterator[Chromium]:
    require("sipp", "chromium")
    if not (STATIC / "index.html").exists():
        pytest.skip("NOT RUN: the console is not built (make console)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(parts.chromium()), args=list(FLAGS))
        yield browser
        await browser.close()


async def desk_of(chromium: Chromium, service: Service, agent: str) -> Page:
    context = await chromium.new_context(locale="en-GB", viewport={"width": 1280, "height": 720})
    page = await context.new_page()
    page.set_default_timeout(15_000)
    await page.goto(f"http://localhost:{service.site.web_port}")
    await page.get_by_label("Agent", exact=True).fill(agent)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_text("Live", exact=True).wait_for()
    return page


@dataclass(slots=True)
class Shift:
    """Ann's and Bob's desks, their phones, and the three sides that must agree."""

    pbx: Asterisk
    service: Service

    def phone(self, number: str, scenario: str) -> Sipp:
        return Sipp(scenario, self.pbx.ports.sip, self.pbx.ports.agents[number], calls=MANY)

    def caller(self) -> Sipp:
        return Sipp(sipp.caller(AwaitHangUp()), self.pbx.ports.sip, rows=[(CUSTOMER_NUMBER, "Lin", CARE)])

    async def agree(self, page: Page, agent: str, state: str, said: str, *, paused: str | None) -> None:
        """``state`` on record, ``said`` on the screen; in the PBX's queue paused with this reason, not paused (empty), or
        no member (None)."""
        try:
            await expect(the_state(page)).to_contain_text(said, timeout=SCREEN_MS)
            await until_pbx(self.pbx, lambda pbx: member(pbx, agent) == paused)
        except (AssertionError, TimeoutError) as wrong:
            shown = self.pbx.cli(f"queue show {QUEUE}")
            raise AssertionError(f"{agent} should be {state}, paused {paused!r}: {wrong}\n{shown}") from None
        assert await self.on_record(agent, state) == state

    async def on_record(self, agent: str, wanted: str) -> str:
        """The last state on record; what is on its way there is waited for."""
        found = ""
        for _ in range(200):
            known = await self.service.log.last_states()
            found = next((str(one.state) for one in known if one.agent == agent), "")
            if found == wanted:
                break
            await asyncio.sleep(0.05)
        return found


def member(pbx: Asterisk, agent: str) -> str | None:
    """As ``queue show`` has it: None for no member, the reason of a paused one, else empty."""
    line = next((line for line in pbx.cli(f"queue show {QUEUE}").splitlines() if f" {agent.title()} (" in line), None)
    if line is None:
        return None
    found = re.search(r"\(paused:?([^()]*?)(?: was [^()]*)?\)", line)
    return (found[1].strip() or "?") if found else ""


def has_rested(pbx: Asterisk) -> bool:
    """The queue holds the next call back for two seconds after one, from whoever had it."""
    return not re.search(r"last was [0-2] secs ago", pbx.cli(f"queue show {QUEUE}"))


def the_state(page: Page) -> Locator:
    return page.get_by_role("button", name="Your state")


def bar(page: Page) -> Locator:
    return page.get_by_role("region", name="Current call")


def control(page: Page, name: str) -> Locator:
    return bar(page).get_by_role("button", name=name, exact=True)


async def ends(page: Page) -> None:
    await bar(page).locator("[data-action=hangup]").click()


async def force(service: Service, agent: str, state: str) -> None:
    """What the supervisor's board will do."""
    async with Browser(service) as browser:  # type: ignore[arg-type]
        await browser.log_in("sue")
        body: dict[str, Any] = {"id": f"force-{agent}-{state}", "state": state}
        status, answer = await browser.ask("POST", f"/api/v1/agents/{agent}/state", body)
        assert status == 202, answer


async def test_the_whole_shift(asterisk: Asterisk, service: Service, chromium: Chromium) -> None:
    shift = Shift(asterisk, service)
    async with shift.phone("2002", ANSWERS):
        ann = await desk_of(chromium, service, "ann")
        bob = await desk_of(chromium, service, "bob")
        await logged_in_and_ready(shift, ann)
        async with shift.phone("2001", ANSWERS), shift.caller() as lin:
            await takes_a_call(shift, ann)
            await hands_it_to_bob(shift, ann, bob)
            await bob_finishes_it(shift, bob, lin)
        await until_pbx(asterisk, has_rested)
        async with shift.phone("2001", sipp.silent_agent()), shift.caller() as lin:
            await misses_a_call_that_bob_takes(shift, ann, bob, lin)
        await is_sent_off_by_the_supervisor(shift, ann)
        async with shift.phone("2001", ANSWERS), shift.caller() as lin:
            await reloads_in_mid_call(shift, ann)
            ann = await loses_the_desktop_and_not_the_call(shift, ann, chromium)
            await ends(ann)
            assert await lin.wait() == 0, lin.errors()
            await finishes(ann)
            await shift.agree(ann, "ann", "READY", "Ready", paused="")
        await goes_home(shift, ann)


async def logged_in_and_ready(shift: Shift, ann: Page) -> None:
    await shift.agree(ann, "ann", "NOT_READY", "Not ready", paused="logged_in")
    await ann.locator("body").press("r")
    await shift.agree(ann, "ann", "READY", "Ready", paused="")


async def takes_a_call(shift: Shift, ann: Page) -> None:
    """Rings, with the customer on the screen; on hold, and back."""
    await shift.agree(ann, "ann", "RESERVED", "Ringing", paused="")
    await ann.locator(".pop").get_by_text(CUSTOMER).first.wait_for()
    await shift.agree(ann, "ann", "TALKING", "On call", paused="")
    await control(ann, "Hold").click()
    await shift.agree(ann, "ann", "HOLD", "On hold", paused="")
    await control(ann, "Retrieve").click()
    await shift.agree(ann, "ann", "TALKING", "On call", paused="")


async def hands_it_to_bob(shift: Shift, ann: Page, bob: Page) -> None:
    """Asked first; the customer is on Bob's screen, and Ann has the paperwork of her part."""
    await bob.locator("body").press("r")
    await shift.agree(bob, "bob", "READY", "Ready", paused="")
    await asks_bob(ann)
    await shift.agree(bob, "bob", "TALKING", "On call", paused="")
    await control(ann, "Hand over").click()
    await shift.agree(ann, "ann", "WORK_READY", "Wrap-up", paused="wrap_up")
    await expect(bar(bob)).to_contain_text(CUSTOMER)
    await finishes(ann)
    await shift.agree(ann, "ann", "READY", "Ready", paused="")


async def bob_finishes_it(shift: Shift, bob: Page, lin: Sipp) -> None:
    await ends(bob)
    assert await lin.wait() == 0, lin.errors()
    await shift.agree(bob, "bob", "WORK_READY", "Wrap-up", paused="wrap_up")
    await finishes(bob)
    await shift.agree(bob, "bob", "READY", "Ready", paused="")
    row = await shift.service.row()
    assert (row.agent, row.result, row.contact_name) == ("bob", "solved", CUSTOMER)
    assert [part.agent for part in row.handled_by if part.connected_at] == ["ann", "bob"]


async def misses_a_call_that_bob_takes(shift: Shift, ann: Page, bob: Page, lin: Sipp) -> None:
    await shift.agree(ann, "ann", "NOT_READY", "Missed a call", paused="missed_call")
    await shift.agree(bob, "bob", "TALKING", "On call", paused="")
    await ends(bob)
    assert await lin.wait() == 0, lin.errors()
    await finishes(bob)
    await shift.agree(bob, "bob", "READY", "Ready", paused="")
    await bob.locator("body").press("Control+Shift+R")
    await bob.locator("body").press("1")
    await shift.agree(bob, "bob", "NOT_READY", "Break", paused="Break")
    await ann.locator("body").press("r")
    await shift.agree(ann, "ann", "READY", "Ready", paused="")


async def is_sent_off_by_the_supervisor(shift: Shift, ann: Page) -> None:
    await force(shift.service, "ann", "NOT_READY")
    await shift.agree(ann, "ann", "NOT_READY", "Set by a supervisor", paused="forced")
    await force(shift.service, "ann", "READY")
    await shift.agree(ann, "ann", "READY", "Ready", paused="")


async def reloads_in_mid_call(shift: Shift, ann: Page) -> None:
    await shift.agree(ann, "ann", "TALKING", "On call", paused="")
    await ann.reload()
    await expect(bar(ann)).to_contain_text(CUSTOMER)
    await shift.agree(ann, "ann", "TALKING", "On call", paused="")


async def loses_the_desktop_and_not_the_call(shift: Shift, ann: Page, chromium: Chromium) -> Page:
    """The browser is gone: the PBX offers no further call, this one goes on, and a new desktop finds it."""
    await ann.context.close()
    await until_pbx(shift.pbx, lambda pbx: member(pbx, "ann") == "connection_lost")
    assert await shift.on_record("ann", "TALKING") == "TALKING"
    (call,) = shift.service.calls
    assert call.state == "talking"
    ann = await desk_of(chromium, shift.service, "ann")
    await shift.agree(ann, "ann", "TALKING", "On call", paused="")
    return ann


async def goes_home(shift: Shift, ann: Page) -> None:
    await ann.get_by_role("button", name="Log out", exact=True).click()
    await expect(ann.get_by_label("Password")).to_be_visible()
    await until_pbx(shift.pbx, lambda pbx: member(pbx, "ann") is None)
    assert await shift.on_record("ann", "LOGOUT") == "LOGOUT"


async def asks_bob(page: Page) -> None:
    await control(page, "Transfer").click()
    panel = page.get_by_role("dialog", name="Transfer")
    await panel.get_by_role("combobox").fill("bob")
    await expect(panel.get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(bar(page).get_by_role("group", name="Consultation").get_by_role("listitem")).to_have_count(2)


async def finishes(page: Page) -> None:
    """Two keys: the first result, and ready again."""
    result = page.get_by_role("combobox", name="Result")
    await result.focus()
    await page.keyboard.press("1")
    await page.keyboard.press("Control+Enter")
