"""The machine's own stories: what follows what, who made it, and what is refused."""

from dataclasses import replace
from datetime import timedelta

import pytest
from msgspec import structs

from cti.agents.events import (
    DesktopBack,
    DesktopGone,
    PartGone,
    PausedOnPbx,
    SetNotReady,
    TakenOver,
    UnpausedOnPbx,
    WrapUpExpired,
    WrapUpExtended,
)
from cti.agents.presence import AgentState, Cause, Maker, Presence
from cti.agents.transitions import MADE_BY, advance, begin, is_foreseen, next_deadline
from cti.agents.wrap_ups import not_classified
from tests.unit.agents.days import EIGHT, LUIS, LUNCH, MARA, RULES, TRAINING, Day, at_work

S = AgentState


def made(day: Day) -> tuple[Maker, str]:
    return day.presence.made_by, day.presence.by


# ---- log-in


def test_who_has_just_logged_in_is_not_ready_yet() -> None:
    assert Day().logs_in().shown == "NOT_READY logged_in"


def test_a_site_may_have_its_agents_ready_at_login() -> None:
    assert Day(rules=replace(RULES, is_ready_at_login=True)).logs_in().shown == "READY"


def test_who_logs_in_during_a_call_is_in_the_call_and_not_ready_after_it() -> None:
    day = Day().talks("a", "support")
    assert day.shown == "LOGOUT"
    assert day.logs_in().shown == "TALKING"
    assert day.pending == "NOT_READY logged_in"
    assert made(day) == (Maker.AGENT, MARA)


def test_a_call_of_somebody_logged_out_leaves_no_paperwork() -> None:
    day = Day().spoke()
    assert (day.shown, day.presence.wrap_up, day.presence.changes) == ("LOGOUT", None, 0)


@pytest.mark.parametrize("ask", ["is_ready", "pauses", "is_forced", "is_freed"])
def test_nobody_is_made_anything_before_logging_in(ask: str) -> None:
    day = Day()
    getattr(day, ask)()
    assert (day.refused, day.shown) == ("not_logged_in", "LOGOUT")


# ---- the state follows


def test_the_way_of_a_call() -> None:
    day = at_work().rings("a", "support").talks("a", "support").holds("a", "support").talks("a", "support")
    day.gone("a", has_spoken=True).finishes()
    assert day.intervals[2:] == ["RESERVED", "TALKING", "HOLD", "TALKING", "WORK_READY", "READY"]


def test_several_parts_talking_before_holding_before_ringing() -> None:
    day = at_work().rings("a")
    assert day.holds("b").shown == "HOLD"
    assert day.dials("c").shown == "TALKING"
    assert day.gone("c").shown == "HOLD"
    assert day.gone("b").shown == "RESERVED"


def test_what_changes_nothing_is_the_same_object() -> None:
    day = at_work().talks()
    before = day.presence
    assert advance(before, UnpausedOnPbx(at=day.now), RULES) is before
    assert advance(before, PartGone(at=day.now, call="another", is_missed=True), RULES) is before


def test_an_event_from_before_counts_from_the_beginning_of_the_interval() -> None:
    day = at_work()
    early = advance(day.presence, PausedOnPbx(at=EIGHT - timedelta(hours=1)), RULES)
    assert isinstance(early, Presence)
    assert (early.state, early.since) == (S.NOT_READY, day.presence.since)
    assert early.pauses[-1].since == day.presence.since


# ---- who made it


def test_a_state_says_who_made_it() -> None:
    day = at_work()
    assert made(day) == (Maker.AGENT, MARA)
    assert made(day.rings("a", "billing")) == (Maker.PBX, "")
    assert made(day.gone("a", is_missed=True)) == (Maker.SYSTEM, "")
    assert made(day.is_freed()) == (Maker.SUPERVISOR, LUIS)
    assert made(day.happens(PausedOnPbx(at=day.now))) == (Maker.PBX, "")


