"""What is weighed, each in a process of its own: the whole service, its call model and hub, its reader."""

import asyncio
import gc
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

import streams
from pop_ground import COUNTRY
from pop_pbx import ENDS
from pop_service import Ports

from cti import app, log, settings
from cti.agents.agent import Agent, AgentId
from cti.screenpop.hub import Hub, HubSettings
from cti.screenpop.views import Site
from cti.store.journal import Journal
from cti.telephony.asterisk.ami_codec import AmiDecoder
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator
from cti.telephony.asterisk.unread import is_unread
from tests import heap

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Look:
    rss_kb: int
    held: dict[str, int]


def look() -> Look:
    held = dict(heap.held())
    return Look(heap.rss_kb(), held)


def be_service(url: str, ports: Ports, folder: Path, orders: Connection) -> None:
    """Serve until terminated; whatever is asked is answered with a ``Look``, once the record is up to date."""
    log.configure(level="warning", form="json")
    given = settings.Settings(
        site=settings.Site(country=COUNTRY),
        pbx=(settings.Pbx(name="main", port=ports.pbx, events_secret="bench", commands_secret="bench"),),  # type: ignore[arg-type] # noqa: S106
        web=settings.Web(port=ports.web),
        push=settings.Push(port=ports.push, allowed_origins=("http://localhost",)),
        database=settings.Database(url=url),  # type: ignore[arg-type]
        spool=settings.Spool(dir=folder / "spool"),
    )

    async def run() -> None:
        serving = asyncio.create_task(app.run(given, started=lambda _: orders.send("up")))
        answering = asyncio.create_task(answer())
        await asyncio.wait({serving, answering}, return_when=asyncio.FIRST_COMPLETED)

    async def answer() -> None:
        while await asyncio.to_thread(orders.recv):
            await asyncio.gather(*(journal.drained() for journal in _living(Journal)))
            orders.send(look())

    asyncio.run(run())


def _living(kind: type[_T]) -> list[_T]:
    return [one for one in gc.get_objects() if type(one) is kind]


def be_model(calls: int, warm_up: int, orders: Connection) -> None:
    """The call model, the PBX's mirror and the hub with so many calls that agents are in; sends KB before and after."""
    decoder, narrator, hub = AmiDecoder(), Narrator("bench", Endpoints()), Hub(HubSettings(site=Site(COUNTRY)))
    phones = [streams.USUAL.agent(at) for at in range(streams.USUAL.agents)]
    hub.roster([Agent(id=AgentId(phone), name="", device=f"PJSIP/{phone}") for phone in phones])
    for number in range(warm_up + calls):
        if number == warm_up:
            orders.send(look().rss_kb)
        for event in itertools.takewhile(lambda event: ENDS not in event, streams.generated(1, first=number)):
            for change in (change for message in decoder.feed(event) for change in narrator.feed(message)):
                hub.call_changed(change)
    orders.send(look().rss_kb)
    orders.send(len(narrator.tracker.live))


def be_reader(events: int, samples: int, orders: Connection) -> None:
    """Reads and tells so many events, and sends its memory (KB) after each share of them. What is told goes nowhere."""
    decoder, narrator = AmiDecoder(passes_over=is_unread), Narrator("bench", Endpoints())
    calls, told, read = events // samples // EVENTS_PER_CALL, 0, 0
    for lap in range(samples):
        for chunk in streams.sized(streams.generated(calls, first=lap * calls)):
            told += sum(len(narrator.feed(message)) for message in decoder.feed(chunk))
        read += calls * EVENTS_PER_CALL
        orders.send((read, heap.rss_kb()))
    orders.send((told, len(narrator.tracker.live)))


EVENTS_PER_CALL: int = 53


def slope_kb(points: Sequence[tuple[float, float]]) -> float:
    """Of the line through these by least squares: KB for each of what is counted across."""
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / (spread or 1.0)
