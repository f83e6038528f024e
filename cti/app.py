"""The whole service, put together from Settings: started from the bottom up, stopped from the top down.

Only this file knows every room. What a room is given, it is given as values; what may fail at start raises ``CtiError``
with words that say what to do.
"""

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry

from cti import __version__, settings
from cti.agent_facts import presence_of
from cti.agents.agent import Agent, AgentId, AgentRole
from cti.agents.presence import Presence
from cti.calls.call import Call, PbxName
from cti.calls.journey import Journey
from cti.crm.connector import CrmConnector
from cti.crm.connectors import Setup, connect
from cti.crm.lookup import Lookup, LookupRules
from cti.envelope import Envelope
from cti.errors import ConfigError, StoreSchema, StoreUnavailable
from cti.figures import ServiceFigures
from cti.floor.figures import FloorFigures
from cti.floor.floor import Floor
from cti.floor.make import make_floor
from cti.journeys import journey_of
from cti.log import logger
from cti.pipeline import Pipeline
from cti.reception import Neighbours, Reception, wants_reception
from cti.screenpop.dialled import DialledNumbers
from cti.screenpop.hub import Hub, HubSettings
from cti.screenpop.outbox import Limits as OutboxLimits
from cti.screenpop.server import DesktopServer, SocketSettings
from cti.screenpop.tickets import Tickets
from cti.screenpop.views import Site
from cti.store import schema
from cti.store.database import Database
from cti.store.journal import Journal
from cti.store.restored import restored_calls
from cti.store.spool import Spool
from cti.store.sql import SqlInteractionLog
from cti.store.sql_people import SqlPeople
from cti.switchboard import Switchboard
from cti.switchboard.figures import SwitchboardFigures
from cti.switchboard.make import make_guard
from cti.telephony.link import News, PbxLink
from cti.telephony.make import make_link
from cti.web import server as web_server
from cti.web.parts import Parts, QueueTarget, WebSite, no_flow
from cti.web.passwords import hash_password
from cti.web.ports import FlowNamed, PartHealth
from cti.web.schemas import DemoLogin, ReasonChoice, ResultChoice, ResultField

log = logger("app")

DRAIN_S: Final = 10.0
"""How long a start waits for the facts of an earlier outage to reach the database."""
STOP_S: Final = 10.0
ROSTER_S: Final = 15.0
"""How soon an agent's phone or name changed from the command line is known without a log-in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Everything there is, running or about to."""

    database: Database
    interactions: SqlInteractionLog
    people: SqlPeople
    journal: Journal
    customers: CrmConnector
    lookup: Lookup
    hub: Hub
    tickets: Tickets
    links: dict[PbxName, PbxLink]
    pipeline: Pipeline
    floor: Floor
    switchboard: Switchboard
    reception: Reception | None
    """None: no line has a flow."""
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def news(self, news: News) -> None:
        """The sink of every PBX: the pop and the record first, then what it means to the agents."""
        self.pipeline.news(news)
        self.floor.news(news)

    def roster(self, agents: Iterable[Agent]) -> None:
        agents = tuple(agents)
        self.hub.roster(agents)
        self.floor.roster(agents)


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
    async with _built(given, links=links, prepare=prepare) as service, asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(service.journal.run(), name="journal")
        calls = await _taken_up(service)
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


# ---- building


