"""Agents' states against a PBX, desktops and the record: who has to agree before a state is one."""

import json
from dataclasses import replace

import pytest

from cti.agent_facts import presence_of
from cti.agents.agent import Agent, AgentId, AgentRole
from cti.agents.presence import AgentState, Maker
from cti.calls.frozen import changed
from cti.errors import Conflict, NotFound, NotNow, PbxUnavailable, RequestError
from cti.telephony.commands import AddMember, PauseMember
from cti.telephony.link import MemberChanged
from tests.unit.floor.fakes import MAIN, House, told, until
from tests.unit.screenpop.stories import JON, MARA, Story

BOTH = replace(MARA, queues=("support", "billing"))
SUE = Agent(id=AgentId("sue"), name="Sue Park", role=AgentRole.SUPERVISOR)
STATIC = MemberChanged(
    pbx=MAIN, queue="support", device=MARA.device, is_member=True, is_dynamic=False, at=House().clock()
)  # fmt: skip


@pytest.fixture
async def house() -> House:
    return House(agents=(BOTH, JON, SUE)).up()


def a_call(house: House, agent: Agent = MARA, *, queue: str = "support", name: str = "1") -> Story:
    """Offered to the agent by the queue, and ringing."""
    story = Story(name)
    story.offered()
    story.queued(queue)
    party = changed(story.phone(agent), member=agent.name)
    story.phone = lambda _agent, _suffix="": party  # type: ignore[method-assign]
    house.floor.news(story.rings(agent))
    return story


def answered(house: House, agent: Agent = MARA, **more: str) -> Story:
    story = a_call(house, agent, **more)
    house.floor.news(story.answers(agent))
    return story


def ends(house: House, story: Story, agent: Agent = MARA) -> None:
    house.floor.news(story.leaves(agent))
    house.floor.news(story.ends())


def intervals(house: House) -> list[str]:
    """As recorded: each state as it began."""
    found: list[tuple[int, str]] = []
    for fact in house.facts:
        presence = presence_of(fact)
        if presence and presence.agent == MARA.id:
            text = f"{presence.state}: {presence.reason.label}" if presence.reason else str(presence.state)
            found.append((presence.changes, text))
    return list(dict(found).values())


# ---- in and out


async def test_whoever_logs_in_is_not_ready_and_a_paused_member_of_their_queues(house: House) -> None:
    house.desktop()
    await house.quiet()
    assert house.state() == "NOT_READY: logged_in"
    assert [house.pbx.has("support"), house.pbx.has("billing")] == ["paused: logged_in"] * 2
    assert house.shown()["is_confirmed"] is True
    assert house.shown()["queues"] == ("support", "billing")


async def test_the_snapshot_of_a_first_desktop_has_the_state_it_brought(house: House) -> None:
    desktop = house.desktop()
    assert desktop.seen[0]["presence"]["state"] == "NOT_READY"


async def test_people_who_never_logged_in_are_left_alone_on_the_pbx() -> None:
    house = House(members={("support", MARA.device): STATIC}).up()
    house.pbx.put("support", paused=True, reason="by hand")
    await house.quiet()
    assert house.pbx.sent == []
    assert house.pbx.has("support") == "paused: by hand"


async def test_a_log_out_takes_them_out_of_their_queues(house: House) -> None:
    desktop = await house.ready()
    await house.asks("LOGOUT", command="out-1")
    assert house.state() == "LOGOUT"
    assert [house.pbx.has("support"), house.pbx.has("billing")] == ["-", "-"]
    assert told(desktop, "command")[-1]["status"] == "done"


async def test_a_member_of_queues_conf_is_paused_at_log_out_for_nobody_can_remove_it() -> None:
    house = House(members={("support", MARA.device): STATIC}).up()
    await house.ready()
    await house.asks("LOGOUT")
    assert house.pbx.has("support") == "paused: logged_out"


async def test_the_end_of_the_session_is_a_log_out(house: House) -> None:
    await house.ready()
    house.floor.log_out(MARA.id, "session-1", BOTH)
    assert house.state() == "LOGOUT"
    await house.quiet()
    assert house.pbx.has("support") == "-"


async def test_the_end_of_a_program_s_session_is_none(house: House) -> None:
    await house.ready()
    house.floor.log_out(MARA.id, "a-program", BOTH)
    assert house.state() == "READY"


