"""The whole service in this process, before a PBX that plays hours in minutes: all live by one clock, which goes on when what
happened up to then is handled and on disk, so that every timer of the service fires as it would in those hours.
"""

import asyncio
import contextlib
import gc
import logging
import re
import sqlite3
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path

import aiohttp
import pop_desktops
import pop_ground
import pop_pbx
import pytest
import streams
import structlog
import time_machine

from cti import app, settings
from cti.screenpop import figures
from cti.screenpop.book import Book
from cti.store.journal import Journal
from cti.telephony.asterisk.ami_link import AmiLink
from cti.telephony.asterisk.mirror import Mirror
from cti.telephony.make import make_link
from tests.ports import free_port

CALLS_PER_S = 10.0
IN_FLIGHT = 20
AGENTS = pop_ground.Agents(count=40)
"""Two phones of theirs for each call in flight."""
CUSTOMERS = 50
MOST_KEPT = 100
"""Of what is kept of the past; where it is kept to a number, a soak must come to that number and stay there."""
REST_S = 900.0
"""After a lap, until all that waits for its time has had it: streams of desktops that do not come back, for one."""
_STEP_S = 4.0
"""Of the clock, while nothing happens: shorter than anybody's patience with somebody else."""
_STAMP = re.compile(rb"\r\nTimestamp: (\d+)")


@dataclass
class Clock:
    """This process' time: it runs, and can be put forward, for timers as well as for dates."""

    traveller: time_machine.Traveller
    ahead_s: float = 0.0

    def reach(self, epoch_s: float) -> None:
        if (left_s := epoch_s - time.time()) > 0:
            self.ahead_s += left_s
            self.traveller.shift(left_s)


@contextlib.contextmanager
def own_clock(patch: pytest.MonkeyPatch) -> Iterator[Clock]:
    running, getting = time.monotonic, time.clock_gettime
    with time_machine.travel(datetime.now(UTC), tick=True) as traveller, patch.context() as patched:
        clock = Clock(traveller)
        patched.setattr(time, "monotonic", lambda: running() + clock.ahead_s)
        patched.setattr(
            time, "clock_gettime", lambda one: getting(one) + (clock.ahead_s if one != time.CLOCK_REALTIME else 0.0)
        )
        yield clock