@contextlib.asynccontextmanager
async def _built(
    given: settings.Settings, *, links: Sequence[PbxLink] | None, prepare: Callable[[Database], Awaitable[None]] | None
) -> AsyncIterator[Service]:
    url = given.database.url.get_secret_value()
    await _make_ready(url)
    async with contextlib.AsyncExitStack() as closing:
        database = Database(url)
        closing.push_async_callback(database.close)
        if prepare:
            await prepare(database)
        customers = connect(given.crm.connector, _crm_setup(given, url))
        interactions, people = SqlInteractionLog(database), SqlPeople(database)
        lookup = Lookup(customers, _lookup_rules(given), ruled_out=interactions.ruled_out)
        closing.push_async_callback(lookup.close)
        agents = await _agents(given, people)
        hub = Hub(_hub_settings(given))
        journal = Journal(interactions, _spool(given))
        dialled = DialledNumbers()
        pipeline = Pipeline(
            hub=hub, journal=journal, lookup=lookup, interactions=interactions, country=given.site.country, dialled=dialled,
        )  # fmt: skip
        made = links if links is not None else [make_link(pbx, given.site, given.toll) for pbx in given.pbx]
        by_name = {link.name: link for link in made}
        hub.abilities = lambda call, agent: (
            by_name[call.pbx].abilities(agent.device) if call.pbx in by_name else frozenset()
        )
        guard = make_guard(given.toll, given.site, given.pbx)
        switchboard = Switchboard(by_name, hub, guard, dialled, most_pause_s=given.recording.most_pause_s)
        beside = Neighbours(
            links=by_name, customers=customers, lookup=lookup, journeys=interactions, queue_load=pipeline.queue_load,
            tell=pipeline.news,
        )  # fmt: skip
        service = Service(
            database=database, interactions=interactions, people=people, journal=journal,
            customers=customers, lookup=lookup, hub=hub,
            tickets=Tickets(), links=by_name, pipeline=pipeline, switchboard=switchboard,
            floor=make_floor(given, hub, by_name, journal.record),
            reception=Reception(given, beside) if wants_reception(given) else None,
        )  # fmt: skip
        service.roster(agents)
        service.registry.register(ServiceFigures(service.links, journal, lookup))
        service.registry.register(FloorFigures(service.floor))
        service.registry.register(SwitchboardFigures(guard))
        if service.reception:
            service.registry.register(service.reception.figures)
        for link in made:
            service.news(link.status)
        yield service


async def _make_ready(url: str) -> None:
    """An embedded database is made; a server's may be away, which the spool bears, or of another age, which nothing does."""
    try:
        await schema.make_ready(url)
    except StoreUnavailable as away:
        log.warning("database_unavailable", reason=str(away))


def _spool(given: settings.Settings) -> Spool:
    folder = Path(given.spool.dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Spool(folder / "facts.spool", max_bytes=given.spool.max_bytes)
    except OSError as error:
        raise ConfigError(f"spool.dir: {folder} cannot be written: {error.strerror}") from error


async def _agents(given: settings.Settings, people: SqlPeople) -> tuple[Agent, ...]:
    """The accounts of the first start are those of the settings; afterwards the database has the word."""
    try:
        known = {agent.id for agent in await people.agents()}
        for account in given.agents:
            if account.id not in known:
                await people.add(_agent(account), await asyncio.to_thread(_hashed, account.password.get_secret_value()))
        return await people.agents()
    except StoreUnavailable as away:
        log.warning("agents_unavailable", reason=str(away))
        return tuple(_agent(account) for account in given.agents)


def _hashed(password: str) -> str:
    return hash_password(password) if password else ""


def _agent(account: settings.AgentAccount) -> Agent:
    return Agent(
        id=AgentId(account.id), name=account.name, role=AgentRole(account.role), extension=account.extension,
        device=account.device, queues=account.queues, language=account.language,
    )  # fmt: skip


def _crm_setup(given: settings.Settings, own_url: str) -> Setup:
    crm = given.crm
    return Setup(country=given.site.country, own_url=own_url, mapping=crm.mapping, open_url=crm.open_url)


def _lookup_rules(given: settings.Settings) -> LookupRules:
    return LookupRules(
        country=given.site.country, budget_s=given.crm.budget_s, fresh_s=given.crm.cache_s,
        failures_to_open=given.crm.breaker_failures, retry_after_s=given.crm.breaker_open_s,
    )  # fmt: skip


def _hub_settings(given: settings.Settings) -> HubSettings:
    return HubSettings(
        site=Site(given.site.country, dict(given.lines)),
        ring_timeouts_s={name: queue.ring_timeout_s for name, queue in given.queues.items()},
        is_recording_offered=given.recording.is_offered,
        limits=OutboxLimits(waiting=given.push.outbox_limit, kept=given.push.outbox_limit),
    )


# ---- starting


async def _taken_up(service: Service) -> tuple[Call, ...]:
    """Calls that were live when the service last stopped. Their PBX's first snapshot says which still are."""
    facts: Iterable[Envelope] = ()
    try:
        async with asyncio.timeout(DRAIN_S):
            await service.journal.drained()
            facts = await service.interactions.open_facts()
    except (TimeoutError, StoreUnavailable) as away:
        log.warning("record_unavailable_at_start", reason=str(away) or "no answer in time")
        facts = await service.journal.spooled()
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
    sockets = SocketSettings(
        host=given.push.host, port=given.push.port, origins=_origins(given), version=__version__, ping_s=given.push.ping_s,
    )  # fmt: skip
    desktops = DesktopServer(sockets, service.hub, service.tickets)

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
        started(Started(url=_url(given), pbxs=tuple(service.links)))

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
        site=_site(given, demo), people=service.people, log=service.interactions, hub=service.hub, tickets=service.tickets,
        customers=service.customers, commands=service.switchboard, shift=service.floor, record=record,
        contact_changed=service.lookup.forget,
        health=lambda: _health(service), registry=service.registry, recordings=given.ivr.recordings,
        flow=flow or (service.reception.flows.get if service.reception else no_flow), queues=_queues(given),
    )  # fmt: skip


