"""A page of somebody else's, opened by an agent who is logged in, gets neither a socket nor an answer (trust: H30)."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from playwright.async_api import Page, async_playwright

from tests.integration.desktop.house import PASSWORD, House
from tests.ports import free_port

CHROMIUM = os.environ.get("CTI_CHROMIUM") or shutil.which("chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip
LOG_IN = """async () => {
  const said = await fetch('/api/v1/session', {method: 'POST', headers: {'Content-Type': 'application/json'},
    body: JSON.stringify({agent: 'mara', password: PASSWORD})});
  return said.status;
}"""
KNOCK = """url => new Promise(told => {
  const socket = new WebSocket(url);
  socket.onopen = () => told('open');
  socket.onclose = event => told(event.code);
})"""
TICKET = "url => fetch(url, {method: 'POST', credentials: 'include'}).then(said => said.status, () => 'refused')"

pytestmark = pytest.mark.browser


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    if CHROMIUM is None:
        pytest.skip("NOT RUN: needs Chromium (apt-get install chromium, or CTI_CHROMIUM=/path)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield await browser.new_page()
        await browser.close()


@pytest.fixture
async def elsewhere() -> AsyncIterator[str]:
    """A page on another port of the same host: another origin, and yet the browser sends it our cookies."""

    async def empty(_: web.Request) -> web.Response:
        return web.Response(text="<!doctype html><title>elsewhere</title>", content_type="text/html")

    app = web.Application()
    app.router.add_get("/", empty)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}/"
    await runner.cleanup()


async def logged_in(page: Page, house: House) -> None:
    await page.goto(f"{house.origin}/healthz")
    assert await page.evaluate(LOG_IN.replace("PASSWORD", repr(PASSWORD))) == 201


async def test_42_ws_origin_a_foreign_page_gets_no_socket(page: Page, house: House, elsewhere: str) -> None:
    await logged_in(page, house)
    await page.goto(elsewhere)
    async with asyncio.timeout(10):
        assert await page.evaluate(KNOCK, house.ws_url) == 1006
    assert house.hub.refused["origin"] == 1


async def test_42_ws_origin_a_foreign_page_gets_no_ticket(page: Page, house: House, elsewhere: str) -> None:
    await logged_in(page, house)
    await page.goto(elsewhere)
    assert await page.evaluate(TICKET, f"{house.origin}/api/v1/session/ticket") == "refused"


async def test_42_ws_origin_our_own_page_gets_through_the_door(page: Page, house: House) -> None:
    await logged_in(page, house)
    async with asyncio.timeout(10):
        assert await page.evaluate(KNOCK, house.ws_url) == "open"
