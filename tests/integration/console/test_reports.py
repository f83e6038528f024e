"""The reports page in a real Chromium: who gets to it, what it asks for, and what it makes of the answer."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Locator, Page, expect

from tests.integration.console import reported, scenes
from tests.integration.console.fake_server import FakeServer

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest_asyncio.fixture(loop_scope="session")
async def server() -> AsyncIterator[FakeServer]:
    shop = reported.report(totals=reported.totals("shop", "Shop line", entered=7))
    reports = {"bank": reported.report(), "shop": shop}
    given = scenes.desk_server(logged_in=True, me=reported.SORA, reports=reports, pictures={"bank": reported.drawn()})
    async with given.running() as running:
        yield running


async def opened(server: FakeServer, page: Page, at: str = "") -> None:
    await page.goto(f"{server.url}{at}")
    await expect(page.get_by_text("Live", exact=True)).to_be_visible()
    await server.until(lambda: server.connected == 1)


async def bank(server: FakeServer, page: Page) -> None:
    await opened(server, page, "#reports/ivr/bank")
    await expect(the_picture(page).locator("svg")).to_be_visible()


def the_page(page: Page) -> Locator:
    return page.get_by_role("main", name="Reports")


def the_picture(page: Page) -> Locator:
    return page.get_by_role("region", name="The menu as a picture")


def figure(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name=name, exact=True)


def step_names(page: Page) -> Locator:
    return page.locator("tbody th button")


async def test_a_supervisor_goes_to_the_reports_and_back(server: FakeServer, page: Page) -> None:
    await opened(server, page)
    await page.get_by_role("link", name="Reports").click()
    await expect(page.get_by_role("heading", name="How callers get on in the menu")).to_be_visible()
    await server.until(lambda: server.picture_languages == ["en"])
    await expect(page).to_have_url(re.compile(r"#reports/ivr/bank\?since=\d{4}-\d\d-\d\d&until="))
    await page.get_by_role("link", name="Desk").click()
    await expect(page.get_by_text("Ready for the next call.")).to_be_visible()
    await page.go_back()
    await expect(the_page(page)).to_be_visible()


async def test_agents_have_no_reports_whatever_the_address_says(server: FakeServer, page: Page) -> None:
    server.me = scenes.MARA
    await opened(server, page, "#reports/ivr/bank")
    await expect(page.get_by_text("Ready for the next call.")).to_be_visible()
    await expect(page.get_by_role("link", name="Reports")).to_have_count(0)
    scripts = await page.evaluate("performance.getEntriesByType('resource').map(one => one.name)")
    assert not [name for name in scripts if "Reports" in name]


async def test_figures_say_of_how_many_and_what_they_mean(server: FakeServer, page: Page) -> None:
    await bank(server, page)
    await expect(figure(page, "Served by the menu")).to_contain_text("38.6%")
    await expect(figure(page, "Served by the menu")).to_contain_text("463 of 1,201")
    await expect(figure(page, "Mean time")).to_contain_text("01:04")
    meaning = figure(page, "Served by the menu").get_by_role("tooltip", include_hidden=True)
    await expect(meaning).to_be_hidden()
    await page.get_by_role("button", name="What “Served by the menu” means").focus()
    await expect(meaning).to_contain_text("divided by the calls that have left the menu")
    await expect(meaning).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(meaning).to_be_hidden()


async def test_where_there_is_nothing_to_count_no_figure_is_made_up(server: FakeServer, page: Page) -> None:
    unfinished = reported.nothing("bank").totals
    server.reports["bank"] = reported.report(
        totals=scenes.replace(unfinished, entered=2, in_progress=2), worst=None, survey=reported.NOBODY_ASKED
    )
    await opened(server, page, "#reports/ivr/bank")
    await expect(figure(page, "Served by the menu")).to_contain_text("–")  # noqa: RUF001 - the sign that is shown
    await expect(figure(page, "Served by the menu")).to_contain_text("no calls")
    await expect(figure(page, "Satisfaction")).to_contain_text("no answers")
    await expect(the_page(page)).to_contain_text("No caller was lost in the menu.")


async def test_the_worst_step_is_named_in_a_sentence(server: FakeServer, page: Page) -> None:
    await bank(server, page)
    said = page.get_by_role("note")
    await expect(said).to_contain_text("142 of 858 hung up there (16.6%)")
    await page.get_by_role("button", name="Show the step").click()
    await expect(page.locator("tr.selected")).to_contain_text("PIN")


async def test_a_step_selected_in_the_table_stands_out_in_the_picture_and_back(server: FakeServer, page: Page) -> None:
    await bank(server, page)
    await page.get_by_role("button", name="Order number, Show Order number in the picture").click()
    await expect(the_picture(page).locator(".selected")).to_contain_text("Order number")
    await the_picture(page).locator("[data-step=code]").click()
    await expect(page.locator("tr.selected")).to_contain_text("Customer code")
    await expect(the_picture(page).locator(".selected")).to_have_count(1)


async def test_steps_are_sorted_by_any_figure_and_put_back(server: FakeServer, page: Page) -> None:
    await bank(server, page)
    head = page.get_by_role("columnheader", name="Mean, s")
    await head.get_by_role("button").click()
    await expect(head).to_have_attribute("aria-sort", "descending")
    await expect(step_names(page).first).to_have_text("Outside opening hours")
    await expect(step_names(page).last).to_have_text("Talk to an agent")  # has no figure
    await head.get_by_role("button").click()
    await expect(step_names(page).first).to_have_text("Are we open?")
    await expect(step_names(page).last).to_have_text("Talk to an agent")
    await head.get_by_role("button").click()
    await expect(step_names(page).first).to_have_text("Welcome")


async def test_a_period_is_whole_days_here_and_stands_in_the_address(server: FakeServer, page: Page) -> None:
    await page.clock.install(time=datetime(2026, 11, 21, 15, 30, tzinfo=UTC))
    await opened(server, page, "#reports/ivr/bank?since=2026-11-02&until=2026-11-05")
    await expect(the_page(page)).to_contain_text(re.compile("Nov 2 . 4, 2026"))
    await expect(page.get_by_label("To", exact=True)).to_have_value("2026-11-04")
    since, until = (datetime.fromisoformat(one) for one in server.periods[-1])
    assert (until - since) == timedelta(days=3)
    await page.get_by_label("From", exact=True).fill("2026-11-09")
    await expect(page).to_have_url(re.compile("since=2026-11-04&until=2026-11-10"))


async def test_another_menu_is_another_report(server: FakeServer, page: Page) -> None:
    await bank(server, page)
    await page.get_by_label("Menu", exact=True).select_option("shop")
    await expect(figure(page, "Calls")).to_contain_text("7")
    await expect(the_page(page)).to_contain_text("There is no picture of this menu.")


async def test_files_are_of_what_is_shown(server: FakeServer, page: Page) -> None:
    await opened(server, page, "#reports/ivr/bank?since=2026-11-02&until=2026-11-05")
    link = page.get_by_role("link", name="Excel")
    await expect(link).to_have_attribute("href", re.compile(r"api/v1/reports/ivr/bank\?since=.*format=xlsx"))
    await expect(page.get_by_role("link", name="CSV")).to_have_attribute("href", re.compile("format=csv"))


async def test_a_report_that_fails_says_so_and_can_be_asked_for_again(server: FakeServer, page: Page) -> None:
    server.reports_fail = True
    await opened(server, page, "#reports/ivr/bank")
    await expect(page.get_by_role("alert").filter(has_text="The report could not be made")).to_be_visible()
    server.reports_fail = False
    await page.get_by_role("button", name="Try again").click()
    await expect(figure(page, "Calls")).to_contain_text("1,204")


async def test_no_calls_at_all_is_said(server: FakeServer, page: Page) -> None:
    server.reports = {"bank": reported.nothing("bank")}
    await opened(server, page, "#reports")
    await expect(the_page(page)).to_contain_text("No calls came through any menu in this period.")
    await expect(page.get_by_role("link", name="CSV")).to_have_count(0)


async def test_a_picture_that_could_do_more_than_be_looked_at_is_left_out(server: FakeServer, browser: Browser) -> None:
    """On a page of its own: Chromium's log has what the policy stopped besides."""
    page = await browser.new_page(locale="en-GB")
    head, tail = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">', "</svg>"
    link = '<a href="javascript:ran=1"><rect/></a>'
    foreign = (
        '<foreignObject><img xmlns="http://www.w3.org/1999/xhtml" src="x" onerror="window.ran=1"/></foreignObject>'
    )
    for evil in (
        "<script>window.ran=1</script>", '<rect onload="window.ran=1"/>', foreign, link, '<image href="//elsewhere/x"/>',
        '<rect fill="url(//elsewhere/x)"/>', '<rect style="fill:red"/>', "<rect>",
    ):  # fmt: skip
        server.pictures["bank"] = head + evil + tail
        await page.goto("about:blank")
        await opened(server, page, "#reports/ivr/bank")
        await expect(the_page(page)).to_contain_text("The picture could not be shown safely")
        await expect(the_picture(page).locator("svg")).to_have_count(0)
        assert await page.evaluate("window.ran") is None
    await page.context.close()


async def test_a_call_comes_through_on_the_reports_page_and_leads_to_the_desk(server: FakeServer, page: Page) -> None:
    await bank(server, page)
    pop = scenes.anna()
    server.pop(pop)
    await expect(page.get_by_role("region", name="Incoming call")).to_contain_text("Anna Berg")
    await expect(the_page(page)).to_be_visible()
    server.answered(pop)
    await expect(page.get_by_role("textbox", name="Note")).to_be_visible()


async def test_skipping_to_the_report_stays_with_it(server: FakeServer, page: Page) -> None:
    await bank(server, page)
    await page.get_by_role("link", name="Skip to the report").focus()
    await page.keyboard.press("Enter")
    await expect(the_page(page)).to_be_focused()
