"""Each agent has one desktop in the whole site, and takes it from one process to another."""

import pytest

from cti.agents.agent import AgentId
from cti.fanout.bus import Gap
from cti.fanout.entry import Kind
from cti.screenpop.desktops import Taken
from cti.screenpop.listeners import Arrival
from cti.screenpop.messages import Resume
from tests.unit.fanout.site import Push, Site
from tests.unit.screenpop.fakes import PaperDesktop
from tests.unit.screenpop.stories import JON, MARA, Story


@pytest.fixture
def site() -> Site:
    return Site()


class FloorHears:
    """What the floor is told of desktops, at the process that reads the PBXs."""

    def __init__(self, site: Site) -> None:
        self.arrivals: list[Arrival] = []
        self.gone: list[AgentId] = []
        site.reader_desks.attendance.listeners.on_desktop = self.arrivals.append
        site.reader_desks.attendance.listeners.on_desktop_gone = self.gone.append


def knock(push: Push, agent: AgentId = MARA.id) -> object:
    desktop = push.desktop(agent, session="other")
    return push.hub.desktops.attach(agent, desktop)


def numbers(desktop: PaperDesktop) -> list[int]:
    desktop.read()
    return [message["seq"] for message in desktop.seen]


# ---- one desktop for each agent


async def test_a_second_desktop_at_another_process_is_told_that_one_is_open(site: Site) -> None:
    here, there = await site.push("a"), await site.push("b")
    here.desktop().connect()
    since = site.clock.now
    await site.goes(1)
    assert knock(there) == Taken(since)


async def test_whoever_takes_over_displaces_the_desktop_at_the_other_process(site: Site) -> None:
    here, there = await site.push("a"), await site.push("b")
    floor, first = FloorHears(site), here.desktop().connect()
    await site.settle()
    there.desktop(session="s2").connect(take_over=True)
    assert first.closed is None
    await site.settle()
    assert first.closed == (4409, "opened elsewhere")
    assert b'"displaced"' in first.last
    first.leave()
    await site.settle()
    assert floor.gone == [], "it has not left, it was displaced"
    assert [(one.session, one.takes_over) for one in floor.arrivals] == [("session-1", False), ("s2", True)]


async def test_of_two_that_arrive_at_once_one_stays(site: Site) -> None:
    here, there = await site.push("a"), await site.push("b")
    first, second = here.desktop().connect(), there.desktop(session="s2").connect()
    await site.settle()
    assert (first.closed, second.closed) == ((4409, "opened elsewhere"), None)
    assert {push.desks.attendance._seats[MARA.id].process for push in (here, there)} == {"b"}


async def test_while_the_bus_is_away_nobody_is_turned_away_for_what_is_not_known(site: Site) -> None:
    here, there = await site.push("a"), await site.push("b")
    here.desktop().connect()
    await site.settle()
    site.bus.is_up = False
    assert not isinstance(knock(there), Taken)


# ---- from one process to another


async def test_a_desktop_that_lost_its_process_goes_on_at_another(site: Site) -> None:
    here, there = await site.push("a"), await site.push("b")
    mara, story = here.desktop().connect(), Story()
    site.reader.call_changed(story.offered())
    site.reader.call_changed(story.rings(MARA))
    site.deliver()
    mara.read()
    rung = next(message["pop"]["pop"] for message in mara.seen if message["type"] == "pop")
    site.dies(here)
    site.reader.command(MARA.id, "c1", "failed", "busy")
    site.deliver()
    await site.goes(20)
    again = there.desktop(session="s2").connect(mara.place)
    assert (again.stream, again.resumed) == (mara.stream, True)
    seen = [*again.seen, *again.read()]
    assert [one["type"] for one in seen] == ["snapshot", "command"]
    assert [one["pop"] for one in seen[0]["pops"]] == [rung], "it does not ring again"
    assert numbers(mara) + [one["seq"] for one in seen] == [1, 2, 3, 4, 5, 6]


async def test_results_older_than_a_minute_are_not_told_again(site: Site) -> None:
    here, there = await site.push("a"), await site.push("b")
    mara = here.desktop().connect()
    site.reader.command(MARA.id, "c1", "done")
    await site.settle()
    await site.goes(61)
    assert [one["type"] for one in there.desktop().connect(mara.place).read()] == []


async def test_it_may_come_back_to_where_it_was(site: Site) -> None:
    here, there = await site.push("a"), await site.push("b")
    first = here.desktop().connect()
    await site.settle()
    second = there.desktop(session="s2").connect(first.place)
    await site.settle()
    third = here.desktop(session="s3").connect(second.place)
    await site.settle()
    assert first.closed == second.closed == (4409, "opened elsewhere")
    assert (first.last, second.last) == (b"", b""), "the same desktop is not told that it was displaced"
    assert third.closed is None
    assert [*numbers(first), *numbers(second), *numbers(third)] == [1, 2, 3]
    assert {one.stream for one in (first, second, third)} == {first.stream}


