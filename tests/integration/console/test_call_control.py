"""Call control in a real Chromium: each button greys with its reason, shows that it waits, and says the PBX's words when it failed."""

from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from cti.screenpop import messages as m
from tests.integration.console import offers, scenes
from tests.integration.console.fake_server import FakeServer, now
from tests.integration.console.test_console import note, opened, requests, talking, the_pop

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


def bar(page: Page) -> Locator:
    return page.get_by_role("region", name="Current call")


def control(page: Page, name: str) -> Locator:
    return bar(page).get_by_role("button", name=name, exact=True)


def panel(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Transfer")


def search(page: Page) -> Locator:
    return panel(page).get_by_role("combobox")


def consultation(page: Page) -> Locator:
    return bar(page).get_by_role("group", name="Consultation")


def sides(page: Page) -> Locator:
    return consultation(page).get_by_role("listitem")


def becomes(server: FakeServer, call: m.CallView, **changes: Any) -> m.CallView:
    after = scenes.replace(call, **changes)
    server.call(after)
    return after


def asking(call: m.CallView, state: Any) -> tuple[m.PartyView, ...]:
    """The customer, held by my phone, and Jon."""
    customer, me, *_ = call.parties
    jon = m.PartyView(leg="j", role="agent", number="1002", name="Jon Ek", state=state, consult=True)
    return customer, scenes.replace(me, state="held"), jon


async def consulting(server: FakeServer, page: Page, state: Any = "connected") -> tuple[m.CallView, dict[str, Any]]:
    """Mara asked Jon in; he rings, or talks to her."""
    call = await talking(server, page)
    await control(page, "Transfer").click()
    await search(page).fill("jon")
    await expect(panel(page).get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Enter")
    asked = await server.asked_to("consult")
    offered = offers.CONSULT_RINGING if state == "ringing" else offers.CONSULTING
    call = becomes(server, call, state="held", since=now(), parties=asking(call, state), actions=offered)
    await expect(sides(page)).to_have_count(2)
    return call, asked


# ---- buttons


async def test_hold_is_shown_at_once_then_waits_and_is_done_when_the_pbx_says_so(
    server: FakeServer, page: Page
) -> None:
    call = await talking(server, page)
    await control(page, "Hold").click()
    await expect(bar(page)).to_contain_text("On hold")
    await expect(bar(page).locator("[data-action=hold]")).to_have_attribute("aria-busy", "true")
    asked = await server.asked_to("hold")
    becomes(server, call, state="held", since=now(), actions=offers.HELD)
    server.command(asked["id"], "done")
    await expect(control(page, "Retrieve")).to_have_attribute("aria-busy", "false")
    await expect(bar(page)).to_contain_text("On hold")
    await page.keyboard.press("Control+Shift+H")
    await server.asked_to("retrieve")
    assert len(requests(server, "POST", f"calls/{call.call}/actions/hold")) == 1


async def test_a_hold_that_failed_turns_back_and_says_the_pbxs_words(server: FakeServer, page: Page) -> None:
    await talking(server, page)
    await control(page, "Hold").dblclick()
    asked = await server.asked_to("hold")
    server.command(asked["id"], "failed", "Channel does not support hold")
    await expect(page.get_by_text("The call could not be put on hold: Channel does not support hold")).to_be_visible()
    await expect(control(page, "Hold")).to_have_attribute("aria-disabled", "false")
    await expect(bar(page)).to_contain_text("On call")
    assert len([path for _, path, _ in server.asked if path.endswith("/actions/hold")]) == 1


async def test_a_grey_button_keeps_its_place_and_says_why(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    park = control(page, "Park")
    before = await park.bounding_box()
    actions = tuple(
        m.Action(name=one.name, allowed=False, why_not="phone_cannot") if one.name in {"park", "hold"} else one
        for one in offers.TALKING
    )
    becomes(server, call, actions=actions)
    await expect(park).to_have_attribute("aria-disabled", "true")
    await expect(park).to_have_attribute("title", "Your phone cannot be made to do that from here.")
    await expect(park).to_have_accessible_description("Your phone cannot be made to do that from here.")
    assert await park.bounding_box() == before
    await expect(control(page, "Three-way")).to_have_attribute("title", "Consult a colleague first (Transfer).")
    await park.click(force=True)
    await expect(page.get_by_text("Your phone cannot be made to do that from here.")).to_be_visible()
    await page.keyboard.press("Control+Shift+H")
    assert [path for verb, path, _ in server.asked if verb == "POST" and "/actions/" in path] == []


async def test_the_end_stands_at_the_far_right_and_controls_fit(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    becomes(server, call, recording="on", actions=offers.RECORDED)
    for width, height in ((1280, 720), (1024, 768), (390, 844)):
        await page.set_viewport_size({"width": width, "height": height})
        buttons = await bar(page).get_by_role("button").all()
        boxes = [box for one in buttons if (box := await one.bounding_box())]
        assert max(box["x"] + box["width"] for box in boxes) <= width
        assert min(box["height"] for box in boxes) >= 32
        assert await buttons[-1].get_attribute("data-action") == "hangup"


async def test_the_pop_answers_where_the_phone_can(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    ring = scenes.call(actions=offers.RINGING)
    server.pop(scenes.pop(ring, scenes.card(ring, scenes.ANNA)))
    await expect(the_pop(page)).to_contain_text("Pick up your phone to answer.")
    becomes(server, ring, actions=offers.RINGING_HERE)
    answer = the_pop(page).get_by_role("button", name="Answer")
    await expect(answer).to_be_visible()
    await page.keyboard.press("Control+Shift+A")
    asked = await server.asked_to("answer")
    server.command(asked["id"], "failed", "timeout")
    await expect(
        page.get_by_text("The call could not be answered: the phone system did not answer in time")
    ).to_be_visible()
    await answer.click()
    await server.asked_to("answer")


async def test_a_phone_that_cannot_be_made_to_answer_says_so_and_p_and_enter_answer_one_that_can(
    server: FakeServer, page: Page
) -> None:
    await opened(server, page)
    ring = scenes.call(actions=offers.RINGING)
    server.pop(scenes.pop(ring, scenes.card(ring, scenes.ANNA)))
    await expect(the_pop(page)).to_be_visible()
    await page.keyboard.press("Control+Shift+A")
    await expect(page.get_by_text("Your phone cannot be made to do that from here.")).to_be_visible()
    becomes(server, ring, actions=offers.RINGING_HERE)
    await expect(the_pop(page).get_by_role("button", name="Answer")).to_be_visible()
    await page.keyboard.press("p")
    await page.keyboard.press("Enter")
    await server.asked_to("answer")


async def test_a_lost_connection_greys_everything(server: FakeServer, page: Page) -> None:
    await talking(server, page)
    server.refuses_sockets = True
    server.cut()
    await expect(control(page, "Hold")).to_have_attribute("title", "The connection to the server is lost.")
    await control(page, "Hold").click(force=True)
    assert [path for _, path, _ in server.asked if "/actions/" in path] == []


# ---- transfer


async def test_a_warm_transfer_by_keyboard(server: FakeServer, page: Page) -> None:
    await talking(server, page)
    await page.keyboard.press("Control+Shift+T")
    await expect(search(page)).to_be_focused()
    await expect(panel(page).get_by_role("option", name="Jon Ek")).to_contain_text("Ready")
    await expect(panel(page).get_by_role("option", name="Support")).to_contain_text("4 waiting, 0 ready")
    await expect(panel(page).get_by_role("option", name="Mara")).to_have_count(0)
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await expect(panel(page).get_by_role("option", selected=True)).to_contain_text("Lena Fuchs")
    await expect(panel(page)).to_contain_text(
        "you talk to \u2068Lena Fuchs\u2069 first, \u2068Anna Berg\u2069 waits on hold"
    )
    await page.keyboard.press("Enter")
    assert (await server.asked_to("consult"))["to"] == "1003"
    await expect(panel(page)).to_have_count(0)


async def test_a_cold_transfer_by_keyboard_and_the_words_when_it_failed(server: FakeServer, page: Page) -> None:
    await talking(server, page)
    await control(page, "Transfer").click()
    await search(page).fill("support")
    await expect(panel(page).get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Shift+Enter")
    asked = await server.asked_to("transfer")
    assert asked["to"] == "620"
    server.command(asked["id"], "failed", "Extension does not exist.")
    await expect(page.get_by_text("The call was not transferred: Extension does not exist.")).to_be_visible()
    await expect(control(page, "Transfer")).to_have_attribute("aria-disabled", "false")


async def test_a_number_that_may_not_be_called_says_why_before_anything_is_asked(
    server: FakeServer, page: Page
) -> None:
    server.refuses["+3906123456"] = "country_not_allowed"
    await talking(server, page)
    await control(page, "Transfer").click()
    await search(page).fill("+39 06 123456")
    option = panel(page).get_by_role("option")
    await expect(option).to_have_count(1)
    await expect(option).to_contain_text("calls to this country are not allowed")
    await page.keyboard.press("Enter")
    await page.keyboard.press("Shift+Enter")
    await expect(panel(page)).to_be_visible()
    assert [path for _, path, _ in server.asked if "/actions/" in path] == []
    await search(page).fill("+49 30 999")
    await expect(option).not_to_contain_text("not allowed")
    await page.keyboard.press("Enter")
    assert (await server.asked_to("consult"))["to"] == "+4930999"


async def test_escape_closes_the_panel_and_never_ends_the_call(server: FakeServer, page: Page) -> None:
    await talking(server, page)
    await control(page, "Transfer").click()
    await expect(search(page)).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(panel(page)).to_have_count(0)
    await expect(control(page, "Transfer")).to_be_focused()
    await page.keyboard.press("Escape")
    assert [path for _, path, _ in server.asked if "/actions/" in path] == []


async def test_the_panel_follows_who_is_free_and_keeps_the_choice(server: FakeServer, page: Page) -> None:
    await talking(server, page)
    await control(page, "Transfer").click()
    await expect(panel(page).get_by_role("option", name="Ivo Marek")).to_contain_text("On a call")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("ArrowDown")
    server.agents = [
        one | {"state": "READY", "since": now().isoformat()} if one["id"] == "ivo" else one for one in server.agents
    ]
    chosen = panel(page).get_by_role("option", selected=True)
    await expect(chosen).to_contain_text("Ready", timeout=4000)
    await expect(chosen).to_contain_text("Ivo Marek")


# ---- consultation


async def test_a_consultation_shows_both_sides_and_all_ways_on(server: FakeServer, page: Page) -> None:
    call, asked = await consulting(server, page, "ringing")
    await expect(sides(page)).to_have_text(["Anna Berg on hold", "Jon Ek 1002 ringing"], use_inner_text=True)
    swap = consultation(page).get_by_role("button", name="Swap")
    await expect(swap).to_have_attribute("title", "The colleague has not answered yet.")
    call = becomes(server, call, parties=asking(call, "connected"), actions=offers.CONSULTING)
    server.command(asked["id"], "done")
    await expect(sides(page)).to_have_text(["Anna Berg on hold", "Jon Ek 1002 talking"], use_inner_text=True)
    await swap.click()
    asked = await server.asked_to("alternate")
    customer, me, jon = call.parties
    becomes(server, call, parties=(customer, scenes.replace(me, state="connected"), jon))
    server.command(asked["id"], "done")
    await expect(sides(page)).to_have_text(["Anna Berg talking", "Jon Ek 1002 on hold"], use_inner_text=True)
    for name, action in (("Three-way", "conference"), ("Back to the customer", "reconnect"), ("Hand over", "complete")):
        await consultation(page).get_by_role("button", name=name).click()
        asked = await server.asked_to(action)
        server.command(asked["id"], "failed", "not now")
        await expect(page.get_by_text("not now").last).to_be_visible()


async def test_a_colleague_who_is_busy_gives_the_customer_back(server: FakeServer, page: Page) -> None:
    call, asked = await consulting(server, page, "ringing")
    customer, me, _ = call.parties
    becomes(
        server, call, state="talking", parties=(customer, scenes.replace(me, state="connected")), actions=offers.TALKING
    )
    server.command(asked["id"], "failed", "busy")
    await expect(
        page.get_by_text("\u2068Jon Ek\u2069 was not reached: busy. You are back with the customer.")
    ).to_be_visible()
    await expect(consultation(page)).to_have_count(0)
    await expect(bar(page)).to_contain_text("On call")


async def test_a_colleague_who_does_not_answer_or_leaves_is_told_once(server: FakeServer, page: Page) -> None:
    call, asked = await consulting(server, page, "ringing")
    server.command(asked["id"], "done")
    customer, me, _ = call.parties
    back = {"state": "talking", "parties": (customer, scenes.replace(me, state="connected")), "actions": offers.TALKING}
    becomes(server, call, **back)
    await expect(page.get_by_text("\u2068Jon Ek\u2069 did not answer. You are back with the customer.")).to_be_visible()
    becomes(server, call, parties=asking(call, "connected"), actions=offers.CONSULTING)
    await expect(sides(page).last).to_contain_text("talking")
    becomes(server, call, **back)
    await expect(page.get_by_text("\u2068Jon Ek\u2069 is gone. You are back with the customer.")).to_be_visible()


async def test_going_back_is_not_told_as_if_the_colleague_had_left(server: FakeServer, page: Page) -> None:
    call, asked = await consulting(server, page)
    server.command(asked["id"], "done")
    await consultation(page).get_by_role("button", name="Back to the customer").click()
    asked = await server.asked_to("reconnect")
    server.command(asked["id"], "done")
    customer, me, _ = call.parties
    parties = (customer, scenes.replace(me, state="connected"))
    becomes(server, call, state="talking", parties=parties, actions=offers.TALKING)
    await expect(consultation(page)).to_have_count(0)
    await expect(page.get_by_text("is gone")).to_have_count(0)


# ---- keys


async def test_keys_are_clicked_or_typed_shown_and_sent_in_order(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    await page.keyboard.press("Control+Shift+K")
    pad = page.get_by_role("dialog", name="Keypad")
    await page.keyboard.type("1")
    first = await server.asked_to("keys")
    await page.keyboard.type("2n*")
    await pad.get_by_role("button", name="Key #").click()
    await expect(pad.get_by_role("log")).to_have_text("12*#")
    assert len(requests(server, "POST", f"calls/{call.call}/actions/keys")) == 1
    server.command(first["id"], "done")
    second = await server.asked_to("keys")
    assert (first["keys"], second["keys"]) == ("1", "2*#")
    server.command(second["id"], "failed", "not_connected")
    await expect(page.get_by_text("The keys could not be sent")).to_be_visible()
    await expect(pad.get_by_role("log")).to_have_text("1")
    await page.keyboard.press("Escape")
    await expect(pad).to_have_count(0)


# ---- recording


async def test_a_paused_recording_counts_down_until_it_goes_on(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    await control(page, "Record").click()
    asked = await server.asked_to("record")
    call = becomes(server, call, recording="on", actions=offers.RECORDED)
    server.command(asked["id"], "done")
    await expect(bar(page).get_by_text("Recording", exact=True)).to_be_visible()
    await control(page, "Pause rec.").click()
    asked = await server.asked_to("record_pause")
    resumes_at = now() + timedelta(seconds=45)
    call = becomes(server, call, recording="paused", recording_resumes_at=resumes_at, actions=offers.PAUSED)
    server.command(asked["id"], "done")
    countdown = bar(page).locator("[data-countdown]")
    await expect(bar(page)).to_contain_text("Recording paused")
    await expect(countdown).to_have_text("00:44")
    await expect(countdown).to_have_text("00:43")
    await control(page, "Resume rec.").click()
    asked = await server.asked_to("record_resume")
    becomes(server, call, recording="on", recording_resumes_at=None, actions=offers.RECORDED)
    server.command(asked["id"], "done")
    await expect(countdown).to_have_count(0)
    await control(page, "Stop recording").click()
    await server.asked_to("record_stop")


# ---- parking


async def test_park_and_fetch(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    await control(page, "Park").click()
    asked = await server.asked_to("park")
    server.command(asked["id"], "done")
    server.ended(call)
    server.park(
        m.ParkedView(
            call=call.call, pbx="main", space="701", since=now(), queue="Billing", name="Anna Berg", by="Mara Lind",
            number_shown="+49 30 5551234",
        )
    )  # fmt: skip
    parked = page.get_by_role("region", name="Parked calls")
    await expect(parked.get_by_role("listitem")).to_contain_text("701")
    await expect(parked.get_by_role("listitem")).to_contain_text("Anna Berg")
    await expect(parked.get_by_role("listitem")).to_contain_text("by \u2068Mara Lind\u2069")
    await parked.get_by_role("button", name="Fetch").click()
    await server.until(lambda: len(requests(server, "POST", "parked/701/fetch")) == 1)
    await expect(parked.get_by_role("button", name="Your phone rings…")).to_be_visible()
    [fetched] = requests(server, "POST", "parked/701/fetch")
    assert isinstance(fetched, dict)
    server.command(fetched["id"], "failed", "no_answer")
    await expect(page.get_by_text("The parked call could not be fetched: no answer")).to_be_visible()
    server.park()
    await expect(parked).to_have_count(0)


# ---- dialling


async def test_click_to_dial_has_the_card_up_before_the_phone_rings(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    await page.keyboard.press("Control+k")
    await page.get_by_role("combobox", name="Search customers").fill("anna")
    await expect(page.get_by_role("listbox").get_by_role("option")).to_have_count(1)
    await page.keyboard.press("Control+Enter")
    await expect(page.get_by_role("main").get_by_role("heading", name="Anna Berg")).to_be_visible()
    await server.until(lambda: len(requests(server, "POST", "calls")) == 1)
    [asked] = requests(server, "POST", "calls")
    assert isinstance(asked, dict)
    assert (asked["to"], asked["contact"]) == ("+49305551234", "k1")
    assert await bar(page).count() == 0


# ---- customers


async def test_a_stranger_becomes_a_customer_from_the_card(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    ring = scenes.call("+447700900123", "+44 7700 900123", "GB", keys={}, name="BERG A")
    pop = scenes.pop(ring, scenes.card(ring))
    server.pop(pop)
    create = page.get_by_role("button", name="Create customer")
    await expect(the_pop(page)).to_be_visible()
    await expect(create).to_have_count(0)
    call = server.answered(pop)
    await create.click()
    await expect(page.get_by_label("Name")).to_be_focused()
    await expect(page.get_by_label("Name")).to_have_value("")
    await expect(page.get_by_label("Number 1")).to_have_value("+44 7700 900123")
    await page.get_by_role("button", name="Add a number").click()
    await page.keyboard.type("ask her")
    await page.get_by_role("main").get_by_role("button", name="Save").click()
    await expect(page.get_by_text("A name or a company is needed.")).to_be_visible()
    await expect(page.get_by_label("Name")).to_be_focused()
    await expect(page.get_by_label("Number 2")).to_have_accessible_description("This is no phone number.")
    assert requests(server, "POST", "customers") == []
    await page.get_by_role("button", name="Remove ask her").click()
    await page.get_by_label("Name").fill("李小龍 <b>Lee</b>")
    await page.get_by_label("Language", exact=True).last.select_option("zh-Hant")
    await page.get_by_label("Label 1").fill("mobile")
    await page.get_by_role("checkbox", name="Refuses recording").check()
    await page.keyboard.press("Control+Enter")
    await server.until(lambda: len(requests(server, "POST", "customers")) == 1)
    assert requests(server, "POST", "customers") == [
        {
            "name": "李小龍 <b>Lee</b>", "company": "", "language": "zh-Hant", "flags": ["recording_refused"], "call": call.call,
            "numbers": [{"typed": "+44 7700 900123", "label": "mobile"}],
        }
    ]  # fmt: skip
    await expect(page.get_by_role("main").get_by_role("heading", name="李小龍 <b>Lee</b>")).to_be_visible()
    assert server.saved == {}


async def test_a_correction_sends_what_changed_and_is_kept_when_refused(server: FakeServer, page: Page) -> None:
    await talking(server, page)
    await page.get_by_role("button", name="Correct").click()
    await page.get_by_label("Name").fill("Anna Berg-Holm")
    ring = scenes.call("+447700900123", "+44 7700 900123", "GB")
    pop = scenes.pop(ring, scenes.card(ring))
    server.pop(pop)
    await expect(the_pop(page)).to_be_visible()
    await expect(page.get_by_label("Name")).to_have_value("Anna Berg-Holm")
    server.withdraw(pop, "caller_gone")
    server.crm_writes = False
    await page.get_by_role("main").get_by_role("button", name="Save").click()
    await expect(page.get_by_text("the customer system takes no changes from here")).to_be_visible()
    await expect(page.get_by_label("Name")).to_have_value("Anna Berg-Holm")
    server.crm_writes = True
    await page.get_by_role("main").get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Customer saved.")).to_be_visible()
    [*_, last] = requests(server, "PATCH", "customers/k1")
    assert isinstance(last, dict)
    assert {key: value for key, value in last.items() if key != "call"} == {"name": "Anna Berg-Holm"}


async def test_a_customer_is_corrected_after_the_call_too(server: FakeServer, page: Page) -> None:
    call = await talking(server, page)
    server.ended(call)
    await expect(page.get_by_text("Call ended after")).to_be_visible()
    await page.get_by_role("button", name="Correct").click()
    await page.get_by_label("Company").fill("Berg & Holm")
    await page.get_by_label("Company").press("Enter")
    await expect(page.get_by_role("main").get_by_text("Berg & Holm")).to_be_visible()
    await expect(page.get_by_role("main")).to_contain_text("Matched by number")
    assert requests(server, "PATCH", "customers/k1") == [{"company": "Berg & Holm", "call": call.call}]


async def test_where_the_crm_is_read_only_nothing_offers_to_write(server: FakeServer, page: Page) -> None:
    server.crm_writes = False
    await talking(server, page)
    await expect(page.get_by_role("link", name="Open in the customer system")).to_have_attribute(
        "rel", "noopener noreferrer"
    )
    await expect(page.get_by_role("button", name="Correct")).to_have_count(0)


# ---- names


async def test_names_in_panels_are_text_and_keep_their_direction_to_themselves(server: FakeServer, page: Page) -> None:
    nasty = "\u202e<img src=x onerror=alert(1)>"
    server.agents = [scenes.colleague("x", nasty, "1009", "READY", now(), reason="<b>x</b>")]
    call = await talking(server, page)
    server.card(scenes.card(call, scenes.MAN))
    await control(page, "Transfer").click()
    option = panel(page).get_by_role("option").first
    await expect(option).to_contain_text("<img src=x onerror=alert(1)>")
    assert await option.locator("bdi").first.evaluate("e => getComputedStyle(e).unicodeBidi") == "isolate"
    assert await page.locator("img").count() == 0
    await expect(note(page)).to_be_visible()
