"""What a call's facts say of the IVR: the interaction's journey, who it was, and what is left of it in tables."""

import pytest

from cti.calls.journey import IvrOutcome, LeftBy
from cti.envelope import Envelope
from cti.store.derive import CUSTOMER, NOT_CUSTOMER, interaction_of, trail_of
from cti.store.interactions import Interaction
from cti.store.journeys import CallbackState
from cti.store.trail import Trail, spent_s
from tests.unit.store.call_stories import CALLER, DEVICES, Story, answered_call, facts_of
from tests.unit.store.journey_stories import Way, gave_up, self_served


def derived(facts: list[Envelope]) -> Interaction:
    found = interaction_of(facts, DEVICES)
    assert found is not None
    return found


def trail(facts: list[Envelope]) -> Trail:
    return trail_of(facts, is_over=interaction_of(facts, DEVICES) is not None)


def test_a_finished_call_has_its_journey() -> None:
    journey = derived(self_served()).journey
    assert journey is not None
    assert (journey.flow, journey.outcome, journey.spent_s) == ("bank", IvrOutcome.SELF_SERVED, 20.0)
    assert [step.step for step in journey.steps] == ["menu", "code", "status"]


def test_a_call_that_came_through_no_ivr_has_none() -> None:
    assert derived(answered_call()).journey is None
    assert trail(answered_call()) == Trail()


def test_a_journey_nobody_saw_the_end_of_was_interrupted_once_the_call_is_over() -> None:
    begin, *told, end = self_served()
    cut = [begin, *told[:2], end]
    journey = derived(cut).journey
    assert journey is not None
    assert (journey.outcome, journey.reason, journey.at_step) == (IvrOutcome.FAILED, "interrupted", "code")
    (in_table,) = trail(cut).journeys
    assert (in_table.outcome, in_table.left_at) == (IvrOutcome.FAILED, None)


def test_a_journey_under_way_is_on_record_as_it_began() -> None:
    begin, *told, _ = self_served()
    live = trail([begin, *told[:3]])
    assert [(one.outcome, one.at_step, one.contact) for one in live.journeys] == [(None, "", "")]
    assert live.steps == ()


def test_a_journey_that_was_left_is_whole_while_the_call_waits_in_a_queue() -> None:
    begin, *told, _ = self_served()
    live = trail([begin, *told])
    assert [one.outcome for one in live.journeys] == [IvrOutcome.SELF_SERVED]
    assert [step.taken.step for step in live.steps] == ["menu", "code", "status"]


def test_who_enters_the_ivr_anew_was_interrupted_before() -> None:
    call = Story()
    cut, again = Way(call, "s1"), Way(call, "s2")
    facts = [
        cut.entered(), cut.step("menu", 3, to="code"), again.entered(30), again.step("menu", 35),
        again.left(IvrOutcome.TO_AGENT, "menu", to="queue support"),
    ]  # fmt: skip
    assert [(one.session, one.outcome, one.reason) for one in trail(facts).journeys] == [
        ("s1", IvrOutcome.FAILED, "interrupted"),
        ("s2", IvrOutcome.TO_AGENT, ""),
    ]


def test_each_flow_of_a_call_is_a_journey_and_who_they_say_they_are_goes_with_them_but_no_proof() -> None:
    call = Story()
    bank, cards = Way(call, "s1", "bank"), Way(call, "s2", "cards")
    facts = [
        bank.entered(), bank.identified(), bank.pin(), bank.step("menu", 5), bank.left(IvrOutcome.TO_AGENT, "menu"),
        cards.entered(60), cards.step("menu", 63), cards.left(IvrOutcome.SELF_SERVED, "menu"),
    ]  # fmt: skip
    found = trail(facts)
    assert [(one.flow, one.is_verified, one.contact) for one in found.journeys] == [
        ("bank", True, "20118"),
        ("cards", False, "20118"),
    ]
    assert [(one.journey.flow, one.nr) for one in found.steps] == [("bank", 1), ("cards", 1)]


def test_a_mark_after_the_conversation_is_the_survey_s_and_the_call_s_and_once_each() -> None:
    call = Story()
    bank, survey = Way(call, "s1"), Way(call, "s2", "survey")
    facts = [
        *facts_of([call.offered(), call.cleared(90)]), bank.entered(), bank.step("menu", 5),
        bank.left(IvrOutcome.TO_AGENT, "menu"), survey.entered(80, is_after=True), survey.rated(4), survey.step("mark", 85),
        survey.left(IvrOutcome.SELF_SERVED, "mark"),
    ]  # fmt: skip
    found = trail(facts)
    assert [(one.flow, one.is_after, one.ratings) for one in found.journeys] == [
        ("bank", False, ()),
        ("survey", True, (("how_was_it", 4, 5),)),
    ]
    assert [(one.taken.step, one.nr) for one in found.steps] == [("menu", 1), ("mark", 1001)]
    journey = derived(facts).journey
    assert journey is not None
    assert (journey.flow, journey.ratings) == ("bank", (("how_was_it", 4, 5),))


