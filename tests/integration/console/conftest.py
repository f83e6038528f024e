"""One Chromium for all of the console's tests, a server and a page for each."""

import os
import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from tests.integration.console.fake_server import STATIC, FakeServer
from tests.integration.console.scenes import desk_server

CHROMIUM = os.environ.get("CTI_CHROMIUM") or shutil.which("chromium")
IS_BUILT = (STATIC / "index.html").exists()
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
)  # fmt: skip


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("NOT RUN: the console's tests need Chromium (apt-get install chromium, or CTI_CHROMIUM=/path)")
    if not IS_BUILT:
        pytest.skip("NOT RUN: the console is not built (make console)")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield started
        await started.close()


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[FakeServer]:
    async with desk_server(logged_in=True).running() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def page(browser: Browser) -> AsyncIterator[Page]:
    """Every message on the browser's console is a failure: broken policy, lost promise, missing file."""
    context = await browser.new_context(viewport={"width": 1366, "height": 768}, locale="en-GB", color_scheme="light")
    page = await context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if _matters(message.type, message.text) else None)
    yield page
    await context.close()
    assert wrong == []


def _matters(kind: str, text: str) -> bool:
    """Refused requests and cut sockets are what some tests are about; Chromium logs each."""
    expected = ("Failed to load resource", "WebSocket connection to")
    return kind in {"error", "warning"} and not text.startswith(expected) and "AudioContext was not allowed" not in text
