"""The whole service, put together from Settings: started from the bottom up, stopped from the top down.

What a room is given, it is given as values; what may fail at start raises ``CtiError`` with words that say what to do.
"""

import asyncio
import contextlib
import errno
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cti import __version__, settings
from cti.agents.agent import Agent
from cti.app import values
from cti.app.health import health
from cti.app.service import Service, built
from cti.app.taking_up import taken_up
from cti.calls.call import PbxName
from cti.envelope import Envelope
from cti.errors import ConfigError, StoreUnavailable
from cti.log import logger
from cti.screenpop.server import DesktopServer
from cti.store.database import Database
from cti.telephony.link import PbxLink
from cti.web import server as web_server
from cti.web.parts import Parts, no_flow
from cti.web.ports import FlowNamed
from cti.web.schemas import DemoLogin

log = logger("app")

STOP_S: Final = 10.0
ROSTER_S: Final = 15.0
"""How soon an agent's phone or name changed from the command line is known without a log-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Told once everything listens."""

    url: str
    pbxs: tuple[PbxName, ...]


async def run(
    given: settings.Settings,
    *,
    started: Callable[[Started], None] = lambda _: None,
    links: Sequence[PbxLink] | None = None,
    prepare: Callable[[Database], Awaitable[None]] | None = None,
    demo: tuple[DemoLogin, ...] = (),
    flow: FlowNamed | None = None,
) -> None:
    """Serve until cancelled. ``links`` stand in for the configured PBXs, ``prepare`` fills the database first, ``flow`` stands
    in for the IVR's: the demo.

    Raises ConfigError (a port taken, a folder that cannot be written), StoreSchema.
    """
    async with built(given, links=links, prepare=prepare) as service, asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(service.journal.run(), name="journal")
        calls = await taken_up(service)
        running = [
            *(tasks.create_task(link.run(service.news), name=f"pbx-{link.name}") for link in service.links.values()),
            tasks.create_task(service.floor.run(), name="floor"),
            tasks.create_task(_keep_roster(service), name="roster"),
            *_listeners(tasks, given, service, _parts(given, service, demo, flow), started),
        ]
        log.info("started", version=__version__, pbxs=list(service.links), calls_taken_up=len(calls))
        try:
            await asyncio.gather(*running)
        finally:
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


async def _keep_roster(service: Service) -> None:
    known: tuple[Agent, ...] = ()
    while True:
        await asyncio.sleep(ROSTER_S)
        with contextlib.suppress(StoreUnavailable):
            agents = await service.people.agents()
            if agents != known:
                service.roster(agents)
                known = agents


def _listeners(
    tasks: asyncio.TaskGroup,
    given: settings.Settings,
    service: Service,
    parts: Parts,
    started: Callable[[Started], None],
) -> list["asyncio.Task[None]"]:
    web_up, push_up, ivr_up = asyncio.Event(), asyncio.Event(), asyncio.Event()
    desktops = DesktopServer(values.socket_settings(given), service.hub, service.tickets)

    async def serve_web() -> None:
        with _port_taken("web", given.web.host, given.web.port):
            await web_server.serve(parts, host=given.web.host, port=given.web.port, started=lambda _: web_up.set())

    async def serve_desktops() -> None:
        with _port_taken("push", given.push.host, given.push.port):
            await desktops.run(lambda _: push_up.set())

    async def serve_callers() -> None:
        if service.reception is None:
            ivr_up.set()
            return
        with _port_taken("ivr", given.ivr.host, given.ivr.port):
            await service.reception.run(ivr_up)

    async def say() -> None:
        await asyncio.gather(web_up.wait(), push_up.wait(), ivr_up.wait())
        started(Started(url=values.url(given), pbxs=tuple(service.links)))

    tasks.create_task(say(), name="say-started")
    return [
        tasks.create_task(serve_web(), name="web"),
        tasks.create_task(serve_desktops(), name="push"),
        tasks.create_task(serve_callers(), name="ivr"),
    ]


@contextlib.contextmanager
def _port_taken(section: str, host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL}:
            raise
        what = {errno.EADDRINUSE: "is taken by another program", errno.EACCES: "may not be used by this user"}
        why = what.get(error.errno or 0, "is no address of this machine")
        raise ConfigError(f"{section}.port: {host}:{port} {why}; choose another, or stop what listens there") from error


def _parts(given: settings.Settings, service: Service, demo: tuple[DemoLogin, ...], flow: FlowNamed | None) -> Parts:
    async def record(facts: Sequence[Envelope]) -> None:
        for fact in facts:
            service.journal.record(fact)
        await service.journal.flush()

    return Parts(
        site=values.web_site(given, demo), people=service.people, log=service.interactions, hub=service.hub, tickets=service.tickets,
        customers=service.customers, commands=service.switchboard, shift=service.floor, record=record,
        contact_changed=service.lookup.forget,
        health=lambda: health(service), registry=service.registry, recordings=given.ivr.recordings,
        flow=flow or (service.reception.flows.get if service.reception else no_flow), queues=values.queues(given),
    )  # fmt: skip