async def test_a_log_out_in_mid_call_waits_for_its_end_and_a_new_log_in_takes_it_up_again(house: House) -> None:
    desktop = await house.ready()
    story = answered(house)
    house.floor.log_out(MARA.id, "session-1", BOTH)
    desktop.leave()
    assert (house.state(), house.presence().leaves) == ("TALKING", True)
    house.goes(20)
    assert house.presence().pauses == ()  # nobody misses a desktop that was closed on purpose
    house.desktop(session="session-2")
    ends(house, story)
    assert (house.state(), house.presence().is_logged_in) == ("WORK_READY", True)


async def test_without_that_it_ends_with_the_call(house: House) -> None:
    desktop = await house.ready()
    story = answered(house, queue="")
    house.floor.log_out(MARA.id, "session-1", BOTH)
    desktop.leave()
    ends(house, story)
    await house.quiet()
    assert (house.state(), house.pbx.has("support")) == ("LOGOUT", "-")


async def test_who_logged_out_and_keeps_the_page_logs_in_again_by_asking_for_a_state(house: House) -> None:
    await house.ready()
    await house.asks("LOGOUT")
    await house.asks("READY", command="again-1")
    assert (house.state(), house.pbx.has("support")) == ("READY", "ready")
    changes = [presence.changes for fact in house.facts if (presence := presence_of(fact))]
    assert sorted(set(changes)) == list(range(1, len(set(changes)) + 1))  # the log-in on its way is an interval too


async def test_people_without_a_phone_have_no_state(house: House) -> None:
    desktop = house.desktop(SUE)
    assert desktop.seen[0]["presence"] is None
    with pytest.raises(Conflict):
        await house.asks("READY", SUE)
    with pytest.raises(NotFound):
        await house.asks("READY", replace(SUE, id=AgentId("nobody")))


# ---- done means the PBX said so


async def test_ready_is_a_fact_once_the_pbx_has_confirmed_it(house: House) -> None:
    desktop = house.desktop()
    await house.quiet()
    house.pbx.is_held = True
    await house.floor.ask_state(MARA.id, "READY", reason_code=None, command="ready-1", by=BOTH)
    await until(lambda: isinstance(house.pbx.sent[-1], PauseMember))
    assert house.state() == "NOT_READY: logged_in"
    assert told(desktop, "command") == []
    house.pbx.go()
    await house.quiet()
    assert (house.state(), house.pbx.has("support"), house.pbx.has("billing")) == ("READY", "ready", "ready")
    messages = [(one["type"], one.get("status")) for one in desktop.read() if one["type"] in {"presence", "command"}]
    assert messages == [("presence", None), ("command", "done")]


async def test_a_refusal_changes_nothing_and_takes_back_what_was_half_done(house: House) -> None:
    desktop = house.desktop()
    await house.quiet()
    house.pbx.refuses["billing"] = "Interface not found"
    when_told: list[str] = []
    desktop.wake = lambda **_: when_told.append(house.pbx.has("support"))  # type: ignore[method-assign]
    await house.asks("READY", command="ready-1")
    assert house.state() == "NOT_READY: logged_in"
    assert when_told == ["paused: logged_in"]
    answer = told(desktop, "command")[-1]
    assert (answer["status"], answer["reason"]) == ("failed", "Interface not found")


async def test_while_no_pbx_is_there_a_state_is_refused_at_once(house: House) -> None:
    house.desktop()
    await house.quiet()
    house.pbx.goes()
    with pytest.raises(PbxUnavailable):
        await house.asks("READY")
    assert {action["why_not"] for action in house.shown()["actions"]} == {"pbx_lost"}
    house.pbx.comes()
    await house.asks("READY")
    assert house.state() == "READY"


async def test_a_pbx_that_goes_meanwhile_fails_the_command(house: House) -> None:
    desktop = house.desktop()
    await house.quiet()
    house.pbx.is_held = True
    await house.floor.ask_state(MARA.id, "READY", reason_code=None, command="ready-1", by=BOTH)
    await until(lambda: isinstance(house.pbx.sent[-1], PauseMember))
    house.pbx.goes()
    house.pbx.go()
    await house.quiet()
    assert told(desktop, "command")[-1]["reason"] == "pbx_lost"
    assert house.state() == "NOT_READY: logged_in"


