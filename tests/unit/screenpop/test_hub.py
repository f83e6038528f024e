"""What desktops are told, when they are there, late, slow, or somewhere else."""

import json
from dataclasses import replace

import pytest

from cti.calls.call import Direction
from cti.calls.journey import Journey
from cti.errors import Forbidden, NotFound
from cti.screenpop import views
from cti.screenpop.desktops import Taken
from cti.screenpop.messages import CustomerCard, PbxView, QueueView, Resume
from cti.screenpop.outbox import Limits
from tests.unit.screenpop.fakes import PaperDesktop, Stage
from tests.unit.screenpop.stories import AGENTS, JON, MARA, PBX, Story, at


def rings(stage: Stage, name: str = "1", agent=MARA) -> Story:  # noqa: ANN001
    story = Story(name)
    stage.hub.call_changed(story.offered())
    stage.hub.call_changed(story.queued())
    stage.hub.call_changed(story.rings(agent))
    return story


def card(story: Story, state: str = "unknown") -> CustomerCard:
    return CustomerCard(call=story.id, state=state)  # type: ignore[arg-type]


def test_a_desktop_begins_with_a_snapshot() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    assert [(message["type"], message["seq"]) for message in desktop.seen] == [("snapshot", 1)]
    assert not desktop.resumed


def test_the_pop_comes_first_and_says_who_calls() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    rings(stage)
    pop, call, customer = desktop.read()
    assert [pop["type"], call["type"], customer["type"]] == ["pop", "call", "card"]
    assert pop["pop"]["call"]["number_shown"] == "+49 30 5551234"
    assert pop["pop"]["card"]["state"] == "asking"


def test_a_pop_goes_to_nobody_else() -> None:
    stage = Stage()
    jon = stage.desktop(JON.id).connect()
    rings(stage)
    assert jon.types() == []


def test_a_card_that_was_there_before_the_ring_comes_with_the_pop() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    story = Story()
    stage.hub.call_changed(story.offered())
    stage.hub.card(card(story, "found"))
    stage.hub.call_changed(story.rings(MARA))
    assert desktop.read()[0]["pop"]["card"]["state"] == "found"


def test_a_card_that_comes_later_follows_the_pop() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    story = rings(stage)
    desktop.read()
    stage.hub.card(card(story, "slow"))
    assert [(message["type"], message["card"]["state"]) for message in desktop.read()] == [("card", "slow")]


def test_a_card_for_a_call_that_is_over_is_nobodys_news() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    story = rings(stage)
    stage.hub.call_changed(story.ends())
    desktop.read()
    stage.hub.card(card(story))
    assert desktop.types() == []


def test_the_callers_before_leave_nothing_behind() -> None:
    """A stranger's pop after a known caller's holds nothing of that caller."""
    stage = Stage()
    desktop = stage.desktop().connect()
    known = rings(stage, "1")
    stage.hub.card(replace_card(card(known, "found"), "Anna"))
    stage.hub.call_changed(known.ends())
    desktop.read()
    rings(stage, "2")
    assert "Anna" not in json.dumps(desktop.read())


def replace_card(given: CustomerCard, name: str) -> CustomerCard:
    contact = views.ContactView(id="k1", name=name)
    return views.chosen(given, contact)


def test_answering_withdraws_the_pop_and_keeps_the_call() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    story = rings(stage)
    pop = desktop.read()[0]["pop"]["pop"]
    stage.hub.call_changed(story.answers(MARA))
    withdrawn, call = desktop.read()
    assert (withdrawn["type"], withdrawn["pop"], withdrawn["reason"]) == ("pop_withdrawn", pop, "answered")
    assert (call["type"], call["call"]["state"]) == ("call", "talking")


def test_when_a_colleague_answers_the_pop_is_withdrawn_and_the_call_is_gone() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    story = rings(stage)
    stage.hub.call_changed(story.rings(JON))
    stage.hub.call_changed(story.answers(JON))
    desktop.read()
    stage.hub.call_changed(story.stops(MARA, "answered_elsewhere"))
    withdrawn, call = desktop.read()
    assert withdrawn["reason"] == "answered_elsewhere"
    assert (call["call"]["state"], call["call"]["outcome"], call["call"]["has_spoken"]) == ("ended", None, False)


def test_ones_own_call_shows_the_card_without_a_pop() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    story = Story(direction=Direction.OUTBOUND)
    stage.hub.call_changed(story.placed_by(MARA))
    assert desktop.types() == ["call", "card"]


