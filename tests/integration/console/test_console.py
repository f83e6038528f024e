"""The console in a real Chromium: what an agent sees and does, call after call."""

import asyncio
import time
from datetime import timedelta

import pytest
from playwright.async_api import Locator, Page, expect

from cti.screenpop import messages as m
from tests.integration.console import scenes
from tests.integration.console.fake_server import PASSWORD, FakeServer, now

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def opened(server: FakeServer, page: Page) -> None:
    await page.goto(server.url)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await server.until(lambda: server.connected == 1)


async def talking(server: FakeServer, page: Page) -> m.CallView:
    await opened(server, page)
    pop = scenes.anna()
    server.pop(pop)
    await expect(the_pop(page)).to_be_visible()
    call = server.answered(pop)
    await expect(note(page)).to_be_visible()
    return call


def the_pop(page: Page) -> Locator:
    return page.get_by_role("region", name="Incoming call")


def note(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Note")


def result(page: Page) -> Locator:
    return page.get_by_role("combobox", name="Result")


def end(page: Page) -> Locator:
    return page.get_by_role("button", name="End the call with")


def requests(server: FakeServer, method: str, path: str) -> list[object]:
    return [body for verb, asked, body in server.asked if verb == method and asked == path]


# ---- log-in


async def test_log_in_with_words_for_each_refusal(server: FakeServer, page: Page) -> None:
    server.logged_in = False
    await page.goto(server.url)
    await page.get_by_label("Agent", exact=True).fill("mara")
    await page.get_by_label("Password").fill("wrong")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("alert").filter(has_text="is not right")).to_be_visible()
    await page.get_by_label("Password").fill("throttled")
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Try again in 20 s")).to_be_visible()
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Ready for the next call.")).to_be_visible()
    await expect(page.get_by_text("Mara Lind")).to_be_visible()


