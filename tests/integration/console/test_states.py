"""Each state of the console: axe finds nothing, in light and in dark, and there is a picture to look at.

Pictures go into the folder that CTI_SCREENSHOTS names, else into a temporary one.
"""

import os
import tempfile
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page

from cti.screenpop import messages as m
from cti.web.schemas import DemoLogin
from tests.integration.console import offers, reported, scenes
from tests.integration.console.fake_server import FakeServer, now

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CONSOLE = Path(__file__).parents[3] / "console"
AXE = CONSOLE / "node_modules/axe-core/axe.min.js"
PICTURES = Path(os.environ.get("CTI_SCREENSHOTS") or Path(tempfile.gettempdir(), "cti-console"))
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

MAY_BE_RECORDED = scenes.replace(scenes.ANNA, flags=("complaint_open",))

Scene = Callable[[FakeServer, Page], Awaitable[None]]
SCENES: dict[str, Scene] = {}


def scene(play: Scene) -> Scene:
    SCENES[play.__name__] = play
    return play


# ---- the states


@scene
async def log_in(server: FakeServer, page: Page) -> None:
    server.logged_in = False
    server.demo = (
        DemoLogin(agent="mara", password="x", name="Mara Lind"),
        DemoLogin(agent="jon", password="x", name="Jon Ek"),
    )
    await page.goto(server.url)
    await page.get_by_label("Password").wait_for()


@scene
async def log_in_refused(server: FakeServer, page: Page) -> None:
    server.logged_in = False
    await page.goto(server.url)
    await page.get_by_label("Agent", exact=True).fill("mara")
    await page.get_by_label("Password").fill("wrong")
    await page.keyboard.press("Enter")
    await page.get_by_text("is not right").wait_for()


@scene
async def idle(server: FakeServer, page: Page) -> None:
    await opened(server, page)


@scene
async def idle_empty(server: FakeServer, page: Page) -> None:
    server.record = []
    server.queues = {name: m.QueueView(name=name, waiting=0) for name in server.queues}
    await opened(server, page)