async def test_the_same_command_is_done_once(house: House) -> None:
    house.desktop()
    await house.asks("READY", command="ready-1")
    await house.asks("NOT_READY", reason=2, command="lunch-1")
    await house.asks("READY", command="ready-1")
    assert house.state() == "NOT_READY: Lunch"


async def test_what_may_not_be_is_refused_with_its_reason(house: House) -> None:
    house.desktop()
    await house.asks("NOT_READY", by=SUE)
    with pytest.raises(NotNow) as refused:
        await house.asks("READY")
    assert refused.value.code == "supervisor_only"
    with pytest.raises(RequestError):
        await house.asks("NOT_READY", reason=77)


async def test_a_supervisor_s_command_is_answered_to_the_supervisor(house: House) -> None:
    supervisors = house.desktop(SUE)
    await house.ready()
    await house.asks("NOT_READY", by=SUE, command="force-1")
    assert (house.state(), house.pbx.has("support")) == ("NOT_READY: forced", "paused: forced")
    assert [one["command"] for one in told(supervisors, "command")] == ["force-1"]
    assert (house.shown()["made_by"], house.shown()["by"]) == ("supervisor", "Sue Park")


async def test_an_agent_of_no_queue_changes_at_once_and_without_a_pbx() -> None:
    house = House(agents=(replace(MARA, queues=()),))
    house.desktop()
    await house.asks("READY")
    assert (house.state(), house.pbx.sent) == ("READY", [])


async def test_a_reason_in_another_script_is_told_the_pbx_by_its_number(house: House) -> None:
    house.desktop()
    await house.asks("NOT_READY", reason=3)
    assert (house.state(), house.pbx.has("support")) == ("NOT_READY: 會議", "paused: reason 3")


# ---- calls


async def test_a_call_leads_through_the_states_and_its_wrap_up_is_a_pause_of_ours(house: House) -> None:
    await house.ready()
    story = a_call(house)
    assert house.state() == "RESERVED"
    house.floor.news(story.answers(MARA))
    assert house.state() == "TALKING"
    ends(house, story)
    await house.quiet()
    assert house.state() == "WORK_READY"
    assert [house.pbx.has("support"), house.pbx.has("billing")] == ["paused: wrap_up"] * 2
    house.floor.result_given(MARA.id, story.id)
    await house.floor.end_wrap_up(BOTH, "end-1")
    await house.quiet()
    assert (house.state(), house.pbx.has("support")) == ("READY", "ready")
    assert intervals(house) == ["NOT_READY: logged_in", "READY", "RESERVED", "TALKING", "WORK_READY", "READY"]


async def test_a_wrap_up_without_the_result_it_wants_ends_as_not_classified_and_supervisors_are_told(
    house: House,
) -> None:
    supervisors = house.desktop(SUE)
    await house.ready()
    story = answered(house)
    ends(house, story)
    house.goes(61)
    await house.quiet()
    assert (house.state(), house.pbx.has("support")) == ("READY", "ready")
    (notice,) = told(supervisors, "notice")
    assert (notice["kind"], notice["agent"], notice["call"]) == ("not_classified", "mara", story.id)
    (fact,) = [fact for fact in house.facts if fact.type == "cti.interaction.not_classified.v1"]
    assert (fact.subject, fact.source, fact.data) == (story.id, "/pbx/main", {"by": "mara"})


async def test_a_pause_asked_for_in_a_call_is_told_the_pbx_at_once_and_waits_for_its_end(house: House) -> None:
    await house.ready()
    story = answered(house)
    await house.asks("NOT_READY", reason=2)
    assert (house.state(), house.pbx.has("support")) == ("TALKING", "paused: Lunch")
    assert house.shown()["pending"]["reason"] == "Lunch"
    ends(house, story)
    house.floor.result_given(MARA.id, story.id)
    await house.floor.end_wrap_up(BOTH, "end-1")
    await house.quiet()
    assert (house.state(), house.pbx.has("support")) == ("NOT_READY: Lunch", "paused: Lunch")


async def test_a_missed_call_pauses_once_and_supervisors_are_told(house: House) -> None:
    supervisors = house.desktop(SUE)
    await house.ready()
    story = a_call(house)
    sent = len(house.pbx.sent)
    house.floor.news(story.stops(MARA, "no_answer"))
    await house.quiet()
    assert (house.state(), house.pbx.has("support")) == ("NOT_READY: missed_call", "paused: missed_call")
    assert [type(command) for command in house.pbx.sent[sent:]] == [PauseMember, PauseMember]
    (notice,) = told(supervisors, "notice")
    assert (notice["kind"], notice["call"], notice["text"]) == ("missed_call", story.id, "support")


