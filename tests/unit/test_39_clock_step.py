"""The wall clock is set, an hour on or back, and nobody's time is the longer or shorter for it (trust test 39).

What the PBX stamps is in ``telephony/test_clock.py``; what becomes of calls, in ``calls/test_transitions.py``.
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine

import cti.clock
from cti.agent_facts import STATE
from cti.clock import LOOK_S, SteadyClock
from cti.fanout.fed_hub import FedHub
from cti.fanout.publishing import PublishingHub
from cti.screenpop.hub import HubSettings
from cti.store.derive import interaction_of
from cti.toll import Allowed, Refused, TollRules, decide
from cti.web.days import _midnight as midnight
from cti.web.parts import WebSite
from tests.conftest import LogLines
from tests.unit.fanout.site import PaperBus
from tests.unit.floor.fakes import House
from tests.unit.floor.test_floor import answered, ends
from tests.unit.screenpop.fakes import SITE, Clock, PaperDesktop
from tests.unit.screenpop.stories import AGENTS, MARA, Story
from tests.unit.store.call_stories import DEVICES, answered_call

NINE = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
BOTH_WAYS = pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["an hour on", "an hour back"])


class Machine:
    """Its two clocks: one that is set, one that only goes on."""

    def __init__(self, wall: datetime = NINE) -> None:
        self.wall, self.seconds = wall, 1000.0

    def passes(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.seconds += seconds

    def clock(self) -> SteadyClock:
        return SteadyClock(wall=lambda: self.wall, seconds=lambda: self.seconds)


@BOTH_WAYS
def test_39_clock_step_a_minute_is_a_minute(step: timedelta) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.passes(30)
    machine.wall += step
    machine.passes(30)
    assert clock() == NINE + timedelta(minutes=1)


@BOTH_WAYS
def test_39_clock_step_is_said_once_and_said_again_when_it_is_undone(step: timedelta, log_lines: LogLines) -> None:
    machine = Machine()
    clock = machine.clock()
    for ahead in (step, timedelta(), -step):
        machine.wall += ahead
        machine.passes(LOOK_S)
        clock()
    assert [line["by_s"] for line in log_lines() if line["event"] == "clock_stepped"] == [step.total_seconds(), 0.0]


def test_39_clock_step_what_ntp_slews_is_nothing_to_speak_of(log_lines: LogLines) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.wall += timedelta(seconds=1.5)
    machine.passes(LOOK_S)
    clock()
    assert log_lines() == []


# ---- agents


class OfTheFloor(Clock):
    """A floor's clock, on a machine whose wall clock is set."""

    def __init__(self, machine: Machine) -> None:
        self._machine, self._clock = machine, machine.clock()

    def __call__(self) -> datetime:
        return self._clock()

    @property
    def now(self) -> datetime:
        return self._clock()

    @now.setter
    def now(self, until: datetime) -> None:
        self._machine.passes((until - self._clock()).total_seconds())


@BOTH_WAYS
async def test_39_clock_step_a_wrap_up_is_as_long_as_it_was(step: timedelta) -> None:
    machine = Machine()
    house = House(clock=OfTheFloor(machine)).up()
    await house.ready()
    ends(house, answered(house))
    await house.quiet()
    house.goes(30)
    machine.wall += step
    house.goes(29)
    await house.quiet()
    assert house.state() == "WORK_READY"
    house.goes(2)
    await house.quiet()
    assert house.state() == "READY"


@BOTH_WAYS
async def test_39_clock_step_intervals_add_up_to_the_time_that_passed(step: timedelta) -> None:
    machine = Machine()
    house = House(clock=OfTheFloor(machine)).up()
    await house.ready()
    for number in range(3):
        house.goes(60)
        machine.wall += step
        ends(house, answered(house, name=f"{number}"))
        house.goes(60)
        await house.quiet()
    since = [fact.time for fact in house.facts if fact.type == STATE and fact.subject == MARA.id]
    ready = [fact.time for fact in house.facts if fact.type == STATE and fact.data["state"] == "READY"]
    assert since == sorted(since)
    assert ready[-1] - ready[0] == timedelta(seconds=3 * 60 + 3 * 60)


# ---- desktops at a process without a PBX


@BOTH_WAYS
async def test_39_clock_step_a_pop_at_a_front_lives_as_long_as_it_did(step: timedelta) -> None:
    """Hub and server go by one clock, and the reader's by no other."""
    bus, settings = PaperBus(), HubSettings(site=SITE)
    reader, front = PublishingHub(settings, bus, "reader", epoch=1), FedHub(settings, bus, "front")
    for hub in (reader, front):
        hub.roster(AGENTS)
    mara = PaperDesktop(front, MARA.id, session_ends_at=datetime.max.replace(tzinfo=UTC)).connect()
    story = Story()
    with time_machine.travel(datetime.now(UTC) + step):
        for change in (story.offered(), story.rings(MARA)):
            reader.call_changed(change)
        for _, entry in bus.published:
            front.take(entry)
        front.expire(cti.clock.now())
    assert mara.types() == ["pop", "call", "card"]


# ---- toll windows


@BOTH_WAYS
def test_39_clock_step_calls_of_an_hour_are_those_of_an_hour(step: timedelta) -> None:
    """Neither forgotten when the clock is put on, nor held against an agent for longer when it is put back."""
    machine = Machine()
    clock, rules = machine.clock(), TollRules(country="DE", calls_per_hour=2)
    recent = [clock()]
    machine.passes(60)
    recent.append(clock())
    machine.wall += step
    machine.passes(60)
    assert isinstance(decide("030 1234567", rules, recent=recent, now=clock()), Refused)
    machine.passes(3500)
    assert isinstance(decide("030 1234567", rules, recent=recent, now=clock()), Allowed)


# ---- the nights in which the day has 23 and 25 hours


@pytest.mark.parametrize(("noon", "hours"), [("2026-03-29", 11), ("2026-10-25", 13), ("2026-06-01", 12)])
def test_39_clock_step_a_day_begins_at_the_site_s_midnight_in_nights_of_dst_too(noon: str, hours: int) -> None:
    site = WebSite(
        name="", country="DE", version="", ws_url="", origins=frozenset(), time_zone=ZoneInfo("Europe/Berlin")
    )  # fmt: skip
    at_noon = datetime.combine(datetime.fromisoformat(noon), time(12), site.time_zone).astimezone(UTC)
    assert at_noon - midnight(site, at_noon) == timedelta(hours=hours)


def test_39_clock_step_a_call_through_a_night_of_dst_is_as_long_as_it_was() -> None:
    """In Berlin, from ten seconds to three on: the clocks on the wall show two again."""
    before_it = datetime(2026, 10, 25, 2, 59, 50, tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)
    row = interaction_of(answered_call(begins=before_it), DEVICES)
    assert row
    by_day = interaction_of(answered_call(), DEVICES)
    assert by_day
    assert (row.wait_s, row.talk_s) == (by_day.wait_s, by_day.talk_s)
    assert row.ended_at - row.offered_at == by_day.ended_at - by_day.offered_at
