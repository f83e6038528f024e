"""The pictures of the documentation: ``.venv/bin/python docs/images/take.py``. Needs Chromium, or CTI_CHROMIUM.

From the demo itself; what its recorded calls cannot do (transfers) comes from the scenes that the console's tests look at.
"""

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from tests.integration.console.scenes import desk_server, still  # noqa: E402 - the checkout has to be found first
from tests.integration.console.test_states import SCENES  # noqa: E402

OF_SCENES = {"transfer": "transfer_panel", "consultation": "consultation"}
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--force-color-profile=srgb",
)  # fmt: skip
SIZE = {"width": 1280, "height": 720}


def free_port() -> int:
    """One whose neighbour is free too."""
    with socket.socket() as first, socket.socket() as second:
        first.bind(("127.0.0.1", 0))
        second.bind(("127.0.0.1", first.getsockname()[1] + 1))
        return int(first.getsockname()[1])


async def open_page(browser: Browser, url: str, **more: str) -> Page:
    context = await browser.new_context(viewport=SIZE, locale=more.get("locale", "en-GB"), color_scheme=more.get("scheme", "light"))
    page = await context.new_page()
    await page.goto(url)
    return page


async def log_in(page: Page, agent: str) -> None:
    await page.fill("input[name=agent]", agent)
    await page.fill("input[name=password]", f"welcome-{agent}")
    await page.click("button[type=submit]")


async def pop_of(page: Page, text: str) -> None:
    await page.locator("[data-pop]", has_text=text).first.wait_for(timeout=240_000)
    await page.wait_for_timeout(700)  # until what follows the pop has been painted


async def take(browser: Browser, url: str) -> None:
    page, dark = await open_page(browser, url), await open_page(browser, url, locale="zh-TW", scheme="dark")
    await page.locator(".demo").wait_for()
    await page.screenshot(path=HERE / "log-in.png")
    await log_in(page, "ann")
    await log_in(dark, "cho")
    await asyncio.gather(light_pictures(page), dark_picture(dark))
    await report_picture(await open_page(browser, url))


async def light_pictures(page: Page) -> None:
    await pop_of(page, "Anna Berg")
    await page.screenshot(path=HERE / "pop.png")
    await page.locator("[data-pop]").first.wait_for(state="detached", timeout=60_000)
    await page.locator("textarea").first.fill("Charged twice; refund of 189.00 confirmed for Friday.")
    await page.get_by_text("Draft saved").wait_for()
    await page.screenshot(path=HERE / "talking.png")
    await page.locator("h1").first.click()
    await page.keyboard.press("Control+Shift+R")
    await page.get_by_role("menu").wait_for()
    await page.screenshot(path=HERE / "state.png")
    await page.keyboard.press("1")
    await page.get_by_role("region", name="Wrap-up").wait_for(timeout=120_000)
    await page.get_by_role("combobox", name="Result").press("1")
    await page.wait_for_timeout(3000)  # until my day has been counted anew
    await page.screenshot(path=HERE / "wrap-up.png")


async def dark_picture(page: Page) -> None:
    await page.locator("[data-pop]").first.wait_for(timeout=240_000)
    await page.wait_for_timeout(900)
    await page.screenshot(path=HERE / "pop-dark-zh.png")


async def report_picture(page: Page) -> None:
    await log_in(page, "sue")
    await page.get_by_role("link", name="Reports").click()
    await page.locator(".drawing svg").wait_for()
    await page.get_by_role("button", name="Show the step").click()
    await page.wait_for_timeout(500)
    await page.screenshot(path=HERE / "report.png")


async def of_scenes(browser: Browser) -> None:
    for picture, scene in OF_SCENES.items():
        async with desk_server(logged_in=True).running() as server:
            context = await browser.new_context(viewport=SIZE, locale="en-GB")
            page = await context.new_page()
            await SCENES[scene](server, page)
            server.floor.on_call()
            await page.get_by_role("button", name="Your state").wait_for()
            await page.evaluate("document.fonts.ready")
            await still(page)
            await page.screenshot(path=HERE / f"{picture}.png")
            await context.close()


async def main() -> None:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        demo = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("cti"), "demo", "--port", str(port), cwd=folder, stdout=asyncio.subprocess.PIPE
        )
        try:
            while demo.stdout and b"Open" not in await demo.stdout.readline():
                pass
            async with async_playwright() as playwright:
                path = os.environ.get("CTI_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
                browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
                await of_scenes(browser)
                await take(browser, f"http://localhost:{port}")
                await browser.close()
        finally:
            demo.terminate()
            await demo.wait()


if __name__ == "__main__":
    asyncio.run(main())
