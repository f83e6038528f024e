"""What every InteractionLog keeps, whatever it is made of."""

from dataclasses import fields
from datetime import timedelta

import msgspec
import pytest

from cti.calls.call import CallId, Direction, Outcome
from cti.calls.journey import IvrOutcome, LeftBy, PinTried
from cti.envelope import Envelope
from cti.errors import RequestError
from cti.journeys import TYPE_OF
from cti.store import queries
from cti.store.derive import CUSTOMER, NOT_CLASSIFIED, NOT_CUSTOMER, NOTE, RESULT
from cti.store.interactions import Filter, Interaction, InteractionLog
from cti.store.journeys import CallbackState, Period, Sought
from cti.store.memory import MemoryInteractionLog
from tests.unit.store.call_stories import CALLER, DEVICES, NINE, Story, abandoned_call, answered_call, facts_of
from tests.unit.store.journey_stories import Way, gave_up, self_served


async def listed(log: InteractionLog, **wanted: object) -> list[str]:
    return [item.call for item in (await log.between(Filter(**wanted))).items]  # type: ignore[arg-type]


async def only(log: InteractionLog) -> Interaction:
    (item,) = (await log.between(Filter())).items
    return item


async def test_a_finished_call_is_one_row(log: InteractionLog) -> None:
    await log.append(answered_call())
    call = await only(log)
    assert (call.call, call.pbx, call.agent, call.talk_s, call.outcome) == (
        "main-1.1",
        "main",
        "mara",
        30.0,
        Outcome.ANSWERED,
    )


async def test_a_row_reads_back_as_it_was_derived(log: InteractionLog) -> None:
    memory = MemoryInteractionLog(lambda: DEVICES)
    for one in (log, memory):
        await one.append([*answered_call(ani_name="王小明"), Story().said(NOTE, text="✓ 已退款", by="mara")])
    assert await log.get(CallId("main-1.1")) == await memory.get(CallId("main-1.1"))


async def test_facts_come_back_as_they_were_told(log: InteractionLog) -> None:
    facts = answered_call()
    await log.append(facts)
    assert await log.facts(CallId("main-1.1")) == tuple(facts)


async def test_a_call_told_twice_is_one_row(log: InteractionLog) -> None:
    await log.append(answered_call())
    await log.append([*answered_call(), *answered_call()])
    assert await listed(log) == ["main-1.1"]
    assert len(await log.facts(CallId("main-1.1"))) == len(answered_call())


async def test_facts_one_by_one_make_the_same_row(log: InteractionLog) -> None:
    for fact in answered_call():
        await log.append([fact])
    assert (await only(log)).talk_s == 30.0


async def test_no_facts_are_no_trouble(log: InteractionLog) -> None:
    await log.append([])
    assert await listed(log) == []


async def test_uniqueid_collision(log: InteractionLog) -> None:
    """Two Asterisks with the same uniqueids: kept apart by the PBX's name."""
    await log.append(answered_call(pbx="north", ani="+49301111111"))
    await log.append(abandoned_call(pbx="south", ani="+49302222222"))
    found = {item.pbx: (item.ani, item.outcome) for item in (await log.between(Filter())).items}
    assert found == {"north": ("+49301111111", Outcome.ANSWERED), "south": ("+49302222222", Outcome.ABANDONED)}


async def test_names_that_run_together_are_kept_apart(log: InteractionLog) -> None:
    """PBX ``a`` with system name ``b`` and PBX ``a-b`` make the same call id; nothing of either is lost."""
    await log.append(answered_call("b-1.1", pbx="a"))
    await log.append(abandoned_call("1.1", pbx="a-b"))
    assert {item.pbx for item in (await log.between(Filter())).items} == {"a", "a-b"}


async def test_open_facts_are_those_of_live_calls(log: InteractionLog) -> None:
    live = answered_call("2.1")[:3]
    await log.append([*live, *answered_call("1.1")])
    assert await log.open_facts() == tuple(live)
    await log.append(answered_call("2.1")[3:])
    assert await log.open_facts() == ()


async def test_another_event_under_a_known_id_is_kept(log: InteractionLog) -> None:
    """The service was killed before event 4 was written, and counts on from 3: what it says now must not be dropped."""
    call = Story()
    before = facts_of([call.offered(), call.queued(), call.rings("1001", 5), call.answers("1001", 8)])
    after = facts_of(
        [call.offered(), call.queued(), call.rings("1001", 5), call.cleared(30, cause="resync", ended_by="")]
    )
    await log.append(before)
    await log.append(after)
    await log.append(after)
    assert (await only(log)).cause == "resync"
    assert len(await log.facts(CallId("main-1.1"))) == 5


