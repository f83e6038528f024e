"""The floor used badly: ids used twice, restarts at a bad moment, sockets that come back late."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cti.agents.agent import Agent, AgentId, AgentRole
from cti.errors import Conflict
from cti.floor.hearing import AT_A_TIME
from cti.screenpop.listeners import Arrival
from cti.screenpop.messages import Resume
from tests.unit.floor.fakes import House, told, until
from tests.unit.floor.test_floor import answered
from tests.unit.screenpop.fakes import PaperDesktop
from tests.unit.screenpop.stories import JON, MARA

SUE = Agent(id=AgentId("sue"), name="Sue Park", role=AgentRole.SUPERVISOR)


@pytest.fixture
async def house() -> House:
    return House(agents=(MARA, JON, SUE)).up()


async def test_an_id_of_another_agent_is_refused_and_not_taken_for_theirs(house: House) -> None:
    house.desktop(MARA)
    house.desktop(JON, "session-2")
    await house.quiet()
    await house.asks("READY", MARA, command="the-same-id")
    with pytest.raises(Conflict):
        await house.asks("READY", JON, command="the-same-id")
    assert (house.state(MARA), house.state(JON)) == ("READY", "NOT_READY: logged_in")


async def test_an_id_used_again_for_another_state_is_refused(house: House) -> None:
    desktop = house.desktop(MARA)
    await house.asks("READY", MARA, command="the-same-id")
    with pytest.raises(Conflict):
        await house.asks("LOGOUT", MARA, command="the-same-id")
    await house.asks("READY", MARA, command="the-same-id")
    assert house.state(MARA) == "READY"
    assert len(told(desktop, "command")) == 1


async def test_a_part_that_ended_between_two_facts_on_disk_leaves_nobody_talking_for_ever(house: House) -> None:
    """Killed after the call's fact was written (Mara has left it, the caller is with Jon) and before Mara's."""
    await house.ready(MARA)
    story = answered(house, MARA)
    as_written = house.presence(MARA)
    house.floor.news(story.rings(JON))
    house.floor.news(story.answers(JON))
    call = story.leaves(MARA).after

    anew = House(agents=(MARA, JON, SUE), clock=house.clock)
    anew.floor.restore((as_written,), (call,))
    assert anew.presence(MARA).parts == ()
    assert anew.state(MARA).startswith("WORK")


async def test_a_socket_that_comes_back_after_our_restart_logs_nobody_in_who_had_logged_out(house: House) -> None:
    desktop = await house.ready(MARA)
    await house.asks("LOGOUT", MARA)
    left = house.presence(MARA)

    anew = House(agents=(MARA, JON, SUE), clock=house.clock)
    anew.floor.restore((left,), ())
    anew.up()
    back = PaperDesktop(anew.hub, MARA.id, session="session-1")
    back.connect(resume=Resume(stream=desktop.stream, seq=3))
    await anew.quiet()
    assert anew.state(MARA) == "LOGOUT"
    await anew.asks("READY", MARA)
    assert anew.state(MARA) == "READY"


async def test_whoever_logs_out_before_their_socket_is_back_after_our_restart_is_logged_out(house: House) -> None:
    await house.ready(MARA)
    as_written = house.presence(MARA)

    anew = House(agents=(MARA, JON, SUE), clock=house.clock)
    anew.floor.restore((as_written,), ())
    anew.floor.log_out(MARA.id, "session-1", MARA)
    assert anew.state(MARA) == "LOGOUT"


async def test_a_mistake_about_one_agent_stops_no_timer(house: House) -> None:
    """The floor's timer is the service's: it must not end with whatever goes wrong for one."""
    desktop = house.desktop(MARA)
    await house.quiet()
    desktop.leave()
    house.hub.presence = lambda _: 1 / 0  # type: ignore[method-assign,assignment,return-value]
    house.goes(11)
    assert house.floor.next_deadline() is None or house.floor.next_deadline() > house.clock()  # type: ignore[operator]


async def test_thousands_of_agents_are_looked_at_a_few_at_a_time_and_none_is_left_out() -> None:
    """A PBX that is back has all desktops told anew; calls do not wait for it."""
    crowd = tuple(
        replace(MARA, id=AgentId(f"a{nr}"), device=f"PJSIP/{nr}", extension=f"{nr}") for nr in range(1000, 1250)
    )
    house = House(agents=crowd).up()
    for agent in crowd:
        house.desktop(agent, f"session-{agent.id}")
    await until(lambda: all(house.shown(agent)["is_confirmed"] for agent in crowd))
    house.pbx.goes()
    assert house.floor.unconfirmed == AT_A_TIME
    await until(lambda: house.floor.unconfirmed == len(crowd))
    await house.floor.close()


async def test_a_member_that_the_lists_tell_again_is_no_news(house: House) -> None:
    desktop = await house.ready(MARA)
    desktop.read()
    sent = len(house.pbx.sent)
    looks: list[str] = []
    moved = house.floor._facts.moved
    house.floor._facts.moved = lambda seat: (looks.append(seat.agent.id), moved(seat))  # type: ignore[method-assign,assignment,func-returns-value]
    house.pbx.read()
    assert (looks, len(house.pbx.sent)) == ([], sent)
    house.pbx.put("support", paused=True, reason="by somebody else")
    assert looks != []


async def test_who_logged_in_while_nobody_kept_states_is_in(house: House) -> None:
    """Between two readers of the PBXs: the arrival is heard of late, as one that comes back."""
    await house.ready(MARA)
    await house.asks("LOGOUT", MARA)
    left = house.presence(MARA)
    house.clock.goes(60)

    def told_late(opened_s_ago: float) -> House:
        anew = House(agents=(MARA, JON, SUE), clock=house.clock)
        anew.floor.restore((left,), ())
        anew.up()
        new_at = house.clock() - timedelta(seconds=opened_s_ago)
        anew.floor.desktop_came(Arrival(MARA.id, "session-2", takes_over=False, comes_back=True, new_at=new_at))
        return anew

    assert told_late(5).presence(MARA).is_logged_in
    assert not told_late(600).presence(MARA).is_logged_in