@pytest.mark.parametrize("cause", ["answered_elsewhere", "picked_up", "cancelled"])
async def test_a_ring_that_ended_otherwise_leaves_the_agent_ready(house: House, cause: str) -> None:
    await house.ready()
    story = a_call(house)
    house.floor.news(story.stops(MARA, cause))
    assert house.state() == "READY"


# ---- somebody else at the PBX


async def test_a_pause_by_another_program_shows_and_goes_with_it(house: House) -> None:
    await house.ready()
    house.pbx.put("support", paused=True, reason="nightshift")
    assert (house.state(), house.presence().made_by) == ("NOT_READY: pbx", Maker.PBX)
    await house.quiet()
    assert house.pbx.has("support") == "paused: nightshift"
    assert house.pbx.has("billing").startswith("paused")
    house.pbx.put("support", paused=False, reason="")
    await house.quiet()
    assert (house.state(), house.pbx.has("billing")) == ("READY", "ready")


async def test_who_is_unpaused_there_against_a_pause_of_ours_is_paused_again(house: House) -> None:
    await house.ready()
    await house.asks("NOT_READY", reason=2)
    house.pbx.put("support", paused=False, reason="")
    await house.quiet()
    assert (house.state(), house.pbx.has("support"), house.floor.mended) == ("NOT_READY: Lunch", "paused: Lunch", 1)


async def test_a_member_that_somebody_removed_is_put_back_and_counted(house: House) -> None:
    await house.ready()
    house.pbx.drop("support")
    assert house.shown()["is_confirmed"] is False
    await house.quiet()
    assert (house.pbx.has("support"), house.floor.mended, house.shown()["is_confirmed"]) == ("ready", 1, True)


async def test_a_difference_that_was_never_told_is_found_when_the_lists_are_read(house: House) -> None:
    await house.ready()
    del house.pbx.members["support", MARA.device]
    house.pbx.clock.goes(30)
    house.pbx.read()
    await house.quiet()
    assert (house.pbx.has("support"), house.floor.mended) == ("ready", 1)


async def test_against_one_who_keeps_removing_it_we_slow_down(house: House) -> None:
    await house.ready()
    for _ in range(2):
        house.pbx.drop("support")
        await house.quiet()
    assert house.pbx.has("support") == "-"  # the second waits
    assert house.floor.mended == 1


async def test_what_cannot_be_mended_shows_the_pbx_s_words(house: House) -> None:
    await house.ready()
    house.pbx.refuses["support"] = "Unable to add interface"
    house.pbx.drop("support")
    await house.quiet()
    assert (house.shown()["is_confirmed"], house.shown()["trouble"]) == (False, "Unable to add interface")


async def test_a_pbx_that_restarted_gets_its_members_back(house: House) -> None:
    await house.ready()
    await house.ready(JON)
    house.pbx.goes()
    house.pbx.members.clear()
    house.pbx.comes()
    await house.quiet()
    assert [house.pbx.has("support"), house.pbx.has("billing", JON.device)] == ["ready", "ready"]
    assert house.state() == "READY"


# ---- a restart of ours


async def restarted(house: House, *calls: Story) -> House:
    """The service comes up anew with what it had recorded, before the same PBX."""
    after = House(agents=house.agents, clock=house.clock, members=house.pbx.members)
    last = {presence.agent: presence for fact in house.facts if (presence := presence_of(fact))}
    after.floor.restore(last.values(), [story.call for story in calls])
    return after.up()


async def test_a_restart_of_ours_leaves_agents_as_they_were_and_the_pbx_alone(house: House) -> None:
    await house.ready()
    after = await restarted(house)
    after.goes(20)
    after.desktop()
    after.goes(60)
    await after.quiet()
    assert (after.state(), after.pbx.sent) == ("READY", [])
    assert after.presence().since == house.presence().since


async def test_after_a_restart_who_does_not_come_back_is_not_ready(house: House) -> None:
    await house.ready()
    after = await restarted(house)
    after.goes(29)
    assert after.state() == "READY"
    after.goes(2)
    await after.quiet()
    assert (after.state(), after.pbx.has("support")) == ("NOT_READY: connection_lost", "paused: connection_lost")