def test_a_pop_expires_with_the_queues_ring_and_is_taken_away() -> None:
    stage = Stage(ring_timeouts_s={"support": 15.0})
    desktop = stage.desktop().connect()
    rings(stage)
    pop = desktop.read()[0]["pop"]
    assert pop["expires_at"] == "2026-03-02T09:00:15Z"
    assert at(15) == stage.hub.next_deadline()
    stage.hub.expire(stage.clock.goes(14))
    assert desktop.types() == []
    stage.hub.expire(stage.clock.goes(1))
    assert [message["reason"] for message in desktop.read()] == ["expired"]


def test_a_pbx_whose_clock_is_an_hour_slow_pops_all_the_same() -> None:
    stage = Stage()
    stage.clock.goes(3600)
    desktop = stage.desktop().connect()
    rings(stage)
    stage.hub.expire(stage.clock.now)
    assert "pop_withdrawn" not in desktop.types()


def test_a_desktop_that_connects_in_mid_ring_sees_call_card_and_pop() -> None:
    stage = Stage()
    story = rings(stage)
    stage.hub.card(card(story, "several"))
    snapshot = stage.desktop().connect().seen[0]
    assert [story.id] == [call["call"] for call in snapshot["calls"]]
    assert [one["state"] for one in snapshot["cards"]] == ["several"]
    assert [(story.id, "several")] == [(pop["call"]["call"], pop["card"]["state"]) for pop in snapshot["pops"]]


def test_calls_taken_up_after_a_restart_are_shown_and_pop() -> None:
    before, stage = Stage(), Stage()
    story = rings(before)
    stage.hub.restore([story.call])
    snapshot = stage.desktop().connect().seen[0]
    assert (len(snapshot["calls"]), len(snapshot["pops"])) == (1, 1)


# ---- coming back


def test_ws_resume_after_a_lost_connection_only_what_was_missed_comes() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    story = rings(stage)
    desktop.read()
    place = desktop.leave()
    stage.hub.call_changed(story.answers(MARA))
    back = stage.desktop().connect(place)
    assert back.resumed
    assert back.types() == ["pop_withdrawn", "call"]
    assert back.seen[0]["seq"] == place.seq + 1


def test_ws_resume_what_was_sent_and_never_arrived_is_sent_again() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    place = desktop.place
    rings(stage)
    desktop.read()  # into a dead socket
    desktop.leave()
    back = stage.desktop().connect(place)
    assert [message["seq"] for message in back.seen] == [2, 3, 4]


def test_ws_resume_brings_no_pop_twice_after_it_was_shown() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    rings(stage)
    desktop.read()
    back = stage.desktop().connect(desktop.leave())
    assert (back.resumed, back.seen, back.types()) == (True, [], [])


def test_ws_resume_where_the_gap_is_too_big_begins_anew() -> None:
    stage = Stage(Limits(kept=2))
    desktop = stage.desktop().connect()
    place = desktop.place
    rings(stage)
    desktop.read()
    desktop.leave()
    back = stage.desktop().connect(place)
    assert (back.resumed, back.seen[0]["type"]) == (False, "snapshot")
    assert back.stream != place.stream


def test_ws_resume_of_a_server_before_this_one_begins_anew() -> None:
    stage = Stage()
    rings(stage)
    back = stage.desktop().connect(Resume(stream="of-another-process", seq=12))
    assert (back.resumed, back.seen[0]["type"], len(back.seen[0]["pops"])) == (False, "snapshot", 1)


def test_ws_resume_after_ten_minutes_begins_anew() -> None:
    stage = Stage(resume_s=600)
    place = stage.desktop().connect().leave()
    stage.hub.expire(stage.clock.goes(600))
    assert not stage.desktop().connect(place).resumed


def test_ws_resume_within_a_session_just_lost_needs_no_take_over() -> None:
    """The old socket looks alive for a while after the network went."""
    stage = Stage()
    old = stage.desktop().connect()
    back = stage.desktop().connect(old.place)
    assert back.resumed
    assert old.closed is not None
    assert (old.closed[0], old.last) == (4409, b"")


# ---- two desktops


def test_a_second_desktop_is_told_of_the_first() -> None:
    stage = Stage()
    first = stage.desktop().connect()
    since = stage.clock.now
    stage.clock.goes(60)
    assert Taken(since) == stage.hub.desktops.attach(MARA.id, stage.desktop())
    assert first.closed is None


def test_taking_over_displaces_the_first_and_tells_it() -> None:
    stage = Stage()
    first = stage.desktop().connect()
    second = stage.desktop().connect(take_over=True)
    assert (first.closed, json.loads(first.last)) == ((4409, "opened elsewhere"), {"type": "displaced", "seq": 2})
    rings(stage)
    assert (first.types(), second.types()) == ([], ["pop", "call", "card"])


