"""The README's pictures, taken from the demo itself: ``.venv/bin/python docs/images/take.py``. Needs Chromium."""

import asyncio
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

HERE = Path(__file__).parent
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
    await page.wait_for_timeout(4000)  # until the draft is saved
    await page.screenshot(path=HERE / "talking.png")


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
                await take(browser, f"http://localhost:{port}")
                await browser.close()
        finally:
            demo.terminate()
            await demo.wait()


if __name__ == "__main__":
    asyncio.run(main())