async def test_a_pause_of_ours_that_was_left_behind_is_taken_away_silently(house: House) -> None:
    await house.ready()
    house.pbx.sink = lambda _: None
    house.pbx.put("support", paused=True, reason="wrap_up")
    after = await restarted(house)
    await after.quiet()
    assert (after.state(), after.pbx.has("support")) == ("READY", "ready")


async def test_a_pause_made_by_others_while_we_were_away_counts(house: House) -> None:
    await house.ready()
    house.pbx.sink = lambda _: None
    house.pbx.put("support", paused=True, reason="nightshift")
    after = await restarted(house)
    await after.quiet()
    assert after.state() == "NOT_READY: pbx"


async def test_14_a_call_that_ended_while_we_were_away_leaves_no_agent_busy(house: House) -> None:
    await house.ready()
    answered(house, queue="")
    assert house.state() == "TALKING"
    after = await restarted(house)
    await after.quiet()
    assert (after.state(), after.presence().parts) == ("READY", ())


async def test_a_call_that_goes_on_over_a_restart_still_has_its_agent(house: House) -> None:
    await house.ready()
    story = answered(house)
    after = await restarted(house, story)
    assert after.state() == "TALKING"
    ends(after, story)
    assert after.state() == "WORK_READY"


# ---- desktops


async def test_a_desktop_that_is_gone_for_longer_than_a_reload_makes_its_agent_not_ready(house: House) -> None:
    supervisors = house.desktop(SUE)
    (await house.ready()).leave()
    house.goes(9)
    assert house.state() == "READY"
    house.goes(2)
    await house.quiet()
    assert (house.state(), house.pbx.has("support")) == ("NOT_READY: connection_lost", "paused: connection_lost")
    assert [one["kind"] for one in told(supervisors, "notice")] == ["connection_lost"]


async def test_a_reload_changes_nothing(house: House) -> None:
    (await house.ready()).leave()
    house.goes(9)
    house.desktop()
    house.goes(60)
    assert (house.state(), intervals(house)) == ("READY", ["NOT_READY: logged_in", "READY"])


async def test_a_desktop_killed_in_mid_call_pauses_after_it_and_not_at_all_when_it_is_back(house: House) -> None:
    (await house.ready()).leave()
    story = answered(house)
    house.goes(11)
    assert (house.state(), house.shown()["pending"]["cause"]) == ("TALKING", "connection_lost")
    house.desktop()
    ends(house, story)
    assert house.state() == "WORK_READY"


async def test_after_an_hour_without_one_nobody_is_there(house: House) -> None:
    (await house.ready()).leave()
    house.goes(3601)
    await house.quiet()
    assert (house.state(), house.presence().made_by, house.pbx.has("support")) == ("LOGOUT", Maker.SYSTEM, "-")


async def test_33_the_second_desktop_asks_takes_over_and_the_agent_is_not_ready_there_yet(house: House) -> None:
    first = await house.ready()
    second = house.hub.desktops.attach(MARA.id, first, resume=None)
    assert type(second).__name__ == "Taken"
    house.desktop(session="session-2", take_over=True)
    await house.quiet()
    assert json.loads(first.last)["type"] == "displaced"
    assert (house.state(), house.pbx.has("support")) == ("NOT_READY: elsewhere", "paused: elsewhere")


async def test_another_page_of_the_same_browser_takes_over_without_a_pause(house: House) -> None:
    await house.ready()
    house.desktop(take_over=True)
    assert house.state() == "READY"


# ---- the roster


async def test_an_agent_who_was_disabled_in_mid_call_is_out_when_it_ends(house: House) -> None:
    await house.ready()
    story = answered(house, queue="")
    house.floor.roster((replace(BOTH, is_enabled=False), JON, SUE))
    assert house.state() == "TALKING"
    ends(house, story)
    await house.quiet()
    assert house.pbx.has("support") == "-"
    assert [view.agent for view in await house.floor.states(SUE)] == ["jon"]


async def test_another_phone_and_other_queues_move_the_members(house: House) -> None:
    await house.ready()
    house.floor.roster((replace(BOTH, device="PJSIP/1009", queues=("billing",)), JON, SUE))
    await house.quiet()
    assert [house.pbx.has(queue) for queue in ("support", "billing")] == ["-", "-"]
    assert [house.pbx.has(queue, "PJSIP/1009") for queue in ("support", "billing")] == ["-", "ready"]


