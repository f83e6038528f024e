"""The states of the agent's desk: axe finds nothing, in light and in dark, and there is a picture to look at."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from cti.screenpop import messages as m
from cti.web.schemas import DayView, ResultChoice, ResultField
from tests.integration.console import scenes
from tests.integration.console.fake_floor import Floor
from tests.integration.console.fake_server import FakeServer, now
from tests.integration.console.test_agent_desk import REFUND, callback, item, note, opened, result, state, wrap_up
from tests.integration.console.test_states import AXE, PICTURES, Scene, overflows, violations

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

SCENES: dict[str, Scene] = {}
DAY = DayView(
    since=now(), until=now(), logged_in_s=14_000, seconds={"READY": 5400.0}, handled=17, talk_s=4800.0, hold_s=60.0,
    wrap_up_s=840.0, missed=1, average_handle_s=300.0,
)  # fmt: skip
LONG_NAME = "Maximiliane-Alexandra von Hohenzollern-Sigmaringen"
LONG_QUEUES = ("Verkehrswegeinfrastruktur", "Finanzierungsberatung international", "Support")
MANY = tuple(
    ResultChoice(code=f"r{n}", label=f"Contract question no. {n:02} xyz", fields=(ResultField(name="why", label="Why exactly, and since when"),))
    for n in range(15)
)  # fmt: skip


def scene(play: Scene) -> Scene:
    SCENES[f"agent_{play.__name__}"] = play
    return play


def with_callbacks(floor: Floor) -> None:
    floor.day = DAY
    floor.callbacks = {
        "a": callback("a", "Anna Berg", tries=1, note="Ring after three, please."),
        "b": callback("b", "", number="+886223456789", queue="Support", requested_at=now() - timedelta(hours=26)),
        "c": callback("c", LONG_NAME, queue=LONG_QUEUES[1], reason="Verkehrswegeinfrastrukturfinanzierung"),
        "d": callback("d", "陳美玲", state="claimed"),
    }
    floor.mine.add("d")


async def on_a_call(server: FakeServer, page: Page, **more: Any) -> m.CallView:
    server.floor.is_now("READY")
    await opened(server, page)
    pop = scenes.anna()
    server.pop(pop)
    call = server.answered(pop)
    server.floor.on_call(**more)
    await note(page).wait_for()
    return call


async def in_wrap_up(server: FakeServer, page: Page, **more: Any) -> m.CallView:
    call = await on_a_call(server, page)
    server.floor.wrapping(call.call, **more)
    server.ended(call)
    await wrap_up(page).wait_for()
    return call


@scene
async def idle_ready(server: FakeServer, page: Page) -> None:
    with_callbacks(server.floor)
    server.floor.is_now("READY")
    await opened(server, page)
    await page.get_by_text("Anna Berg").first.wait_for()


@scene
async def idle_not_ready(server: FakeServer, page: Page) -> None:
    server.floor.not_ready(901, reason="logged_in", cause="logged_in")
    await opened(server, page)


@scene
async def menu_open(server: FakeServer, page: Page) -> None:
    server.floor.not_ready(2)
    await opened(server, page)
    await state(page).click()
    await item(page, "Lunch").wait_for()


@scene
async def menu_in_a_call(server: FakeServer, page: Page) -> None:
    await on_a_call(server, page)
    await state(page).click()
    await item(page, "Lunch").wait_for()


@scene
async def menu_forced(server: FakeServer, page: Page) -> None:
    server.floor.not_ready(900, reason="forced", cause="forced", made_by="supervisor", by="Sue Park")
    await opened(server, page)
    await state(page).click()
    await item(page, "Lunch").wait_for()


@scene
async def missed(server: FakeServer, page: Page) -> None:
    server.floor.not_ready(902, reason="missed_call", cause="missed_call", made_by="system", by="")
    await opened(server, page)
    await page.get_by_text("Press R to be ready.").wait_for()


@scene
async def break_after_the_call(server: FakeServer, page: Page) -> None:
    pending = m.PendingView(state="NOT_READY", reason_code=5, reason="Paperwork", cause="chosen")
    await on_a_call(server, page, pending=pending)
    await page.get_by_text("Paperwork after this call").wait_for()


@scene
async def not_confirmed(server: FakeServer, page: Page) -> None:
    server.floor.is_now("READY", is_confirmed=False, trouble="Unable to add interface: No such queue")
    await opened(server, page)
    await page.get_by_text("No such queue").wait_for()


@scene
async def wrap_up_required(server: FakeServer, page: Page) -> None:
    server.results = (REFUND, *scenes.RESULTS)
    await in_wrap_up(server, page, kind="required", seconds=58)


@scene
async def wrap_up_fields_wrong(server: FakeServer, page: Page) -> None:
    server.results = (REFUND, *scenes.RESULTS)
    await in_wrap_up(server, page, kind="required", seconds=12)
    await result(page).press("1")
    await page.keyboard.press("Control+Enter")
    await page.get_by_text("is needed").wait_for()


@scene
async def wrap_up_reasons(server: FakeServer, page: Page) -> None:
    await in_wrap_up(server, page, seconds=None)
    await page.get_by_role("button", name="Save and not ready").click()
    await page.get_by_role("menuitem", name="Lunch").wait_for()


@scene
async def wrap_up_late(server: FakeServer, page: Page) -> None:
    await in_wrap_up(server, page, kind="required")
    await note(page).fill("She will send the invoice again, and wants to hear from us by Friday.")
    server.floor.over()
    await page.get_by_role("note").wait_for()


@scene
async def long_names(server: FakeServer, page: Page) -> None:
    server.me = scenes.replace(scenes.MARA, name=LONG_NAME, queues=LONG_QUEUES, role="supervisor")
    server.results = MANY
    server.floor.reasons = tuple((n, f"Sitzung des Betriebsrats {n}, lang"[:29]) for n in range(1, 10))
    with_callbacks(server.floor)
    pending = m.PendingView(state="NOT_READY", reason_code=1, reason="Sitzung des Betriebsrats 1, l", cause="chosen")
    await in_wrap_up(server, page, kind="required", pending=pending)
    await result(page).press("1")
    for n in range(3):
        server.floor.warn("not_classified", f"{LONG_NAME} {n}", text="no result within the time")
    await page.get_by_role("region", name="For supervisors").wait_for()


@scene
async def closing_a_callback(server: FakeServer, page: Page) -> None:
    await idle_ready(server, page)
    await page.get_by_role("button", name="Close the callback to").click()


@pytest.mark.parametrize("name", SCENES)
async def test_axe_finds_nothing(name: str, server: FakeServer, page: Page) -> None:
    if not AXE.exists():
        pytest.skip("NOT RUN: axe-core is not installed (npm ci in console/)")
    await SCENES[name](server, page)
    await page.evaluate("document.fonts.ready")
    await scenes.still(page)
    await page.screenshot(path=PICTURES / f"{name}.light.png")
    light = await violations(page)
    await page.emulate_media(color_scheme="dark")
    await scenes.still(page)
    await page.screenshot(path=PICTURES / f"{name}.dark.png")
    assert light == []
    assert await violations(page) == []
    assert await overflows(page) == []


@pytest.mark.parametrize(
    "name", ["agent_idle_ready", "agent_menu_open", "agent_wrap_up_fields_wrong", "agent_long_names"]
)
async def test_fits_the_window(name: str, server: FakeServer, page: Page) -> None:
    await SCENES[name](server, page)
    await page.evaluate("document.fonts.ready")
    for width, height in ((1280, 720), (1920, 1080), (1024, 768), (390, 844), (320, 640)):
        await page.set_viewport_size({"width": width, "height": height})
        await scenes.still(page)
        await page.screenshot(path=PICTURES / f"{name}.{width}.png")
        assert await overflows(page) == [], f"{width}x{height}"


@pytest.mark.parametrize("locale", ["zh-TW", "zh-CN"])
async def test_speaks(locale: str, server: FakeServer, browser: Browser) -> None:
    context = await browser.new_context(viewport={"width": 1280, "height": 720}, locale=locale, color_scheme="dark")
    page = await context.new_page()

    async def picture(name: str) -> None:
        await page.evaluate("document.fonts.ready")
        await page.screenshot(path=PICTURES / f"agent_{name}.{locale}.png")
        assert await violations(page) == []
        assert await overflows(page) == []

    with_callbacks(server.floor)
    server.floor.not_ready(902, reason="missed_call", cause="missed_call", made_by="system", by="")
    await page.goto(server.url)
    await page.locator("button.state").click()
    await page.get_by_role("menu").wait_for()
    await picture("menu")
    await page.keyboard.press("r")
    await page.get_by_role("menu").wait_for(state="detached")
    pop = scenes.anna()
    server.pop(pop)
    call = server.answered(pop)
    server.floor.wrapping(call.call, kind="required")
    server.ended(call)
    await page.get_by_role("timer").wait_for()
    await picture("wrap_up")
    server.floor.over()
    await page.get_by_role("note").wait_for()
    await picture("late")
    await context.close()
