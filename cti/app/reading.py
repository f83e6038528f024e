"""What a process does that reads the PBXs: take up what was, then links, floor, callers, until it is told to stop."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Final

from cti import __version__
from cti.app import listeners, values
from cti.app.forgotten import end_forgotten
from cti.app.health import health
from cti.app.roster import RosterKeeper
from cti.app.service import Service, built
from cti.app.taking_up import taken_up
from cti.app.tenure import Tenure
from cti.app.wanted import Started, Wanted
from cti.envelope import Envelope
from cti.fanout.asks import Attendant
from cti.log import logger
from cti.web.parts import Parts, no_flow

log = logger("app")

STOP_S: Final = 10.0


async def read_and_serve(wanted: Wanted, tenure: Tenure | None = None) -> None:
    """Until cancelled. ``tenure``: the lease under which it is done; None: nobody else can do it."""
    async with built(wanted, tenure) as service, asyncio.TaskGroup() as tasks:
        roster = RosterKeeper(service.people, service.roster, service.hub.desktops)
        writing = tasks.create_task(service.journal.run(), name="journal")
        calls, are_all = await taken_up(service)
        running = [
            *(tasks.create_task(link.run(service.news), name=f"pbx-{link.name}") for link in service.links.values()),
            tasks.create_task(service.floor.run(), name="floor"),
            tasks.create_task(service.backfilling.run(), name="backfill"),
            tasks.create_task(roster.run(), name="roster"),
            *([] if are_all else [tasks.create_task(_end_forgotten(service), name="forgotten")]),
            *_outward(tasks, service, roster),
            *listeners.listen(tasks, _listeners(wanted, service), lambda: _say(wanted, service, len(calls))),
        ]
        try:
            await asyncio.gather(*running)
        finally:
            if tenure and tenure.is_lost:
                service.journal.give_up("another process has taken the lease")
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await service.floor.close()
            await service.switchboard.close()
            await service.pipeline.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await service.journal.flush()
            writing.cancel()


async def _end_forgotten(service: Service) -> None:
    await end_forgotten(service.links.values(), service.journal, service.interactions)


def _outward(tasks: asyncio.TaskGroup, service: Service, roster: RosterKeeper) -> list["asyncio.Task[None]"]:
    if service.outward is None or service.tenure is None:
        return []
    attendant = Attendant(
        service.switchboard, service.floor, contact_changed=service.lookup.forget, may_act=service.tenure.may_act
    )
    return [tasks.create_task(service.outward.run(attendant, roster.changed), name="outward")]


def _listeners(wanted: Wanted, service: Service) -> dict[str, listeners.Listener]:
    given = wanted.given
    if wanted.is_whole:
        found = {
            "web": listeners.web(given, _parts(wanted, service)),
            "push": listeners.desktops(given, service.hub, service.tickets),
        }
    else:
        found = {"web": listeners.probe(given, lambda: health(service), service.registry)}
    if service.reception:
        found["ivr"] = listeners.callers(given, service.reception)
    return found


def _say(wanted: Wanted, service: Service, calls_taken_up: int) -> None:
    log.info("started", version=__version__, pbxs=list(service.links), calls_taken_up=calls_taken_up)
    url = values.url(wanted.given) if wanted.is_whole else ""
    wanted.started(Started(url=url, pbxs=tuple(service.links)))


def _parts(wanted: Wanted, service: Service) -> Parts:
    given = wanted.given

    async def record(facts: Sequence[Envelope]) -> None:
        for fact in facts:
            service.journal.record(fact)
        await service.journal.flush()

    return Parts(
        site=values.web_site(given, wanted.demo), people=service.people, log=service.interactions, hub=service.hub,
        tickets=service.tickets, customers=service.customers, commands=service.switchboard, shift=service.floor,
        record=record, contact_changed=service.lookup.forget,
        health=lambda: health(service), registry=service.registry, recordings=given.ivr.recordings,
        flow=wanted.flow or (service.reception.flows.get if service.reception else no_flow), queues=values.queues(given),
    )  # fmt: skip
