"""The demo's last two weeks: calls that came through the menu, as the record and the reports will have them."""

import asyncio
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from cti.agents.agent import AgentId
from cti.agents.presence import AgentState
from cti.calls.call import CallId, Direction, Outcome, PbxName
from cti.calls.journey import IvrEntered, IvrOutcome, JourneyEvent
from cti.demo.past import past
from cti.demo.people import AGENTS, COMPLAINT, REPEAT
from cti.demo.shifts import Shifts
from cti.envelope import Envelope
from cti.journeys import journey_event_of
from cti.store.derive import interaction_of
from cti.store.interactions import Interaction
from cti.store.memory import MemoryInteractionLog
from tests.unit.demo.company import DEVICES, company

NOON = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)
"""In Taipei."""
DAYS = 5


@pytest.fixture(scope="module")
def shifts() -> Shifts:
    return Shifts(AGENTS)


@pytest.fixture(scope="module")
def told(shifts: Shifts) -> list[tuple[Envelope, ...]]:
    async def played() -> list[tuple[Envelope, ...]]:
        since, pbx = NOON - timedelta(days=DAYS), PbxName("demo")
        calls = past(since, NOON, pbx=pbx, agents=AGENTS, company=company(), shifts=shifts)
        return [facts async for facts in calls]

    return asyncio.run(played())


@pytest.fixture(scope="module")
def days(told: list[tuple[Envelope, ...]]) -> list[Interaction]:
    return [item for facts in told if (item := interaction_of(facts, DEVICES))]


def journeys(told: list[tuple[Envelope, ...]]) -> dict[CallId, list[JourneyEvent]]:
    found: dict[CallId, list[JourneyEvent]] = defaultdict(list)
    for facts in told:
        for fact in facts:
            if event := journey_event_of(fact):
                found[event.call].append(event)
    return found


def test_every_call_ended_and_stands_on_record_once(told: list[tuple[Envelope, ...]], days: list[Interaction]) -> None:
    assert len(told) == len(days) == len({item.call for item in days})
    assert 150 <= len(days) <= 300
    assert Counter(fact.id for facts in told for fact in facts).most_common(1)[0][1] == 1


def test_every_caller_came_through_the_menu_once_and_nobody_else_did(
    told: list[tuple[Envelope, ...]], days: list[Interaction]
) -> None:
    way = journeys(told)
    for item in days:
        entered = [event for event in way[CallId(item.call)] if isinstance(event, IvrEntered) and not event.is_after]
        assert len(entered) == (item.direction is Direction.INBOUND)
        assert (item.journey is not None) == (item.direction is Direction.INBOUND)


def test_what_happened_in_the_menu_happened_while_the_call_was_on(
    told: list[tuple[Envelope, ...]], days: list[Interaction]
) -> None:
    way = journeys(told)
    for item in days:
        asked_after = {event.session for event in way[CallId(item.call)] if getattr(event, "is_after", False)}
        menu = [event.at for event in way[CallId(item.call)] if event.session not in asked_after]
        assert all(item.offered_at <= at <= item.ended_at for at in menu), item
        assert menu == sorted(menu)


def test_the_agents_phones_rang_when_the_menu_was_done(told: list[tuple[Envelope, ...]]) -> None:
    for facts in told:
        left = [fact.time for fact in facts if fact.type == "cti.ivr.left.v1"][:1]
        rang = [fact.time for fact in facts if fact.type in {"cti.call.queued.v1", "cti.call.delivered.v1"}]
        assert all(at >= left[0] for at in rang if left)


def test_callers_were_served_alone_gave_up_and_came_to_an_agent(days: list[Interaction]) -> None:
    came = Counter(item.journey.outcome for item in days if item.journey)
    assert set(came) == {IvrOutcome.SELF_SERVED, IvrOutcome.ABANDONED, IvrOutcome.TO_AGENT}
    assert came[IvrOutcome.SELF_SERVED] > came[IvrOutcome.ABANDONED]
    assert any(item.journey and item.journey.callback_number for item in days)
    assert any(item.journey and item.journey.ratings for item in days)


def test_whom_the_menu_put_through_was_in_a_queue_and_nobody_else(days: list[Interaction]) -> None:
    put_through = {item.call for item in days if item.journey and item.journey.to.startswith("queue")}
    assert put_through == {item.call for item in days if item.queue and item.direction is Direction.INBOUND}


# ---- what agents did


def test_it_is_over_before_the_demo_begins(days: list[Interaction]) -> None:
    assert max(item.ended_at for item in days) < NOON
    assert min(item.offered_at for item in days) > NOON - timedelta(days=DAYS)


def test_nobody_talked_twice_at_once(days: list[Interaction]) -> None:
    drawn = sorted((item for item in days if item.agent and not item.transfers), key=lambda item: item.offered_at)
    named = {COMPLAINT.contact, REPEAT.contact}
    for agent in AGENTS:
        own = [
            item
            for item in drawn
            if item.agent == agent.id and len(item.handled_by) == 1 and item.contact not in named
        ]  # fmt: skip
        assert all(earlier.ended_at <= later.offered_at for earlier, later in pairwise(own))


def test_agents_wrote_down_what_came_of_it(days: list[Interaction]) -> None:
    answered = [item for item in days if item.outcome is Outcome.ANSWERED]
    assert all(item.note and item.result and item.result_label for item in answered if item.agent)
    assert not any(item.note or item.result for item in days if item.outcome is not Outcome.ANSWERED)


def test_the_repeat_caller_has_called_today(days: list[Interaction]) -> None:
    today = [item for item in days if item.contact == REPEAT.contact and item.offered_at > NOON - timedelta(hours=24)]
    assert len(today) >= 2


async def test_a_past_that_is_topped_up_begins_where_the_record_ends() -> None:
    since = NOON - timedelta(hours=20)
    again = past(since, NOON, pbx=PbxName("demo"), agents=AGENTS, company=company(), shifts=Shifts(AGENTS))
    assert min([facts[0].time async for facts in again]) > since


async def test_each_agents_own_day_has_the_calls_and_the_talk_that_the_record_has(
    told: list[tuple[Envelope, ...]], days: list[Interaction], shifts: Shifts
) -> None:
    log = MemoryInteractionLog(lambda: DEVICES)
    await log.append(fact for facts in (*told, tuple(shifts.facts())) for fact in facts)
    since = NOON - timedelta(days=DAYS)
    for agent in AGENTS:
        day = await log.day(agent.id, since, NOON)
        assert day.calls == {item.call for item in days if _spoke(agent.id, item)}
        alone = [item.talk_s for item in days if _spoke(agent.id, item) and len(item.handled_by) == 1]
        assert sum(alone) <= day.talk_s < 3 * sum(alone)
        assert day.logged_in_s < timedelta(hours=11 * DAYS).total_seconds()
    assert {one.state for one in await log.last_states()} == {AgentState.LOGOUT}


def _spoke(agent: AgentId, item: Interaction) -> bool:
    is_customers = item.direction is not Direction.INTERNAL and item.outcome is Outcome.ANSWERED
    return is_customers and any(one.agent == agent and one.connected_at for one in item.handled_by)