async def test_a_note_after_the_end_shows(log: InteractionLog) -> None:
    await log.append(answered_call())
    await log.append([Story().said(NOTE, text="call back on Monday", by="mara")])
    await log.append([Story().said(RESULT, "r", code="callback", label="Call back", by="mara")])
    call = await only(log)
    assert (call.note, call.result, call.result_label) == ("call back on Monday", "callback", "Call back")


async def test_a_result_brings_its_fields(log: InteractionLog) -> None:
    fields = {"amount": "129.00", "until": "2026-12-24"}
    await log.append(
        [*answered_call(), Story().said(RESULT, code="sold", label="Sold", by="mara", fields={"amount": "1"})]
    )
    await log.append([Story().said(RESULT, "r2", code="sold", label="Sold", by="mara", fields=fields)])
    assert (await only(log)).result_fields == fields
    await log.append([Story().said(RESULT, "r3", code="solved", label="Solved", by="mara")])
    assert ((await only(log)).result, (await only(log)).result_fields) == ("solved", {})


async def test_a_call_whose_wrap_up_ran_out_is_not_classified_until_a_result_comes(log: InteractionLog) -> None:
    await log.append([*answered_call(), Story().said(NOT_CLASSIFIED, by="mara")])
    assert ((await only(log)).result, (await only(log)).is_not_classified) == ("", True)
    await log.append([Story().said(RESULT, "r", code="solved", label="Solved", by="sue")])
    assert ((await only(log)).result, (await only(log)).is_not_classified) == ("solved", False)


async def test_a_late_wrap_up_takes_no_result_away(log: InteractionLog) -> None:
    await log.append([*answered_call(), Story().said(RESULT, code="solved", label="Solved", by="mara")])
    await log.append([Story().said(NOT_CLASSIFIED, "late", by="tom")])
    assert ((await only(log)).result, (await only(log)).is_not_classified) == ("solved", False)


async def test_supervisors_find_what_is_not_classified(log: InteractionLog) -> None:
    for name, said in (
        ("1.1", NOT_CLASSIFIED),
        ("2.1", RESULT),
        ("3.1", NOTE),
    ):
        story = Story(name)
        await log.append([*answered_call(name), story.said(said, by="mara", code="solved", label="Solved", text="-")])
    assert await listed(log, classified=False) == ["main-1.1"]
    assert await listed(log, classified=True) == ["main-2.1"]
    assert len(await listed(log)) == 3


async def test_a_note_before_the_end_shows(log: InteractionLog) -> None:
    facts = answered_call()
    await log.append([*facts[:4], Story().said(NOTE, text="early", by="mara"), *facts[4:]])
    assert (await only(log)).note == "early"


async def test_a_note_on_a_call_nobody_knows_is_kept_and_makes_no_row(log: InteractionLog) -> None:
    await log.append([Story("9.9").said(NOTE, text="?", by="mara")])
    assert (await listed(log), await log.open_facts()) == ([], ())
    assert len(await log.facts(CallId("main-9.9"))) == 1


async def test_who_took_a_call_stays_when_the_phone_changes_hands(log: InteractionLog, devices: dict[str, str]) -> None:
    await log.append(answered_call())
    devices["PJSIP/1001"] = "ines"
    await log.append([Story().said(NOTE, text="later", by="ines")])
    assert (await only(log)).agent == "mara"
    await log.rebuild()
    assert (await only(log)).agent == "mara"


async def test_rebuilding_gives_the_same_rows(log: InteractionLog) -> None:
    for hour in range(6):
        await log.append(answered_call(f"{hour}.1", begins=NINE + timedelta(hours=hour)))
    await log.append([Story("3.1").said(NOTE, text="kept", by="mara")])
    before = (await log.between(Filter())).items
    assert await log.rebuild() == 6
    assert (await log.between(Filter())).items == before


