"""The main story, end to end: a caller dials in, the agent's screen says who it is before the phone is picked up, they talk,
a note is written, a result picked by keyboard, and the call is on record, once."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page, async_playwright

from cti.calls.call import Outcome
from cti.store.interactions import Interaction
from tests.integration.console.fake_server import STATIC
from tests.integration.desktop.house import PASSWORD
from tests.integration.pbx.service import CUSTOMER, CUSTOMER_NUMBER, Service
from tests.testbed import parts, sipp
from tests.testbed.asterisk import Asterisk
from tests.testbed.fixtures import require
from tests.testbed.sipp import AwaitHangUp, HangUp, Sipp, Wait

pytestmark = pytest.mark.browser

SUPPORT = "0800100100"
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
NOTE = "Invoice 7 charged twice; wants a credit note."
RING_S = 2.5


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    require("sipp", "chromium")
    if not (STATIC / "index.html").exists():
        pytest.skip("NOT RUN: the console is not built (make console)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(parts.chromium()), args=list(FLAGS))
        context = await browser.new_context(locale="en-GB", viewport={"width": 1366, "height": 768})
        opened = await context.new_page()
        opened.set_default_timeout(10_000)
        yield opened
        await context.close()
        await browser.close()


async def log_in(page: Page, service: Service) -> None:
    await page.goto(f"http://localhost:{service.site.web_port}")
    await page.get_by_label("Agent", exact=True).fill("ann")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await page.get_by_text("Live", exact=True).wait_for()


@contextlib.asynccontextmanager
async def a_call(pbx: Asterisk, *, ring_s: float, talk_s: float) -> AsyncIterator[tuple[Sipp, Sipp]]:
    """SIPp's agent rings and waits; SIPp's caller dials, talks and hangs up."""
    agent = Sipp(sipp.agent(AwaitHangUp(), ring_s=ring_s), pbx.ports.sip, pbx.ports.agents["2001"])
    caller = Sipp(sipp.caller(Wait(talk_s), HangUp()), pbx.ports.sip, rows=[(CUSTOMER_NUMBER, "Lin", SUPPORT)])
    async with agent as ann, caller as lin:
        yield ann, lin


async def receipts(service: Service, row: Interaction) -> list[str]:
    return [fact.data["step"] for fact in await service.log.facts(row.call) if fact.type == "cti.pop.receipt.v1"]


async def test_a_call_rings_and_the_caller_s_record_is_on_the_agent_s_screen(
    asterisk: Asterisk, service: Service, page: Page
) -> None:
    await log_in(page, service)
    async with a_call(asterisk, ring_s=RING_S, talk_s=RING_S + 4) as (ann, lin):
        pop = page.locator(".pop")
        await pop.get_by_text(CUSTOMER).first.wait_for()
        (call,) = service.calls
        assert call.state == "ringing"
        assert call.answered_at is None

        await page.locator("#note").wait_for()
        await pop.wait_for(state="hidden")
        await page.locator("#note").fill(NOTE)
        await page.get_by_text("Draft saved").wait_for()
        assert [await lin.wait(), await ann.wait()] == [0, 0], lin.errors() + ann.errors()

    await page.get_by_text("Call ended after").wait_for()
    await page.get_by_role("combobox", name="Result").focus()
    await page.keyboard.press("1")
    await page.keyboard.press("Control+Enter")
    row = await noted(service)

    assert (row.direction, row.ani, row.queue, row.agent, row.outcome) == (
        "inbound",
        CUSTOMER_NUMBER,
        "support",
        "ann",
        Outcome.ANSWERED,
    )
    assert (row.contact, row.contact_name) == ("k1", CUSTOMER)
    assert (row.note, row.result) == (NOTE, "solved")
    assert row.ended_by == "customer"
    assert await receipts(service, row) == ["decided", "sent", "received", "shown"]


async def noted(service: Service, within_s: float = 10.0) -> Interaction:
    """The one row, with the result in it."""
    deadline = time.monotonic() + within_s
    while not (row := await service.row()).result and time.monotonic() < deadline:  # noqa: ASYNC110 - nothing announces it
        await asyncio.sleep(0.05)
    return row
