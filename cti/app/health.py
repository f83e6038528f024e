"""How each part is, for ``/readyz``."""

import asyncio
from collections.abc import Sequence

from cti.agents.agent import AgentId
from cti.app.outward import bus_health
from cti.app.service import Service
from cti.errors import StoreUnavailable
from cti.store.journal import Journal
from cti.store.people import People
from cti.web.ports import PartHealth


async def health(service: Service) -> Sequence[PartHealth]:
    ivr = [service.reception.health] if service.reception else []
    lease = [service.tenure.health] if service.tenure else []
    bus = [bus_health(service.outward.bus)] if service.outward else []
    return [
        *lease,
        *_pbx_health(service),
        await database_health(service.journal, service.people),
        _crm_health(service),
        spool_health(service.journal),
        *bus,
        *ivr,
    ]


def _pbx_health(service: Service) -> list[PartHealth]:
    links = [link.status for link in service.links.values()]
    if not links:
        return [PartHealth("pbx", "degraded", "no PBX is configured")]
    return [PartHealth(f"pbx:{one.pbx}", "ok" if one.state == "connected" else "failed", one.reason) for one in links]


async def database_health(journal: Journal, people: People) -> PartHealth:
    status = journal.status
    if not status.is_store_up:
        return PartHealth("database", "failed", status.reason)
    try:
        async with asyncio.timeout(1.0):
            await people.agent(AgentId("-"))
    except (StoreUnavailable, TimeoutError) as away:
        return PartHealth("database", "failed", str(away) or "no answer within 1 s")
    return PartHealth("database", "ok")


def _crm_health(service: Service) -> PartHealth:
    return (
        PartHealth("crm", "degraded", "not answering; asked again soon")
        if service.lookup.breaker.is_open
        else PartHealth("crm", "ok")
    )


def spool_health(journal: Journal) -> PartHealth:
    status = journal.status
    if status.is_spool_full or status.lost:
        return PartHealth("spool", "failed", f"full; {status.lost} facts lost")
    if status.in_memory_alone and status.tail_trouble:
        return PartHealth(
            "spool", "degraded", f"the tail: {status.tail_trouble}; a kill would cost {status.in_memory_alone} facts"
        )
    return PartHealth(
        "spool",
        "degraded" if status.spooled else "ok",
        f"{status.spooled} facts wait for the database" if status.spooled else "",
    )
