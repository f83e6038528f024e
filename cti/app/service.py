"""All rooms, built from Settings from the bottom up and closed from the top down. Only this file knows every room."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry

from cti import settings
from cti.agents.agent import Agent
from cti.app import values
from cti.app.backfilling import Backfilling, places_of
from cti.app.outward import Outward
from cti.app.process_figures import BusFigures, LeaseFigures
from cti.app.tenure import Tenure
from cti.app.wanted import Wanted
from cti.calls.call import PbxName
from cti.clock import now
from cti.crm.connector import CrmConnector
from cti.crm.connectors import connect
from cti.crm.lookup import Lookup
from cti.errors import ConfigError, Conflict, StoreUnavailable
from cti.figures import RecordFigures, ServiceFigures
from cti.floor.figures import FloorFigures
from cti.floor.floor import Floor
from cti.floor.make import make_floor
from cti.log import logger
from cti.pipeline import Pipeline
from cti.reception import Neighbours, Reception, wants_reception
from cti.screenpop.dialled import DialledNumbers
from cti.screenpop.hub import Hub
from cti.screenpop.tickets import MemoryTickets, Tickets
from cti.store import schema
from cti.store.database import Database
from cti.store.journal import Journal
from cti.store.spool import Spool
from cti.store.sql import SqlInteractionLog
from cti.store.sql_people import SqlPeople
from cti.switchboard import Switchboard
from cti.switchboard.figures import SwitchboardFigures
from cti.switchboard.make import make_guard
from cti.telephony.link import News, PbxLink
from cti.telephony.make import make_link
from cti.web.metrics import HubFigures
from cti.web.passwords import hash_password

log = logger("app")


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
    backfilling: Backfilling
    tenure: Tenure | None = None
    """None: nobody else can read these PBXs."""
    outward: Outward | None = None
    """None: the desktops are here."""
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def news(self, news: News) -> None:
        """The sink of every PBX: the pop and the record first, then what it means to the agents."""
        self.pipeline.news(news)
        self.floor.news(news)
        self.backfilling.news(news)

    def roster(self, agents: Iterable[Agent]) -> None:
        agents = tuple(agents)
        self.hub.roster(agents)
        self.floor.roster(agents)


@contextlib.asynccontextmanager
async def built(wanted: Wanted, tenure: Tenure | None) -> AsyncIterator[Service]:
    """``tenure``: the lease behind which all is written and commanded."""
    given = wanted.given
    url = given.database.url.get_secret_value()
    await make_ready(url)
    async with contextlib.AsyncExitStack() as closing:
        database = Database(url, pool_size=given.database.pool_size)
        closing.push_async_callback(database.close)
        if wanted.prepare:
            await wanted.prepare(database)
        customers = connect(given.crm.connector, values.crm_setup(given, url))
        interactions, people = SqlInteractionLog(database), SqlPeople(database)
        lookup = Lookup(customers, values.lookup_rules(given), ruled_out=interactions.ruled_out)
        closing.push_async_callback(lookup.close)
        agents = await first_agents(given, people)
        outward = Outward(given, tenure) if tenure and not wanted.is_whole else None
        hub: Hub = outward.hub if outward else Hub(values.hub_settings(given))
        journal = Journal(interactions, spool(given), fence=tenure.fence if tenure else None)
        dialled = DialledNumbers()
        pipeline = Pipeline(
            hub=hub, journal=journal, lookup=lookup, interactions=interactions, country=given.site.country, dialled=dialled,
        )  # fmt: skip
        made = wanted.links if wanted.links is not None else _links(given, tenure)
        by_name = {link.name: link for link in made}
        hub.listeners.abilities = lambda call, agent: (
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
            tickets=MemoryTickets(), links=by_name, pipeline=pipeline, switchboard=switchboard,
            floor=make_floor(given, hub, by_name, journal.record),
            reception=Reception(given, beside) if wants_reception(given) else None,
            tenure=tenure, outward=outward,
            backfilling=Backfilling(places_of(given), by_name, interactions, journal, database, fence=tenure.fence if tenure else None),
        )  # fmt: skip
        service.roster(agents)
        service.registry.register(HubFigures(hub, now))
        service.registry.register(ServiceFigures(service.links, lookup))
        service.registry.register(RecordFigures(journal))
        if outward:
            service.registry.register(BusFigures(outward.bus))
        service.registry.register(FloorFigures(service.floor))
        if tenure:
            service.registry.register(LeaseFigures(tenure.holder))
        service.registry.register(SwitchboardFigures(guard))
        if service.reception:
            service.registry.register(service.reception.figures)
        for link in made:
            service.news(link.status)
        yield service


def _links(given: settings.Settings, tenure: Tenure | None) -> Sequence[PbxLink]:
    may_act = tenure.may_act if tenure else lambda: True
    return [make_link(pbx, given.site, given.toll, may_act=may_act) for pbx in given.pbx]


async def make_ready(url: str) -> None:
    """An embedded database is made; a server's may be away, which the spool bears, or of another age, which nothing does."""
    try:
        await schema.make_ready(url)
    except StoreUnavailable as away:
        log.warning("database_unavailable", reason=str(away))


def spool(given: settings.Settings) -> Spool:
    """Each process has its own, and the same one after a restart."""
    folder = Path(given.spool.dir)
    name = "facts.spool" if values.is_whole(given) else f"facts-{values.process_name(given)}.spool"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Spool(folder / name, max_bytes=given.spool.max_bytes)
    except OSError as error:
        raise ConfigError(f"spool.dir: {folder} cannot be written: {error.strerror}") from error


async def first_agents(given: settings.Settings, people: SqlPeople) -> tuple[Agent, ...]:
    """The accounts of the first start are those of the settings; afterwards the database has the word."""
    try:
        known = {agent.id for agent in await people.agents()}
        for account in given.agents:
            if account.id not in known:
                await _add(people, account)
        return await people.agents()
    except StoreUnavailable as away:
        log.warning("agents_unavailable", reason=str(away))
        return tuple(values.agent(account) for account in given.agents)


async def _add(people: SqlPeople, account: settings.AgentAccount) -> None:
    password_hash = await asyncio.to_thread(_hashed, account.password.get_secret_value())
    with contextlib.suppress(Conflict):  # another process that is started for the first time as well was quicker
        await people.add(values.agent(account), password_hash)


def _hashed(password: str) -> str:
    return hash_password(password) if password else ""
