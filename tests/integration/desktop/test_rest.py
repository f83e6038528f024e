"""REST, resource by resource. Every answer is held against OpenAPI by the browser that asks."""

import asyncio
from typing import Any
from urllib.parse import quote

import pytest

from cti.errors import StoreUnavailable
from cti.store.people import MemoryPeople
from cti.web.ports import PartHealth
from tests.integration.desktop.browser import Browser
from tests.integration.desktop.conftest import LogIn
from tests.integration.desktop.house import JON, MARA, House
from tests.unit.screenpop.stories import Story

NASTY = [
    "'; --",
    "%",
    "_",
    "\\",
    "9" * 5_000,
    "\u202e\u200fevil",
    "<img src=x onerror=alert(1)>",
    "\x00",
    "*",
    "((((((((a+)+)+)+",
]


async def tell(house: House, *changes: Any) -> None:
    for change in changes:
        await house.changed(change)


async def talking(house: House, name: str = "1") -> Story:
    story = Story(name)
    await tell(house, story.offered(), story.queued(), story.rings(MARA), story.answers(MARA))
    return story


async def over(house: House, name: str = "1") -> Story:
    story = await talking(house, name)
    await tell(house, story.ends())
    return story


# ---- calls


async def test_an_agent_sees_own_live_calls_and_a_supervisor_all(house: House, log_in: LogIn) -> None:
    story = await talking(house)
    seen = {}
    for agent in ("mara", "jon", "sue"):
        status, answer = await (await log_in(agent)).ask("GET", "/api/v1/calls")
        assert status == 200
        seen[agent] = [(item["call"]["call"], item["call"]["state"]) for item in answer["items"]]
    assert seen == {"mara": [(story.id, "talking")], "jon": [], "sue": [(story.id, "talking")]}


async def test_one_live_call_comes_with_its_card(house: House, log_in: LogIn) -> None:
    story = await talking(house)
    status, answer = await (await log_in()).ask("GET", f"/api/v1/calls/{story.id}")
    assert (status, answer["card"]["contacts"][0]["name"]) == (200, "Anna Berg")


async def test_a_call_that_is_over_is_no_live_call(house: House, log_in: LogIn) -> None:
    story = await over(house)
    assert (await (await log_in()).ask("GET", f"/api/v1/calls/{story.id}"))[0] == 404


async def test_choosing_a_customer_is_on_record_and_on_the_screen(house: House, log_in: LogIn) -> None:
    story = Story()
    await tell(house, story.offered("+886223456789"), story.rings(MARA))
    browser = await log_in()
    async with browser.socket() as desktop:
        assert (await desktop.hears_of("snapshot"))["cards"][0]["state"] == "several"
        assert (await browser.ask("POST", f"/api/v1/calls/{story.id}/customer", {"contact": "k3"}))[0] == 204
        card = (await desktop.hears_of("card"))["card"]
    assert (card["state"], card["chosen"]) == ("found", "k3")
    kinds = [(fact.type, fact.data.get("contact"), fact.data.get("by")) for fact in await house.log.facts(story.id)]
    assert ("cti.interaction.customer.v1", "k3", "mara") in kinds


async def test_not_this_person_is_on_record_with_the_number(house: House, log_in: LogIn) -> None:
    story = Story()
    await tell(house, story.offered("+886223456789"), story.rings(MARA))
    assert (await (await log_in()).ask("POST", f"/api/v1/calls/{story.id}/not-customer", {"contact": "k2"}))[0] == 204
    assert await house.log.ruled_out("+886223456789") == {"k2"}
    assert [contact.id for contact in house.hub.card_of(story.call).contacts] == ["k3"]


async def test_a_customer_nobody_knows_cannot_be_chosen(house: House, log_in: LogIn) -> None:
    story = await talking(house)
    assert (await (await log_in()).ask("POST", f"/api/v1/calls/{story.id}/customer", {"contact": "k99"}))[0] == 404


# ---- interactions


async def test_note_and_result_of_a_call_are_on_record(house: House, log_in: LogIn) -> None:
    story = await over(house)
    browser = await log_in()
    assert (await browser.ask("PUT", f"/api/v1/interactions/{story.id}/note", {"text": "first"}))[0] == 204
    assert (await browser.ask("PUT", f"/api/v1/interactions/{story.id}/result", {"code": "solved", "note": "second"}))[
        0
    ] == 204
    _, answer = await browser.ask("GET", f"/api/v1/interactions/{story.id}")
    assert (answer["note"], answer["result"], answer["result_label"]) == ("second", "solved", "Solved")