@scene
async def pop_asking(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    server.pop(scenes.pop(scenes.call(name="BERG A")))
    await popped(page)


@scene
async def pop_found(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    server.pop(scenes.anna())
    await popped(page)


@scene
async def pop_through_the_ivr(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    server.pop(scenes.through_the_ivr())
    await popped(page)


@scene
async def pop_after_a_long_way(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    server.pop(scenes.through_the_ivr(*scenes.LONG_WAY, verified=False))
    await popped(page)


@scene
async def pop_on_somebody_elses_phone(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    server.pop(scenes.on_somebody_elses_phone())
    await popped(page)


@scene
async def pop_several(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    ring = scenes.call("+886223456789", "+886 2 2345 6789", "TW", keys={}, waited_s=192.0)
    server.pop(scenes.pop(ring, scenes.card(ring, scenes.MEILING, scenes.ZHIMING, scenes.WANG)))
    await popped(page)
    await page.get_by_role("listbox").focus()
    await page.keyboard.press("ArrowDown")


@scene
async def pop_unknown(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    ring = scenes.call(
        "+447700900123", "+44 7700 900123", "GB", keys={}, name="BOBBY T", queue="Support", dnis_label="Support UK"
    )
    server.pop(scenes.pop(ring, scenes.card(ring)))
    await popped(page)


@scene
async def pop_withheld(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    ring = scenes.call("", "", "", keys={})
    server.pop(scenes.pop(ring, scenes.card(ring, state="withheld")))
    await popped(page)


@scene
async def pop_slow(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    ring = scenes.call(keys={})
    server.pop(scenes.pop(ring, scenes.card(ring, state="slow")))
    await popped(page)


@scene
async def pop_while_on_call(server: FakeServer, page: Page) -> None:
    await on_call(server, page)
    ring = scenes.call("+447700900123", "+44 7700 900123", "GB", keys={}, queue="Support")
    server.pop(scenes.pop(ring, scenes.card(ring)))
    await popped(page)


@scene
async def on_call(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    pop = scenes.anna()
    server.pop(pop)
    await popped(page)
    server.answered(pop)
    await page.get_by_label("Note", exact=True).fill("Garden table charged twice; wants a credit note.")
    await page.get_by_text("Draft saved").wait_for()


@scene
async def on_call_through_the_ivr(server: FakeServer, page: Page) -> None:
    await taken(server, page, scenes.through_the_ivr())


@scene
async def on_call_steps(server: FakeServer, page: Page) -> None:
    await taken(server, page, scenes.through_the_ivr())
    await page.get_by_role("button", name="7 steps").click()


@scene
async def on_call_long_way(server: FakeServer, page: Page) -> None:
    await taken(server, page, scenes.through_the_ivr(*scenes.LONG_WAY, verified=False))
    await page.get_by_role("button", name="12 steps").click()


@scene
async def on_call_on_somebody_elses_phone(server: FakeServer, page: Page) -> None:
    await taken(server, page, scenes.on_somebody_elses_phone())


@scene
async def on_call_crm_slow_after_the_ivr(server: FakeServer, page: Page) -> None:
    pop = scenes.through_the_ivr()
    await talking(server, page, pop.call, card=scenes.card(pop.call, state="slow"))


@scene
async def on_call_several(server: FakeServer, page: Page) -> None:
    await talking(
        server,
        page,
        scenes.call("+886223456789", "+886 2 2345 6789", "TW", keys={}),
        scenes.MEILING,
        scenes.ZHIMING,
        scenes.WANG,
    )


@scene
async def on_call_unknown(server: FakeServer, page: Page) -> None:
    await talking(server, page, scenes.call("+447700900123", "+44 7700 900123", "GB", name="BOBBY T", keys={}))


@scene
async def on_call_withheld(server: FakeServer, page: Page) -> None:
    call = scenes.call("", "", "", keys={})
    await talking(server, page, call, card=scenes.card(call, state="withheld"))


@scene
async def on_call_crm_away(server: FakeServer, page: Page) -> None:
    call = scenes.call(keys={})
    card = scenes.card(call, state="unavailable", reason="no answer within 1.5 s", history=scenes.HISTORY, calls_24h=3)
    await talking(server, page, call, card=card)


@scene
async def on_call_long_names(server: FakeServer, page: Page) -> None:
    await talking(server, page, scenes.call(), scenes.LONG)


@scene
async def on_call_nasty_names(server: FakeServer, page: Page) -> None:
    await talking(
        server, page, scenes.call("+447700900123", "+44 7700 900123", "GB", name="\u202e<b>x</b>"), scenes.MAN
    )


@scene
async def on_call_chinese(server: FakeServer, page: Page) -> None:
    await talking(
        server, page, scenes.call("+886223456789", "+886 2 2345 6789", "TW", queue="Billing", keys={}), scenes.MEILING
    )


@scene
async def on_hold(server: FakeServer, page: Page) -> None:
    call = await talking(server, page, scenes.call(), scenes.ANNA)
    server.call(scenes.replace(call, state="held", since=now(), actions=offers.HELD))
    await page.get_by_text("On hold").wait_for()


@scene
async def dialling_out(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    call = scenes.call(
        "+4722334455",
        "+47 22 33 44 55",
        "NO",
        direction="outbound",
        state="offered",
        queue="",
        waited_s=None,
        keys={},
        dnis="+4722334455",
    )
    server.cards[call.call] = scenes.card(call)
    server.call(call)
    server.card(scenes.card(call))
    await page.get_by_text("Pick up your phone").wait_for()


@scene
async def result_wanted(server: FakeServer, page: Page) -> None:
    await on_call(server, page)
    server.ended(next(iter(server.calls.values())))
    await page.get_by_text("Call ended after").wait_for()
    await page.get_by_role("combobox", name="Result").focus()
    await page.keyboard.press("2")


@scene
async def my_call_looked_at(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    await page.get_by_role("button", name="Tomás Herrera").click()
    await page.get_by_role("heading", name="Anna Berg").wait_for()


@scene
async def search(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("7001")
    await page.get_by_text("3 customers found").wait_for()


@scene
async def customer_searched(server: FakeServer, page: Page) -> None:
    await search(server, page)
    await page.keyboard.press("Enter")
    await page.get_by_role("heading", name="Anna Berg").wait_for()


@scene
async def key_sheet(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    await page.keyboard.press("?")
    await page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()


@scene
async def sound_menu(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    await page.get_by_role("button", name="Sound and notifications").click()


@scene
async def reconnecting(server: FakeServer, page: Page) -> None:
    await on_call(server, page)
    server.refuses_sockets = True
    server.cut()
    await page.get_by_text("Connection lost").wait_for()
    await scenes.still(page)


@scene
async def lost_for_long(server: FakeServer, page: Page) -> None:
    await page.clock.install()
    await on_call(server, page)
    server.refuses_sockets = True
    server.cut()
    await page.get_by_text("Connection lost").wait_for()
    await page.clock.fast_forward(61_000)
    await page.get_by_text("Still no connection").wait_for()


@scene
async def pbx_lost(server: FakeServer, page: Page) -> None:
    await on_call(server, page)
    server.pbx(m.PbxView(name="main", state="lost", since=now()))
    call = next(iter(server.calls.values()))
    server.call(scenes.replace(call, actions=offers.offers(otherwise="pbx_lost")))
    await page.get_by_text("Phone system main lost").wait_for()


@scene
async def open_elsewhere(server: FakeServer, page: Page) -> None:
    server.occupied_since = now() - timedelta(minutes=12)
    await page.goto(server.url)
    await page.get_by_role("button", name="Use here").wait_for()


@scene
async def new_version(server: FakeServer, page: Page) -> None:
    await on_call(server, page)
    server.version = "0.2.0"
    server.cut()
    await page.get_by_text("New version").wait_for()


@scene
async def dial_failed(server: FakeServer, page: Page) -> None:
    await on_call(server, page)
    await page.get_by_role("button", name="Call 0171 555 98 76").click()
    await server.until(lambda: any(path == "calls" for _, path, _ in server.asked))
    body = next(body for _, path, body in server.asked if path == "calls")
    server.command(body["id"], "failed", "User busy")
    await page.get_by_text("could not be placed: busy").wait_for()


@scene
async def report(server: FakeServer, page: Page) -> None:
    server.me = reported.SORA
    server.reports = {"bank": reported.report(), "shop": reported.nothing()}
    server.pictures = {"bank": reported.drawn()}
    await page.goto(f"{server.url}#reports/ivr/bank")
    await page.locator(".drawing svg").wait_for()


@scene
async def report_step_selected(server: FakeServer, page: Page) -> None:
    await report(server, page)
    await page.get_by_role("button", name="Customer code, Show Customer code in the picture").click()


@scene
async def report_of_nothing(server: FakeServer, page: Page) -> None:
    server.me = reported.SORA
    server.reports = {"shop": reported.nothing()}
    await page.goto(f"{server.url}#reports/ivr/shop")
    await page.get_by_text("No calls came through this menu").wait_for()


@scene
async def report_failed(server: FakeServer, page: Page) -> None:
    server.me = reported.SORA
    server.reports_fail = True
    await page.goto(f"{server.url}#reports/ivr/bank")
    await page.get_by_text("The report could not be made").wait_for()


@scene
async def report_of_own_days(server: FakeServer, page: Page) -> None:
    await report(server, page)
    server.reports["bank"] = reported.report(worst=None, survey=reported.NOBODY_ASKED)
    server.pictures.clear()
    await page.get_by_text("Own dates").click()
    await page.get_by_label("From").fill("2026-11-02")
    await page.get_by_text("No caller was lost").wait_for()


@scene
async def transfer_panel(server: FakeServer, page: Page) -> None:
    call = await talking(server, page, scenes.call(), MAY_BE_RECORDED)
    server.call(scenes.replace(call, recording="on", actions=offers.RECORDED))
    await page.locator("[data-action=consult]").click()
    await page.locator(".transfer [role=option]").first.wait_for()
    await page.keyboard.press("ArrowDown")


@scene
async def transfer_refused(server: FakeServer, page: Page) -> None:
    server.refuses["+3906123"] = "country_not_allowed"
    await talking(server, page, scenes.call(), scenes.LONG)
    await page.locator("[data-action=consult]").click()
    await page.keyboard.type("+39 06 123")
    await page.locator(".transfer .refused").wait_for()


@scene
async def consultation(server: FakeServer, page: Page) -> None:
    await consulting(server, page, MAY_BE_RECORDED, "Jon Ek", "connected")


@scene
async def consultation_with_long_names(server: FakeServer, page: Page) -> None:
    name = "Prof. Dr. Wolfgang-Amadeus von und zu Hohenzollern-Sigmaringen aus Brandenburg"
    await consulting(server, page, scenes.LONG, name, "ringing", recording="paused")


@scene
async def keypad(server: FakeServer, page: Page) -> None:
    call = await talking(server, page, scenes.call(), scenes.ANNA)
    at = now() + timedelta(seconds=45)
    server.call(scenes.replace(call, recording="paused", recording_resumes_at=at, actions=offers.PAUSED))
    await page.locator("[data-action=keys]").click()
    await page.keyboard.type("70012#")


@scene
async def parked_calls(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    given = {"pbx": "main", "since": now(), "number_shown": "+49 30 5551234", "queue": "Billing"}
    server.park(
        m.ParkedView(call="p1", space="701", name="陳美玲", by="Jon Ek", **given),
        m.ParkedView(call="p2", space="702", name=scenes.LONG.name, by="Mara Lind", **given),
        m.ParkedView(call="p3", space="703", **given),
    )
    await page.get_by_text("701").wait_for()


@scene
async def contact_form(server: FakeServer, page: Page) -> None:
    await talking(server, page, scenes.call("+447700900123", "+44 7700 900123", "GB"))
    await page.locator(".create").click()
    await page.locator(".form .add").click()
    await page.keyboard.type("none")
    await page.keyboard.press("Control+Enter")
    await page.locator(".form .wrong").first.wait_for()


@scene
async def pop_that_can_be_answered(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    ring = scenes.call(actions=offers.RINGING_HERE)
    server.pop(scenes.pop(ring, scenes.card(ring, scenes.ANNA)))
    await popped(page)


# ---- what the scenes share


async def consulting(
    server: FakeServer, page: Page, who: m.ContactView, colleague: str, state: Any, *, recording: Any = "off"
) -> None:
    call = await talking(server, page, scenes.call(), who)
    customer, me, *_ = call.parties
    asked = m.PartyView(leg="j", role="agent", number="1002", name=colleague, state=state, consult=True)
    server.call(
        scenes.replace(
            call, state="held", since=now(), parties=(customer, scenes.replace(me, state="held"), asked), recording=recording,
            actions=offers.CONSULT_RINGING if state == "ringing" else offers.CONSULTING,
        )
    )  # fmt: skip
    await page.locator(".consultation").wait_for()


async def opened(server: FakeServer, page: Page) -> None:
    await page.goto(server.url)
    await (
        page.get_by_text("Live", exact=True)
        .or_(page.get_by_text("即時連線"))
        .or_(page.get_by_text("实时连接"))
        .wait_for()
    )
    await server.until(lambda: server.connected == 1)


async def popped(page: Page) -> None:
    await page.locator(".pop").wait_for()
    await scenes.still(page)


async def talking(
    server: FakeServer, page: Page, call: m.CallView, *contacts: m.ContactView, card: m.CustomerCard | None = None
) -> m.CallView:
    await opened(server, page)
    pop = scenes.pop(call, card or scenes.card(call, *contacts))
    server.pop(pop)
    live = server.answered(pop)
    await page.locator("#note").wait_for()
    return live


async def taken(server: FakeServer, page: Page, pop: m.PopView) -> m.CallView:
    await opened(server, page)
    server.pop(pop)
    live = server.answered(pop)
    await page.locator("#note").wait_for()
    return live


async def violations(page: Page) -> list[str]:
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
    return [
        f"{one['id']}: {one['help']} -- {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]
    ]


async def overflows(page: Page) -> list[str]:
    """Nothing sticks out of the page sideways."""
    script = """() => document.documentElement.scrollWidth > innerWidth + 1
        ? [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
          .slice(0, 5).map(e => e.outerHTML.slice(0, 120)) : []"""
    return list(await page.evaluate(script))


# ---- the tests


@pytest.mark.parametrize("name", SCENES)
async def test_axe_finds_nothing(name: str, server: FakeServer, page: Page) -> None:
    if not AXE.exists():
        pytest.skip("NOT RUN: axe-core is not installed (npm ci in console/)")
    await SCENES[name](server, page)
    await page.evaluate("document.fonts.ready")
    await page.screenshot(path=PICTURES / f"{name}.light.png")
    light = await violations(page)
    await page.emulate_media(color_scheme="dark")
    await scenes.still(page)
    await page.screenshot(path=PICTURES / f"{name}.dark.png")
    assert light == []
    assert await violations(page) == []
    assert await overflows(page) == []


SIZES = {
    "1280x720": (1280, 720),
    "1920x1080": (1920, 1080),
    "1024x768": (1024, 768),
    "tablet": (800, 1100),
    "phone": (390, 844),
    "reflow": (320, 640),
}


@pytest.mark.parametrize(
    "name",
    [
        "pop_found",
        "pop_after_a_long_way",
        "on_call",
        "on_call_long_names",
        "on_call_long_way",
        "result_wanted",
        "transfer_panel",
        "consultation_with_long_names",
        "contact_form",
        "idle",
        "report",
    ],
)
async def test_fits_the_window(name: str, server: FakeServer, page: Page) -> None:
    await SCENES[name](server, page)
    await page.evaluate("document.fonts.ready")
    for size, (width, height) in SIZES.items():
        await page.set_viewport_size({"width": width, "height": height})
        await scenes.still(page)
        await page.screenshot(path=PICTURES / f"{name}.{size}.png")
        assert await overflows(page) == [], size


@pytest.mark.parametrize("locale", ["zh-TW", "zh-CN"])
@pytest.mark.parametrize("name", ["transfer_panel", "consultation", "contact_form", "keypad"])
async def test_call_control_speaks(name: str, locale: str, server: FakeServer, browser: Browser) -> None:
    context = await browser.new_context(viewport={"width": 1280, "height": 720}, locale=locale, color_scheme="dark")
    page = await context.new_page()
    await SCENES[name](server, page)
    await page.evaluate("document.fonts.ready")
    await page.screenshot(path=PICTURES / f"{name}.{locale}.png")
    assert await violations(page) == []
    assert await overflows(page) == []
    await context.close()


@pytest.mark.parametrize("locale", ["zh-TW", "zh-CN"])
async def test_reports_speak(locale: str, server: FakeServer, browser: Browser) -> None:
    context = await browser.new_context(viewport={"width": 1280, "height": 720}, locale=locale, color_scheme="dark")
    page = await context.new_page()
    await report(server, page)
    await page.evaluate("document.fonts.ready")
    await page.screenshot(path=PICTURES / f"report.{locale}.png")
    assert await violations(page) == []
    assert await overflows(page) == []
    await context.close()


@pytest.mark.parametrize("locale", ["zh-TW", "zh-CN"])
async def test_speaks(locale: str, server: FakeServer, browser: Browser) -> None:
    context = await browser.new_context(viewport={"width": 1366, "height": 768}, locale=locale)
    page = await context.new_page()

    async def picture(name: str) -> None:
        await page.evaluate("document.fonts.ready")
        await page.screenshot(path=PICTURES / f"{name}.{locale}.png")

    server.logged_in = False
    await page.goto(server.url)
    await page.locator("input[name=password]").wait_for()
    await picture("log_in")
    server.logged_in = True
    await opened(server, page)
    await picture("idle")
    said = {
        "contact": "k2",
        "contact_name": "陳美玲",
        "contact_code": "70013",
        "known_by": "code",
        "known_value": "70013",
    }
    way = scenes.journey(*scenes.WAY_IN_CHINESE, is_verified=True, intent="訂單查詢", language="zh-Hant", **said)
    ring = scenes.call("+886223456789", "+886 2 2345 6789", "TW", queue="帳務", journey=way)
    pop = scenes.pop(ring, scenes.card(ring, scenes.MEILING, history=scenes.HISTORY, calls_24h=2))
    server.pop(pop)
    await popped(page)
    await picture("pop_found")
    call = server.answered(pop)
    await page.locator("#note").fill("客戶表示發票抬頭錯誤。")
    await page.get_by_text("草稿已").wait_for()
    await picture("on_call")
    await page.locator("button.line").click()
    await picture("on_call_steps")
    assert await violations(page) == []
    server.ended(call)
    await page.get_by_text("通話結束" if locale == "zh-TW" else "通话结束").wait_for()
    await picture("result_wanted")
    server.refuses_sockets = True
    server.cut()
    await page.locator(".strip.lost").wait_for()
    await scenes.still(page)
    await picture("reconnecting")
    await page.keyboard.press("F6")
    await page.keyboard.press("?")
    await picture("key_sheet")
    assert await page.locator("html").get_attribute("lang") == {"zh-TW": "zh-Hant", "zh-CN": "zh-Hans"}[locale]
    await context.close()
