"""The agent's work on record over REST: callbacks, contacts, results with fields, my day."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cti.agents.agent import AgentId
from cti.agents.presence import AgentState
from cti.crm.connectors.memory import MemoryConnector
from cti.crm.contact import Contact
from cti.errors import Conflict
from cti.screenpop.messages import CustomerCard
from cti.store.journeys import CallbackState, Sought
from cti.web import callbacks, facts
from cti.web.asked import Asked
from cti.web.recent import Who
from cti.web.schemas import ResultChoice, ResultField
from tests.integration.desktop.browser import Browser
from tests.integration.desktop.conftest import LogIn
from tests.integration.desktop.house import CONTACTS, JON, MARA, RESULTS, House, build, opened
from tests.unit.screenpop.stories import Story
from tests.unit.store import call_stories
from tests.unit.store.journey_stories import Way
from tests.unit.store.shift_stories import Shift

SOLD = ResultChoice(
    code="visit",
    label="Visit",
    fields=(
        ResultField(name="day", label="Day", kind="date", is_required=True),
        ResultField(name="amount", label="Amount", kind="number"),
    ),
)


@pytest.fixture
async def forgotten() -> list[Contact]:
    return []


@pytest.fixture
async def house(forgotten: list[Contact]) -> AsyncIterator[House]:
    """With customers that can be written to, and a result that asks for more."""
    made = await build()

    async def forget(contact: Contact) -> None:
        forgotten.append(contact)

    made.parts = replace(
        made.parts,
        site=replace(made.parts.site, results=(*RESULTS, SOLD)),
        customers=MemoryConnector(CONTACTS, country="DE"),
        contact_changed=forget,
    )
    async with opened(made) as there:
        yield there


async def talking(house: House, name: str = "1") -> Story:
    story = Story(name)
    for change in (story.offered(), story.queued(), story.rings(MARA), story.answers(MARA)):
        await house.changed(change)
    return story


def card_of(house: House, story: Story) -> CustomerCard:
    call = house.hub.call(story.id)
    assert call
    return house.hub.card_of(call)


# ---- callbacks


async def wished(house: House, queue: str = "support", name: str = "7.1") -> str:
    way = Way(call_stories.Story(name))
    await house.log.append([way.entered(), way.wants_a_callback(queue)])
    return next(one.id for one in (await house.log.callbacks(Sought())).items if one.call == f"main-{name}")


async def test_an_agent_claims_a_callback_gives_it_back_and_does_it(house: House, log_in: LogIn) -> None:
    name = await wished(house)
    mara = await log_in("mara")
    for path, body, state in (
        ("claim", None, "claimed"),
        ("release", None, "open"),
        ("claim", None, "claimed"),
        ("close", {"state": "done", "note": "invoice sent again"}, "done"),
    ):
        status, answer = await mara.ask("POST", f"/api/v1/callbacks/{name}/{path}", body)
        assert (status, answer["state"]) == (200, state)
    assert (answer["claimed_by"], answer["note"], answer["changed_by"]) == ("mara", "invoice sent again", "mara")


async def test_of_two_who_claim_at_once_one_has_it_and_the_other_reads_who(house: House, log_in: LogIn) -> None:
    name = await wished(house, "billing")
    mara, jon = await log_in("mara"), await log_in("jon")
    answers = await asyncio.gather(
        *(browser.ask("POST", f"/api/v1/callbacks/{name}/claim") for browser in (mara, jon) for _ in range(3))
    )
    won = {answer["claimed_by"] for status, answer in answers if status == 200}
    assert len(won) == 1
    assert sorted({status for status, _ in answers}) == [200, 409]
    winner = {"mara": "Mara Lind", "jon": "Jon Ek"}[won.pop()]
    assert {answer["detail"] for status, answer in answers if status == 409} == {
        f"{winner} sees to this callback already"
    }


async def test_a_claim_that_comes_second_on_record_is_told_who_has_it(house: House) -> None:
    """Both saw it open: what decides is the record."""
    name = await wished(house, "billing")

    async def record(told: Any) -> None:
        known = await house.log.callback(name)
        assert known
        first = facts.callback(known, CallbackState.CLAIMED, by=JON.id, at=datetime.now(UTC))
        await house.log.append([first, *told])

    asked: Asked[None, None] = Asked(
        parts=replace(house.parts, record=record), who=Who(MARA, None),  # type: ignore[arg-type]  # no session asks here
        path={}, body=None, query=None, address="",
    )  # fmt: skip
    with pytest.raises(Conflict, match="Jon Ek sees to this callback already"):
        await callbacks.claimed(asked, name)


async def test_what_is_claimed_already_is_claimed(house: House, log_in: LogIn) -> None:
    name = await wished(house)
    mara = await log_in("mara")
    for _ in range(2):
        status, answer = await mara.ask("POST", f"/api/v1/callbacks/{name}/claim")
        assert (status, answer["claimed_by"]) == (200, "mara")


async def test_callbacks_of_other_queues_are_nobodys_business(house: House, log_in: LogIn) -> None:
    name = await wished(house, "support")
    jon = await log_in("jon")
    for path, body in (("claim", None), ("release", None), ("close", {"state": "done"})):
        assert (await jon.ask("POST", f"/api/v1/callbacks/{name}/{path}", body))[0] == 403
    assert (await jon.ask("POST", "/api/v1/callbacks/nothing/claim"))[0] == 404


async def test_a_supervisor_takes_a_callback_from_whoever_has_it_a_colleague_does_not(
    house: House, log_in: LogIn
) -> None:
    name = await wished(house, "billing")
    jon, mara, sue = await log_in("jon"), await log_in("mara"), await log_in("sue")
    assert (await jon.ask("POST", f"/api/v1/callbacks/{name}/claim"))[0] == 200
    assert (await mara.ask("POST", f"/api/v1/callbacks/{name}/release"))[0] == 409
    assert (await mara.ask("POST", f"/api/v1/callbacks/{name}/close", {"state": "done"}))[0] == 409
    assert (await sue.ask("POST", f"/api/v1/callbacks/{name}/release"))[0] == 200
    assert (await mara.ask("POST", f"/api/v1/callbacks/{name}/claim"))[0] == 200


async def test_who_was_not_reached_waits_for_the_next_try(house: House, log_in: LogIn) -> None:
    name = await wished(house)
    mara = await log_in("mara")
    status, answer = await mara.ask("POST", f"/api/v1/callbacks/{name}/close", {"state": "failed"})
    assert (status, "claim it first" in answer["detail"]) == (409, True)
    await mara.ask("POST", f"/api/v1/callbacks/{name}/claim")
    _, answer = await mara.ask("POST", f"/api/v1/callbacks/{name}/close", {"state": "failed", "note": "engaged"})
    assert (answer["state"], answer["tries"], answer["note"]) == ("failed", 1, "engaged")
    await mara.ask("POST", f"/api/v1/callbacks/{name}/close", {"state": "cancelled"})
    status, answer = await mara.ask("POST", f"/api/v1/callbacks/{name}/claim")
    assert (status, answer["detail"]) == (409, "this callback is cancelled already")


async def test_an_agent_lists_those_of_the_own_queues_and_the_own_ones(house: House, log_in: LogIn) -> None:
    first = await wished(house, "support", "1.1")
    second = await wished(house, "billing", "2.1")
    third = await wished(house, "sales", "3.1")
    jon = await log_in("jon")
    await jon.ask("POST", f"/api/v1/callbacks/{second}/claim")

    async def listed(query: str, browser: Any = jon) -> list[str]:
        status, answer = await browser.ask("GET", f"/api/v1/callbacks?{query}")
        assert status == 200
        return [item["id"] for item in answer["items"]]

    assert await listed("") == [second]
    assert await listed("mine=true") == [second]
    assert await listed("mine=true&state=done") == []
    assert await listed("state=claimed") == [second]
    assert await listed("queue=support") == []
    sue = await log_in("sue")
    assert sorted(await listed("", sue)) == sorted([first, second, third])
    assert await listed("mine=true", sue) == []


# ---- contacts


NEW = {
    "name": "Tom Neu",
    "company": "Neu KG",
    "language": "de",
    "numbers": [{"typed": "0151 2345 6789", "label": "mobile"}],
    "flags": ["do_not_call"],
}


async def test_a_contact_created_from_the_card_is_that_calls_customer(
    house: House, log_in: LogIn, forgotten: list[Contact]
) -> None:
    story = await talking(house)
    status, made = await (await log_in()).ask("POST", "/api/v1/customers", NEW | {"call": story.id})
    assert (status, made["name"], made["flags"]) == (201, "Tom Neu", ["do_not_call"])
    assert made["numbers"] == [{"typed": "0151 2345 6789", "e164": "+4915123456789", "label": "mobile"}]
    card = card_of(house, story)
    assert (card.state, card.chosen, card.contacts[0].name) == ("found", made["id"], "Tom Neu")
    told = {fact.type: fact for fact in await house.log.facts(story.id)}
    assert told["cti.interaction.customer.v1"].data == {"contact": made["id"], "name": "Tom Neu", "by": "mara"}
    assert [one.id for one in forgotten] == [made["id"]]


async def test_a_correction_shows_on_the_card_and_says_who_and_what(house: House, log_in: LogIn) -> None:
    story = await talking(house)
    assert card_of(house, story).chosen == "k1"
    status, made = await (await log_in()).ask("PATCH", "/api/v1/customers/k1", {"name": "Anna Berg-Ek"})
    assert (status, made["name"], made["company"]) == (200, "Anna Berg-Ek", "Berg & Söhne GmbH")
    card = card_of(house, story)
    assert (card.contacts[0].name, card.contacts[0].matched_by, card.chosen) == ("Anna Berg-Ek", "number", "k1")
    (fact,) = await house.log.facts_of("cti.customer.changed.v1", since=datetime.now(UTC) - timedelta(minutes=1))
    assert (fact.source, fact.subject) == ("/customers", "k1")
    assert fact.data == {"by": "mara", "before": {"name": "Anna Berg"}, "after": {"name": "Anna Berg-Ek"}}
    _, found = await (await log_in()).ask("GET", "/api/v1/customers/k1")
    assert [(one["by"], one["fields"], one["is_new"]) for one in found["changes"]] == [("Mara Lind", ["name"], False)]


async def test_a_bad_number_is_told_in_words_and_nothing_is_written(house: House, log_in: LogIn) -> None:
    before = await house.parts.customers.search("k", limit=50)
    body = NEW | {"numbers": [{"typed": "0151 2345 6789"}, {"typed": "call me"}]}
    mara = await log_in()
    for method, path in (("POST", "/api/v1/customers"), ("PATCH", "/api/v1/customers/k1")):
        status, answer = await mara.ask(method, path, body)
        assert (status, answer["detail"]) == (400, "call me is no telephone number in DE")
    assert await house.parts.customers.search("k", limit=50) == before
    assert await house.log.facts_of("cti.customer.changed.v1", since=datetime(2026, 1, 1, tzinfo=UTC)) == ()


async def test_a_contact_is_not_created_for_somebody_elses_call(house: House, log_in: LogIn) -> None:
    story = await talking(house)
    status, _ = await (await log_in("jon")).ask("POST", "/api/v1/customers", NEW | {"call": story.id})
    assert status == 403
    assert await house.parts.customers.search("Tom Neu", limit=5) == ()
    assert (await (await log_in("jon")).ask("POST", "/api/v1/customers", NEW | {"call": "main-none"}))[0] == 404


async def test_a_customer_that_is_not_there_is_not_corrected(log_in: LogIn) -> None:
    assert (await (await log_in()).ask("PATCH", "/api/v1/customers/nobody", {"name": "x"}))[0] == 404


async def test_a_customer_system_that_is_only_read_says_so(log_in: LogIn, house: House) -> None:
    mara = await log_in()
    assert (await mara.ask("GET", "/api/v1/session"))[1]["site"]["crm_writes"] is True
    read_only = await build()
    async with opened(read_only), Browser(read_only) as browser:
        await browser.log_in("mara")
        assert (await browser.ask("GET", "/api/v1/session"))[1]["site"]["crm_writes"] is False
        for method, path in (("POST", "/api/v1/customers"), ("PATCH", "/api/v1/customers/k1")):
            status, answer = await browser.ask(method, path, NEW)
            assert (status, answer["code"]) == (409, "crm_read_only")


# ---- results


async def test_a_result_asks_for_its_fields(house: House, log_in: LogIn) -> None:
    story, mara = await talking(house), await log_in()
    path = f"/api/v1/interactions/{story.id}/result"
    status, answer = await mara.ask("PUT", path, {"code": "visit", "fields": {"amount": "a lot"}})
    assert (status, answer["detail"]) == (400, "Day is missing; Amount is a number, such as 129.50")
    fields = {"day": "2026-12-24", "amount": "129.50"}
    assert (await mara.ask("PUT", path, {"code": "visit", "fields": fields}))[0] == 204
    await house.changed(story.ends())
    _, shown = await mara.ask("GET", f"/api/v1/interactions/{story.id}")
    assert (shown["result"], shown["result_fields"], shown["is_not_classified"]) == ("visit", fields, False)


async def test_a_supervisor_finds_calls_whose_wrap_up_ran_out(house: House, log_in: LogIn) -> None:
    story = await talking(house)
    await house.changed(story.ends())
    call = house.hub.call(story.id)
    assert call
    await house.log.append([facts.not_classified(call.pbx, call.id, by=MARA.id, at=datetime.now(UTC))])
    sue = await log_in("sue")

    async def found(classified: str) -> list[str]:
        _, answer = await sue.ask("GET", f"/api/v1/interactions?classified={classified}")
        return [item["call"] for item in answer["items"]]

    assert (await found("false"), await found("true")) == ([story.id], [])
    await sue.ask("PUT", f"/api/v1/interactions/{story.id}/result", {"code": "solved"})
    assert (await found("false"), await found("true")) == ([], [story.id])


# ---- my day


async def test_my_day_adds_up(house: House, log_in: LogIn) -> None:
    shift = Shift(AgentId("mara"), begins=datetime.now(UTC) - timedelta(minutes=40))
    await house.log.append(
        [
            shift.ready(0),
            shift.in_call(10, AgentState.RESERVED),
            shift.in_call(11, AgentState.TALKING),
            shift.becomes(21, AgentState.WORK_READY),
            shift.ready(25),
            shift.leaves(30),
        ]
    )
    since = (shift.begins - timedelta(minutes=1)).isoformat().replace("+00:00", "Z")
    status, day = await (await log_in()).ask("GET", f"/api/v1/agents/me/day?since={since}")
    assert status == 200
    assert (day["logged_in_s"], sum(day["seconds"].values())) == (1800, 1800)
    assert (day["handled"], day["talk_s"], day["hold_s"], day["wrap_up_s"], day["missed"]) == (1, 600, 0, 240, 0)
    assert day["average_handle_s"] == 840


async def test_another_agents_day_is_empty_and_its_own(house: House, log_in: LogIn) -> None:
    await house.log.append([Shift(AgentId("mara"), begins=datetime.now(UTC) - timedelta(minutes=5)).ready(0)])
    status, day = await (await log_in("jon")).ask("GET", "/api/v1/agents/me/day")
    assert (status, day["logged_in_s"], day["average_handle_s"]) == (200, 0, None)


@pytest.mark.parametrize("days", [-1, 8])
async def test_a_day_begins_lately(log_in: LogIn, days: int) -> None:
    since = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (await (await log_in()).ask("GET", f"/api/v1/agents/me/day?since={since}"))[0] == 400


# ---- penalties


async def test_penalties_are_given_and_changed(log_in: LogIn) -> None:
    ada = await log_in("ada")
    person = {
        "id": "zoe",
        "name": "Zoe",
        "password": "a-long-password",
        "queues": ["support"],
        "penalties": {"support": 3},
    }
    status, made = await ada.ask("POST", "/api/v1/agents", person)
    assert (status, made["penalties"]) == (201, {"support": 3})
    _, made = await ada.ask("PATCH", "/api/v1/agents/zoe", {"penalties": {}})
    assert made["penalties"] == {}
    assert (await ada.ask("PATCH", "/api/v1/agents/zoe", {"penalties": {"support": -1}}))[0] == 400
