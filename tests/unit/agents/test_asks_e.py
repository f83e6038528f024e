"""What users of other systems asked for (agent state), each held here where it is about the machine."""

from dataclasses import replace
from datetime import timedelta

from cti.agents.events import PausedOnPbx, TakenOver, UnpausedOnPbx, WrapUpExtended
from cti.agents.presence import WrapUpKind
from cti.agents.transitions import next_deadline
from tests.unit.agents.days import LUNCH, MARA, RULES, TRAINING, at_work, logged_in_s


def test_ask_30_a_failed_call_from_a_break_returns_to_the_break() -> None:
    day = at_work().pauses(LUNCH).dials()
    assert (day.shown, day.pending) == ("TALKING", "NOT_READY Lunch")
    assert day.gone().shown == "NOT_READY Lunch"


def test_ask_30_a_call_when_ready_returns_to_ready() -> None:
    assert at_work().dials().gone().shown == "READY"


def test_ask_30_one_pending_state_that_shows_and_can_be_taken_back() -> None:
    day = at_work().talks().pauses(LUNCH)
    assert (day.shown, day.pending) == ("TALKING", "NOT_READY Lunch")
    assert day.pauses(TRAINING).pending == "NOT_READY Training"
    assert day.is_ready().pending == ""
    assert day.gone().shown == "READY"


def test_ask_31_a_declined_call_does_not_ring_the_same_agent_at_once() -> None:
    day = at_work().rings("a", "support").gone("a", is_declined=True)
    assert day.shown == "NOT_READY declined"
    assert day.is_ready().shown == "READY"


def test_ask_31_a_site_may_let_its_agents_decline() -> None:
    day = at_work(replace(RULES, declined_is_pause=False)).rings("a", "support").gone("a", is_declined=True)
    assert day.shown == "READY"


def test_ask_31_declining_a_second_call_during_a_first_is_no_pause() -> None:
    day = at_work().talks("a").rings("b", "support").gone("b", is_declined=True)
    assert day.pending == ""


def test_ask_32_a_wrap_up_says_when_it_ends_can_be_extended_and_ended_early() -> None:
    day = at_work().spoke()
    deadline = next_deadline(day.presence)
    assert deadline == day.presence.since + timedelta(seconds=30)
    day.happens(WrapUpExtended(at=day.now, by=MARA))
    assert next_deadline(day.presence) == deadline + timedelta(seconds=30)
    assert day.finishes().shown == "READY"


def test_ask_32_not_extended_for_ever() -> None:
    day = at_work().spoke()
    codes = [day.happens(WrapUpExtended(at=day.now, by=MARA)).refused for _ in range(6)]
    assert codes == ["", "", "", "", "", "extended_enough"]


def test_ask_33_a_change_waits_for_the_last_call() -> None:
    day = at_work().talks("a").talks("b").pauses(LUNCH)
    assert day.gone("a").shown == "TALKING"
    assert day.gone("b").shown == "NOT_READY Lunch"


def test_ask_34_a_pause_of_one_cause_takes_no_other_away() -> None:
    day = at_work().pauses(LUNCH)
    day.happens(PausedOnPbx(at=day.now, reason="do not disturb"))
    assert day.happens(UnpausedOnPbx(at=day.now)).shown == "NOT_READY Lunch"


def test_ask_35_a_wrap_up_is_ours_and_outlives_the_queues_own() -> None:
    """Other queues' ``wrapuptime`` and calls that come in between do not end it early."""
    day = at_work(replace(RULES, usual=replace(RULES.usual, wrap_up=WrapUpKind.OFF))).spoke("a", "support")
    deadline = next_deadline(day.presence)
    day.rings("b", "another").gone("b").spoke("c", "another")
    assert (day.shown, next_deadline(day.presence)) == ("WORK_READY", deadline)


def test_ask_36_a_pause_with_a_new_reason_is_a_new_interval() -> None:
    day = at_work().pauses(LUNCH).later(60).pauses(TRAINING)
    assert day.intervals[-2:] == ["NOT_READY Lunch", "NOT_READY Training"]
    assert (day.presence.since - day.kept[-2].since).total_seconds() == 61
    assert len(day.presence.pauses) == 1


def test_ask_36_the_same_reason_again_is_the_same_interval() -> None:
    day = at_work().pauses(LUNCH)
    before = day.presence
    assert day.pauses(LUNCH).presence is before


def test_ask_37_not_ready_after_as_many_missed_rings_as_the_queue_says() -> None:
    day = at_work().misses()
    assert day.shown == "READY"
    assert day.misses().shown == "NOT_READY missed_call"


def test_ask_37_an_answer_begins_the_count_anew() -> None:
    day = at_work().misses().spoke("b", "support").finishes()
    assert day.presence.missed == {}
    assert day.misses("c").shown == "READY"


def test_ask_37_queues_count_apart_and_direct_calls_count_nothing() -> None:
    day = at_work().misses("a", "support").misses("b", "").misses("c", "")
    assert (day.shown, dict(day.presence.missed)) == ("READY", {"support": 1})


def test_ask_37_no_limit_is_no_pause() -> None:
    rules = replace(RULES, usual=replace(RULES.usual, missed_limit=0))
    day = at_work(rules)
    for call in "abcdef":
        day.misses(call, "reception")
    assert day.shown == "READY"


def test_ask_38_who_was_taken_over_elsewhere_is_not_offered_calls_unasked() -> None:
    day = at_work()
    assert day.happens(TakenOver(at=day.now)).shown == "NOT_READY elsewhere"


def test_ask_39_an_own_call_that_never_begins_leaves_the_agent_where_they_were() -> None:
    """The command's own time limit is the PBX link's; here, its part that came and went is all there was."""
    day = at_work().pauses(LUNCH)
    before = day.presence
    day.dials().later(30).gone()
    assert (day.shown, day.presence.pauses) == ("NOT_READY Lunch", before.pauses)
    assert logged_in_s(day.kept, day.now) == (day.now - day.kept[1].since).total_seconds()
