"""Section E of what users of such systems ask for, seen from the desk: each by its number."""

from dataclasses import replace

import pytest

from cti.agents.agent import Agent
from cti.agents.presence import Rules
from cti.calls.call import Direction
from tests.unit.floor.fakes import RULES, House, told
from tests.unit.floor.test_floor import BOTH, a_call, answered, ends, intervals, restarted
from tests.unit.screenpop.stories import JON, MARA, Story


@pytest.fixture
async def house() -> House:
    return House(agents=(BOTH, JON)).up()


async def in_a_break(house: House) -> None:
    await house.ready()
    await house.asks("NOT_READY", reason=2)


async def test_ask_30_a_failed_call_of_one_s_own_leads_back_to_the_break(house: House) -> None:
    await in_a_break(house)
    story = Story(direction=Direction.OUTBOUND)
    house.floor.news(story.placed_by(MARA))
    assert house.state() == "TALKING"
    house.floor.news(story.ends(by="agent"))
    await house.quiet()
    assert (house.state(), house.pbx.has("support")) == ("NOT_READY: Lunch", "paused: Lunch")


async def test_ask_30_the_pending_state_is_visible_and_can_be_taken_back(house: House) -> None:
    await house.ready()
    story = answered(house)
    await house.asks("NOT_READY", reason=2)
    assert house.shown()["pending"]["reason_code"] == 2
    await house.asks("READY")
    assert house.shown()["pending"] is None
    ends(house, story)
    assert house.state() == "WORK_READY"


async def test_ask_31_who_declines_is_not_rung_again(house: House) -> None:
    await house.ready()
    house.floor.news(a_call(house).stops(MARA, "declined"))
    await house.quiet()
    assert (house.state(), house.pbx.has("support")) == ("NOT_READY: declined", "paused: declined")


async def test_ask_31_unless_the_site_wants_it_otherwise() -> None:
    house = House(agents=(BOTH,), rules=replace(RULES, declined_is_pause=False)).up()
    await house.ready()
    house.floor.news(a_call(house).stops(MARA, "declined"))
    assert house.state() == "READY"


async def test_ask_32_the_wrap_up_s_deadline_is_told_and_can_be_extended_and_ended_early(house: House) -> None:
    desktop = await house.ready()
    story = answered(house, queue="billing")
    ends(house, story)
    began, deadline = (house.shown()["wrap_up"][name] for name in ("began_at", "deadline"))
    assert (deadline - began).total_seconds() == 30
    await house.floor.extend(BOTH, "more-1")
    await house.quiet()
    assert (house.shown()["wrap_up"]["deadline"] - deadline).total_seconds() == 30
    assert {action["name"] for action in house.shown()["actions"]} >= {"extend", "end"}
    await house.floor.end_wrap_up(BOTH, "end-1")
    await house.quiet()
    assert (house.state(), house.pbx.has("support")) == ("READY", "ready")
    assert [one["status"] for one in told(desktop, "command")][-2:] == ["done", "done"]


async def test_ask_33_a_change_waits_for_the_last_call(house: House) -> None:
    await house.ready()
    first, second = answered(house, queue="", name="1"), answered(house, queue="", name="2")
    await house.asks("NOT_READY", reason=2)
    ends(house, first)
    assert house.state() == "TALKING"
    ends(house, second)
    assert house.state() == "NOT_READY: Lunch"


async def test_ask_34_a_pause_made_there_and_taken_away_there_leaves_ours(house: House) -> None:
    await in_a_break(house)
    house.pbx.put("support", paused=True, reason="do not disturb")
    house.pbx.put("support", paused=False, reason="")
    await house.quiet()
    assert (house.state(), house.pbx.has("support")) == ("NOT_READY: Lunch", "paused: Lunch")


async def test_ask_35_the_wrap_up_is_ours_and_ends_in_all_queues_at_once(house: House) -> None:
    await house.ready()
    ends(house, answered(house, queue="billing"))
    await house.quiet()
    assert [house.pbx.has(queue) for queue in ("support", "billing")] == ["paused: wrap_up"] * 2
    house.goes(29)
    await house.quiet()
    assert [house.pbx.has(queue) for queue in ("support", "billing")] == ["paused: wrap_up"] * 2
    house.goes(2)
    await house.quiet()
    assert [house.pbx.has(queue) for queue in ("support", "billing")] == ["ready"] * 2


async def test_ask_36_another_reason_begins_another_interval_and_a_restart_keeps_both(house: House) -> None:
    await in_a_break(house)
    await house.asks("NOT_READY", reason=1)
    assert intervals(house)[-2:] == ["NOT_READY: Lunch", "NOT_READY: Break"]
    after = await restarted(house)
    assert (after.state(), after.pbx.has("support")) == ("NOT_READY: Break", "paused: Break")


async def test_ask_37_how_many_missed_calls_are_too_many_is_the_queue_s_affair_and_an_answer_begins_anew(
    house: House,
) -> None:
    def misses(name: str, queue: str) -> None:
        house.floor.news(a_call(house, queue=queue, name=name).stops(MARA, "no_answer"))

    await house.ready()
    misses("1", "billing")
    assert house.state() == "READY"
    ends(house, answered(house, queue="billing", name="2"))
    await house.floor.end_wrap_up(BOTH, "end-1")
    await house.quiet()
    misses("3", "billing")
    assert house.state() == "READY"
    misses("4", "billing")
    assert house.state() == "NOT_READY: missed_call"


@pytest.mark.parametrize("words", ["timeout", "pbx_lost"])
async def test_ask_39_every_request_has_one_final_result(house: House, words: str) -> None:
    desktop = house.desktop()
    await house.quiet()
    house.pbx.refuses["support"] = words
    await house.asks("READY", command="ready-1")
    assert [(one["command"], one["status"], one["reason"]) for one in told(desktop, "command")] == [
        ("ready-1", "failed", words)
    ]


async def test_rules_may_have_agents_ready_at_log_in() -> None:
    agent: Agent = BOTH
    house = House(agents=(agent,), rules=Rules(is_ready_at_login=True)).up()
    house.desktop()
    await house.quiet()
    assert (house.state(), house.pbx.has("support")) == ("READY", "ready")
