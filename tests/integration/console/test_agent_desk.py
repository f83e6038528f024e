"""The agent's own state on the desk, in a real Chromium: ready and not ready, wrap-up, callbacks, what supervisors are told."""

from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

import pytest
from playwright.async_api import Locator, Page, expect

from cti.screenpop import messages as m
from cti.web.schemas import CallbackView, DayView, ResultChoice, ResultField
from tests.integration.console import scenes
from tests.integration.console.fake_server import FakeServer, now

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

REFUND = ResultChoice(
    code="refund", label="Refund promised", queues=("Billing",),
    fields=(
        ResultField(name="amount", label="Amount", kind="number", is_required=True),
        ResultField(name="due", label="Paid by", kind="date"),
        ResultField(name="way", label="How", kind="choice", choices=("Bank", "Card")),
    ),
)  # fmt: skip


async def opened(server: FakeServer, page: Page) -> None:
    await page.goto(server.url)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await server.until(lambda: server.connected == 1)


async def at_work(server: FakeServer, page: Page) -> None:
    server.floor.is_now("READY")
    await opened(server, page)
    await expect(state(page)).to_contain_text("Ready")


async def on_call(server: FakeServer, page: Page) -> m.CallView:
    await at_work(server, page)
    pop = scenes.anna()
    server.pop(pop)
    call = server.answered(pop)
    server.floor.on_call()
    await expect(state(page)).to_contain_text("On call")
    return call


async def wrapping_up(server: FakeServer, page: Page, **more: Any) -> m.CallView:
    call = await on_call(server, page)
    server.floor.wrapping(call.call, **more)
    server.ended(call)
    await expect(wrap_up(page)).to_be_visible()
    return call


def state(page: Page) -> Locator:
    return page.get_by_role("button", name="Your state")


def menu(page: Page) -> Locator:
    return page.get_by_role("menu", name="Your state")


def item(page: Page, name: str) -> Locator:
    return menu(page).get_by_role("menuitemradio", name=name)


def wrap_up(page: Page) -> Locator:
    return page.get_by_role("region", name="Wrap-up")