async def test_a_stream_that_is_not_the_agents_last_begins_anew(site: Site) -> None:
    here, there = await site.push("a"), await site.push("b")
    here.desktop().connect()
    await site.settle()
    jon = there.desktop(JON.id, session="s2").connect(Resume(stream="guessed", seq=7))
    assert (jon.resumed, numbers(jon)) == (False, [1])
    assert isinstance(knock(there), Taken)


# ---- who is gone


async def test_the_floor_hears_who_comes_and_goes_anywhere(site: Site) -> None:
    push, floor = await site.push("a"), FloorHears(site)
    mara = push.desktop().connect()
    await site.settle()
    place = mara.leave()
    await site.settle()
    push.desktop(session="s2").connect(place)
    await site.settle()
    assert [(one.session, one.comes_back) for one in floor.arrivals] == [("session-1", False), ("s2", True)]
    assert floor.gone == ["mara"]


async def test_the_desktops_of_a_process_that_fell_silent_are_gone(site: Site) -> None:
    push, floor = await site.push("a"), FloorHears(site)
    push.desktop().connect()
    await site.goes(1)
    site.dies(push)
    await site.goes(9)
    assert floor.gone == []
    await site.goes(2)
    assert floor.gone == ["mara"]


async def test_where_the_bus_was_silent_nobody_is_gone(site: Site) -> None:
    push, floor = await site.push("a"), FloorHears(site)
    push.desktop().connect()
    await site.goes(1)
    site.bus.is_up = False
    await site.goes(30)
    site.bus.is_up = True
    await site.goes(20)
    assert floor.gone == []


async def test_a_process_that_was_cut_off_or_stood_still_has_its_desktops_again(site: Site) -> None:
    """Their sockets may never have broken, so nobody arrives anew."""
    push, other, floor = await site.push("a"), await site.push("b"), FloorHears(site)
    mara = push.desktop().connect()
    await site.goes(1)
    site.dies(push)
    await site.goes(12)
    assert (floor.gone, other.desks.attendance.since(MARA.id)) == (["mara"], None)
    site.pushes.append(push)
    await site.goes(2)
    assert [(one.agent, one.session) for one in floor.arrivals[-1:]] == [("mara", "session-1")]
    assert other.desks.attendance.since(MARA.id)
    assert mara.closed is None


async def test_who_stood_still_takes_nobody_else_for_gone(site: Site) -> None:
    push, other = await site.push("a"), await site.push("b")
    push.desktop().connect()
    await site.goes(1)
    site.dies(other)
    await site.goes(12)
    other.desks.look()
    assert other.desks.attendance.since(MARA.id)


async def test_what_was_missed_is_made_good_by_the_roll(site: Site) -> None:
    push, floor = await site.push("a"), FloorHears(site)
    push.desktop().connect()
    site.lose()
    site.reader_desks.heard(Gap("lost"))
    await site.settle()
    assert [(one.agent, one.comes_back) for one in floor.arrivals] == [("mara", True)]
    push.hub.desktops.close_session("session-1")
    push.hub.desktops.detach(MARA.id, push.desktop())
    site.lose()
    site.reader_desks.heard(Gap("lost"))
    await site.settle()
    assert floor.gone == ["mara"]


async def test_a_floor_that_begins_is_told_who_sits_anywhere(site: Site) -> None:
    here, there = await site.push("a"), await site.push("b")
    here.desktop().connect()
    there.desktop(JON.id, session="s2").connect().leave()
    await site.settle()
    floor = FloorHears(site)
    site.reader_desks.attendance.tell_all()
    assert [(one.agent, one.session, one.comes_back) for one in floor.arrivals] == [("mara", "session-1", True)]


async def test_a_session_that_ended_closes_its_desktop_wherever_it_is(site: Site) -> None:
    here, there = await site.push("a"), await site.push("b")
    mara = here.desktop().connect()
    there.hub.desktops.close_session("session-1")
    await site.settle()
    assert mara.closed == (4401, "session ended")


async def test_changed_people_are_read_again_elsewhere(site: Site) -> None:
    here, there = await site.push("a"), await site.push("b")
    read: list[str] = []
    here.desks.listeners.on_roster = lambda: read.append("a")
    there.desks.listeners.on_roster = lambda: read.append("b")
    here.desks.roster_changed()
    site.deliver()
    assert read == ["b"]


async def test_no_secret_of_a_desktop_goes_over_the_bus(site: Site) -> None:
    push = await site.push("a")
    mara = push.desktop().connect()
    told = site.deliver()
    assert Kind.ARRIVED in {entry.kind for entry in told}
    assert all(mara.stream.encode() not in entry.body for entry in told if mara.stream)
