"""The processes of bench_push.py: one that tells of calls, as the PBXs' reader does, and those with desktops."""

import asyncio
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count, cycle
from multiprocessing.connection import Connection

from cti import log
from cti.agents.agent import Agent, AgentId
from cti.calls.call import CallId, Direction, LegId, Party, PbxName, Role
from cti.calls.events import CallEvent, Cleared, ConnectionCleared, Delivered, Established, Offered, Queued
from cti.calls.tracker import CallTracker
from cti.calls.transitions import CallChanged
from cti.crm.contact import Contact, ContactId, ContactNumber
from cti.fanout.desk_news import DeskNews
from cti.fanout.fed_hub import FedHub
from cti.fanout.feeder import Feeder
from cti.fanout.publishing import PublishingHub
from cti.fanout.redis_bus import RedisBus
from cti.fanout.redis_door import RedisDoor
from cti.screenpop.hub import HubSettings
from cti.screenpop.messages import CustomerCard, PbxView, PresenceView, QueueView
from cti.screenpop.server import DesktopServer, SocketSettings
from cti.screenpop.tickets import Ticket
from cti.screenpop.views import Site, contact_view
from cti.telephony.phone import Ability

PBX = PbxName("main")
AGENTS_OF_A_QUEUE = 15
ORIGIN = "http://bench"
SETTINGS = HubSettings(site=Site("DE"))
TALKS_S = 2.0
"""From the answer to the end; a call's life is short so that as many live as at a large site."""
_STATES = ("RESERVED", "TALKING", "WORK_READY", "READY")


def agents(number: int) -> tuple[Agent, ...]:
    return tuple(
        Agent(
            id=AgentId(f"a{nr}"), name=f"Agent {nr}", extension=str(10_000 + nr), device=f"PJSIP/{10_000 + nr}",
            queues=(f"queue-{nr // AGENTS_OF_A_QUEUE}",),
        )
        for nr in range(number)
    )  # fmt: skip


def in_turn(people: tuple[Agent, ...]) -> tuple[Agent, ...]:
    """One of each queue, then the next of each: however many there are, a queue has its calls at the same pace."""
    return tuple(agent for first in range(AGENTS_OF_A_QUEUE) for agent in people[first::AGENTS_OF_A_QUEUE])


# ---- with desktops


class OpenTickets:
    """Whoever names an agent is let in."""

    async def issue(self, agent: AgentId, session: str, session_ends_at: datetime, now: datetime) -> str:
        raise NotImplementedError

    async def redeem(self, token: str, now: datetime) -> Ticket | None:
        end = now.replace(year=now.year + 1)
        return Ticket(AgentId(token), f"session-{token}", end, end)

    async def revoke(self, session: str) -> None: ...


def be_push(name: str, redis_url: str, people: int, told: Connection) -> None:
    """Says the port, and serves until killed."""
    log.configure(level="error", form="json")
    asyncio.run(_push(name, redis_url, people, told))


async def _push(name: str, redis_url: str, people: int, told: Connection) -> None:
    bus = RedisBus(RedisDoor(redis_url), name)
    hub = FedHub(SETTINGS, bus, name)
    hub.roster(agents(people))
    desks, feeder = DeskNews(bus, name), Feeder(hub, bus, name)
    desks.serves(hub)
    sockets = SocketSettings(port=0, origins=frozenset({ORIGIN}), version="bench", unknown_per_address=10_000)
    server = DesktopServer(sockets, hub, OpenTickets())
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bus.run())
        tasks.create_task(desks.run())
        tasks.create_task(feeder.run())
        await server.run(told.send)


# ---- with calls


@dataclass(frozen=True, slots=True)
class Pace:
    agents: int
    calls_per_s: float


def be_reader(redis_url: str, pace: Pace, told: Connection) -> None:
    """Tells of calls for all agents in turn, until killed."""
    log.configure(level="error", form="json")
    asyncio.run(_reader(redis_url, pace, told))