def test_a_desktop_that_was_displaced_does_not_take_the_other_along_when_it_goes() -> None:
    stage = Stage()
    first = stage.desktop().connect()
    second = stage.desktop().connect(take_over=True)
    first.leave()
    rings(stage)
    assert "pop" in second.types()


# ---- a slow one


def test_a_slow_desktop_reads_only_the_latest_of_each_thing() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    for waiting in range(50):
        stage.clock.goes(1)
        stage.hub.queue(QueueView(name="support", waiting=waiting))
    assert [message["queue"]["waiting"] for message in desktop.read()] == [49]


def test_a_desktop_too_far_behind_is_closed_and_gets_a_snapshot_on_return() -> None:
    stage = Stage(Limits(waiting=10))
    slow, quick = stage.desktop().connect(), stage.desktop(JON.id).connect()
    for number in range(12):
        stage.hub.command(MARA.id, f"command-{number}", "done")
    assert (slow.closed, stage.hub.dropped) == ((4413, "fell too far behind"), 1)
    assert quick.closed is None
    slow.leave()
    assert not stage.desktop().connect(slow.place).resumed


def test_a_desktop_that_is_away_too_long_to_catch_up_begins_anew() -> None:
    stage = Stage(Limits(waiting=10))
    place = stage.desktop().connect().leave()
    for number in range(12):
        stage.hub.command(MARA.id, f"command-{number}", "done")
    assert not stage.desktop().connect(place).resumed


# ---- the rest


def test_pbx_lost_takes_the_buttons_away_with_the_reason() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    rings(stage)
    desktop.read()
    stage.hub.pbx(PbxView(name="main", state="lost", since=at(9)))
    pbx, call = desktop.read()
    assert (pbx["type"], pbx["pbx"]["state"]) == ("pbx", "lost")
    assert {(one["allowed"], one["why_not"]) for one in call["call"]["actions"]} == {(False, "pbx_lost")}


def test_a_queue_is_told_to_its_own_agents_only() -> None:
    stage = Stage()
    mara, jon = stage.desktop().connect(), stage.desktop(JON.id).connect()
    stage.hub.queue(QueueView(name="billing", waiting=3))
    assert (mara.types(), jon.types()) == ([], ["queue"])


def test_a_busy_queue_is_told_of_once_a_second_and_never_wrongly_in_the_end() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    for waiting in range(1, 100):
        stage.hub.queue(QueueView(name="support", waiting=waiting))
    assert [message["queue"]["waiting"] for message in desktop.read()] == [1]
    assert stage.hub.next_deadline() == at(1)
    stage.hub.expire(stage.clock.goes(1))
    assert [message["queue"]["waiting"] for message in desktop.read()] == [99]
    stage.hub.expire(stage.clock.goes(1))
    assert desktop.types() == []


def test_a_commands_result_waits_for_a_desktop_that_is_away() -> None:
    stage = Stage()
    place = stage.desktop().connect().leave()
    stage.hub.command(MARA.id, "dial-1", "failed", "no such trunk")
    (result,) = stage.desktop().connect(place).read()
    assert (result["command"], result["status"], result["reason"]) == ("dial-1", "failed", "no such trunk")


def test_every_step_of_a_pop_is_timed_from_its_decision() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    rings(stage)
    stage.clock.goes(0.010)
    pop = desktop.read()[0]["pop"]["pop"]
    stage.clock.goes(0.020)
    stage.hub.desktops.receipt(MARA.id, pop, "received")
    stage.clock.goes(0.100)
    stage.hub.desktops.receipt(MARA.id, pop, "shown")
    stage.hub.desktops.receipt(MARA.id, pop, "shown")
    assert [(one.step, round(one.ms)) for one in stage.noted] == [
        ("decided", 0),
        ("sent", 10),
        ("received", 30),
        ("shown", 130),
    ]


def test_a_receipt_for_somebody_elses_pop_is_refused() -> None:
    stage = Stage()
    rings(stage)
    with pytest.raises(Forbidden):
        stage.hub.desktops.receipt(JON.id, stage.noted[0].pop, "shown")


def test_a_receipt_for_a_pop_nobody_knows_is_nothing() -> None:
    stage = Stage()
    stage.hub.desktops.receipt(MARA.id, "of-yesterday", "shown")
    assert stage.noted == []


