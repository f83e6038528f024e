"""What is weighed, each in a process of its own: the whole service, and its call model and hub."""

import asyncio
import gc
import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TypeVar

import mem_in_use
import streams
from pop_ground import COUNTRY, QUEUES, Agents
from pop_pbx import ENDS
from pop_service import SECRET, Ports
from pydantic import SecretStr

from cti import app, log, settings
from cti.agents.agent import Agent, AgentId
from cti.screenpop.hub import Hub, HubSettings
from cti.screenpop.views import Site
from cti.store.journal import Journal
from cti.telephony.asterisk.ami_codec import AmiDecoder
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator
from tests import heap

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Look:
    rss_kb: int
    in_use_kb: int
    held: dict[str, int]


AT_REST_S = 60.0
"""By then whatever was played to the service is dealt with."""


def look() -> Look:
    held = dict(heap.held())
    in_use_kb = mem_in_use.in_use_kb()
    mem_in_use.give_back()
    return Look(heap.rss_kb(), in_use_kb, held)


def be_service(url: str, ports: Ports, folder: Path, orders: Connection) -> None:
    """Serve until terminated. Told how many calls there have been since the start, it answers with a ``Look`` once each has popped,
    all are over, and the record is up to date; with words where that does not come."""
    log.configure(level="warning", form="json")
    given = settings.Settings(
        site=settings.Site(country=COUNTRY),
        pbx=(settings.Pbx(name="main", port=ports.pbx, events_secret=SECRET, commands_secret=SECRET),),
        web=settings.Web(port=ports.web),
        push=settings.Push(port=ports.push, allowed_origins=("http://localhost",)),
        database=settings.Database(url=SecretStr(url)),
        spool=settings.Spool(dir=folder / "spool"),
        # nobody takes a call every two seconds and owes a minute of paperwork for each
        queues={Agents.queue_of(number): settings.Queue(wrap_up="off") for number in range(QUEUES)},
    )

    async def run() -> None:
        serving = asyncio.create_task(app.run(given, started=lambda _: orders.send("up")))
        answering = asyncio.create_task(answer())
        await asyncio.wait({serving, answering}, return_when=asyncio.FIRST_COMPLETED)

    async def answer() -> None:
        while (calls := await asyncio.to_thread(orders.recv)) is not None:
            orders.send(await at_rest(calls) or look())

    asyncio.run(run())


async def at_rest(calls: int) -> str:
    """What is wrong, in words, where it does not come to rest after so many calls."""
    (hub,), until_s = _living(Hub), time.monotonic() + AT_REST_S
    while (popped := hub.receipts.steps["decided"].count) < calls or hub.live_count:
        if time.monotonic() > until_s:
            return f"{popped} pops of {calls} calls, {hub.live_count} calls not over"
        await asyncio.sleep(0.1)
    await asyncio.gather(*(journal.drained() for journal in _living(Journal)))
    return ""


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


def slope_kb(points: Sequence[tuple[float, float]]) -> float:
    """Of the line through these by least squares: KB for each of what is counted across."""
    middle_x = sum(x for x, _ in points) / len(points)
    middle_y = sum(y for _, y in points) / len(points)
    spread = sum((x - middle_x) ** 2 for x, _ in points)
    return sum((x - middle_x) * (y - middle_y) for x, y in points) / (spread or 1.0)
