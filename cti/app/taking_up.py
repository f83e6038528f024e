"""What was going on when the service last stopped: taken up from the record at the start."""

import asyncio
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from cti.agent_facts import presence_of
from cti.agents.presence import Presence
from cti.app.service import Service
from cti.calls.call import Call
from cti.calls.journey import Journey
from cti.envelope import Envelope
from cti.errors import StoreSchema, StoreUnavailable
from cti.journeys import journey_of
from cti.log import logger
from cti.store.restored import restored_calls

log = logger("app")

DRAIN_S: Final = 10.0
"""How long a start waits for the facts of an earlier outage to reach the database."""


async def taken_up(service: Service) -> tuple[Call, ...]:
    """Calls that were live when the service last stopped. Their PBX's first snapshot says which still are."""
    facts: Iterable[Envelope] = ()
    try:
        async with asyncio.timeout(DRAIN_S):
            await service.journal.drained()
            facts = await service.interactions.open_facts()
    except (TimeoutError, StoreUnavailable) as away:
        log.warning("record_unavailable_at_start", reason=str(away) or "no answer in time")
        facts = await service.journal.unwritten()
    except StoreSchema:
        raise
    calls = restored_calls(facts)
    for name, link in service.links.items():
        link.restore(tuple(call for call in calls if call.pbx == name))
    here = tuple(call for call in calls if call.pbx in service.links)
    service.pipeline.restore(here, _journeys(facts))
    service.floor.restore(await _last_states(service, facts), here)
    return calls


async def _last_states(service: Service, facts: Iterable[Envelope]) -> tuple[Presence, ...]:
    """Where agents were when the service last stopped; what the spool has is later than what the database has."""
    known: tuple[Presence, ...] = ()
    try:
        async with asyncio.timeout(DRAIN_S):
            known = await service.interactions.last_states()
    except (TimeoutError, StoreUnavailable) as away:
        log.warning("states_unavailable_at_start", reason=str(away) or "no answer in time")
    latest = {presence.agent: presence for presence in known}
    latest |= {presence.agent: presence for fact in facts if (presence := presence_of(fact))}
    return tuple(latest.values())


def _journeys(facts: Iterable[Envelope]) -> tuple[Journey, ...]:
    """How far the callers of live calls came in the IVR. ``facts`` come call by call."""
    found = (journey_of(of_call) for _, of_call in groupby(facts, lambda fact: fact.subject))
    return tuple(journey for journey in found if journey)