async def test_a_note_can_be_written_while_the_call_goes_on(house: House, log_in: LogIn) -> None:
    story = await talking(house)
    browser = await log_in()
    assert (await browser.ask("PUT", f"/api/v1/interactions/{story.id}/note", {"text": "early"}))[0] == 204
    await tell(house, story.ends())
    assert (await browser.ask("GET", f"/api/v1/interactions/{story.id}"))[1]["note"] == "early"


async def test_a_result_right_after_the_hang_up_is_taken_before_the_record_knows_the_call(
    house: House, log_in: LogIn
) -> None:
    story = Story()
    for change in (story.offered(), story.rings(MARA), story.answers(MARA), story.ends()):
        house.hub.call_changed(change)
    assert (await (await log_in()).ask("PUT", f"/api/v1/interactions/{story.id}/result", {"code": "solved"}))[0] == 204


@pytest.mark.parametrize("code", ["", "no-such", "sold"])
async def test_a_result_that_the_queue_does_not_have_is_refused(house: House, log_in: LogIn, code: str) -> None:
    story = await over(house)
    assert (await (await log_in()).ask("PUT", f"/api/v1/interactions/{story.id}/result", {"code": code}))[0] == 400


async def test_46_a_draft_survives_and_is_nobody_elses(house: House, log_in: LogIn) -> None:
    story = await talking(house)
    path = f"/api/v1/interactions/{story.id}/draft"
    mara, sue = await log_in(), await log_in("sue")
    assert (await mara.ask("PUT", path, {"text": "half a sen"}))[0] == 204
    await tell(house, story.ends())
    assert (await mara.ask("GET", path))[1]["text"] == "half a sen"
    assert (await sue.ask("GET", path))[0] == 403


async def test_the_list_is_newest_first_and_goes_on_by_cursor(house: House, log_in: LogIn) -> None:
    names = [(await over(house, str(number))).id for number in range(5)]
    browser = await log_in()
    seen, cursor = [], ""
    while True:
        _, page = await browser.ask("GET", f"/api/v1/interactions?limit=2&agent=me{cursor}")
        seen += [item["call"] for item in page["items"]]
        if page["cursor"] is None:
            break
        cursor = f"&cursor={quote(page['cursor'])}"
    assert sorted(seen) == sorted(names)
    assert len(seen) == 5


async def test_agents_see_only_what_they_handled_whatever_they_ask(house: House, log_in: LogIn) -> None:
    story = await over(house)
    jon, sue = await log_in("jon"), await log_in("sue")
    assert (await jon.ask("GET", "/api/v1/interactions?agent=mara"))[1]["items"] == []
    assert (await jon.ask("GET", f"/api/v1/interactions/{story.id}"))[0] == 403
    assert len((await sue.ask("GET", "/api/v1/interactions?agent=mara"))[1]["items"]) == 1


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=x",
        "since=yesterday",
        "since=2026-01-01T00:00:00",
        "outcome=nice",
        "direction=up",
        "colour=red",
        "limit=1&limit=2",
        "cursor=made-up",
    ],
)
async def test_a_query_that_means_nothing_is_told_so(log_in: LogIn, query: str) -> None:
    status, answer = await (await log_in()).ask("GET", f"/api/v1/interactions?{query}")
    assert status == 400
    assert answer["detail"]


# ---- customers


async def test_a_customer_comes_with_the_calls_there_were(house: House, log_in: LogIn) -> None:
    story = await over(house)
    _, answer = await (await log_in("jon")).ask("GET", "/api/v1/customers/k1")
    assert (answer["contact"]["name"], [item["call"] for item in answer["history"]]) == ("Anna Berg", [story.id])