def test_what_waited_for_the_end_of_a_call_is_made_by_who_asked() -> None:
    assert made(at_work().talks().is_forced().gone()) == (Maker.SUPERVISOR, LUIS)
    assert made(at_work().talks().logs_out().gone()) == (Maker.AGENT, MARA)
    assert made(at_work().spoke().pauses().finishes()) == (Maker.AGENT, MARA)


def test_a_pair_or_a_maker_outside_the_table_is_noticed() -> None:
    ready = at_work().presence
    logged_out = structs.replace(begin(MARA, EIGHT), made_by=Maker.PBX)
    assert is_foreseen(ready, structs.replace(ready, state=S.NOT_READY, reason=LUNCH, made_by=Maker.SYSTEM))
    assert not is_foreseen(ready, structs.replace(ready, state=S.WORK, made_by=Maker.PBX))
    assert not is_foreseen(ready, logged_out)


def test_the_dialler_s_state_is_for_later() -> None:
    assert not [pair for pair in MADE_BY if S.RESERVED_OUTBOUND in pair]


# ---- ready and not ready


def test_an_own_pause_needs_a_reason() -> None:
    day = at_work().pauses(reason=None)
    assert (day.refused, day.shown) == ("reason_wanted", "READY")


def test_an_own_pause_without_a_reason_keeps_the_last_one() -> None:
    day = at_work().pauses()
    before = day.presence
    assert day.pauses(reason=None).presence is before


def test_an_agent_takes_away_everything_but_a_supervisors_order() -> None:
    day = at_work().pauses().is_forced()
    assert (day.is_ready().refused, day.shown) == ("supervisor_only", "NOT_READY forced")
    assert day.is_freed().shown == "READY"


def test_an_order_that_waits_cannot_be_taken_back_by_the_agent() -> None:
    day = at_work().talks().is_forced()
    assert (day.is_ready().refused, day.pending) == ("supervisor_only", "NOT_READY forced")


def test_an_order_outlives_logging_out_and_in_again() -> None:
    day = at_work().is_forced().logs_out().logs_in()
    assert (day.shown, day.is_ready().refused) == ("NOT_READY forced", "supervisor_only")


def test_a_supervisor_who_logs_somebody_out_takes_the_order_along() -> None:
    assert at_work().is_forced().is_sent_home().logs_in().is_ready().shown == "READY"


def test_a_supervisor_may_give_one_of_the_sites_reasons() -> None:
    day = at_work()
    day.happens(SetNotReady(at=day.now, made_by=Maker.SUPERVISOR, by=LUIS, reason=TRAINING))
    assert (day.shown, day.is_ready().refused) == ("NOT_READY Training", "supervisor_only")


def test_a_desktop_that_is_lost_and_back_during_a_call_has_lost_nothing() -> None:
    day = at_work().talks()
    assert day.happens(DesktopGone(at=day.now)).pending == "NOT_READY connection_lost"
    assert day.happens(DesktopBack(at=day.now)).pending == ""
    assert day.gone().shown == "READY"


def test_a_desktop_that_was_lost_after_the_call_stays_not_ready_until_somebody_says_so() -> None:
    day = at_work().talks()
    day.happens(DesktopGone(at=day.now)).gone()
    assert (day.shown, *made(day)) == ("NOT_READY connection_lost", Maker.SYSTEM, "")
    assert day.rings().happens(DesktopBack(at=day.now)).gone().shown == "NOT_READY connection_lost"
    assert day.is_ready().shown == "READY"


def test_a_desktop_that_went_during_the_paperwork_is_pending_too() -> None:
    day = at_work().spoke()
    assert day.happens(DesktopGone(at=day.now)).shown == "WORK"
    assert day.happens(DesktopBack(at=day.now)).shown == "WORK_READY"


def test_a_pause_of_the_systems_that_lies_there_already_is_left_where_it_is() -> None:
    day = at_work().misses("a", "billing").pauses(LUNCH)
    before = day.presence.pauses
    assert day.misses("b", "billing").presence.pauses == before
    assert day.shown == "NOT_READY Lunch"


def test_nobody_is_paused_who_is_not_there() -> None:
    day = Day()
    for event in (DesktopGone(at=day.now), TakenOver(at=day.now), PausedOnPbx(at=day.now)):
        assert day.happens(event).presence.pauses == ()