async def test_two_who_change_places_take_their_phones_memberships_over(house: House) -> None:
    await house.ready()
    await house.ready(JON)
    house.floor.roster((replace(BOTH, device=JON.device), replace(JON, device=MARA.device), SUE))
    await house.quiet()
    assert [house.pbx.has("support", device) for device in (MARA.device, JON.device)] == ["-", "ready"]
    assert [house.pbx.has("billing", device) for device in (MARA.device, JON.device)] == ["ready", "ready"]


async def test_a_penalty_is_set_where_the_site_has_one() -> None:
    house = House(agents=(replace(MARA, penalties={"support": 3}),)).up()
    await house.ready()
    assert house.pbx.members["support", MARA.device].penalty == 3
    house.pbx.put("support", penalty=0)
    await house.quiet()
    assert house.pbx.members["support", MARA.device].penalty == 3


# ---- two PBXs


async def test_a_queue_need_not_be_on_each_pbx() -> None:
    house = House(agents=(BOTH,), pbxs=("north", "south"))
    north, south = house.pbxs
    south.queues = ("support",)
    house.up()
    await house.ready()
    assert [north.has("billing"), south.has("billing"), south.has("support")] == ["ready", "-", "ready"]
    assert house.shown()["is_confirmed"] is True


async def test_a_queue_that_is_nowhere_is_told() -> None:
    house = House(agents=(replace(MARA, queues=("support", "typo")),)).up()
    house.desktop()
    await house.quiet()
    assert house.shown()["trouble"] == "No such queue"


async def test_a_queue_that_is_nowhere_keeps_nobody_from_the_others() -> None:
    house = House(agents=(replace(MARA, queues=("support", "typo")),)).up()
    desktop = house.desktop()
    await house.quiet()
    await house.asks("READY", command="ready-1")
    assert told(desktop, "command")[-1]["status"] == "done"
    assert (house.state(), house.pbx.has("support")) == ("READY", "ready")
    assert (house.shown()["is_confirmed"], house.shown()["trouble"]) == (False, "No such queue")


async def test_whom_no_queue_takes_is_not_ready() -> None:
    house = House(agents=(replace(MARA, queues=("typo",)),)).up()
    desktop = house.desktop()
    await house.quiet()
    await house.asks("READY", command="ready-1")
    answer = told(desktop, "command")[-1]
    assert (answer["status"], answer["reason"]) == ("failed", "No such queue")
    assert house.state() == "NOT_READY: logged_in"


async def test_one_pbx_away_does_not_keep_agents_from_the_other() -> None:
    house = House(agents=(MARA,), pbxs=("north", "south")).up()
    north, south = house.pbxs
    house.desktop()
    await house.quiet()
    south.goes()
    await house.asks("READY")
    assert (house.state(), north.has("support"), south.has("support")) == ("READY", "ready", "paused: logged_in")
    south.comes()
    await house.quiet()
    assert south.has("support") == "ready"


# ---- what is shown


async def test_what_may_be_asked_stands_in_the_presence_and_depends_on_who_asks(house: House) -> None:
    await house.ready()
    await house.asks("NOT_READY", by=SUE)
    mine = {action["name"]: action["why_not"] for action in house.shown()["actions"]}
    assert mine["READY"] == "supervisor_only"
    (theirs,) = [view for view in await house.floor.states(SUE) if view.agent == "mara"]
    assert {action.name: action.allowed for action in theirs.actions}["READY"] is True


async def test_figures_count_states_and_what_is_not_confirmed(house: House) -> None:
    await house.ready()
    house.pbx.refuses["support"] = "no"
    house.pbx.drop("support")
    await house.quiet()
    assert (house.floor.counts[AgentState.READY], house.floor.counts[AgentState.LOGOUT]) == (1, 1)
    assert house.floor.unconfirmed == 1


async def test_news_of_a_mistake_of_ours_ends_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.ready()
    story = a_call(house)
    monkeypatch.setattr(house.hub, "presence", lambda _: 1 / 0)
    house.floor.news(story.answers(MARA))
    assert house.state() == "TALKING"


async def test_the_first_command_adds_and_says_the_reason(house: House) -> None:
    house.desktop()
    await house.quiet()
    added = house.pbx.sent[0]
    assert isinstance(added, AddMember)
    assert (added.queue, added.name, added.paused, added.reason) == ("support", "Mara Lind", True, "logged_in")
