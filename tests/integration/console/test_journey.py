"""How the caller came through the menu, in a real Chromium: in the pop, and with the call."""

import re

import pytest
from playwright.async_api import Locator, Page, expect

from cti.screenpop import messages as m
from tests.integration.console import scenes
from tests.integration.console.fake_server import FakeServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


async def opened(server: FakeServer, page: Page) -> None:
    await page.goto(server.url)
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await server.until(lambda: server.connected == 1)


async def talking(server: FakeServer, page: Page, pop: m.PopView) -> m.CallView:
    await opened(server, page)
    server.pop(pop)
    call = server.answered(pop)
    await expect(page.get_by_role("textbox", name="Note")).to_be_visible()
    return call


def the_pop(page: Page) -> Locator:
    return page.get_by_role("region", name="Incoming call")


def the_way(page: Page) -> Locator:
    return page.get_by_role("list", name="Way through the menu")


def the_card(page: Page) -> Locator:
    return page.get_by_role("article", name="Customer")


async def test_the_pop_says_what_they_did_in_the_menu_and_where_it_was_hard(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    server.pop(scenes.through_the_ivr())
    shown = the_pop(page)
    for words in ("PIN verified", "asked 3 times", "Talk to an agent", "Wants: Order status", "in the menu 00:48"):
        await expect(shown).to_contain_text(words)
    await expect(shown).not_to_contain_text("Billing > Invoice")


async def test_who_came_through_no_menu_has_no_trace_of_one(server: FakeServer, page: Page) -> None:
    await talking(server, page, scenes.anna())
    for absent in (the_way(page), page.get_by_text("verified", exact=False).filter(has_text="PIN")):
        await expect(absent).to_have_count(0)
    await expect(page.get_by_text("Not verified")).to_have_count(0)
    await expect(page.get_by_text("In the menu")).to_have_count(0)


async def test_the_menu_is_told_while_the_phone_rings_already(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    pop = scenes.anna()
    server.pop(pop)
    await expect(the_pop(page)).to_contain_text("unverified number")
    way = scenes.journey(*scenes.WAY, is_verified=True, **scenes.SAID_ANNA)
    server.call(scenes.replace(pop.call, journey=way))
    await expect(the_pop(page)).to_contain_text("PIN verified")


async def test_until_the_customer_system_answers_the_name_from_the_menu_stands(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    pop = scenes.through_the_ivr()
    server.pop(scenes.pop(pop.call))
    await expect(the_pop(page).get_by_role("heading", name="Anna Berg")).to_be_visible()
    server.card(scenes.card(pop.call))
    await expect(the_pop(page).get_by_role("heading", name="+49 30 5551234")).to_be_visible()
    await expect(the_pop(page)).not_to_contain_text("PIN verified")


async def test_the_steps_open_by_keyboard_and_keep_secrets(server: FakeServer, page: Page) -> None:
    await talking(server, page, scenes.through_the_ivr())
    opener = page.get_by_role("button", name="7 steps")
    await expect(opener).to_have_attribute("aria-expanded", "false")
    await opener.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Hide steps")).to_have_attribute("aria-expanded", "true")
    pin = page.get_by_role("listitem").filter(has_text="•")
    await expect(pin).to_have_count(1)
    await expect(pin).to_contain_text("secret")
    await expect(pin).to_contain_text("asked 3 times")
    await expect(page.get_by_role("listitem").filter(has_text="What is it about?")).to_contain_text("Orders")
    await page.keyboard.press("Enter")
    await expect(pin).to_be_hidden()


async def test_a_code_says_who_it_is_and_the_number_that_somebody_else_has_it(server: FakeServer, page: Page) -> None:
    call = await talking(server, page, scenes.on_somebody_elses_phone())
    await expect(the_card(page).get_by_role("heading", name="Anna Berg")).to_be_visible()
    await expect(the_card(page)).to_contain_text("Identified by code 70012")
    await expect(the_card(page)).to_contain_text(re.compile("The calling number .*6789.* is known as .*陳美玲"))
    await page.get_by_role("button", name="This one is calling").click()
    await server.until(lambda: ("POST", f"calls/{call.call}/customer", {"contact": "k2"}) in server.asked)
    await expect(the_card(page).get_by_role("heading", name="陳美玲")).to_be_visible()


async def test_whom_the_number_belongs_to_can_be_looked_at_first(server: FakeServer, page: Page) -> None:
    await talking(server, page, scenes.on_somebody_elses_phone())
    await page.get_by_role("button", name="Look at 陳美玲").click()
    await expect(the_card(page)).to_contain_text("#5107")
    await page.get_by_role("button", name="Back", exact=True).click()
    await expect(the_card(page).get_by_role("heading", name="Anna Berg")).to_be_visible()


async def test_a_pin_proves_the_one_who_keyed_it_and_nobody_the_agent_finds_instead(
    server: FakeServer, page: Page
) -> None:
    call = await talking(server, page, scenes.through_the_ivr())
    await expect(the_card(page)).to_contain_text("PIN verified")
    server.card(scenes.card(call, scenes.MEILING))
    await expect(the_card(page).get_by_role("heading", name="陳美玲")).to_be_visible()
    await expect(page.get_by_text("PIN verified")).to_have_count(0)
    await expect(page.get_by_role("region", name="Why they call")).to_contain_text("Anna Berg · 70012")


async def test_what_they_owe_is_shown_as_the_customer_system_says_it(server: FakeServer, page: Page) -> None:
    pop = scenes.through_the_ivr()
    call = await talking(server, page, pop)
    await expect(the_card(page)).to_contain_text("Balance due")
    await expect(the_card(page)).to_contain_text("1,140.50 EUR")
    server.card(scenes.card(call, scenes.replace(scenes.ANNA, balance="-20.00 EUR")))
    await expect(the_card(page)).to_contain_text("In credit")
    await expect(the_card(page)).not_to_contain_text("-20.00")


async def test_a_call_that_the_menu_served_is_told_apart_from_a_missed_one(server: FakeServer, page: Page) -> None:
    await talking(server, page, scenes.anna())
    row = page.get_by_role("region", name="History").get_by_role("listitem").filter(has_text="Served by the menu")
    await expect(row).to_have_count(1)
    await page.get_by_role("button", name="Missed").click()
    await expect(row).to_have_count(0)
