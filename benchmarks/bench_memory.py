"""What a live call and an open desktop weigh, and what stays after millions of events and after tens of thousands of calls.

``python benchmarks/bench_memory.py`` (9 minutes; ``QUICK=1``: 1). The service is a process of its own, with its record in SQLite;
its memory is what the kernel says, after a collection of garbage. What grows in it over many calls is named.
"""

import contextlib
import multiprocessing
import sqlite3
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from harness import Aim, Line, Plot, Table, is_quick, save
from mem_service import Look, be_model, be_reader, be_service, slope_kb
from pop_desktops import Place, Seen, be_desktops
from pop_ground import Agents, customers, prepare
from pop_pbx import Pbx, Round, be_pbx
from pop_service import Ports

from tests import heap
from tests.ports import free_port

CUSTOMERS = 2000
CALLS_PER_S = 250.0
SLACK = 200
"""Entries that come and go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    live_calls: int
    desktops: Sequence[int]
    events: int
    samples: int
    soaked_calls: int
    laps: int


FULL = Sizes(live_calls=10_000, desktops=(1000, 5000), events=10_000_000, samples=40, soaked_calls=50_000, laps=10)
SHORT = Sizes(live_calls=2_000, desktops=(1000,), events=1_000_000, samples=10, soaked_calls=4_000, laps=4)


@dataclass
class House:
    service: Connection
    pbx: Connection
    ports: Ports

    def look(self) -> Look:
        self.service.send("look")
        found = self.service.recv()
        assert isinstance(found, Look)  # noqa: S101 - for the type checker
        return found

    def play(self, first: int, count: int) -> None:
        self.pbx.send(Round(target="service", first=first, count=count, calls_per_s=CALLS_PER_S, customers=CUSTOMERS))
        self.pbx.recv()


@contextlib.contextmanager
def housed(agents: Agents) -> Iterator[House]:
    some, numbers = customers(CUSTOMERS)
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as folder, _processes() as running:
        url = f"sqlite:///{folder}/cti.db"
        prepare(url, agents, some)
        with contextlib.closing(sqlite3.connect(f"{folder}/cti.db")) as database, database:
            database.execute("UPDATE agent SET queues = '[]'")  # this PBX keeps no members
        ports = Ports(pbx=free_port(), web=free_port(), push=free_port(), floor=0)
        rang_at = multiprocessing.Array("d", 2 * FULL.soaked_calls, lock=False)
        pbx = started(running, be_pbx, Pbx(agents, numbers, rang_at), ports.pbx)
        service = started(running, be_service, url, ports, Path(folder))
        time.sleep(2)  # it connects to its PBX
        yield House(service, pbx, ports)


@contextlib.contextmanager
def _processes() -> Iterator[list[BaseProcess]]:
    running: list[BaseProcess] = []
    try:
        yield running
    finally:
        for process in running:
            process.terminate()
            process.join(20)


def started(running: list[BaseProcess], work: Any, *given: Any, says: str = "up") -> Connection:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=work, args=(*given, theirs), daemon=True)
    process.start()
    running.append(process)
    if says and not (ours.poll(120) and ours.recv() == says):
        raise RuntimeError(f"{work.__name__} did not come up")
    return ours


# ---- what is measured


def of_live_calls(calls: int) -> float:
    """KB for each call that an agent is in, after a tenth of them as a warm-up."""
    with _processes() as running:
        orders = started(running, be_model, calls, calls // 10, says="")
        before, after, live = (orders.recv() for _ in range(3))
        if live != calls + calls // 10:
            raise RuntimeError(f"{live} calls are live of {calls + calls // 10}")
        return float(after - before) / calls


def of_desktops(count: int) -> float:
    """KB for each open desktop that is told nothing, after two hundred as a warm-up."""
    agents = Agents(count)
    with housed(agents) as house, _processes() as running:
        seen = Seen([0.0], [0.0])
        place = Place(port=house.ports.push, web=house.ports.web)
        before = house.look()
        people = started(running, be_desktops, agents, seen, says="")
        people.send(place)
        people.recv()
        return (house.look().rss_kb - before.rss_kb) / count


def of_reading(events: int, samples: int) -> list[tuple[float, float]]:
    """(million events, MB)."""
    with _processes() as running:
        orders = started(running, be_reader, events, samples, says="")
        points = [orders.recv() for _ in range(samples)]
        _, live = orders.recv()
        if live:
            raise RuntimeError(f"{live} calls are still live after their end")
        return [(read / 1e6, kb / 1024) for read, kb in points]


def of_soaking(calls: int, laps: int) -> tuple[list[tuple[float, float]], dict[str, tuple[int, int]]]:
    """(thousand calls, MB), and what has grown in the last half, with its sizes then and now."""
    agents, looks = Agents(500), []
    with housed(agents) as house, _processes() as running:
        seen = Seen(*(multiprocessing.get_context("spawn").Array("d", 2 * calls, lock=False) for _ in range(2)))
        people = started(running, be_desktops, agents, seen, says="")
        people.send(Place(port=house.ports.push, web=house.ports.web))
        people.recv()
        for lap in range(laps):
            house.play(lap * (calls // laps), calls // laps)
            time.sleep(2)
            looks.append(house.look())
            print(f"  {(lap + 1) * (calls // laps):,} calls: {looks[-1].rss_kb / 1024:.0f} MB", flush=True)
    points = [((lap + 1) * (calls // laps) / 1000, look.rss_kb / 1024) for lap, look in enumerate(looks)]
    return points, heap.grown(looks[laps // 2].held, looks[-1].held, by_more_than=SLACK)


# ---- what is said of it


def main() -> None:
    sizes = SHORT if is_quick() else FULL
    per_call = of_live_calls(sizes.live_calls)
    per_desktop = [(count, of_desktops(count)) for count in sizes.desktops]
    reading = of_reading(sizes.events, sizes.samples)
    soaking, grown = of_soaking(sizes.soaked_calls, sizes.laps)
    read_mb = slope_kb(reading[len(reading) // 2 :])
    call_kb = slope_kb(soaking[len(soaking) // 2 :]) * 1.024
    rows = (
        (f"a live call, {sizes.live_calls:,} of them", per_call),
        *((f"an idle desktop, {count:,} of them", kb) for count, kb in per_desktop),
        (f"a call that is over, after {sizes.soaked_calls:,}", call_kb),
    )
    save(
        "memory",
        tables=[
            Table(title="What it weighs", columns=("what", "KB"), rows=rows, note="What the process has more, divided by how many there are more: the call in the model, the PBX's mirror, the hub and on the record."),
            Table(title="What has more entries after the second half of the calls", columns=("whose", "before", "after"), rows=tuple((name, *counts) for name, counts in list(grown.items())[:12]), note="Containers and objects of the whole service by name, counted after a collection; those kept to a number (the last 10,000 pops) are flat once it is reached."),
        ],
        plots=[
            Plot(title="Memory of a reader and tracker over its events", x="million events", y="MB", lines=(Line(name="resident", points=tuple(reading)),)),
            Plot(title="Memory of the whole service over its calls", x="thousand calls", y="MB", lines=(Line(name="resident", points=tuple(soaking)),)),
        ],
        aims=[
            Aim(words=f"memory over {sizes.events / 1e6:g} million events", wanted="flat: under 0.1 MB a million", found=f"{read_mb:+.3f} MB a million", is_met=read_mb < 0.1),
            Aim(words=f"memory of the service over {sizes.soaked_calls:,} calls", wanted="flat: under 0.1 KB a call", found=f"{call_kb:+.3f} KB a call", is_met=call_kb < 0.1),
            Aim(words="containers with more entries after the second half of the calls", wanted="none", found=", ".join(grown) or "none", is_met=not grown),
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