def keep_little(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(Mirror, "MOST_GRAVES", MOST_KEPT)
    patch.setattr(figures, "_KNOWN", MOST_KEPT)
    patch.setattr(figures, "_RECENT", MOST_KEPT)
    patch.setitem(Book.__init__.__kwdefaults__, "ended_kept", MOST_KEPT)
    patch.setitem(Book.__init__.__kwdefaults__, "journeys_kept", MOST_KEPT)


@dataclass
class Soak:
    clock: Clock
    link: AmiLink
    pbx: pop_pbx.Pbx
    journal: Journal
    database: Path
    place: pop_desktops.Place
    calls: int = 0
    pops: int = 0
    lost_early: int = 0
    """Desktops that were closed while calls were made."""
    seen: pop_desktops.Seen = field(default_factory=lambda: pop_desktops.Seen(_Times(), _Times()))
    """Of this lap."""

    async def lap(self, calls: int) -> None:
        """Desktops come, calls are made, desktops go, and all comes to rest."""
        self.seen = pop_desktops.Seen(_Times(), _Times())
        desktops = await self._sit_down()
        for second, events in groupby(self._events(calls), key=lambda event: event[0]):
            self.clock.reach(second)
            await self._happens([event for _, event in events])
        self.calls += calls
        self.pops += len(self.seen.popped_at)
        self.lost_early += self.seen.lost
        for desktop in desktops:
            if desktop.transport:
                desktop.transport.close()
        for _ in range(int(REST_S / _STEP_S)):
            self.clock.reach(time.time() + _STEP_S)
            await asyncio.sleep(0.005)
            await self.caught_up(0)

    def rows(self) -> dict[str, int]:
        """How many are in each table."""
        with closing(sqlite3.connect(self.database)) as db:
            names = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            counts = {name: db.execute(f'SELECT count(*) FROM "{name}"') for name in names}  # noqa: S608 - its own words
            return {name: count.fetchone()[0] for name, count in counts.items()}

    async def _sit_down(self) -> list[pop_desktops.Desktop]:
        loop, found = asyncio.get_running_loop(), []
        async with aiohttp.ClientSession() as http:
            for index in range(AGENTS.count):
                ticket = await pop_desktops.ticket_of(http, self.place, AGENTS, index)
                desktop = pop_desktops.Desktop(self.seen, self.place.port, ticket, loop.create_future())
                await loop.create_connection(lambda desktop=desktop: desktop, "127.0.0.1", self.place.port)
                await desktop.greeted
                found.append(desktop)
        return found

    def _events(self, calls: int) -> Iterator[tuple[int, bytes]]:
        """With the second in which each comes. Every other call is one of those with a story."""
        traffic = pop_pbx.Callers(
            desks=AGENTS, numbers=self.pbx.numbers, calling=CUSTOMERS, calls_per_s=CALLS_PER_S, in_flight=IN_FLIGHT,
            begins_at=time.time() - self.calls / CALLS_PER_S,
        )  # fmt: skip
        usual = streams.generated(calls // 2, first=self.calls, traffic=traffic)
        later = pop_pbx.Callers(
            desks=AGENTS, numbers=self.pbx.numbers, calling=CUSTOMERS, calls_per_s=CALLS_PER_S, in_flight=IN_FLIGHT,
            begins_at=traffic.begins_at + 2 * IN_FLIGHT / CALLS_PER_S,
        )  # fmt: skip
        stories = streams.recorded(calls - calls // 2, first=self.calls + calls // 2, traffic=later)
        second = 0
        for event in (*(usual), *stories):
            stamp = _STAMP.search(event)
            second = int(stamp[1]) if stamp else second
            yield second, event

    async def _happens(self, events: Iterable[bytes]) -> None:
        events = list(events)
        wanted = self.link.figures.events + len(events)
        for writer in self.pbx.listeners["service"]:
            writer.write(b"".join(events))
        await self.caught_up(wanted)

    async def caught_up(self, events: int) -> None:
        """All of these are handled, and on disk."""
        while self.link.figures.events < events or self.journal.status.waiting:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.001)


class _Times(dict[int, float]):
    """When, by the number of a call; 0 for those of which nothing is known."""

    def __missing__(self, call: int) -> float:
        return 0.0


@contextlib.asynccontextmanager
async def soaking(folder: Path, patch: pytest.MonkeyPatch) -> AsyncIterator[Soak]:
    customers, numbers = pop_ground.customers(CUSTOMERS)
    database = folder / "cti.db"
    await asyncio.to_thread(pop_ground.prepare, f"sqlite:///{database}", AGENTS, customers)
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("UPDATE agent SET queues = '[]'")  # this PBX keeps no members
    pbx = pop_pbx.Pbx(AGENTS, numbers, [])
    server = await asyncio.start_server(pbx.serve, "127.0.0.1", 0)
    given = _settings(folder, server.sockets[0].getsockname()[1])
    link = make_link(given.pbx[0], given.site, given.toll)
    up = asyncio.Event()
    with own_clock(patch) as clock, _quiet():
        serving = asyncio.create_task(app.run(given, links=[link], started=lambda _: up.set()))
        try:
            async with asyncio.timeout(30):
                await up.wait()
                while link.status.state != "connected":  # noqa: ASYNC110 - nothing announces it to the outside
                    await asyncio.sleep(0.01)
            journal = next(one for one in gc.get_objects() if isinstance(one, Journal))
            place = pop_desktops.Place(port=given.push.port, web=given.web.port)
            yield Soak(clock, link, pbx, journal, database, place)
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)
            server.close()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What is logged of thousands of calls takes longer to write than they do."""
    saved = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    try:
        yield
    finally:
        structlog.configure(**saved)


def _settings(folder: Path, pbx: int) -> settings.Settings:
    return settings.Settings(
        site=settings.Site(country=pop_ground.COUNTRY),
        pbx=(settings.Pbx(name="main", port=pbx, events_secret="soak", commands_secret="soak"),),  # type: ignore[arg-type]
        web=settings.Web(port=free_port()),
        push=settings.Push(port=free_port(), allowed_origins=("http://localhost",)),
        database=settings.Database(url=f"sqlite:///{folder / 'cti.db'}"),  # type: ignore[arg-type]
        spool=settings.Spool(dir=folder / "spool"),
    )