async def test_a_session_that_ended_leads_to_log_in_and_keeps_the_note(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    server.drafts_fail = True
    await note(page).fill("not saved anywhere yet")
    server.logged_in = False
    server.cut()
    await expect(page.get_by_text("Your session has ended")).to_be_visible()
    server.drafts_fail = False
    await page.get_by_label("Agent", exact=True).fill("mara")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(note(page)).to_have_value("not saved anywhere yet")
    await server.until(lambda: server.drafts.get(call.call) == "not saved anywhere yet")


# ---- the pop


async def test_a_pop_is_painted_at_once_and_says_so(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    took = []
    for _ in range(10):
        pop = scenes.anna()
        began = time.perf_counter()
        server.pop(pop)
        await server.until(lambda pop=pop: server.steps(pop.pop) == ["received", "shown"])
        took.append(time.perf_counter() - began)
        server.withdraw(pop, "caller_gone")
    painted = await page.evaluate("performance.getEntriesByName('pop-to-paint').map(one => one.duration)")
    print(f"pop to paint: {sorted(painted)} ms in the page, {sorted(round(s * 1000) for s in took)} ms there and back")
    assert len(painted) == 10
    assert sorted(painted)[8] < 250


async def test_a_pop_shows_who_and_why(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    pop = scenes.anna()
    server.pop(pop)
    shown = the_pop(page)
    await expect(shown.get_by_role("heading", name="Anna Berg")).to_be_visible()
    for words in (
        "+49 30 5551234",
        "unverified number",
        "Billing Germany",
        "waited 00:42",
        "Customer code 70012",
        "#4821 Invoice wrong",
    ):
        await expect(shown).to_contain_text(words)
    await expect(page).to_have_title("☎ Anna Berg")
    await expect(page.get_by_role("alert").filter(has_text="Incoming call, Anna Berg, Billing")).to_have_count(1)
    server.withdraw(pop, "answered_elsewhere")
    await expect(shown).to_have_count(0)
    await expect(page).to_have_title("Agent console")
    await expect(page.get_by_text("A colleague answered the call.")).to_be_visible()


async def test_the_customer_line_arrives_without_moving_anything(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    ring = scenes.call()
    server.pop(scenes.pop(ring))
    await expect(the_pop(page)).to_be_visible()
    await scenes.still(page)
    before = await the_pop(page).locator(".crm").bounding_box()
    server.card(scenes.card(ring, scenes.ANNA))
    await expect(the_pop(page)).to_contain_text("Anna Berg")
    assert await the_pop(page).locator(".crm").bounding_box() == before


async def test_a_pop_stops_by_itself_when_its_time_is_over(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    server.pop(scenes.anna(seconds=1.5))
    await expect(the_pop(page)).to_be_visible()
    await expect(the_pop(page)).to_have_count(0, timeout=3000)


async def test_a_pop_takes_no_focus_from_somebody_who_types(server: FakeServer, page: Page) -> None:
    await talking(server, page)
    await note(page).press_sequentially("Garden ")
    ring = scenes.call("+447700900123", "+44 7700 900123", "GB")
    server.pop(scenes.pop(ring, scenes.card(ring)))
    await expect(the_pop(page)).to_be_visible()
    await page.keyboard.type("table")
    await expect(note(page)).to_have_value("Garden table")
    await expect(page.get_by_role("main").get_by_role("heading", name="Anna Berg")).to_be_visible()


async def test_unknown_after_known_shows_nothing_of_the_caller_before(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    pop = scenes.anna()
    server.pop(pop)
    await expect(the_pop(page)).to_contain_text("Anna Berg")
    server.withdraw(pop, "caller_gone")
    server.call(scenes.replace(pop.call, state="ended", outcome="abandoned"))
    ring = scenes.call("+447700900123", "+44 7700 900123", "GB", keys={})
    server.pop(scenes.pop(ring, scenes.card(ring)))
    await expect(the_pop(page)).to_contain_text("New caller")
    assert "Anna" not in await page.locator("body").inner_text()


async def test_of_several_none_is_chosen_for_the_agent(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    ring = scenes.call("+886223456789", "+886 2 2345 6789", "TW")
    server.pop(scenes.pop(ring, scenes.card(ring, scenes.MEILING, scenes.ZHIMING, scenes.WANG)))
    people = the_pop(page).get_by_role("listbox")
    await expect(people.get_by_role("option", selected=True)).to_have_count(0)
    await people.focus()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    await server.until(lambda: requests(server, "POST", f"calls/{ring.call}/customer") == [{"contact": "k3"}])
    await expect(the_pop(page).get_by_role("heading", name="陳志明")).to_be_visible()
    await the_pop(page).get_by_role("button", name="Not this person").click()
    await server.until(lambda: requests(server, "POST", f"calls/{ring.call}/not-customer") == [{"contact": "k3"}])
    await expect(the_pop(page).get_by_role("option")).to_have_count(2)


async def test_in_a_hidden_tab_the_pop_notifies(server: FakeServer, page: Page) -> None:
    await page.add_init_script("""
        localStorage.setItem('cti.notices', 'on')
        window.notified = []
        window.Notification = class { static permission = 'granted'; constructor(title, more) { notified.push([title, more.body]) } close() { notified.push('closed') } }
        Object.defineProperty(document, 'hidden', { get: () => true })
    """)
    await opened(server, page)
    pop = scenes.anna()
    server.pop(pop)
    await server.until(lambda: server.steps(pop.pop) == ["received", "shown"])
    server.withdraw(pop, "caller_gone")
    await expect(the_pop(page)).to_have_count(0)
    assert await page.evaluate("notified") == [["☎ Anna Berg", "Billing · +49 30 5551234"], "closed"]


async def test_nothing_a_caller_writes_is_more_than_text(server: FakeServer, page: Page) -> None:
    asked: list[str] = []
    page.on("dialog", lambda dialog: asked.append(dialog.message))
    await opened(server, page)
    ring = scenes.call("+447700900123", "+44 7700 900123", "GB", name="\u202e<img src=x onerror=alert(2)>")
    pop = scenes.pop(ring, scenes.card(ring))
    server.pop(pop)
    await expect(the_pop(page)).to_contain_text("<img src=x onerror=alert(2)>")
    server.card(scenes.card(ring, scenes.MAN))
    server.answered(pop)
    await expect(page.get_by_role("main")).to_contain_text("<script>alert('x')</script>")
    overridden = page.get_by_role("main").locator("bdi", has_text="onerror=alert(1)").first
    assert await overridden.evaluate("e => getComputedStyle(e).unicodeBidi") == "isolate"
    assert asked == []


# ---- the call


async def test_hang_up_by_button_and_by_keys_and_never_by_escape(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+Shift+E")
    await server.until(lambda: len(requests(server, "POST", f"calls/{call.call}/actions/hangup")) == 1)
    await expect(page.get_by_role("button", name="Ending…")).to_be_visible()
    [asked] = requests(server, "POST", f"calls/{call.call}/actions/hangup")
    assert isinstance(asked, dict)
    server.command(asked["id"], "failed", "No such channel")
    await expect(page.get_by_text("The call could not be ended: the call has ended")).to_be_visible()
    await end(page).click()
    await server.until(lambda: len(requests(server, "POST", f"calls/{call.call}/actions/hangup")) == 2)


async def test_click_to_dial_asks_before_calling_somebody_who_does_not_want_it(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    await page.get_by_role("main").get_by_role("button", name="Call 0171 555 98 76").click()
    await server.until(lambda: len(requests(server, "POST", "calls")) == 1)
    assert requests(server, "POST", "calls")[0].items() >= {"to": "+491715559876"}.items()  # type: ignore[attr-defined]
    server.card(scenes.card(call, scenes.LONG))
    await page.get_by_role("button", name="Call +49 89 1234567-001").click()
    await expect(page.get_by_text("asked not to be called")).to_be_visible()
    assert len(requests(server, "POST", "calls")) == 1
    await page.get_by_role("button", name="Call anyway").click()
    await server.until(lambda: len(requests(server, "POST", "calls")) == 2)


# ---- note and result


async def test_a_call_is_finished_in_two_key_strokes(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    await note(page).fill("Charged twice.")
    await note(page).blur()
    server.ended(call)
    await expect(page.get_by_text("Call ended after 02:31")).to_be_visible()
    await expect(result(page)).to_be_focused()
    await page.keyboard.press("2")
    await expect(page.get_by_role("option", name="Credit note sent")).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("Ready for the next call.")).to_be_visible()
    assert server.saved[call.call] == ("credit", "Charged twice.")
    assert await page.evaluate("Object.keys(localStorage).filter(key => /draft|pick|wrapping/.test(key))") == []


async def test_a_result_is_found_by_its_words(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    server.ended(call)
    await result(page).fill("complai")
    await expect(page.get_by_role("listbox", name="Result").get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Enter")
    await page.keyboard.press("Control+Enter")
    await server.until(lambda: server.saved.get(call.call) == ("complaint", ""))


async def test_saving_without_a_result_asks_for_one(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    await note(page).fill("Charged twice.")
    server.ended(call)
    await expect(page.get_by_text("Call ended after")).to_be_visible()
    await expect(note(page)).to_be_focused()  # nothing is taken from somebody who types
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("Pick a result to finish.").first).to_be_visible()
    await expect(result(page)).to_be_focused()
    assert call.call not in server.saved


async def test_a_note_survives_a_reload(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    await note(page).fill("Half a sen")
    await server.until(lambda: server.drafts.get(call.call) == "Half a sen")
    server.drafts_fail = True
    await note(page).press("End")
    await page.keyboard.type("tence")
    await expect(page.get_by_text("Kept in this browser")).to_be_visible()
    await page.reload()
    await expect(note(page)).to_have_value("Half a sentence")
    server.drafts_fail = False
    await server.until(lambda: server.drafts.get(call.call) == "Half a sentence", within=8)


async def test_a_call_without_result_is_taken_up_again_after_a_reload(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    await note(page).fill("Charged twice.")
    await server.until(lambda: server.drafts.get(call.call) == "Charged twice.")
    server.ended(call)
    await expect(page.get_by_text("Call ended after")).to_be_visible()
    server.record.insert(
        0,
        scenes.recorded(
            "Anna Berg", 1, call=call.call, result="", result_label="", contact="k1", talk_s=151, queue="Billing"
        ),
    )
    await page.reload()
    await expect(page.get_by_text("Call ended after 02:31")).to_be_visible()
    await expect(note(page)).to_have_value("Charged twice.")
    await expect(page.get_by_role("main").get_by_role("heading", name="Anna Berg")).to_be_visible()
    await result(page).press("1")
    await page.keyboard.press("Control+Enter")
    await server.until(lambda: server.saved.get(call.call) == ("invoice", "Charged twice."))


async def test_the_next_call_waits_for_the_word_that_is_being_typed(server: FakeServer, page: Page) -> None:
    first = await talking(server, page)
    server.ended(first)
    await note(page).press_sequentially("Still writ")
    ring = scenes.call("+447700900123", "+44 7700 900123", "GB")
    pop = scenes.pop(ring, scenes.card(ring))
    server.pop(pop)
    server.answered(pop)
    await expect(page.get_by_title("Show the call with +44 7700 900123")).to_be_visible()
    await page.keyboard.type("ing")
    await expect(note(page)).to_have_value("Still writing")
    await expect(note(page)).to_have_value("", timeout=5000)  # after a pause: the new call's
    await page.get_by_role("button", name="Anna Berg").click()
    await expect(note(page)).to_have_value("Still writing")


# ---- the link


async def test_after_a_cut_the_same_state_without_a_reload(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    server.refuses_sockets = True
    server.cut()
    await expect(page.get_by_text("Your call is not affected.")).to_be_visible()
    await expect(page.get_by_text("≈")).to_be_visible()
    await expect(end(page)).to_have_attribute("aria-disabled", "true")
    await end(page).click(force=True)
    held = scenes.replace(call, state="held", since=now())
    server.call(held)  # while nobody listens
    pop = scenes.pop(scenes.call("+447700900123", "+44 7700 900123", "GB"))
    server.pop(pop)
    server.refuses_sockets = False
    await expect(page.get_by_text("Connection is back.")).to_be_visible(timeout=20_000)
    assert server.hellos[-1].resume is not None
    await expect(page.get_by_text("On hold")).to_be_visible()
    await expect(the_pop(page)).to_have_count(1)
    await server.until(lambda: server.steps(pop.pop) == ["received", "shown"])
    assert requests(server, "POST", f"calls/{call.call}/actions/hangup") == []


async def test_a_missing_message_is_fetched(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    server.skip()
    server.pop(scenes.anna())
    await expect(the_pop(page)).to_be_visible()
    assert [hello.resume is not None for hello in server.hellos] == [False, True]


async def test_a_restarted_server_gives_a_fresh_snapshot(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    server.stream, server.seq = "stream-2", 0
    server.calls.clear()
    server.cut()
    await server.until(lambda: len(server.hellos) == 2)
    await expect(page.get_by_text("Call ended after")).to_be_visible()
    assert call.call not in server.calls


async def test_pbx_lost_and_link_lost_have_different_words(server: FakeServer, page: Page) -> None:
    await talking(server, page)
    server.pbx(m.PbxView(name="main", state="lost", since=now()))
    await expect(page.get_by_text("Phone system main lost since")).to_be_visible()
    await expect(page.get_by_text("Connection lost")).to_have_count(0)
    server.pbx(m.PbxView(name="main", state="connected", since=now()))
    await expect(page.get_by_text("Phone system main lost since")).to_have_count(0)


async def test_one_desk_at_a_time(server: FakeServer, page: Page) -> None:
    server.occupied_since = now() - timedelta(minutes=3)
    await page.goto(server.url)
    await page.get_by_role("button", name="Use here").click()
    await expect(page.get_by_text("Ready for the next call.")).to_be_visible()
    assert [hello.take_over for hello in server.hellos] == [False, True]
    server.pop(scenes.anna())
    await expect(the_pop(page)).to_be_visible()
    await server.displace()
    await expect(page.get_by_text("This desk is open elsewhere")).to_be_visible()
    await expect(the_pop(page)).to_have_count(0)
    await asyncio.sleep(1)
    assert len(server.hellos) == 2  # it does not fight for it


async def test_a_new_version_waits_until_the_agent_is_free(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    await page.evaluate("window.before = true")
    server.version = "0.2.0"
    server.cut()
    await expect(page.get_by_text("New version")).to_be_visible()
    server.ended(call)
    await expect(page.get_by_text("reloads once your calls have their results")).to_be_visible()
    assert await page.evaluate("window.before") is True
    await result(page).press("1")
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_text("Ready for the next call.")).to_be_visible()
    await server.until(lambda: len(server.hellos) == 3)
    assert server.hellos[-1].resume is None
    assert await page.evaluate("window.before") is None


# ---- the rest of the desk


async def test_a_customer_code_is_searched_and_not_dialled(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    await page.keyboard.press("Control+k")
    await page.keyboard.type("70012")
    await page.keyboard.press("Enter")  # at once: nothing is dialled before there is an answer
    await expect(page.get_by_text("1 customer found")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("main").get_by_role("heading", name="Anna Berg")).to_be_visible()
    assert requests(server, "POST", "calls") == []
    await page.get_by_role("button", name="Back", exact=True).click()
    await page.keyboard.press("Control+k")
    await page.keyboard.type("70012")
    await expect(page.get_by_text("1 customer found")).to_be_visible()
    await page.keyboard.press("Control+Enter")
    await server.until(lambda: len(requests(server, "POST", "calls")) == 1)


async def test_a_stranger_is_given_a_customer_by_searching(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    ring = scenes.call("", "", "", keys={})
    pop = scenes.pop(ring, scenes.card(ring, state="withheld"))
    server.pop(pop)
    server.answered(pop)
    await page.get_by_role("button", name="Find the customer").click()
    await page.keyboard.type("anna")
    await expect(page.get_by_text("1 customer found")).to_be_visible()
    await page.keyboard.press("Enter")
    await page.get_by_role("button", name="Use for this call").click()
    await server.until(lambda: requests(server, "POST", f"calls/{ring.call}/customer") == [{"contact": "k1"}])
    await expect(page.get_by_role("region", name="Current call")).to_contain_text("Anna Berg")


async def test_history_is_filtered_by_chips(server: FakeServer, page: Page) -> None:
    await talking(server, page)
    rows = page.get_by_role("region", name="History").get_by_role("listitem")
    await expect(rows).to_have_count(6)
    await page.get_by_role("button", name="Missed").click()
    await expect(rows).to_have_count(1)
    await expect(rows).to_contain_text("Hung up waiting")
    await page.get_by_role("button", name="Missed").click()
    await expect(rows).to_have_count(6)
    await expect(page.get_by_text("3rd call in 24 h").first).to_be_visible()


async def test_the_whole_desk_by_keyboard(server: FakeServer, page: Page) -> None:
    await talking(server, page)
    ring = scenes.call("+447700900123", "+44 7700 900123", "GB")
    server.pop(scenes.pop(ring, scenes.card(ring)))
    await expect(the_pop(page)).to_be_visible()
    names = []
    for _ in range(7):
        await page.keyboard.press("F6")
        names.append(await page.evaluate("document.activeElement.getAttribute('aria-label')"))
    assert names == [
        "Incoming call",
        "Status",
        "Current call",
        "My calls today",
        "Customer",
        "Note and result",
        "Incoming call",
    ]
    await page.keyboard.press("n")
    await expect(note(page)).to_be_focused()
    await page.keyboard.type("n?")
    await expect(note(page)).to_have_value("n?")
    await note(page).blur()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_language_and_theme_are_kept(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    await page.get_by_label("Language").select_option("zh-Hant")
    await expect(page.get_by_text("等待下一通來電。")).to_be_visible()
    await page.get_by_role("button", name="佈景主題").click()
    await page.get_by_role("button", name="佈景主題").click()
    await page.reload()
    await expect(page.get_by_text("等待下一通來電。")).to_be_visible()
    assert await page.evaluate(
        "[document.documentElement.lang, getComputedStyle(document.documentElement).colorScheme]"
    ) == ["zh-Hant", "dark"]


async def test_the_desk_says_which_call_is_looked_at(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)

    def focused() -> list[str | None]:
        return [one.message.call for one in server.said if isinstance(one.message, m.Focus)]

    await server.until(lambda: focused()[-1:] == [call.call])
    await page.get_by_role("button", name="陳美玲").click()
    await server.until(lambda: focused()[-1:] != [call.call])
