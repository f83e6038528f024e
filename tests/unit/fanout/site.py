"""Several processes in one test, over a bus of paper: what was published lies there until it is delivered."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from cti.agents.agent import AgentId
from cti.fanout.bus import Answer, Ask, Gap
from cti.fanout.desk_news import DeskNews
from cti.fanout.entry import Entry, Kind
from cti.fanout.fed_hub import FedHub
from cti.fanout.feeder import Feeder
from cti.fanout.publishing import PublishingHub
from cti.fanout.wire import Outgoing, decode_batch
from cti.screenpop.hub import HubSettings
from cti.screenpop.messages import PbxView
from tests.unit.screenpop.fakes import SITE, Clock, PaperDesktop
from tests.unit.screenpop.stories import AGENTS, MARA, T0

SETTINGS = HubSettings(site=SITE)


@dataclass(eq=False)
class PaperBus:
    published: deque[tuple[str, Entry]] = field(default_factory=deque)
    is_up: bool = True
    reason: str = ""

    async def run(self) -> None: ...

    def publish(self, stream: str, entry: Entry) -> None:
        """As it comes out of the wire at the other end."""
        outgoing = Outgoing("w")
        outgoing.put(entry)
        (read,) = decode_batch(outgoing.batch()).entries
        if self.is_up:
            self.published.append((stream, read))

    def read(self, stream: str) -> AsyncIterator[Entry | Gap]:
        raise NotImplementedError(stream)

    async def ask(self, ask: Ask) -> Answer:
        raise NotImplementedError(ask)

    async def serve(self, carry_out: Callable[[Ask], Awaitable[Answer]]) -> None:
        raise NotImplementedError(carry_out)


class Push:
    """A process with desktops."""

    def __init__(self, site: "Site", name: str) -> None:
        self.name = name
        self.hub = FedHub(SETTINGS, site.bus, name, clock=site.clock, new_id=site.new_id)
        self.feeder = Feeder(self.hub, site.bus, name, clock=site.seconds, now=site.clock)
        self.desks = DeskNews(site.bus, name, clock=site.seconds, now=site.clock)
        self.desks.serves(self.hub)
        self.desks.listeners.on_session_ended = self.hub.desktops.session_ended
        self.hub.roster(AGENTS)

    def desktop(self, agent: AgentId = MARA.id, **more: Any) -> PaperDesktop:
        return PaperDesktop(self.hub, agent, **more)


class Site:
    """One process that reads the PBX, and as many with desktops as a test wants."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.bus = PaperBus()
        self.pushes: list[Push] = []
        ids = iter(f"id{number}" for number in range(10_000))
        self.new_id: Callable[[], str] = lambda: next(ids)
        self.reader_desks = DeskNews(self.bus, "pbx", clock=self.seconds, now=self.clock)
        self.new_reader(epoch=1)

    def new_reader(self, epoch: int) -> PublishingHub:
        self.reader = PublishingHub(
            SETTINGS, self.bus, f"pbx-{epoch}", epoch=epoch, clock=self.clock, new_id=self.new_id
        )
        self.reader.roster(AGENTS)
        self.reader.pbx(PbxView(name="main", state="connected", since=T0))
        self.reader_desks.listeners.on_picture_wanted = self.reader.picture_wanted
        self.reader_desks.listeners.on_card = self.reader.card
        return self.reader

    def seconds(self) -> float:
        return (self.clock.now - T0).total_seconds()

    async def push(self, name: str) -> Push:
        """It starts, and has the picture."""
        push = Push(self, name)
        self.pushes.append(push)
        push.feeder.feed(Gap("just begun"))
        push.desks.heard(Gap("just begun"))
        await self.settle()
        return push

    def dies(self, push: Push) -> None:
        """Or stands still, or is cut off: nobody can tell."""
        self.pushes.remove(push)

    def lose(self) -> list[Entry]:
        """What lies on the bus is gone."""
        lost = [entry for _, entry in self.bus.published]
        self.bus.published.clear()
        return lost

    def deliver(self) -> list[Entry]:
        """All that lies on the bus, to everybody."""
        told: list[Entry] = []
        while self.bus.published:
            stream, entry = self.bus.published.popleft()
            told.append(entry)
            if stream == "desks":
                self.reader_desks.heard(entry)
            for push in self.pushes:
                push.feeder.feed(entry) if stream == "news" else push.desks.heard(entry)
        return told

    async def settle(self) -> None:
        """Until nobody has anything to say."""
        while self.bus.published or self.reader._is_picture_wanted:
            self.deliver()
            if self.reader._is_picture_wanted:
                await self.reader._tell_all()
            for desks in (self.reader_desks, *(push.desks for push in self.pushes)):
                desks.look()

    async def goes(self, seconds: float, *, alive: bool = True) -> None:
        """Time passes in small steps; whoever is there says so."""
        until = self.seconds() + seconds
        while self.seconds() < until:
            self.clock.goes(0.5)
            if alive:
                self.reader._publish(Kind.ALIVE)
                self.reader_desks._say(Kind.ALIVE)
            for push in self.pushes:
                push.desks._say(Kind.ALIVE)
                push.feeder.look()
                push.hub.expire(self.clock.now)
                push.desks.look()
            self.reader.expire(self.clock.now)
            self.reader_desks.look()
            await self.settle()
