"""Agent, PBX, timer and supervisor speak in any order, and with clocks that disagree; the machine stays whole."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from cti.agents.events import (
    AgentEvent,
    DesktopBack,
    DesktopGone,
    LoggedIn,
    LoggedOut,
    PartGone,
    PartIs,
    PausedOnPbx,
    PresenceRefused,
    ResultGiven,
    SetNotReady,
    SetReady,
    TakenOver,
    UnpausedOnPbx,
    WrapUpEnded,
    WrapUpExpired,
    WrapUpExtended,
)
from cti.agents.presence import AgentState, Cause, Maker, Part, PartState, Pause, Presence, Rules
from cti.agents.transitions import MADE_BY, advance, begin, interval_changed, is_foreseen, next_deadline
from tests.unit.agents.days import EIGHT, LUIS, LUNCH, MARA, RULES, TRAINING, Day, at_work, logged_in_s

S = AgentState
IN_A_CALL: Final = frozenset({S.RESERVED, S.TALKING, S.HOLD})
IN_PAPERWORK: Final = frozenset({S.WORK, S.WORK_READY})
Happening = Callable[[datetime], AgentEvent]


def happenings(calls: Sequence[str], queues: Sequence[str]) -> Iterator[Happening]:
    """Whatever may happen to an agent, with so many calls of these queues."""
    agent, supervisor = (Maker.AGENT, MARA), (Maker.SUPERVISOR, LUIS)
    yield lambda at: LoggedIn(at=at)
    for maker, by in (agent, supervisor, (Maker.SYSTEM, "")):
        yield lambda at, maker=maker, by=by: LoggedOut(at=at, made_by=maker, by=by)
    for maker, by in (agent, supervisor):
        yield lambda at, maker=maker, by=by: SetReady(at=at, made_by=maker, by=by)
        for reason in (None, LUNCH, TRAINING):
            yield lambda at, maker=maker, by=by, reason=reason: SetNotReady(at=at, made_by=maker, by=by, reason=reason)
    for kind in (DesktopGone, DesktopBack, TakenOver, PausedOnPbx, UnpausedOnPbx, WrapUpExpired):
        yield lambda at, kind=kind: kind(at=at)
    yield lambda at: WrapUpEnded(at=at, by=MARA)
    yield lambda at: WrapUpExtended(at=at, by=MARA)
    for call in calls:
        yield from _of_call(call, queues)


def _of_call(call: str, queues: Sequence[str]) -> Iterator[Happening]:
    yield lambda at: ResultGiven(at=at, call=call)
    for queue in queues:
        for state in PartState:
            part = Part(call=call, state=state, queue=queue, since=EIGHT)
            yield lambda at, part=part: PartIs(at=at, part=structs.replace(part, since=at))
    yield lambda at: PartGone(at=at, call=call)
    yield lambda at: PartGone(at=at, call=call, has_spoken=True)
    yield lambda at: PartGone(at=at, call=call, is_missed=True)
    yield lambda at: PartGone(at=at, call=call, is_declined=True)
    yield lambda at: PartGone(at=at, call=call, has_spoken=True, is_handed_over=True)


ALL: Final = tuple(happenings("ab", ("support", "billing"))) + 9 * (lambda at: LoggedIn(at=at),)
"""Logging in more often than out: days are spent at work."""
days = st.lists(st.tuples(st.sampled_from(ALL), st.floats(-5, 60)), min_size=10, max_size=60)
many = settings(max_examples=200, deadline=None)
either_way = st.sampled_from([RULES, replace(RULES, is_ready_at_login=True)])


def played(day: list[tuple[Happening, float]], rules: Rules) -> list[tuple[Presence, AgentEvent, Presence]]:
    """Each step: before, what happened, after. Clocks may disagree by some seconds."""
    presence, now, steps = begin(MARA, EIGHT), EIGHT, []
    for happening, later_s in day:
        now += timedelta(seconds=later_s)
        event = happening(now)
        after = advance(presence, event, rules)
        if isinstance(after, Presence):
            steps.append((presence, event, after))
            presence = after
    return steps


@many
@given(days, either_way)
def test_no_forbidden_pair_and_no_forbidden_maker(day: list[tuple[Happening, float]], rules: Rules) -> None:
    assert [
        (before.state, after.state, after.made_by)
        for before, _, after in played(day, rules)
        if not is_foreseen(before, after)
    ] == []


@many
@given(days, either_way)
def test_no_pause_goes_but_by_what_may_take_it(day: list[tuple[Happening, float]], rules: Rules) -> None:
    for before, event, after in played(day, rules):
        left = {pause.cause for pause in after.pauses}
        assert [
            pause for pause in before.pauses if pause.cause not in left and not may_take(event, pause, before, after)
        ] == []


def may_take(event: AgentEvent, pause: Pause, before: Presence, after: Presence) -> bool:
    if not after.is_logged_in:
        ordered_out = after.leaving is not None and after.leaving.made_by is Maker.SUPERVISOR
        return pause.cause is not Cause.FORCED or ordered_out
    match event:
        case SetReady(made_by=Maker.SUPERVISOR):
            return True
        case SetReady():
            return Cause.FORCED not in {one.cause for one in before.pauses}
        case DesktopBack():
            return pause.cause is Cause.CONNECTION_LOST and not pause.has_shown
        case UnpausedOnPbx():
            return pause.cause is Cause.PBX
        case _:
            return False


@many
@given(days, either_way)
def test_no_interval_is_negative_and_their_sum_is_the_time_logged_in(
    day: list[tuple[Happening, float]], rules: Rules
) -> None:
    steps = played(day, rules)
    kept = [begin(MARA, EIGHT)] + [after for before, _, after in steps if interval_changed(before, after)]
    lengths = [(later.since - one.since).total_seconds() for one, later in itertools.pairwise(kept)]
    assert [length for length in lengths if length < 0] == []
    end = kept[-1].since + timedelta(hours=1)
    assert logged_in_s(kept, end) == pytest.approx(time_between_log_in_and_out_s(steps, end))
    assert [one.changes for one in kept] == list(range(len(kept)))


def time_between_log_in_and_out_s(steps: list[tuple[Presence, AgentEvent, Presence]], end: datetime) -> float:
    total_s, came = 0.0, None
    for before, _, after in steps:
        if after.is_logged_in and not before.is_logged_in:
            came = after.since
        if before.is_logged_in and not after.is_logged_in and came:
            total_s, came = total_s + (after.since - came).total_seconds(), None
    return total_s + (end - came).total_seconds() if came else total_s


@many
@given(days, either_way)
def test_nobody_is_busy_without_a_call_or_paperwork_nor_idle_with_one(
    day: list[tuple[Happening, float]], rules: Rules
) -> None:
    for _, _, now in played(day, rules):
        assert (now.state is S.LOGOUT) == (not now.is_logged_in)
        if now.is_logged_in:
            assert (now.state in IN_A_CALL) == bool(now.parts)
            assert (now.state in IN_PAPERWORK) == (now.wrap_up is not None and not now.parts)
        else:
            assert (now.wrap_up, now.owed) == (None, ())
            assert {pause.cause for pause in now.pauses} <= {Cause.FORCED}


@many
@given(days, either_way)
def test_what_is_pending_shows_and_is_what_follows(day: list[tuple[Happening, float]], rules: Rules) -> None:
    for _, _, now in played(day, rules):
        shown = now.pending or (S.READY, None)
        if now.is_busy:
            assert (now.state is S.WORK) <= (now.pending is not None)
            end = at_rest(now, rules)
            assert (end.state, end.reason) == shown


def at_rest(presence: Presence, rules: Rules) -> Presence:
    """All calls gone, all paperwork over in time or late."""
    for part in presence.parts:
        presence = known(advance(presence, PartGone(at=presence.since, call=part.call), rules))
    while presence.wrap_up:
        late = next_deadline(presence) or presence.since
        presence = known(advance(presence, WrapUpExpired(at=late), rules))
    return presence


def known(after: Presence | PresenceRefused) -> Presence:
    assert isinstance(after, Presence)
    return after


@many
@given(days, either_way)
def test_what_changes_nothing_is_the_same_object_and_a_refusal_changes_nothing(
    day: list[tuple[Happening, float]], rules: Rules
) -> None:
    for before, _, after in played(day, rules):
        assert (before is after) == (before == after)


@many
@given(days, either_way)
def test_one_pause_of_each_cause_and_the_newest_shows(day: list[tuple[Happening, float]], rules: Rules) -> None:
    for _, _, now in played(day, rules):
        assert len({pause.cause for pause in now.pauses}) == len(now.pauses)
        if now.state is S.NOT_READY:
            assert now.pause is not None
            assert (now.reason, now.pause.has_shown) == (now.pause.reason, True)


# ---- every way there is


def test_the_table_has_what_can_happen_and_nothing_else() -> None:
    """All orders of few events, up to what tells two presences apart: each pair with each maker comes up, and no other."""
    found = {*reachable(4, RULES), *reachable(1, replace(RULES, is_ready_at_login=True))}
    assert {(pair, maker) for pair, makers in MADE_BY.items() for maker in makers} == found


def reachable(depth: int, rules: Rules) -> Iterator[tuple[tuple[AgentState, AgentState], Maker]]:
    few = tuple(happenings("ab", ("support",)))
    in_two = at_work(rules).talks("a", "support").talks("b", "support")
    starts = (Day(rules=rules), Day(rules=rules).logs_in(), at_work(rules), in_two)
    layer, seen = [day.presence for day in starts], set[object]()
    for _ in range(depth):
        reached: list[Presence] = []
        for before in layer:
            for happening in few:
                after = advance(before, happening(before.since + timedelta(seconds=40)), rules)
                if not isinstance(after, Presence) or after is before:
                    continue
                if interval_changed(before, after):
                    yield (before.state, after.state), after.made_by
                if (told := essence(after)) not in seen:
                    seen.add(told)
                    reached.append(after)
        layer = reached


def essence(presence: Presence) -> object:
    """What decides about all that can follow; the order of pauses matters for the last one only."""
    last = presence.pause
    return (
        presence.state, presence.reason, presence.leaving and presence.leaving.made_by, last and (last.cause, last.has_shown),
        frozenset(pause.cause for pause in presence.pauses), frozenset((part.call, part.state) for part in presence.parts),
        presence.wrap_up and presence.wrap_up.call, len(presence.owed),
    )  # fmt: skip