# ---- logging out


def test_a_log_out_waits_for_the_last_call_and_its_paperwork() -> None:
    day = at_work().talks("a", "support").logs_out(TRAINING)
    assert (day.shown, day.pending) == ("TALKING", "LOGOUT Training")
    assert day.gone("a", has_spoken=True).shown == "WORK"
    assert day.finishes().shown == "LOGOUT Training"


def test_a_log_out_that_waits_can_be_taken_back() -> None:
    day = at_work().talks().logs_out()
    assert day.is_ready().pending == ""
    assert day.logs_out().pauses().pending == "NOT_READY Lunch"
    assert day.logs_out().logs_in().pending == "NOT_READY Lunch"


def test_a_supervisors_log_out_is_not_taken_back_by_the_agent() -> None:
    day = at_work().talks().is_sent_home()
    assert (day.is_ready().refused, day.pauses().pending, day.logs_in().pending) == (
        "supervisor_only",
        "LOGOUT",
        "LOGOUT",
    )
    assert made(day.logs_out().gone()) == (Maker.SUPERVISOR, LUIS)


def test_a_supervisor_who_logs_somebody_out_does_not_wait_for_the_paperwork() -> None:
    day = at_work().spoke("a", "sales")
    before = day.is_sent_home().kept[-2]
    assert (before.state, day.shown, day.presence.wrap_up) == (S.WORK_READY, "LOGOUT", None)


def test_an_agents_log_out_waits_for_the_paperwork_that_is_open() -> None:
    day = at_work().spoke("a", "billing").logs_out()
    assert (day.shown, day.pending, day.finishes().refused) == ("WORK", "LOGOUT", "result_wanted")
    assert day.gives_result().finishes().shown == "LOGOUT"


def test_a_supervisors_log_out_during_a_call_leaves_the_agent_the_paperwork() -> None:
    day = at_work().talks("a", "sales").is_sent_home().gone("a", has_spoken=True)
    assert (day.shown, day.pending) == ("WORK", "LOGOUT")
    assert day.is_sent_home().shown == "LOGOUT"


# ---- wrap-up


def test_a_wrap_up_ends_at_its_deadline_and_not_before() -> None:
    day = at_work().spoke()
    deadline = day.presence.since + timedelta(seconds=30)
    assert next_deadline(day.presence) == deadline
    assert day.happens(WrapUpExpired(at=deadline - timedelta(milliseconds=1))).shown == "WORK_READY"
    assert day.happens(WrapUpExpired(at=deadline)).shown == "READY"
    assert made(day) == (Maker.SYSTEM, "")


def test_a_queue_without_limit_leaves_all_the_time() -> None:
    day = at_work().spoke("a", "sales")
    assert (day.shown, next_deadline(day.presence)) == ("WORK_READY", None)
    assert day.happens(WrapUpExtended(at=day.now, by=MARA)).presence.wrap_up == day.kept[-2].wrap_up


def test_queues_without_wrap_up_and_direct_calls_have_none() -> None:
    assert at_work().spoke("a", "reception").shown == "READY"
    assert at_work().spoke("a", "").shown == "READY"


def test_who_has_not_spoken_has_nothing_to_write() -> None:
    assert at_work().rings("a", "support").gone("a").shown == "READY"


def test_who_handed_the_call_over_has_still_paperwork() -> None:
    day = at_work().talks("a", "support").gone("a", has_spoken=True, is_handed_over=True)
    assert day.shown == "WORK_READY"


def test_a_pause_chosen_during_the_paperwork_follows_it() -> None:
    day = at_work().spoke().pauses()
    assert (day.shown, day.pending) == ("WORK", "NOT_READY Lunch")
    assert day.finishes().shown == "NOT_READY Lunch"


def test_ready_ends_the_paperwork_at_once() -> None:
    assert at_work().spoke().pauses().is_ready().shown == "READY"