def test_a_mark_given_in_one_flow_is_no_mark_of_the_next() -> None:
    bank, cards = Way(Story(), "s1", "bank"), Way(Story(), "s2", "cards")
    facts = [
        bank.entered(), bank.rated(2), bank.left(IvrOutcome.TO_AGENT), cards.entered(60), cards.rated(5),
        cards.left(IvrOutcome.SELF_SERVED),
    ]  # fmt: skip
    assert [[score for _, score, _ in one.ratings] for one in trail(facts).journeys] == [[2], [5]]


def test_a_survey_without_a_way_before_it_is_a_journey_of_its_own() -> None:
    survey = Way(Story(), "s1", "survey")
    facts = [survey.entered(80, is_after=True), survey.rated(4), survey.left(IvrOutcome.SELF_SERVED)]
    assert [(one.flow, len(one.ratings)) for one in trail(facts).journeys] == [("survey", 1)]


def test_coming_back_to_a_step_is_another_visit() -> None:
    way = Way(Story())
    facts = [
        way.entered(), way.step("menu", 3, to="hours"), way.step("hours", 8, to="menu"),
        way.step("menu", 9.96, how=LeftBy.HUNG_UP), way.left(IvrOutcome.ABANDONED, "menu"),
    ]  # fmt: skip
    assert [(one.taken.step, one.nr, one.visit, one.spent_s) for one in trail(facts).steps] == [
        ("menu", 1, 1, 3.0),
        ("hours", 2, 1, 5.0),
        ("menu", 3, 2, 2.0),
    ]


@pytest.mark.parametrize(("seconds", "counted"), [(0.04, 0.0), (3.26, 3.3), (9.94, 9.9), (10.4, 10.0), (75.5, 76.0)])
def test_times_are_rounded_so_that_they_can_be_counted(seconds: float, counted: float) -> None:
    way = Way(Story())
    found = trail([way.entered(), way.step("menu", seconds), way.left(IvrOutcome.TO_AGENT, "menu")])
    assert [step.spent_s for step in found.steps] == [counted]
    assert [spent_s(journey) for journey in found.journeys] == [counted]


def test_a_callback_is_open_and_known_by_a_name_of_letters_and_digits() -> None:
    way = Way(Story())
    (wish,) = trail([way.entered(), way.identified(), way.wants_a_callback()]).callbacks
    assert (wish.queue, wish.number, wish.reason, wish.state) == ("support", CALLER, "orders", CallbackState.OPEN)
    assert (wish.contact, wish.contact_name) == ("20118", "Anna Berg")
    assert wish.id.isalnum()


def test_a_message_has_the_calling_number() -> None:
    call = Story()
    way = Way(call)
    (message,) = trail([*facts_of([call.offered()]), way.entered(), way.leaves_a_message()]).voicemails
    assert (message.number, message.file, message.length_s) == (CALLER, "main-1.1/1.wav", 12.5)


# ---- who it was


def who(*said: Envelope) -> tuple[str, str]:
    found = derived([*answered_call(), *said])
    return found.contact, found.contact_name


def test_who_they_said_they_are_counts_before_the_only_match() -> None:
    call, way = Story(), Way(Story())
    match = call.said(CUSTOMER, "auto", contact="17", name="Ada", by="")
    assert who(way.entered(), way.identified(), match) == ("20118", "Anna Berg")
    assert who(match, way.entered(), way.identified()) == ("20118", "Anna Berg")


@pytest.mark.parametrize("is_late", [True, False])
def test_what_an_agent_says_counts_before_all_else(*, is_late: bool) -> None:
    call, way = Story(), Way(Story())
    picked = call.said(CUSTOMER, "picked", contact="18", name="Bea", by="mara")
    said = [way.entered(), way.identified()]
    assert who(*([*said, picked] if is_late else [picked, *said])) == ("18", "Bea")


def test_whom_an_agent_ruled_out_does_not_come_back_by_keys() -> None:
    call, way = Story(), Way(Story())
    ruled_out = call.said(NOT_CUSTOMER, "not", contact="20118", number=CALLER, by="mara")
    assert who(way.entered(), way.identified(), ruled_out) == ("", "")
    assert who(way.entered(), ruled_out, way.identified()) == ("", "")


def test_whom_an_agent_ruled_out_an_agent_may_bring_back() -> None:
    call = Story()
    ruled_out = call.said(NOT_CUSTOMER, "not", contact="20118", number=CALLER, by="mara")
    assert who(ruled_out, call.said(CUSTOMER, "after all", contact="20118", name="Anna Berg", by="mara")) == (
        "20118",
        "Anna Berg",
    )


def test_of_two_who_were_keyed_the_last_counts() -> None:
    way = Way(Story())
    assert who(way.entered(), way.identified("1", "One"), way.identified("2", "Two")) == ("2", "Two")


def test_a_journey_told_before_its_call_waits_for_it() -> None:
    begin, *told, end = gave_up()
    assert derived([*told, begin, end]).journey == derived([begin, *told, end]).journey
