"""A process in front of desktops and browsers, without a PBX: told by the bus, asking over it, reading the record."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from prometheus_client import CollectorRegistry

from cti import __version__, settings
from cti.app import listeners, values
from cti.app.front_health import front_health
from cti.app.outward import make_bus
from cti.app.process_figures import BusFigures
from cti.app.roster import RosterKeeper
from cti.app.service import first_agents, make_ready, spool
from cti.app.wanted import Started, Wanted
from cti.clock import now
from cti.crm.connector import CrmConnector
from cti.crm.connectors import connect
from cti.crm.contact import Contact
from cti.envelope import Envelope
from cti.errors import SpeechUnavailable
from cti.fanout import wishes
from cti.fanout.desk_news import DeskNews
from cti.fanout.fed_hub import FedHub
from cti.fanout.feeder import Feeder
from cti.fanout.redis_bus import RedisBus
from cti.fanout.redis_door import RedisDoor
from cti.fanout.redis_tickets import RedisTickets
from cti.fanout.remote_asker import Asker
from cti.fanout.remote_commands import RemoteCommands
from cti.fanout.remote_shift import RemoteShift
from cti.figures import RecordFigures
from cti.ivr.flows import Flows
from cti.ivr.speech import Text
from cti.log import logger
from cti.reception import hearing_of
from cti.screenpop.figures import fact
from cti.store.database import Database
from cti.store.journal import Journal
from cti.store.sql import SqlInteractionLog
from cti.store.sql_people import SqlPeople
from cti.switchboard.make import make_guard
from cti.telephony.voice import Sound
from cti.web.metrics import HubFigures
from cti.web.parts import Parts
from cti.web.recent import RecentLogins

log = logger("app")

STOP_S: Final = 10.0
TICK_S: Final = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    given: settings.Settings
    interactions: SqlInteractionLog
    people: SqlPeople
    journal: Journal
    customers: CrmConnector
    bus: RedisBus
    hub: FedHub
    feeder: Feeder
    desks: DeskNews
    tickets: RedisTickets
    asker: Asker
    commands: RemoteCommands
    shift: RemoteShift
    roster: RosterKeeper
    flows: Flows
    recent: RecentLogins = field(default_factory=RecentLogins)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)


async def front_and_serve(wanted: Wanted) -> None:
    """Until cancelled."""
    async with _built(wanted) as front, asyncio.TaskGroup() as tasks:
        writing = tasks.create_task(front.journal.run(), name="journal")
        running = [
            tasks.create_task(front.bus.run(), name="bus"),
            tasks.create_task(front.feeder.run(), name="feeder"),
            tasks.create_task(front.desks.run(), name="desks"),
            tasks.create_task(front.roster.run(), name="roster"),
            tasks.create_task(front.flows.watch(), name="flows"),
            *([] if "push" in wanted.given.roles else [tasks.create_task(_tick(front.hub), name="clock")]),
            *listeners.listen(tasks, _listeners(wanted, front), lambda: _say(wanted)),
        ]
        try:
            await asyncio.gather(*running)
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            await front.asker.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await front.journal.flush()
            writing.cancel()


@contextlib.asynccontextmanager
async def _built(wanted: Wanted) -> AsyncIterator[Front]:
    given = wanted.given
    url, name = given.database.url.get_secret_value(), values.process_name(given)
    await make_ready(url)
    async with contextlib.AsyncExitStack() as closing:
        database = Database(url, pool_size=given.database.pool_size)
        closing.push_async_callback(database.close)
        customers = connect(given.crm.connector, values.crm_setup(given, url))
        closing.push_async_callback(customers.close)
        people = SqlPeople(database)
        bus = make_bus(given)
        door = RedisDoor(given.redis.url.get_secret_value())
        closing.push_async_callback(door.close)
        hub = FedHub(values.hub_settings(given), bus, name)
        desks, asker = DeskNews(bus, name), Asker(bus, name)
        interactions = SqlInteractionLog(database)
        front = Front(
            given=given, interactions=interactions, people=people, journal=Journal(interactions, spool(given)),
            customers=customers, bus=bus, hub=hub, feeder=Feeder(hub, bus, name), desks=desks,
            tickets=RedisTickets(door), asker=asker,
            commands=RemoteCommands(asker, hub, make_guard(given.toll, given.site, given.pbx)),
            shift=RemoteShift(asker, roster_changed=desks.roster_changed),
            roster=RosterKeeper(people, hub.roster, hub.desktops),
            flows=Flows(given.ivr.flows, given.ivr.lines, given.ivr.flow, _Mute(), hearing_of(given)),
        )  # fmt: skip
        _connect(front)
        hub.roster(await first_agents(given, people))
        front.registry.register(HubFigures(front.hub, now))
        front.registry.register(BusFigures(front.bus, front.feeder))
        front.registry.register(RecordFigures(front.journal))
        yield front


def _connect(front: Front) -> None:
    front.desks.serves(front.hub)
    front.desks.listeners.on_roster = front.roster.changed

    def session_ended(session: str) -> None:
        front.hub.desktops.session_ended(session)
        front.recent.forget(session)

    front.desks.listeners.on_session_ended = session_ended
    front.hub.listeners.on_receipt = lambda noted: front.journal.record(fact(noted))


def _listeners(wanted: Wanted, front: Front) -> dict[str, listeners.Listener]:
    given, roles = wanted.given, wanted.given.roles
    if "web" in roles:
        found = {"web": listeners.web(given, _parts(wanted, front))}
    else:
        found = {"web": listeners.probe(given, lambda: front_health(front), front.registry)}
    if "push" in roles:
        found["push"] = listeners.desktops(given, front.hub, front.tickets)
    return found


def _say(wanted: Wanted) -> None:
    log.info("started", version=__version__, roles=wanted.given.roles, process=values.process_name(wanted.given))
    wanted.started(Started(url=values.url(wanted.given) if "web" in wanted.given.roles else "", pbxs=()))


async def _tick(hub: FedHub) -> None:
    """The hub's clock, where no desktops are served that would play it."""
    while True:
        hub.expire(now())
        await asyncio.sleep(TICK_S)


def _parts(wanted: Wanted, front: Front) -> Parts:
    given = wanted.given

    async def record(facts: Sequence[Envelope]) -> None:
        for one in facts:
            front.journal.record(one)
        await front.journal.flush()

    async def contact_changed(contact: Contact) -> None:
        front.asker.tell(wishes.ContactChanged(contact=contact))

    return Parts(
        site=values.web_site(given, wanted.demo), people=front.people, log=front.interactions, hub=front.hub,
        tickets=front.tickets, customers=front.customers, commands=front.commands, shift=front.shift, record=record,
        contact_changed=contact_changed, health=lambda: front_health(front), registry=front.registry,
        recordings=given.ivr.recordings, flow=front.flows.get, queues=values.queues(given), recent=front.recent,
    )  # fmt: skip


class _Mute:
    """Flows are only drawn here: nothing is spoken."""

    async def ready(self, *_: object, **__: object) -> None:
        pass

    async def missing(self, _: object) -> list[Text]:
        return []

    async def sound(self, text: str, language: str) -> Sound:
        raise SpeechUnavailable(f"nothing is spoken here: {text!r} in {language}")
