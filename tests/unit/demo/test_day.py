"""What the demo's day draws: who calls, what they key, and calls that last as long as that takes."""

from datetime import UTC, datetime, timedelta
from typing import Final

import pytest

from cti.calls.call import CallState, Direction, PbxName
from cti.calls.transitions import CallChanged
from cti.demo.day import HANDED_OVER_S, MENU_ONLY, PLAIN, Coming, Day
from cti.demo.journeys import IMPATIENT_S, ON_THEIR_OWN, STRANGERS, TO_A_PERSON, Rehearsals
from cti.demo.people import AGENTS, COMPLAINT, COUNTRY, SHARED, Caller
from cti.demo.serve import LONGEST_MENU_S, _menu_s
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.link import News
from cti.telephony.replay.player import Player
from tests.unit.demo.company import company, contacts, flow, scores

NOON: Final = datetime(2026, 11, 21, 4, tzinfo=UTC)
SOME: Final = {TO_A_PERSON[0]: 4.0, TO_A_PERSON[4]: 7.5, STRANGERS[0]: 3.0, ON_THEIR_OWN[0]: 11.0}


def day(seed: int = 1) -> Day:
    return Day(AGENTS, company().callers, scores(), menu_s=SOME, served=company().served, seed=seed)


def hour_of(day: Day, seconds: float = 3600) -> list[tuple[CallChanged, Coming | None]]:
    """Each inbound call's beginning, and who the day says it is."""
    passed_s = 0.0
    begun: list[tuple[CallChanged, Coming | None]] = []

    def told(news: News) -> None:
        if isinstance(news, CallChanged) and news.before is None and news.after.direction is Direction.INBOUND:
            begun.append((news, day.comes(news.after.ani)))

    player = Player(
        PbxName("demo"), day, dialplan=Dialplan(country=COUNTRY), seconds=lambda: passed_s,
        now=lambda: NOON + timedelta(seconds=passed_s),
    )  # fmt: skip
    player.start(told)
    while passed_s < seconds:
        passed_s += player.step()
    return begun


def test_the_day_knows_of_every_caller_what_they_key() -> None:
    begun = hour_of(day())
    assert len(begun) > 100
    assert [change.after for change, coming in begun if coming is None] == []
    assert all(change.after.ani in {coming.caller.number, ""} for change, coming in begun if coming)


def test_only_scripts_that_have_a_length_are_played() -> None:
    assert {coming.script for _, coming in hour_of(day()) if coming} == set(SOME)


def test_two_who_call_from_the_same_number_keep_their_scripts_apart() -> None:
    calm = day()
    lengths = [calm._play(story, AGENTS, COMPLAINT).lengths_s[0] for story in (PLAIN, MENU_ONLY)]
    coming = [calm.comes(COMPLAINT.number) for _ in range(3)]
    assert [one and SOME[one.script] + HANDED_OVER_S for one in coming] == [*lengths, None]


@pytest.mark.parametrize("caller", [COMPLAINT, SHARED], ids=["known", "shared"])
def test_the_call_is_in_the_pbx_for_as_long_as_its_caller_keys(caller: Caller) -> None:
    calm = day()
    for _ in range(20):
        play = calm._play(PLAIN, AGENTS, caller)
        coming = calm.comes(caller.number)
        assert coming
        assert (play.score.phases[0].kind, play.lengths_s[0]) == (
            CallState.OFFERED,
            SOME[coming.script] + HANDED_OVER_S,
        )


async def test_every_kind_of_script_has_a_length_and_those_that_bore_are_left_out() -> None:
    impatient = Rehearsals(flow(), contacts(), listens_s=IMPATIENT_S)
    menu_s = await _menu_s(impatient, company().served)
    assert set(TO_A_PERSON) <= set(menu_s)
    assert STRANGERS[0] in menu_s
    assert len(set(ON_THEIR_OWN) & set(menu_s)) >= 6
    assert max(menu_s.values()) < LONGEST_MENU_S


async def test_a_demo_without_customers_has_a_day_too() -> None:
    impatient = Rehearsals(flow(), contacts(), listens_s=IMPATIENT_S)
    menu_s = await _menu_s(impatient, (COMPLAINT,))
    empty = Day(AGENTS, (), scores(), menu_s=menu_s, served=(COMPLAINT,))
    assert len(hour_of(empty, 600)) > 10