async def test_searching_finds_names_and_codes(log_in: LogIn) -> None:
    browser = await log_in()
    found = [
        (await browser.ask("GET", f"/api/v1/customers?q={quote(text)}"))[1]["items"]
        for text in ("berg", "陳", "陳美", "70013")
    ]
    assert [[one["id"] for one in items] for items in found] == [["k1"], [], ["k2"], ["k2"]]


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
async def test_51_injection_search_text_is_text(log_in: LogIn, text: str) -> None:
    browser = await log_in()
    for path in (
        f"customers?q={quote(text)}",
        f"interactions?text={quote(text[:200])}",
        f"interactions?number={quote(text[:64])}",
    ):
        status, answer = await browser.ask("GET", f"/api/v1/{path}")
        assert (status, answer["items"]) == (200, []), path


async def test_51_ten_thousand_digits_are_refused_unread(stranger: Browser) -> None:
    assert (await stranger.response("GET", f"/api/v1/customers?q={'9' * 10_000}")).status == 400


@pytest.mark.parametrize("text", [text for text in NASTY if "\x00" not in text], ids=range(len(NASTY) - 1))
async def test_51_what_strangers_and_agents_write_comes_back_as_it_was(house: House, log_in: LogIn, text: str) -> None:
    story = Story()
    await tell(
        house, story.offered(ani_name=text), story.queued(), story.rings(MARA), story.answers(MARA), story.ends()
    )
    browser = await log_in()
    assert (await browser.ask("PUT", f"/api/v1/interactions/{story.id}/note", {"text": text}))[0] == 204
    _, answer = await browser.ask("GET", f"/api/v1/interactions/{story.id}")
    assert (answer["ani_name"], answer["note"]) == (text, text)


# ---- agents


async def test_admins_add_people_and_everybody_sees_them(log_in: LogIn, stranger: Browser) -> None:
    admin = await log_in("ada")
    new = {
        "id": "kim",
        "name": "Kim Ho",
        "password": "kims-password",
        "extension": "1009",
        "device": "PJSIP/1009",
        "queues": ["support"],
    }
    assert (await admin.ask("POST", "/api/v1/agents", new))[0] == 201
    assert (await admin.ask("POST", "/api/v1/agents", new))[0] == 409
    _, answer = await (await log_in()).ask("GET", "/api/v1/agents")
    assert "kim" in [agent["id"] for agent in answer["items"]]
    await stranger.log_in("kim", "kims-password")


async def test_nobody_is_called_as_whoever_asks(log_in: LogIn) -> None:
    new = {"id": "me", "name": "Mei Lin", "password": "meis-password"}
    admin = await log_in("ada")
    answers = [(await admin.ask("POST", "/api/v1/agents", new | {"id": name}))[0] for name in ("me", "mei")]
    assert answers == [400, 201]


async def test_somebody_new_gets_pops_at_once(house: House, log_in: LogIn) -> None:
    new = {"id": "kim", "name": "Kim Ho", "password": "kims-password", "device": "PJSIP/1009"}
    await (await log_in("ada")).ask("POST", "/api/v1/agents", new)
    agent = house.hub.agent(JON.id)
    assert agent is not None
    assert house.hub.agent(type(JON.id)("kim")) is not None


async def test_nobody_disables_or_demotes_themselves(log_in: LogIn) -> None:
    admin = await log_in("ada")
    answers = [
        (await admin.ask("PATCH", "/api/v1/agents/ada", change))[0]
        for change in ({"is_enabled": False}, {"role": "agent"}, {"name": "Ada W."})
    ]
    assert answers == [409, 409, 200]


async def test_a_new_role_needs_a_new_log_in(log_in: LogIn) -> None:
    mara, admin = await log_in(), await log_in("ada")
    assert (await admin.ask("PATCH", "/api/v1/agents/mara", {"role": "supervisor"}))[0] == 200
    assert (await mara.ask("GET", "/api/v1/session"))[0] == 401


# ---- health, figures, the rest


async def test_ready_names_each_part(house: House, stranger: Browser) -> None:
    status, answer = await stranger.ask("GET", "/readyz")
    assert (status, [part["name"] for part in answer["parts"]]) == (200, ["pbx:main", "database", "crm", "spool"])
    house.health[1] = PartHealth("database", "failed", "connection refused")
    status, answer = await stranger.ask("GET", "/readyz")
    assert (status, answer["ready"], answer["parts"][1]["detail"]) == (503, False, "connection refused")


async def test_a_part_that_limps_leaves_us_ready(house: House, stranger: Browser) -> None:
    house.health[2] = PartHealth("crm", "degraded", "no answer since 14:02")
    assert (await stranger.ask("GET", "/readyz"))[0] == 200