def test_what_the_agent_looks_at_is_told_once_and_only_of_own_calls() -> None:
    stage = Stage()
    story = rings(stage)
    stage.hub.desktops.focus(MARA.id, story.id)
    stage.hub.desktops.focus(MARA.id, story.id)
    assert [("mara", story.id)] == stage.focused
    with pytest.raises(Forbidden):
        stage.hub.desktops.focus(JON.id, story.id)


def test_ending_a_session_closes_its_desktop_and_no_other() -> None:
    stage = Stage()
    mara, jon = stage.desktop().connect(), stage.desktop(JON.id, session="session-2").connect()
    stage.hub.desktops.close_session("session-1")
    assert (mara.closed, jon.closed) == ((4401, "session ended"), None)


def test_a_session_that_runs_out_closes_its_desktop() -> None:
    stage = Stage()
    desktop = stage.desktop(session_ends_at=at(100)).connect()
    stage.hub.expire(stage.clock.goes(100))
    assert desktop.closed == (4401, "session ended")


def test_whoever_is_disabled_is_closed_and_gets_no_more_pops() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    stage.hub.roster([replace(agent, is_enabled=agent.id != MARA.id) for agent in AGENTS])
    rings(stage)
    assert desktop.closed is not None
    assert stage.noted == []
    with pytest.raises(NotFound):
        stage.hub.desktops.attach(MARA.id, PaperDesktop(stage.hub))


def test_whoever_gets_another_phone_sees_its_calls_and_no_longer_the_old_ones() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    old = rings(stage, "1", MARA)
    new = rings(stage, "2", JON)
    stage.hub.roster([replace(MARA, device=JON.device)])
    assert desktop.closed == (4413, "another phone")
    snapshot = stage.desktop().connect().seen[0]
    assert ([new.id], [new.id]) == (
        [call["call"] for call in snapshot["calls"]],
        [pop["call"]["call"] for pop in snapshot["pops"]],
    )
    stage.hub.call_changed(old.ends())
    stage.hub.call_changed(new.ends())
    assert list(stage.hub._desks.of(MARA.id).calls) == []


def test_a_call_that_ended_is_known_a_while_longer() -> None:
    stage = Stage()
    story = rings(stage)
    stage.hub.call_changed(story.ends())
    assert stage.hub.calls == ()
    known = stage.hub.call(story.id)
    assert known is not None
    assert not known.is_live


def test_after_a_day_of_calls_nothing_is_left_behind() -> None:
    stage = Stage()
    for number in range(200):
        story = rings(stage, str(number))
        stage.hub.card(card(story))
        stage.hub.call_changed(story.answers(MARA))
        stage.hub.call_changed(story.ends())
        stage.hub.card(card(story, "found"))  # too late
    stage.hub.expire(stage.clock.goes(3600))
    assert stage.hub.next_deadline() is None
    assert (list(stage.hub._desks), stage.hub._book._live, stage.hub._book._cards) == ([], {}, {})


def in_the_ivr(story: Story, **more: object) -> Journey:
    return Journey(call=story.id, pbx=PBX, session="s1", flow="bank", entered_at=at(0), **more)  # type: ignore[arg-type]


def test_a_journey_known_before_the_ring_comes_with_the_pop() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    story = Story()
    stage.hub.journey(story.id, in_the_ivr(story, intent="orders"))
    stage.hub.call_changed(story.offered())
    stage.hub.call_changed(story.rings(MARA))
    assert desktop.read()[0]["pop"]["call"]["journey"]["intent"] == "orders"


def test_a_journey_that_goes_on_is_told_to_those_on_the_call_and_to_nobody_else() -> None:
    stage = Stage()
    mara, jon = stage.desktop().connect(), stage.desktop(JON.id).connect()
    story = rings(stage)
    mara.read()
    stage.hub.journey(story.id, in_the_ivr(story, is_verified=True))
    assert [message["call"]["journey"]["is_verified"] for message in mara.read()] == [True]
    assert jon.read() == []


def test_a_journey_stays_with_the_call_and_is_in_the_snapshot_of_a_desktop_that_comes_late() -> None:
    stage = Stage()
    story = Story()
    stage.hub.call_changed(story.offered())
    stage.hub.journey(story.id, in_the_ivr(story))
    stage.hub.call_changed(story.rings(MARA))
    stage.hub.call_changed(story.answers(MARA))
    assert [call["journey"]["flow"] for call in stage.desktop().connect().seen[0]["calls"]] == ["bank"]


def test_a_call_without_an_ivr_has_no_journey() -> None:
    stage = Stage()
    desktop = stage.desktop().connect()
    other = rings(stage, "2", JON)
    stage.hub.journey(other.id, in_the_ivr(other))
    rings(stage)
    assert desktop.read()[0]["pop"]["call"]["journey"] is None
