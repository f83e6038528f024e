"""What was going on when the service last stopped: taken up from the record at the start.

Nobody waits here for the facts of an earlier outage to reach the database: what it has open and what is still to be written are
read side by side. Where it does not answer, what it has is asked for once it does (``forgotten.py``).
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from cti.agent_facts import presence_of
from cti.agents.presence import Presence
from cti.app.service import Service
from cti.calls.call import Call, CallId
from cti.calls.journey import Journey
from cti.envelope import Envelope
from cti.errors import StoreUnavailable
from cti.journeys import JOURNEY_TYPES, journey_of
from cti.log import logger
from cti.store import derive
from cti.store.interactions import InteractionLog
from cti.store.journal import Journal
from cti.store.restored import restored_calls
from cti.store.unfinished import Unfinished, together

log = logger("app")

ANSWER_S: Final = 10.0
"""How long a start waits for the database's answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """What was going on."""

    facts: tuple[Envelope, ...] = ()
    """Call by call."""
    states: tuple[Presence, ...] = ()
    """Of agents, as the database has them."""
    is_whole: bool = True
    """False: the database did not answer, and this is only what it does not have."""


async def taken_up(service: Service) -> tuple[tuple[Call, ...], bool]:
    """Calls that were live when the service last stopped: their PBX's first snapshot says which still are. And: are these all?"""
    left = await left_over(service.journal, service.interactions)
    calls = restored_calls(left.facts)
    for name, link in service.links.items():
        link.restore(tuple(call for call in calls if call.pbx == name))
    here = tuple(call for call in calls if call.pbx in service.links)
    service.pipeline.restore(here, _journeys(left.facts))
    service.floor.restore(_last_states(left), here)
    return calls, left.is_whole


async def left_over(journal: Journal, interactions: InteractionLog) -> Left:
    unwritten = await journal.unwritten()
    try:
        async with asyncio.timeout(ANSWER_S):
            on_record = await interactions.open_facts()
            facts = together(on_record, unwritten)
            ended = await _ended(interactions, unwritten, on_record)
            states = await interactions.last_states()
    except (TimeoutError, StoreUnavailable) as away:
        log.warning("record_unavailable_at_start", reason=str(away) or "no answer in time")
        return Left(facts=together((), unwritten), is_whole=False)
    return Left(facts=tuple(one for one in facts if one.subject not in ended), states=tuple(states))


async def _ended(interactions: InteractionLog, unwritten: Unfinished, on_record: Iterable[Envelope]) -> set[CallId]:
    """Calls that go on as far as the spool knows, and have ended in the record: another process saw to them meanwhile."""
    steps = (one for one in unwritten.facts if one.type in derive.CALL_EVENTS | JOURNEY_TYPES)
    doubtful = {CallId(one.subject) for one in steps} - {one.subject for one in on_record}
    return {call for call in doubtful if await interactions.get(call)}


def _last_states(left: Left) -> tuple[Presence, ...]:
    """Where agents were when the service last stopped. What was not written is later than what the database has, unless another
    process has seen to them meanwhile."""
    latest = {presence.agent: presence for presence in left.states}
    for presence in filter(None, map(presence_of, left.facts)):
        if presence.agent not in latest or presence.since >= latest[presence.agent].since:
            latest[presence.agent] = presence
    return tuple(latest.values())


def _journeys(facts: Iterable[Envelope]) -> tuple[Journey, ...]:
    """How far the callers of live calls came in the IVR. ``facts`` come call by call."""
    found = (journey_of(of_call) for _, of_call in groupby(facts, lambda fact: fact.subject))
    return tuple(journey for journey in found if journey)