def note(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Note")


def result(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Result")


def save_and_ready(page: Page) -> Locator:
    return page.get_by_role("button", name="Save and be ready")


def asked(server: FakeServer, path: str) -> list[Any]:
    return [body for verb, one, body in server.asked if verb == "POST" and one == path]


def states_asked(server: FakeServer) -> list[tuple[str, int | None]]:
    return [(body["state"], body.get("reason_code")) for body in asked(server, "agents/me/state")]


# ---- the state and its menu


async def test_ready_and_not_ready_with_a_reason_by_mouse_and_by_keys(server: FakeServer, page: Page) -> None:
    await at_work(server, page)
    await state(page).click()
    await item(page, "Lunch").click()
    await expect(state(page)).to_contain_text("Not ready")
    await expect(state(page)).to_contain_text("Lunch")
    await expect(menu(page)).to_have_count(0)
    await page.locator("body").press("r")
    await expect(state(page)).to_contain_text("Ready")
    await page.keyboard.press("Control+Shift+R")
    await expect(menu(page)).to_be_visible()
    await page.keyboard.press("3")
    await expect(state(page)).to_contain_text("Meeting")
    await page.keyboard.press("Control+Shift+R")
    await expect(state(page)).not_to_contain_text("Meeting")
    assert states_asked(server) == [("NOT_READY", 2), ("READY", None), ("NOT_READY", 3), ("READY", None)]


async def test_the_letter_r_is_a_letter_where_somebody_types(server: FakeServer, page: Page) -> None:
    call = await on_call(server, page)
    server.floor.not_ready(1)
    await note(page).press_sequentially("refer to Mr R")
    await server.until(lambda: server.drafts.get(call.call) == "refer to Mr R")
    assert states_asked(server) == []


async def test_the_menu_walks_by_arrows_and_gives_the_focus_back(server: FakeServer, page: Page) -> None:
    await on_call(server, page)
    await note(page).focus()
    await page.keyboard.press("Control+Shift+R")
    await expect(item(page, "Ready")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(item(page, "Break")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(menu(page)).to_have_count(0)
    await expect(note(page)).to_be_focused()


async def test_what_was_asked_for_shows_at_once_then_waits_and_is_so_when_the_pbx_says(
    server: FakeServer, page: Page
) -> None:
    await at_work(server, page)
    server.floor.is_slow = True
    await state(page).click()
    await item(page, "Break").click()
    await expect(state(page)).to_contain_text("Break")
    await expect(state(page).get_by_role("img", name="asking the phone system")).to_be_visible()
    await server.floor.is_asked()
    server.floor.answer()
    await expect(state(page).get_by_role("img")).to_have_count(0)
    await expect(state(page)).to_contain_text("Break")


async def test_a_command_that_fails_goes_back_and_says_the_pbx_s_words(server: FakeServer, page: Page) -> None:
    await at_work(server, page)
    server.floor.is_slow, server.floor.fails = True, "Interface PJSIP/1001 not found in queue Billing"
    await state(page).click()
    await item(page, "Break").click()
    await expect(state(page)).to_contain_text("Break")
    await server.floor.is_asked()
    server.floor.answer()
    await expect(page.get_by_text("Interface PJSIP/1001 not found in queue Billing")).to_be_visible()
    await expect(state(page)).to_contain_text("Ready")
    await expect(state(page)).not_to_contain_text("Break")


async def test_what_the_service_refuses_is_said_in_words(server: FakeServer, page: Page) -> None:
    await at_work(server, page)
    server.floor.refuses = "supervisor_only"
    await state(page).click()
    await item(page, "Break").click()
    await expect(page.get_by_text("A supervisor set this, and only a supervisor can end it.")).to_be_visible()
    await expect(state(page)).not_to_contain_text("Break")


async def test_a_state_the_pbx_does_not_have_says_so_in_its_words(server: FakeServer, page: Page) -> None:
    await at_work(server, page)
    server.floor.is_now("READY", is_confirmed=False, trouble="No such queue 'Support'")
    await expect(
        page.get_by_text("The phone system does not have your state: \u2068No such queue 'Support'")
    ).to_be_visible()
    server.floor.is_now("READY")
    await expect(page.get_by_text("No such queue")).to_have_count(0)


async def test_during_a_call_a_break_waits_visibly_and_is_taken_back_by_one_click(
    server: FakeServer, page: Page
) -> None:
    await on_call(server, page)
    await state(page).click()
    await expect(page.get_by_text("takes effect after this call")).to_be_visible()
    await page.keyboard.press("1")
    await expect(page.get_by_text("Break after this call", exact=True)).to_be_visible()
    await expect(state(page)).to_contain_text("On call")
    await page.get_by_role("button", name="Take back: Break after this call").click()
    await expect(page.get_by_text("Break after this call", exact=True)).to_have_count(0)
    assert states_asked(server) == [("NOT_READY", 1), ("READY", None)]


async def test_logging_out_in_a_call_asks_nothing_and_waits_for_its_end(server: FakeServer, page: Page) -> None:
    await on_call(server, page)
    await state(page).click()
    await item(page, "Log out of the queues").click()
    await expect(page.get_by_text("Log out after this call", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Log out", exact=True).click()
    await expect(
        page.get_by_text("You are logged out as soon as the call and its wrap-up are finished.")
    ).to_be_visible()
    await expect(state(page)).to_be_visible()
    server.floor.is_now("LOGOUT")
    await expect(page.get_by_label("Password")).to_be_visible()
    assert not server.logged_in


async def test_leaving_the_console_leaves_the_queues_first(server: FakeServer, page: Page) -> None:
    await at_work(server, page)
    await page.get_by_role("button", name="Log out", exact=True).click()
    await expect(page.get_by_label("Password")).to_be_visible()
    assert states_asked(server) == [("LOGOUT", None)]
    assert server.presence is not None
    assert server.presence.state == "LOGOUT"


async def test_21_rona_the_desk_says_why_and_one_key_makes_ready_again(server: FakeServer, page: Page) -> None:
    await at_work(server, page)
    server.floor.not_ready(902, reason="missed_call", cause="missed_call", made_by="system", by="")
    strip = page.get_by_role("region", name="Your state")
    await expect(strip).to_contain_text("Not ready: you missed a call at")
    await expect(page.get_by_text("Press R to be ready.")).to_be_visible()
    await expect(state(page)).to_contain_text("Missed a call")
    said = page.get_by_role("status").filter(has_text="Not ready: you missed a call at")
    await expect(said).to_have_count(1)
    await page.locator("body").press("r")
    await expect(strip).to_have_count(0)
    assert states_asked(server) == [("READY", None)]


async def test_what_a_supervisor_set_only_a_supervisor_ends(server: FakeServer, page: Page) -> None:
    await at_work(server, page)
    server.floor.not_ready(900, reason="forced", cause="forced", made_by="supervisor", by="Sue Park")
    await expect(page.get_by_role("region", name="Your state")).to_contain_text("\u2068Sue Park\u2069 set this at")
    await state(page).click()
    await expect(item(page, "Ready")).to_have_attribute("aria-disabled", "true")
    await expect(item(page, "Ready")).to_contain_text("only a supervisor can end it")
    await item(page, "Ready").click(force=True)
    await page.keyboard.press("r")
    assert states_asked(server) == []


async def test_somebody_without_a_phone_has_no_state(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    await expect(state(page)).to_have_count(0)
    await page.locator("body").press("r")
    assert states_asked(server) == []


async def test_the_idle_desk_says_what_waits_or_offers_to_be_ready(server: FakeServer, page: Page) -> None:
    server.floor.not_ready(901, reason="logged_in", cause="logged_in")
    await opened(server, page)
    await expect(page.get_by_role("heading", name="Not ready · Just logged in")).to_be_visible()
    await page.get_by_role("button", name="Be ready").click()
    await expect(page.get_by_role("heading", name="Ready.", exact=True)).to_be_visible()
    await expect(page.get_by_text("4 waiting in Support, oldest 01:")).to_be_visible()
    await expect(page.get_by_role("button", name="Be ready")).to_have_count(0)


# ---- wrap-up


async def test_a_wrap_up_is_done_by_three_keys(server: FakeServer, page: Page) -> None:
    call = await wrapping_up(server, page)
    await expect(page.get_by_role("timer")).to_contain_text("00:5")
    await expect(result(page)).to_be_focused()
    await page.keyboard.press("2")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("heading", name="Ready.", exact=True)).to_be_visible()
    assert server.saved[call.call] == ("credit", "")
    assert states_asked(server) == [("READY", None)]


async def test_saving_may_lead_to_a_break(server: FakeServer, page: Page) -> None:
    call = await wrapping_up(server, page)
    await page.keyboard.press("1")
    await page.get_by_role("button", name="Save and not ready").click()
    await page.keyboard.press("2")
    await expect(state(page)).to_contain_text("Lunch")
    await expect(wrap_up(page)).to_have_count(0)
    assert server.saved[call.call] == ("invoice", "")
    assert states_asked(server) == [("NOT_READY", 2)]
    assert len(asked(server, "agents/me/wrap-up/end")) == 1


async def test_a_break_that_waits_follows_the_saving_and_being_ready_is_the_other_way(
    server: FakeServer, page: Page
) -> None:
    """Two keys must not take back what was asked for during the call."""
    pending = m.PendingView(state="NOT_READY", reason_code=1, reason="Break", cause="chosen")
    await wrapping_up(server, page, pending=pending)
    await page.keyboard.press("1")
    await expect(page.get_by_role("button", name="Save and be ready")).to_be_visible()
    await expect(page.get_by_role("button", name="Save, then Break")).to_be_visible()
    await page.keyboard.press("Control+Enter")
    await expect(state(page)).to_contain_text("Break")
    assert states_asked(server) == []
    assert len(asked(server, "agents/me/wrap-up/end")) == 1


async def test_whoever_changes_their_mind_is_ready_with_one_click(server: FakeServer, page: Page) -> None:
    await wrapping_up(server, page, pending=m.PendingView(state="LOGOUT", cause="chosen"))
    await page.keyboard.press("1")
    await page.get_by_role("button", name="Save and be ready").click()
    await expect(page.get_by_role("heading", name="Ready.", exact=True)).to_be_visible()
    assert states_asked(server) == [("READY", None)]


async def test_an_optional_wrap_up_may_be_left_without_a_result(server: FakeServer, page: Page) -> None:
    call = await wrapping_up(server, page, seconds=None)
    await expect(page.get_by_role("timer")).to_have_count(0)
    await page.get_by_role("button", name="Done").click()
    await expect(page.get_by_role("heading", name="Ready.", exact=True)).to_be_visible()
    assert call.call not in server.saved


async def test_more_time_moves_the_deadline(server: FakeServer, page: Page) -> None:
    await wrapping_up(server, page, seconds=20)
    await expect(page.get_by_role("timer")).to_contain_text("00:1")
    await page.get_by_role("button", name="+30 s").click()
    await expect(page.get_by_role("timer")).to_contain_text("00:4")


async def test_a_required_result_lets_nobody_go_without_it(server: FakeServer, page: Page) -> None:
    call = await wrapping_up(server, page, kind="required")
    await expect(page.get_by_text("This call needs a result before you go on.")).to_be_visible()
    await expect(page.get_by_role("button", name="Done")).to_have_attribute("aria-disabled", "true")
    await page.keyboard.press("Control+Enter")
    await expect(result(page)).to_be_focused()
    await state(page).click()
    await expect(item(page, "Ready")).to_contain_text("This call needs a result first.")
    await page.keyboard.press("Escape")
    assert states_asked(server) == []
    await result(page).press("1")
    await page.get_by_role("button", name="Done").click()
    await expect(wrap_up(page)).to_have_count(0)
    assert server.saved[call.call] == ("invoice", "")


async def test_a_result_asks_for_what_belongs_to_it(server: FakeServer, page: Page) -> None:
    server.results = (REFUND, *scenes.RESULTS)
    call = await wrapping_up(server, page, kind="required")
    await expect(page.get_by_label("Amount")).to_have_count(0)
    await result(page).press("1")
    await page.keyboard.press("Control+Enter")
    amount = page.get_by_role("textbox", name="Amount")
    await expect(amount).to_be_focused()
    await expect(amount).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_text("“Amount” is needed.")).to_be_visible()
    await amount.fill("a lot")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("“Amount” has to be a number.")).to_be_visible()
    await amount.fill("129,50")
    await page.get_by_label("Paid by").fill("2026-12-24")
    await page.get_by_role("combobox", name="How").select_option("Bank")
    await page.keyboard.press("Control+Enter")
    await expect(wrap_up(page)).to_have_count(0)
    assert server.saved[call.call] == ("refund", "")
    assert server.saved_fields[call.call] == {"amount": "129.50", "due": "2026-12-24", "way": "Bank"}


async def test_time_out_keeps_the_note_and_says_not_classified(server: FakeServer, page: Page) -> None:
    call = await wrapping_up(server, page, kind="required")
    await note(page).fill("She will send the invoi")
    server.floor.over()
    await expect(page.get_by_text("Not classified", exact=True).first).to_be_visible()
    await expect(note(page)).to_have_value("She will send the invoi")
    await expect(note(page)).to_be_focused()
    await server.until(lambda: server.drafts.get(call.call) == "She will send the invoi")
    await result(page).press("1")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("heading", name="Ready.", exact=True)).to_be_visible()
    assert server.saved[call.call] == ("invoice", "She will send the invoi")


async def test_a_state_that_cannot_be_had_leaves_the_wrap_up_open(server: FakeServer, page: Page) -> None:
    await wrapping_up(server, page)
    server.floor.fails = "Permission denied"
    await page.keyboard.press("1")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("Permission denied")).to_be_visible()
    await expect(wrap_up(page)).to_be_visible()
    await save_and_ready(page).click()
    await expect(page.get_by_role("heading", name="Ready.", exact=True)).to_be_visible()


async def test_a_reload_comes_back_into_the_wrap_up_though_this_browser_knows_nothing(
    server: FakeServer, page: Page
) -> None:
    past = scenes.recorded("Anna Berg", 2, result="", result_label="", contact="k1", talk_s=151, queue="Billing")
    server.drafts[past.call] = "Charged twice."
    server.floor.wrapping(past.call, kind="required")
    await opened(server, page)
    await expect(wrap_up(page)).to_be_visible()
    await expect(note(page)).to_have_value("Charged twice.")
    await expect(page.get_by_text("Loading the call")).to_be_visible()
    server.record.insert(0, past)  # the record is written a moment after the call
    await expect(page.get_by_role("main").get_by_role("heading", name="Anna Berg")).to_be_visible()
    await expect(wrap_up(page)).to_contain_text("Call ended after 02:31")
    await result(page).press("1")
    await page.keyboard.press("Control+Enter")
    await expect(wrap_up(page)).to_have_count(0)
    assert server.saved[past.call] == ("invoice", "Charged twice.")


async def test_46_ws_resume_keeps_state_and_draft_and_says_nothing_twice(server: FakeServer, page: Page) -> None:
    call = await on_call(server, page)
    await note(page).fill("Half a sen")
    await server.until(lambda: server.drafts.get(call.call) == "Half a sen")
    await page.context.set_offline(offline=True)
    server.refuses_sockets = True
    server.cut()
    await expect(page.get_by_text("Controls are paused.")).to_be_visible()
    await note(page).press("End")
    await page.keyboard.type("tence")
    server.floor.wrapping(call.call, kind="required")
    server.ended(call)
    server.floor.warn("not_classified", "Jon Ek")
    await page.wait_for_timeout(5000)  # what the story is about: five seconds without a network
    await expect(state(page)).to_contain_text("≈")
    server.refuses_sockets = False
    await page.context.set_offline(offline=False)
    await expect(wrap_up(page)).to_be_visible(timeout=15_000)
    await expect(note(page)).to_have_value("Half a sentence")
    await server.until(lambda: server.drafts.get(call.call) == "Half a sentence", within=10)
    await expect(page.get_by_text("Connection is back.")).to_have_count(1)
    await expect(page.get_by_text("\u2068Jon Ek\u2069 left a call without")).to_have_count(1)
    server.cut()
    await server.until(lambda: len(server.hellos) >= 3 and server.connected == 1, within=15)
    await expect(wrap_up(page)).to_be_visible()
    await expect(page.get_by_text("\u2068Jon Ek\u2069 left a call without")).to_have_count(1)
    assert server.hellos[-1].resume is not None


# ---- callbacks, my day, supervisors


def callback(name: str, who: str, **more: Any) -> CallbackView:
    given: dict[str, Any] = {
        "id": name, "pbx": "main", "call": f"main-{name}", "number": "+49305551234", "queue": "Billing", "reason": "Invoice",
        "entered_at": now() - timedelta(minutes=12), "requested_at": now() - timedelta(minutes=11), "contact": "", "contact_name": who,
        "state": "open",
    }  # fmt: skip
    return CallbackView(**(given | more))


async def test_a_callback_is_taken_called_and_closed(server: FakeServer, page: Page) -> None:
    server.floor.callbacks = {"a": callback("a", "Anna Berg", contact="k1"), "b": callback("b", "")}
    await at_work(server, page)
    panel = page.get_by_role("region", name="Callbacks")
    await expect(panel.get_by_role("heading", name="Team")).to_contain_text("2")
    await expect(panel).to_contain_text("11 min. ago")
    await panel.get_by_role("button", name="Take the callback to \u2068Anna Berg").click()
    await expect(panel.get_by_role("heading", name="Mine")).to_contain_text("1")
    await panel.get_by_role("button", name="Call \u2068Anna Berg\u2069 back").click()
    await expect(page.get_by_role("main").get_by_role("heading", name="Anna Berg")).to_be_visible()
    await server.until(lambda: len(asked(server, "callbacks/a/dial")) == 1)
    await panel.get_by_role("button", name="Close the callback to").click()
    await panel.get_by_role("button", name="Reached", exact=True).click()
    await expect(panel.get_by_role("heading", name="Mine")).to_have_count(0)
    assert asked(server, "callbacks/a/close") == [{"state": "done"}]


async def test_a_colleague_who_was_faster_is_said_so(server: FakeServer, page: Page) -> None:
    server.floor.callbacks = {"a": callback("a", "Anna Berg")}
    await at_work(server, page)
    server.floor.callbacks["a"] = callback("a", "Anna Berg", state="claimed")
    await page.get_by_role("button", name="Take the callback to").click()
    await expect(page.get_by_text("a colleague was faster")).to_be_visible()
    await expect(page.get_by_text("Nobody waits for a callback.")).to_be_visible()


def a_day() -> DayView:
    return DayView(
        since=now(), until=now(), logged_in_s=14_000, seconds={"READY": 5400.0}, handled=17, talk_s=4800.0, hold_s=60.0,
        wrap_up_s=840.0, missed=1, average_handle_s=300.0,
    )  # fmt: skip


async def test_today_begins_at_the_agents_midnight_for_my_calls_and_my_day(server: FakeServer, page: Page) -> None:
    browser = await page.context.new_cdp_session(page)
    await browser.send("Emulation.setTimezoneOverride", {"timezoneId": "Pacific/Apia"})
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "since=" in request.url else None)
    server.floor.day = a_day()
    await at_work(server, page)
    await expect(page.locator("dl.day")).to_be_visible()
    begins = {urlsplit(url).path.rpartition("/")[2]: parse_qs(urlsplit(url).query)["since"][0] for url in asked}
    assert begins["day"] == begins["interactions"]
    assert datetime.fromisoformat(begins["day"]).astimezone(ZoneInfo("Pacific/Apia")).time() == time()


async def test_my_day_shows_my_own_figures(server: FakeServer, page: Page) -> None:
    server.floor.day = a_day()
    await at_work(server, page)
    figures = page.locator("dl.day")
    for words in ("Calls17", "Talk time1 hr 20 min", "Wrap-up14 min", "Ready1 hr 30 min"):
        await expect(figures).to_contain_text(words)


async def test_supervisors_see_the_last_five_and_put_them_away(server: FakeServer, page: Page) -> None:
    server.me = scenes.replace(scenes.MARA, role="supervisor")
    await at_work(server, page)
    for n in range(7):
        server.floor.warn("not_classified", f"Agent {n}")
    told = page.get_by_role("region", name="For supervisors")
    await expect(told.locator(".warning")).to_have_count(5)
    await expect(told).not_to_contain_text("Agent 1")
    await told.get_by_role("button", name="Put away: \u2068Agent 6").click()
    await expect(told.locator(".warning")).to_have_count(4)


async def test_the_sheet_of_keys_has_those_of_the_state(server: FakeServer, page: Page) -> None:
    await at_work(server, page)
    await page.locator("body").press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    await expect(sheet.get_by_text("Ready, or not ready with a reason")).to_have_count(2)
    await expect(sheet.get_by_text("Pick a reason in the state menu")).to_be_visible()