async def _reader(redis_url: str, pace: Pace, told: Connection) -> None:
    bus = RedisBus(RedisDoor(redis_url), "pbx")
    hub = PublishingHub(SETTINGS, bus, "pbx", epoch=os.getpid())
    people = agents(pace.agents)
    hub.roster(people)
    hub.listeners.abilities = lambda _call, _agent: frozenset(Ability)
    hub.pbx(PbxView(name=PBX, state="connected", since=datetime.now(UTC)))
    desks = DeskNews(bus, "pbx")
    desks.listeners.on_picture_wanted = hub.picture_wanted
    calls = Calls(hub, people)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bus.run())
        tasks.create_task(desks.run())
        tasks.create_task(hub.run())
        told.send("ready")
        await calls.run(pace.calls_per_s)


class Calls:
    """Each call is told in steps, as ``Pipeline`` and ``Floor`` tell them; its card is 1 KB."""

    def __init__(self, hub: PublishingHub, people: tuple[Agent, ...]) -> None:
        self._hub = hub
        self._tracker = CallTracker()
        self._people = cycle(in_turn(people))
        self._numbers = count(1)

    async def run(self, calls_per_s: float) -> None:
        loop, due = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        while True:
            self._begin(next(self._numbers), next(self._people))
            due += 1 / calls_per_s
            await asyncio.sleep(max(0.0, due - loop.time()))

    def _begin(self, nr: int, agent: Agent) -> None:
        steps = self._steps(nr, agent)
        self._next(steps)

    def _next(self, steps: Iterator[float]) -> None:
        pause_s = next(steps, None)
        if pause_s is not None:
            asyncio.get_running_loop().call_later(pause_s, self._next, steps)

    def _steps(self, nr: int, agent: Agent) -> Iterator[float]:
        """Each yield is a pause."""
        call, queue = CallId(f"{PBX}-{nr}.{os.getpid()}"), agent.queues[0]
        customer = Party(leg=LegId(f"c{nr}"), role=Role.CUSTOMER, number="+49305551234")
        phone = Party(leg=LegId(f"p{nr}"), role=Role.AGENT, number=agent.extension, device=agent.device)
        self._tell(
            Offered(
                call=call, at=_now(), pbx=PBX, direction=Direction.INBOUND, ani="+49305551234", dnis="4930999",
                party=customer,
            )
        )  # fmt: skip
        self._tell(Queued(call=call, at=_now(), queue=queue))
        self._hub.queue(QueueView(name=queue, waiting=1, oldest_since=_now()))
        yield 0.05
        self._hub.card(_card(call))
        self._tell(Delivered(call=call, at=_now(), party=phone))
        self._state(agent, 0)
        yield 0.2
        self._tell(Established(call=call, at=_now(), party=phone))
        self._state(agent, 1)
        self._hub.queue(QueueView(name=queue, waiting=0))
        yield TALKS_S
        self._tell(ConnectionCleared(call=call, at=_now(), party=phone, cause="normal"))
        self._tell(Cleared(call=call, at=_now(), cause="normal", ended_by="customer"))
        self._state(agent, 2)
        yield 0.2
        self._state(agent, 3)

    def _tell(self, event: CallEvent) -> None:
        change = self._tracker.apply(event)
        if isinstance(change, CallChanged):
            self._hub.call_changed(change)

    def _state(self, agent: Agent, nr: int) -> None:
        self._hub.presence(
            PresenceView(agent=agent.id, state=_STATES[nr], since=_now(), queues=agent.queues)  # type: ignore[arg-type]
        )


def _card(call: CallId) -> CustomerCard:
    number = ContactNumber(typed="030 5551234", e164="+49305551234", label="office")
    contact = contact_view(
        Contact(
            id=ContactId("k1"), code="70012", name="Anna Berg", company="Berg & Partner GmbH", numbers=(number,) * 3,
            preferences=(("language", "de"), ("channel", "telephone")), fields=tuple((f"field {nr}", "x" * 30) for nr in range(8)),
        )
    )  # fmt: skip
    return CustomerCard(call=call, state="found", contacts=(contact,), chosen="k1", source="bench", as_of=_now())


def _now() -> datetime:
    return datetime.now(UTC)