async def test_pages_follow_each_other_while_calls_come_in(log: InteractionLog) -> None:
    for n in range(5):  # two of them end at the same moment
        await log.append(answered_call(f"{n}.1", begins=NINE + timedelta(minutes=n // 2)))
    first = await log.between(Filter(), limit=2)
    await log.append(answered_call("new.1", begins=NINE + timedelta(hours=1)))
    second = await log.between(Filter(), limit=2, cursor=first.cursor)
    third = await log.between(Filter(), limit=2, cursor=second.cursor)
    calls = [item.call for page in (first, second, third) for item in page.items]
    assert calls == ["main-4.1", "main-3.1", "main-2.1", "main-1.1", "main-0.1"]
    assert third.cursor is None


@pytest.mark.parametrize(
    "cursor", ["", "x", "å", "W10", "WzEsMiwzXQ", "WyIyMDI2LTExLTIzVDA5OjAwOjAwIiwiYSIsImIiXQ", "A" * 10_000]
)
async def test_a_cursor_that_is_none_of_ours_is_refused(log: InteractionLog, cursor: str) -> None:
    with pytest.raises(RequestError, match="cursor"):
        await log.between(Filter(), cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, 501])
async def test_a_limit_has_limits(log: InteractionLog, limit: int) -> None:
    with pytest.raises(RequestError, match="limit"):
        await log.between(Filter(), limit=limit)


async def test_each_filter_narrows(log: InteractionLog) -> None:
    await log.append(answered_call("1.1", queue="billing", ani_name="Ada Example"))
    await log.append(
        answered_call("2.1", who="1002", queue="sales", begins=NINE + timedelta(hours=1), ani="+886223456789")
    )
    await log.append(abandoned_call("3.1", begins=NINE + timedelta(hours=2)))
    out = Story("4.1", begins=NINE + timedelta(hours=3))
    await log.append(facts_of([out.dialled("1001", "+442079460018"), out.cleared(9, ended_by="agent")]))
    await log.append([Story("2.1").said(CUSTOMER, contact="17", name="王小明", by="tom")])
    assert await listed(log, agent="mara") == ["main-4.1", "main-1.1"]
    assert await listed(log, queue="sales") == ["main-2.1"]
    assert await listed(log, direction=Direction.OUTBOUND) == ["main-4.1"]
    assert await listed(log, outcome=Outcome.ABANDONED) == ["main-3.1"]
    assert await listed(log, contact="17") == ["main-2.1"]
    assert await listed(log, text="小明") == ["main-2.1"]
    assert await listed(log, text="ADA ex") == ["main-1.1"]
    assert await listed(log, since=NINE + timedelta(hours=1), until=NINE + timedelta(hours=2)) == ["main-2.1"]
    assert await listed(log, agent="mara", queue="sales") == []


async def test_both_who_had_a_transferred_call_find_it(log: InteractionLog) -> None:
    call = Story()
    begin = [call.offered(), call.rings("1001", 5), call.answers("1001", 8), call.rings("1002", 30, consult=True)]
    end = [call.answers("1002", 33, consult=True), call.handed_over("1001", "1002", 40), call.cleared(90)]
    await log.append(facts_of([*begin, *end]))
    assert (await listed(log, agent="mara"), await listed(log, agent="tom")) == (["main-1.1"], ["main-1.1"])


@pytest.mark.parametrize(
    "number", ["+49301234567", "030 1234567", "0049 30 1234567", "4567", "(030) 123-45 67", "+4930900"]
)
async def test_a_number_is_found_by_its_last_digits(log: InteractionLog, number: str) -> None:
    await log.append(answered_call())
    assert await listed(log, number=number) == ["main-1.1"]


async def test_a_common_number_is_found_as_a_rare_one_is(log: InteractionLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "COMMON", 1)
    await log.append(answered_call())
    assert await listed(log, number="4567") == ["main-1.1"]
    assert await listed(log, number="+4930900") == ["main-1.1"]
    assert await listed(log, number="4568") == []


@pytest.mark.parametrize(
    "number", ["+49301234568", "12345", "x", "%", "_", "", "9" * 10_000, "' OR 1=1 --", "4567%"[::-1]]
)
async def test_a_number_that_is_not_there_is_not_found(log: InteractionLog, number: str) -> None:
    await log.append(answered_call())
    assert await listed(log, number=number) == []


async def test_a_search_in_text_goes_on_where_a_page_stopped_looking(
    log: InteractionLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "SEARCHED", 2)
    for n in range(5):
        name = "Ada Example" if n in {0, 3} else ""
        await log.append(answered_call(f"{n}.1", begins=NINE + timedelta(minutes=n // 2), ani_name=name))
    pages = [await log.between(Filter(text="ada"))]
    while pages[-1].cursor:
        pages.append(await log.between(Filter(text="ada"), cursor=pages[-1].cursor))
    assert [item.call for page in pages for item in page.items] == ["main-3.1", "main-0.1"]
    assert len(pages) == (1 if isinstance(log, MemoryInteractionLog) else 3)


HOSTILE = ["%", "_", "'; DROP TABLE fact; --", "\\", "/%", "a\x00b", "\ud800", "\u202e", "<b>", '"', "%' OR '1'='1"]


@pytest.mark.parametrize("text", HOSTILE)
async def test_injection_search(log: InteractionLog, text: str) -> None:
    """What strangers type is taken literally: it finds itself, and nothing else."""
    await log.append(answered_call("1.1", ani_name=f"x{text}y"))
    await log.append(answered_call("2.1", ani_name="plain", begins=NINE + timedelta(hours=1)))
    assert await listed(log, text=text) == ["main-1.1"]
    for name in ("agent", "queue", "contact"):
        assert await listed(log, **{name: text}) == []
    assert (await log.get(CallId(text)), await log.facts(CallId(text)), await log.ruled_out(text)) == (
        None,
        (),
        frozenset(),
    )
    assert await log.history(contacts=[text], numbers=[text]) == ()


async def test_what_no_database_can_hold_is_stored_all_the_same(log: InteractionLog) -> None:
    await log.append(answered_call(ani_name="bad\x00name\ud800"))
    assert (await only(log)).ani_name == "bad\ufffdname\ufffd"


async def test_history_is_this_callers_and_nobody_elses(log: InteractionLog) -> None:
    await log.append(answered_call("1.1", ani="0301234567"))
    await log.append(answered_call("2.1", ani="+49891234567", begins=NINE + timedelta(hours=1)))
    out = Story("3.1", begins=NINE + timedelta(hours=2))
    await log.append(facts_of([out.dialled("1001", CALLER), out.cleared(9, ended_by="agent")]))
    found = await log.history(contacts=[], numbers=[CALLER])
    assert [item.call for item in found] == ["main-3.1", "main-1.1"]


async def test_the_sites_own_number_is_no_customers_history(log: InteractionLog) -> None:
    await log.append(answered_call())
    assert await log.history(contacts=[], numbers=["+4930900"]) == ()


async def test_history_by_contact_and_number_lists_a_call_once(log: InteractionLog) -> None:
    await log.append([*answered_call(), Story().said(CUSTOMER, contact="17", name="Ada", by="mara")])
    await log.append(answered_call("2.1", begins=NINE + timedelta(hours=1), ani="+886223456789"))
    await log.append([Story("2.1").said(CUSTOMER, contact="17", name="Ada", by="mara")])
    found = await log.history(contacts=["17", ""], numbers=[CALLER, ""])
    assert [item.call for item in found] == ["main-2.1", "main-1.1"]
    assert [item.call for item in await log.history(contacts=["17"], numbers=[], limit=1)] == ["main-2.1"]


async def test_history_says_of_a_call_what_its_row_does(log: InteractionLog) -> None:
    await log.append([*answered_call(), Story().said(NOTE, text="calls again", by="mara")])
    (past,) = await log.history(contacts=[], numbers=[CALLER])
    item = await only(log)
    names = [field.name for field in fields(past) if field.name != "ivr_outcome"]
    assert [getattr(item, name) for name in names] == [getattr(past, name) for name in names]
    assert (past.note, past.ivr_outcome) == ("calls again", "")


async def test_withheld_numbers_share_no_history(log: InteractionLog) -> None:
    await log.append(answered_call(ani=""))
    assert await log.history(contacts=[""], numbers=["", "anonymous"]) == ()


async def test_not_this_person_is_remembered_for_the_number(log: InteractionLog) -> None:
    await log.append([Story().said(NOT_CUSTOMER, contact="17", number=CALLER, by="mara")])
    assert await log.ruled_out(CALLER) == {"17"}
    assert await log.ruled_out("030 1234567") == {"17"}
    assert await log.ruled_out("+49301234568") == frozenset()


async def test_not_this_person_also_takes_the_name_off_the_call(log: InteractionLog) -> None:
    await log.append([*answered_call(), Story().said(CUSTOMER, "auto", contact="17", name="Ada", by="")])
    await log.append([Story().said(NOT_CUSTOMER, contact="17", number=CALLER, by="mara")])
    assert (await only(log)).contact == ""
    await log.append([Story().said(CUSTOMER, "picked", contact="18", name="Bea", by="mara")])
    assert (await only(log)).contact_name == "Bea"


async def test_whom_an_agent_picks_after_all_is_ruled_out_no_more(log: InteractionLog) -> None:
    await log.append([*answered_call(), Story().said(NOT_CUSTOMER, "x", contact="17", number="030 1234567", by="mara")])
    await log.append([Story().said(NOT_CUSTOMER, "y", contact="18", number=CALLER, by="mara")])
    await log.append([Story().said(CUSTOMER, "auto", contact="17", name="Ada", by="")])
    assert await log.ruled_out(CALLER) == {"17", "18"}
    await log.append([Story().said(CUSTOMER, "picked", contact="17", name="Ada", by="mara")])
    assert await log.ruled_out(CALLER) == {"18"}


async def test_a_ruling_without_a_number_rules_nothing(log: InteractionLog) -> None:
    await log.append([Story().said(NOT_CUSTOMER, contact="17", number="", by="mara")])
    await log.append([msgspec.structs.replace(Story().said(NOT_CUSTOMER, "x"), data={})])
    assert await log.ruled_out("") == frozenset()


async def test_a_call_without_a_number_is_a_call(log: InteractionLog) -> None:
    await log.append(answered_call(ani=""))
    assert (await only(log)).ani == ""


# ---- the IVR

DAY = Period(since=NINE, until=NINE + timedelta(days=1))


async def test_a_journey_reads_back_as_it_was_derived(log: InteractionLog) -> None:
    memory = MemoryInteractionLog(lambda: DEVICES)
    for one in (log, memory):
        await one.append(self_served())
    found = await only(log)
    assert found == await only(memory)
    assert found.journey is not None
    assert (found.journey.outcome, len(found.journey.steps)) == (IvrOutcome.SELF_SERVED, 3)
    assert [past.ivr_outcome for past in await log.history(contacts=[], numbers=[found.ani])] == ["self_served"]


async def test_interactions_are_found_by_flow_and_by_what_the_ivr_made_of_them(log: InteractionLog) -> None:
    await log.append([*self_served("1.1"), *gave_up("2.1", begins=NINE + timedelta(minutes=1))])
    await log.append(self_served("3.1", begins=NINE + timedelta(minutes=2), flow="cards"))
    await log.append(answered_call("4.1", begins=NINE + timedelta(minutes=3)))
    assert await listed(log, flow="bank") == ["main-2.1", "main-1.1"]
    assert await listed(log, ivr_outcome=IvrOutcome.SELF_SERVED) == ["main-3.1", "main-1.1"]
    assert await listed(log, flow="bank", ivr_outcome=IvrOutcome.ABANDONED) == ["main-2.1"]
    assert await listed(log, flow="") == ["main-4.1"]


async def test_a_mark_that_comes_after_the_call_is_over_shows(log: InteractionLog) -> None:
    await log.append(self_served())
    survey = Way(Story(), "s2", "survey")
    await log.append([survey.entered(30, is_after=True), survey.rated(5)])
    journey = (await only(log)).journey
    assert journey is not None
    assert journey.ratings == (("how_was_it", 5, 5),)


async def test_what_is_asked_after_the_conversation_is_no_journey_but_its_mark_counts(log: InteractionLog) -> None:
    await log.append(self_served())
    asked = Way(Story(), "s2")
    await log.append(
        [asked.entered(30, is_after=True), asked.rated(5), asked.step("mark", 33), asked.left(IvrOutcome.SELF_SERVED)]
    )
    counts = await log.flow_counts("bank", DAY)
    assert [(one.outcome, one.journeys) for one in counts.journeys] == [(IvrOutcome.SELF_SERVED, 1)]
    assert sum(one.journeys for one in await log.journey_counts(DAY)) == 1
    assert [(one.satisfaction, one.journeys) for one in counts.marks] == [(5, 1)]
    assert max(counts.steps, key=lambda one: one.place).step == "mark"


async def test_a_step_that_comes_after_the_call_is_over_shows(log: InteractionLog) -> None:
    *before, step, left, end = self_served()
    await log.append([*before, left, end])
    await log.append([step])
    assert {one.step for one in (await log.flow_counts("bank", DAY)).steps} == {"menu", "code", "status"}


async def test_a_journey_counts_while_its_caller_waits_in_a_queue(log: InteractionLog) -> None:
    begin, entered, *told, _ = self_served()
    await log.append([begin, entered])
    under_way = await log.flow_counts("bank", DAY)
    assert [(one.outcome, one.journeys) for one in under_way.journeys] == [(None, 1)]
    assert under_way.steps == ()
    for fact in told:
        await log.append([fact])
    counts = await log.flow_counts("bank", DAY)
    assert [(one.outcome, one.at_step, one.spent_s) for one in counts.journeys] == [
        (IvrOutcome.SELF_SERVED, "status", 20.0)
    ]
    assert sorted((one.step, one.visits, one.failures) for one in counts.steps) == [
        ("code", 1, 0),
        ("menu", 1, 1),
        ("status", 1, 0),
    ]


async def test_what_is_alike_is_counted_together(log: InteractionLog) -> None:
    for n in range(3):
        await log.append(gave_up(f"{n}.1", begins=NINE + timedelta(minutes=n)))
    counts = await log.flow_counts("bank", DAY)
    assert [(one.at_step, one.outcome, one.journeys) for one in counts.journeys] == [("code", IvrOutcome.ABANDONED, 3)]
    assert sorted((one.step, one.how, one.to, one.visits, one.journeys, one.failures, one.place) for one in counts.steps) == [
        ("code", LeftBy.HUNG_UP, "", 3, 3, 6, 2),
        ("menu", LeftBy.DONE, "code", 3, 3, 0, 1),
    ]  # fmt: skip
    assert counts.marks == ()


async def test_the_last_mark_of_each_scale_counts(log: InteractionLog) -> None:
    call = Story()
    way = Way(call)
    marks = [way.rated(2), way.rated(4), way.rated(9, 10)]
    await log.append([way.entered(), *marks, way.step("marks", 9), way.left(IvrOutcome.SELF_SERVED, "marks")])
    (given,) = (await log.flow_counts("bank", DAY)).marks
    assert (given.satisfaction, given.recommendation, given.journeys) == (4, 9, 1)


async def test_a_period_has_its_first_moment_and_not_its_last(log: InteractionLog) -> None:
    await log.append([*self_served("1.1"), *self_served("2.1", begins=NINE + timedelta(days=1))])
    await log.append(self_served("3.1", begins=NINE - timedelta(seconds=1)))
    counts = await log.flow_counts("bank", DAY)
    assert [one.journeys for one in counts.journeys] == [1]
    assert {one.visits for one in counts.steps} == {1}
    assert [one.journeys for one in await log.journey_counts(DAY)] == [1]


async def test_totals_are_of_all_flows(log: InteractionLog) -> None:
    await log.append([*self_served("1.1"), *gave_up("2.1", begins=NINE + timedelta(minutes=1), flow="cards")])
    counts = await log.journey_counts(DAY)
    assert sorted((one.flow, one.label, one.outcome, one.at_step, one.spent_s) for one in counts) == [
        ("bank", "Bank", IvrOutcome.SELF_SERVED, "", 20.0),
        ("cards", "Cards", IvrOutcome.ABANDONED, "", 9.0),
    ]


async def test_a_flow_nobody_came_to_has_no_counts(log: InteractionLog) -> None:
    await log.append(self_served())
    counts = await log.flow_counts("'; DROP TABLE ivr_step; --", DAY)
    assert (counts.journeys, counts.steps, counts.marks) == ((), (), ())


async def test_rebuilding_gives_the_same_journeys(log: InteractionLog) -> None:
    await log.append([*self_served("1.1"), *gave_up("2.1")])
    way = Way(Story("3.1"))
    await log.append([way.entered(), way.identified(), way.wants_a_callback(), way.leaves_a_message()])
    await log.append([way.step("menu", 5)])

    async def shown() -> tuple[object, ...]:
        counts = await log.flow_counts("bank", DAY)
        lists = (await log.callbacks(Sought()), await log.voicemails(Sought()), await log.between(Filter()))
        return frozenset(counts.journeys), frozenset(counts.steps), *(page.items for page in lists)

    before = await shown()
    await log.rebuild()
    assert await shown() == before


async def test_facts_of_one_type_come_in_order_since_a_time(log: InteractionLog) -> None:
    tries = []
    for n, result in enumerate(["wrong", "locked", "ok"]):
        way = Way(Story(f"{n}.1", begins=NINE + timedelta(minutes=n)))
        tries.append(way.pin(result, seconds=30))
        await log.append([way.entered(), tries[-1]])
    since = NINE + timedelta(minutes=1, seconds=30)
    assert await log.facts_of(TYPE_OF[PinTried], since=since) == tuple(tries[1:])
    assert await log.facts_of("cti.ivr.nothing.v1", since=NINE) == ()


async def ask_for_callbacks(log: InteractionLog, count: int) -> None:
    for n in range(count):
        way = Way(Story(f"{n}.1", begins=NINE + timedelta(minutes=n // 2)))
        queue = "support" if n % 2 else "billing"
        await log.append(
            [way.entered(), way.wants_a_callback(queue, f"+4930{n}"), way.leaves_a_message(queue, f"{n}.wav")]
        )


async def test_who_has_been_with_us_longest_is_called_back_first(log: InteractionLog) -> None:
    await ask_for_callbacks(log, 5)
    found, cursor = [], None
    for _ in range(2):  # the first page ends between two who came at the same moment
        page = await log.callbacks(Sought(), cursor=cursor, limit=3)
        cursor = page.cursor
        found += page.items
    assert cursor is None
    assert [one.entered_at for one in found] == sorted(one.entered_at for one in found)
    assert sorted(one.number for one in found) == [f"+4930{n}" for n in range(5)]


async def test_the_newest_message_comes_first(log: InteractionLog) -> None:
    await ask_for_callbacks(log, 5)
    first = await log.voicemails(Sought(), limit=2)  # ends between two that came at the same moment
    second = await log.voicemails(Sought(), limit=3, cursor=first.cursor)
    found = [*first.items, *second.items]
    assert [one.at for one in found] == sorted((one.at for one in found), reverse=True)
    assert sorted(one.file for one in found) == [f"{n}.wav" for n in range(5)]
    assert second.cursor is None


async def test_callbacks_and_messages_are_those_of_the_queues_asked_for(log: InteractionLog) -> None:
    await ask_for_callbacks(log, 4)
    for queues, count in ((None, 4), ({"support"}, 2), ({"support", "billing"}, 4), ({"sales"}, 0), (set(), 0)):
        sought = Sought(queues=None if queues is None else frozenset(queues), state=CallbackState.OPEN)
        assert len((await log.callbacks(sought)).items) == count
        assert len((await log.voicemails(Sought(queues=sought.queues))).items) == count


async def test_a_message_is_found_by_its_id_and_by_nothing_else(log: InteractionLog) -> None:
    await ask_for_callbacks(log, 2)
    for one in (await log.voicemails(Sought())).items:
        assert await log.voicemail(one.id) == one
    for text in HOSTILE:
        assert await log.voicemail(text) is None


@pytest.mark.parametrize("cursor", ["", "x", "å", "W10", "WzEsMl0", "WyIyMDI2LTExLTIzVDA5OjAwOjAwIiwiYSJd"])
async def test_a_cursor_of_no_list_is_refused(log: InteractionLog, cursor: str) -> None:
    with pytest.raises(RequestError, match="cursor"):
        await log.callbacks(Sought(), cursor=cursor)
    with pytest.raises(RequestError, match="limit"):
        await log.voicemails(Sought(), limit=0)


async def test_a_callback_asked_for_twice_in_the_record_is_one(log: InteractionLog) -> None:
    way = Way(Story())
    facts = [way.entered(), way.wants_a_callback()]
    await log.append(facts)
    await log.append([*facts, way.left(IvrOutcome.TO_AGENT)])
    assert len((await log.callbacks(Sought())).items) == 1


async def test_whom_an_agent_names_afterwards_is_named_in_the_callback(log: InteractionLog) -> None:
    call, way = Story(), Way(Story())
    await log.append(
        [*facts_of([call.offered(), call.cleared(40)]), way.entered(), way.identified(), way.wants_a_callback()]
    )
    await log.append([call.said(CUSTOMER, "picked", contact="18", name="Bea", by="mara")])
    assert [one.contact_name for one in (await log.callbacks(Sought())).items] == ["Bea"]


def facts_in_one(*stories: list[Envelope]) -> list[Envelope]:
    return [fact for story in stories for fact in story]


async def test_many_calls_in_one_go(log: InteractionLog) -> None:
    stories = [answered_call(f"{n}.1", begins=NINE + timedelta(seconds=n)) for n in range(300)]
    await log.append(facts_in_one(*stories))
    assert len((await log.between(Filter(), limit=500)).items) == 300