def _site(given: settings.Settings, demo: tuple[DemoLogin, ...]) -> WebSite:
    origins = _origins(given)
    is_https = bool(given.web.public_origins) and all(
        origin.startswith("https:") for origin in given.web.public_origins
    )
    return WebSite(
        name=given.site.name, country=given.site.country, version=__version__, ws_url=_ws_url(given), origins=origins,
        is_https=is_https, language=given.site.language, results=_results(given), demo=demo,
        time_zone=ZoneInfo(given.site.time_zone),
        reasons=tuple(ReasonChoice(code=one.code, label=one.label) for one in given.desk.reasons),
        wrap_up_extend_s=given.desk.wrap_up_extend_s,
        trusted_proxies=frozenset(given.web.trusted_proxies),
    )  # fmt: skip


def _queues(given: settings.Settings) -> tuple[QueueTarget, ...]:
    return tuple(
        QueueTarget(name=name, label=queue.label or name, extension=queue.extension)
        for name, queue in sorted(given.queues.items())
    )


def _results(given: settings.Settings) -> tuple[ResultChoice, ...]:
    """Two queues' results that are the same in everything are one."""
    queues_by_choice: dict[settings.ResultCode, list[str]] = {}
    for queue, choices in given.results.items():
        for choice in choices:
            queues_by_choice.setdefault(choice, []).append(queue)
    return tuple(
        ResultChoice(
            code=choice.code, label=choice.label, queues=() if "default" in queues else tuple(queues),
            fields=tuple(
                ResultField(name=one.name, label=one.label, kind=one.kind, is_required=one.is_required, choices=one.choices)
                for one in choice.fields
            ),
        )
        for choice, queues in queues_by_choice.items()
    )  # fmt: skip


def _url(given: settings.Settings) -> str:
    return given.web.public_origins[0] if given.web.public_origins else f"http://localhost:{given.web.port}"


def _origins(given: settings.Settings) -> frozenset[str]:
    own = given.push.allowed_origins or given.web.public_origins
    names = ("localhost", "127.0.0.1", given.web.host)
    return frozenset(own) or frozenset(f"http://{name}:{given.web.port}" for name in names)


def _ws_url(given: settings.Settings) -> str:
    """Behind a proxy, sockets are where the console is, under /desktop; else on their own port of the same host."""
    if given.web.public_origins:
        return given.web.public_origins[0].replace("http", "ws", 1) + "/desktop"
    return f"ws://localhost:{given.push.port}/"


# ---- health


async def _health(service: Service) -> Sequence[PartHealth]:
    ivr = [service.reception.health] if service.reception else []
    return [*_pbx_health(service), await _database_health(service), _crm_health(service), _spool_health(service), *ivr]


def _pbx_health(service: Service) -> list[PartHealth]:
    links = [link.status for link in service.links.values()]
    if not links:
        return [PartHealth("pbx", "degraded", "no PBX is configured")]
    return [PartHealth(f"pbx:{one.pbx}", "ok" if one.state == "connected" else "failed", one.reason) for one in links]


async def _database_health(service: Service) -> PartHealth:
    status = service.journal.status
    if not status.is_store_up:
        return PartHealth("database", "failed", status.reason)
    try:
        async with asyncio.timeout(1.0):
            await service.people.agent(AgentId("-"))
    except (StoreUnavailable, TimeoutError) as away:
        return PartHealth("database", "failed", str(away) or "no answer within 1 s")
    return PartHealth("database", "ok")


def _crm_health(service: Service) -> PartHealth:
    return (
        PartHealth("crm", "degraded", "not answering; asked again soon")
        if service.lookup.breaker.is_open
        else PartHealth("crm", "ok")
    )


def _spool_health(service: Service) -> PartHealth:
    status = service.journal.status
    if status.is_spool_full or status.lost:
        return PartHealth("spool", "failed", f"full; {status.lost} facts lost")
    return PartHealth(
        "spool",
        "degraded" if status.spooled else "ok",
        f"{status.spooled} facts wait for the database" if status.spooled else "",
    )