def test_a_required_result_is_asked_for() -> None:
    day = at_work().spoke("a", "billing")
    assert (day.finishes().refused, day.is_ready().refused, day.is_freed().refused) == ("result_wanted",) * 3
    assert day.gives_result().finishes().shown == "READY"


def test_a_result_given_during_the_call_is_not_asked_for_again() -> None:
    day = at_work().talks("a", "billing").gives_result().holds("a", "billing").gone("a", has_spoken=True)
    assert day.finishes().shown == "READY"


def test_a_required_result_that_never_came_is_not_classified() -> None:
    day = at_work().spoke("a", "billing")
    before = day.presence
    assert day.later(61).shown == "READY"
    assert [one.call for one in not_classified(before, day.presence)] == ["a"]


def test_who_gave_a_result_or_need_not_is_classified() -> None:
    for day in (at_work().spoke("a", "billing").gives_result(), at_work().spoke()):
        before = day.presence
        assert not_classified(before, day.finishes().presence) == ()


def test_a_wrap_up_begins_when_the_last_call_is_gone() -> None:
    day = at_work().talks("a", "support").rings("b")
    assert day.gone("a", has_spoken=True).shown == "RESERVED"
    assert day.later(300).gone("b").shown == "WORK_READY"
    assert next_deadline(day.presence) == day.presence.since + timedelta(seconds=30)


def test_each_call_has_its_own_wrap_up_one_after_the_other() -> None:
    day = at_work().talks("a", "billing").talks("b", "support").gone("a", has_spoken=True).gone("b", has_spoken=True)
    assert day.presence.wrap_up is not None
    assert (day.presence.wrap_up.call, day.gives_result("a").is_ready().shown) == ("a", "WORK_READY")
    assert (day.presence.wrap_up.call, day.is_ready().shown) == ("b", "READY")


def test_a_direct_call_hides_a_wrap_up_which_goes_on_after_it() -> None:
    day = at_work().spoke()
    deadline = next_deadline(day.presence)
    assert (day.rings("b").talks("b").shown, next_deadline(day.presence)) == ("TALKING", None)
    assert day.gone("b", has_spoken=True).shown == "WORK_READY"
    assert next_deadline(day.presence) == deadline


def test_a_wrap_up_that_ran_out_behind_a_call_is_over_when_it_shows() -> None:
    day = at_work().spoke().talks("b").later(300).gone("b")
    assert day.shown == "WORK_READY"
    assert day.later(0).shown == "READY"


def test_a_call_that_comes_back_to_the_same_agent_has_one_wrap_up() -> None:
    day = at_work().spoke().spoke()
    assert (day.shown, day.presence.owed) == ("WORK_READY", ())
    assert next_deadline(day.presence) == day.presence.since + timedelta(seconds=30)


def test_without_a_wrap_up_there_is_nothing_to_end_or_extend() -> None:
    day = at_work()
    assert day.finishes().refused == "no_wrap_up"
    assert day.happens(WrapUpExtended(at=day.now, by=MARA)).refused == "no_wrap_up"


# ---- taken over, paused on the PBX


def test_a_log_in_elsewhere_makes_not_ready() -> None:
    day = at_work()
    assert day.happens(TakenOver(at=day.now)).shown == "NOT_READY elsewhere"
    assert day.is_ready().shown == "READY"


def test_a_log_in_elsewhere_during_a_call_changes_nothing() -> None:
    day = at_work().talks()
    assert day.happens(TakenOver(at=day.now)).pending == ""


def test_what_was_paused_on_the_pbx_and_what_was_not() -> None:
    day = at_work().pauses()
    assert day.happens(PausedOnPbx(at=day.now, reason="dnd")).shown == "NOT_READY pbx"
    assert day.happens(UnpausedOnPbx(at=day.now)).shown == "NOT_READY Lunch"
    assert day.happens(UnpausedOnPbx(at=day.now)).shown == "NOT_READY Lunch"


def test_no_two_pauses_have_the_same_cause() -> None:
    day = at_work().pauses().is_forced().pauses(TRAINING).is_forced()
    assert [pause.cause for pause in day.presence.pauses] == [Cause.CHOSEN, Cause.FORCED]