async def test_alive_asks_nobody(stranger: Browser) -> None:
    assert (await stranger.ask("GET", "/healthz")) == (200, {"alive": True, "version": "0.1.0"})


async def test_pop_figures_are_for_supervisors(house: House, log_in: LogIn) -> None:
    await talking(house)
    assert (await (await log_in()).ask("GET", "/api/v1/pops/figures"))[0] == 403
    _, answer = await (await log_in("sue")).ask("GET", "/api/v1/pops/figures")
    assert [step["count"] for step in answer["steps"]] == [1, 0, 0, 0]


async def test_metrics_say_what_the_reference_says(house: House, stranger: Browser) -> None:
    await talking(house)
    text = await (await stranger.response("GET", "/metrics")).text()
    for line in (
        "cti_calls_active 1.0",
        "cti_ws_clients 0.0",
        'cti_pbx_connected{pbx="main"} 1.0',
        'cti_queue_waiting{queue="support"} 0.0',
        'cti_screenpop_seconds_count{step="decided"} 1.0',
    ):
        assert line in text, line
    assert "+4930" not in text
    assert "mara" not in text


async def test_the_document_is_served(stranger: Browser) -> None:
    _, answer = await stranger.ask("GET", "/api/v1/openapi.json")
    assert answer["openapi"] == "3.1.0"


JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("GET", "/api/v1/nowhere", None, {}, 404),
        ("DELETE", "/api/v1/agents", None, {}, 405),
        ("POST", "/api/v1/session", b"{", JSON, 400),
        ("POST", "/api/v1/session", b"[]", JSON, 400),
        ("POST", "/api/v1/session", b'{"agent":"a","password":"b","more":1}', JSON, 400),
        ("POST", "/api/v1/session", b"agent=mara", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ("POST", "/api/v1/session", b" " * 200_000, JSON, 413),
    ],
)
async def test_what_cannot_be_read_is_a_problem_in_json(  # noqa: PLR0917
    stranger: Browser, method: str, path: str, body: bytes | None, headers: dict[str, str], status: int
) -> None:
    response = await stranger.response(method, path, data=body, headers=headers)
    assert (response.status, response.content_type) == (status, "application/problem+json")


async def test_a_database_that_is_away_is_said_so(house: House, log_in: LogIn, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = await log_in()
    monkeypatch.setattr(house.log, "between", away)
    response = await browser.response("GET", "/api/v1/interactions")
    assert (response.status, response.headers["Retry-After"]) == (503, "5")


async def away(*_: object, **__: object) -> None:
    raise StoreUnavailable("no connection")


async def test_while_the_database_is_away_agents_who_were_logged_in_work_on(
    house: House, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = await talking(house)
    mara, sue = await log_in(), await log_in("sue")
    token = sue.cookie
    await sue.ask("DELETE", "/api/v1/session")
    monkeypatch.setattr(MemoryPeople, "session", away)
    assert (await mara.ask("PUT", f"/api/v1/interactions/{story.id}/note", {"text": "kept"}))[0] == 204
    assert (await mara.ask("POST", "/api/v1/session/ticket"))[0] == 201
    sue.headers = {"Authorization": f"Bearer {token}"}
    assert (await sue.ask("GET", "/api/v1/session"))[0] == 503


async def test_our_own_mistakes_keep_their_words_to_the_log(
    house: House, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = await log_in()

    async def breaks(*_: object, **__: object) -> None:
        raise ValueError("secret inner words")

    monkeypatch.setattr(house.log, "between", breaks)
    status, answer = await browser.ask("GET", "/api/v1/interactions")
    assert (status, answer["code"], answer["detail"]) == (500, "our_mistake", "")


async def test_many_at_once_do_not_wait_for_passwords(stranger: Browser) -> None:
    """Argon2 works beside the event loop, not in it."""
    guesses = [
        asyncio.create_task(stranger.ask("POST", "/api/v1/session", {"agent": f"u{n}", "password": "wrong"}))
        for n in range(10)
    ]
    await asyncio.sleep(0)
    async with asyncio.timeout(1):
        assert (await stranger.ask("GET", "/healthz"))[0] == 200
    await asyncio.gather(*guesses)
