"""How long it takes from the byte of the PBX that a phone rings to the pop on that agent's desktop, and to the customer's card.

``python benchmarks/bench_pop.py`` (12 minutes; ``--quick``: 1). PBX, service, floor and desktops are processes of their own; what is
measured is when a desktop has read the frame, less when the PBX wrote the ring, by the clock that all processes share. Floor and
service take turns on the same calls, customers and desktops.
"""

import argparse
import contextlib
import multiprocessing
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, MutableSequence, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from harness import Aim, Line, Plot, Table, cpu_s, is_quick, need, percentile, save
from pop_desktops import Place, Seen, be_desktops
from pop_ground import Agents, customers, prepare
from pop_pbx import Pbx, Round, be_pbx
from pop_service import Ports, Shared, be_floor, be_service

from cti.store.customers import Customer
from tests.ports import free_port
from tests.postgres_server import running_server

MOST_CALLS = 60_000
SETTLE_S = 1.0
"""For what is still on its way when the last call of a round has begun."""
STANDSTILL_S = 3.0
"""A pop that is late comes within this of the one before it; what has not come then is lost."""
WARM_CUSTOMERS = 50
BUSY_S = 0.1
"""Of half a second; a service with nothing to do but a thousand desktops takes less."""
AIMED_AT = 100.0
"""Calls a second: the largest contact center there is. Above it we look what happens, and promise nothing."""
CRM_TAKES_S = {"cold": 0.0, "warm": 0.0, "slow": 1.0, "dead": -1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One row of the matrix."""

    calls_per_s: float
    seconds: float
    look_up: str = "cold"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Latencies in ms."""

    pops: Sequence[float]
    cards: Sequence[float]
    calls: int
    cpu: float
    """Share of one core."""
    most_tasks: int = 0

    @property
    def lost(self) -> int:
        return self.calls - len(self.pops)

    @property
    def no_card(self) -> int:
        """Calls whose customer no desktop was shown: no latency has them."""
        return self.calls - len(self.cards)


@dataclass(kw_only=True)
class Stage:
    """All processes, up and connected."""

    desktops: int
    rang_at: MutableSequence[float]
    seen: Seen
    shared: Shared
    pbx: Connection
    people: Connection
    pids: dict[str, int]
    next_call: int = 0

    def play(self, target: str, cell: Cell) -> Found:
        count = max(20, int(cell.calls_per_s * cell.seconds))
        first, self.next_call = self.next_call, self.next_call + count
        self.shared.crm_takes_s.value, self.shared.most_tasks.value = CRM_TAKES_S[cell.look_up], 0
        warm = WARM_CUSTOMERS if cell.look_up == "warm" else 0
        before, began = cpu_s(self.pids[target]), time.monotonic()
        self.pbx.send(Round(target=target, first=first, count=count, calls_per_s=cell.calls_per_s, customers=warm))
        self.pbx.recv()
        cpu = (cpu_s(self.pids[target]) - before) / (time.monotonic() - began)
        calls = range(first, first + count)
        self._until_all_is_told(calls, self.pids[target])
        return Found(
            pops=self._latencies(self.seen.popped_at, calls), cards=self._latencies(self.seen.known_at, calls), calls=count,
            cpu=cpu, most_tasks=self.shared.most_tasks.value,
        )  # fmt: skip

    def _until_all_is_told(self, calls: range, pid: int) -> None:
        """A rate above what one process can do leaves it behind; the next round begins when it has caught up."""
        time.sleep(SETTLE_S)
        popped, at_s = -1, time.monotonic()
        while popped < len(calls) and time.monotonic() - at_s < STANDSTILL_S:
            now = sum(1 for call in calls if self.seen.popped_at[call])
            popped, at_s = now, time.monotonic() if now > popped else at_s
            time.sleep(0.1)
        busy_s = 1.0
        while busy_s > BUSY_S:
            before = cpu_s(pid)
            time.sleep(0.5)
            busy_s = cpu_s(pid) - before

    def closed(self) -> int:
        """Sockets that were closed on desktops."""
        self.people.send("how is it")
        return int(self.people.recv()[1])

    def _latencies(self, seen_at: MutableSequence[float], calls: range) -> list[float]:
        return [(seen_at[call] - self.rang_at[call]) * 1000 for call in calls if seen_at[call]]


@contextlib.contextmanager
def staged(url: str, desktops: int, some: Sequence[Customer], numbers: Sequence[str]) -> Iterator[Stage]:
    agents = Agents(desktops)
    _in_process(prepare, url, agents, some)
    ports = Ports(pbx=free_port(), web=free_port(), push=free_port(), floor=free_port())
    rang_at, popped_at, known_at = (multiprocessing.Array("d", MOST_CALLS, lock=False) for _ in range(3))
    shared = Shared(crm_takes_s=multiprocessing.Value("d", 0.0), most_tasks=multiprocessing.Value("i", 0))
    seen = Seen(popped_at, known_at)
    folder = Path(tempfile.mkdtemp(prefix="bench-pop-"))
    running: dict[str, BaseProcess] = {}
    try:
        pbx = _started(running, "pbx", be_pbx, Pbx(agents, numbers, rang_at), ports.pbx)
        _started(running, "floor", be_floor, url, ports)
        _started(running, "service", be_service, url, ports, folder, shared)
        people = _started(running, "people", be_desktops, agents, seen)
        for place in (Place(port=ports.floor, web=0), Place(port=ports.push, web=ports.web)):
            people.send(place)
            people.recv()
        yield Stage(
            desktops=desktops, rang_at=rang_at, seen=seen, shared=shared, pbx=pbx, people=people,
            pids={name: process.pid or 0 for name, process in running.items()},
        )  # fmt: skip
    finally:
        for process in reversed(running.values()):
            process.terminate()
        for process in running.values():
            process.join(20)
        shutil.rmtree(folder, ignore_errors=True)


def _started(running: dict[str, BaseProcess], name: str, work: Any, *given: Any) -> Connection:
    """A process that is up once it has said so; its orders go through the connection."""
    ours, theirs = multiprocessing.Pipe()
    running[name] = multiprocessing.Process(target=work, args=(*given, theirs), name=name, daemon=True)
    running[name].start()
    if ours.poll(60) and ours.recv() == "up":
        return ours
    raise RuntimeError(f"{name} did not come up")


def _in_process(work: Any, *given: Any) -> None:
    process = multiprocessing.Process(target=work, args=given)
    process.start()
    process.join()
    if process.exitcode:
        raise RuntimeError(f"{work.__name__} failed")


# ---- the matrix


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    database: str
    desktops: int
    cell: Cell
    found: Found
    floor: Found | None


@dataclass
class Plan:
    is_quick: bool
    databases: Sequence[str]
    desktops: Sequence[int]
    rates: Sequence[float]
    measured: list[Measured] = field(default_factory=list)

    @property
    def customers(self) -> int:
        return 20_000 if self.is_quick else 200_000

    def cells(self, desktops: int) -> Iterator[Cell]:
        seconds, long = (4.0, 4.0) if self.is_quick else (8.0, 24.0)
        for rate in self.rates:
            yield Cell(calls_per_s=rate, seconds=long if rate == AIMED_AT else max(seconds, 100 / rate))
        if desktops == self.desktops[0]:
            yield Cell(calls_per_s=100, seconds=seconds, look_up="warm")
            yield Cell(calls_per_s=100, seconds=seconds, look_up="slow")
            yield Cell(calls_per_s=100, seconds=seconds + 10, look_up="dead")

    def run(self, database: str, url: str, some: Sequence[Customer], numbers: Sequence[str]) -> None:
        for desktops in self.desktops:
            with staged(url, desktops, some, numbers) as stage:
                for target in ("floor", "service"):
                    stage.play(target, Cell(calls_per_s=100, seconds=1.5))
                for cell in self.cells(desktops):
                    floor = stage.play("floor", cell) if cell.look_up == "cold" else None
                    found = stage.play("service", cell)
                    self.measured.append(
                        Measured(database=database, desktops=desktops, cell=cell, found=found, floor=floor)
                    )
                    print(row(self.measured[-1]), flush=True)
                if closed := stage.closed():
                    print(f"{closed} sockets were closed")


def row(one: Measured) -> tuple[str | float | int | None, ...]:
    found, floor = one.found, one.floor
    return (
        one.database, one.desktops, one.cell.calls_per_s, one.cell.look_up,
        percentile(found.pops, 0.5), percentile(found.pops, 0.99), max(found.pops, default=float("nan")),
        percentile(found.cards, 0.5), percentile(found.cards, 0.99), max(found.cards, default=float("nan")), found.no_card,
        percentile(floor.pops, 0.5) if floor else None, percentile(floor.pops, 0.99) if floor else None,
        round(found.cpu * 100), round(floor.cpu * 100) if floor else None, found.lost, found.most_tasks,
    )  # fmt: skip


COLUMNS = (
    "database", "desktops", "calls/s", "look-up", "pop p50 ms", "p99", "max", "card p50 ms", "p99", "max", "no card", "floor p50 ms", "p99",
    "CPU % of a core", "floor's", "lost", "most tasks",
)  # fmt: skip


def table(measured: Sequence[Measured]) -> Table:
    return Table(
        title="From the ring on the PBX's socket to the frame on the desktop",
        columns=COLUMNS,
        rows=tuple(row(one) for one in measured),
        note="The pop goes out at once; the card follows as soon as the customer, found by code and number, and their history have"
        " been read. The call's first byte and its ring come in one write, so no look-up has begun before. Slow: the customer"
        " system takes a second longer; dead: it never answers. The floor looks one number up by a prepared statement. 380 calls/s are"
        " more than one process can do: it reads each ring late, and pops it all the same, though the call may be over by then; a customer"
        " who is found when the end has been read too is not shown. No card: calls whose desktop was told of no customer, at most that the"
        " look-up is slow; they have no latency.",
    )


def plots(measured: Sequence[Measured]) -> tuple[Plot, ...]:
    lines = []
    for database in dict.fromkeys(one.database for one in measured):
        cold = [one for one in measured if one.database == database and one.cell.look_up == "cold" and one.floor]
        few = [one for one in cold if one.desktops == min(one.desktops for one in cold)]
        for name, of in (
            ("card", lambda one: one.found.cards),
            ("pop", lambda one: one.found.pops),
            ("floor", lambda one: one.floor.pops),
        ):
            points = tuple((one.cell.calls_per_s, percentile(of(one), 0.99)) for one in few)
            lines.append(Line(name=f"{database}: {name}", points=points))
    return (
        Plot(
            title="p99 of the pop, of its card and of the floor", x="calls/s", y="ms", lines=tuple(lines), is_log=True
        ),
    )


def aims(measured: Sequence[Measured]) -> Iterator[Aim]:
    for one in measured:
        if one.desktops != 1000 or one.cell.calls_per_s != AIMED_AT or one.cell.look_up != "cold" or one.floor is None:
            continue
        card, floor = percentile(one.found.cards, 0.99), percentile(one.floor.pops, 0.99)
        where = f"{one.database}, 1,000 desktops, 5,300 events/s"
        yield Aim(
            words=f"{where}: p99 from event to frame, look-up included",
            wanted="under 10 ms",
            found=f"{card:.1f} ms" + (f", and {one.found.no_card} never" if one.found.no_card else ""),
            is_met=card < 10 and not one.found.no_card,
        )
        yield Aim(
            words=f"{where}: that p99 beside the floor's",
            wanted="at most 3 times",
            found=f"{card / floor:.1f} times",
            is_met=card <= 3 * floor,
        )
        yield Aim(
            words=f"{where}: CPU", wanted="under half a core", found=f"{one.found.cpu:.0%}", is_met=one.found.cpu < 0.5
        )
    promised = [one for one in measured if one.cell.calls_per_s <= AIMED_AT]
    lost = sum(one.found.lost for one in promised)
    yield Aim(words=f"pops lost, up to {AIMED_AT:g} calls/s", wanted="0", found=str(lost), is_met=lost == 0)
    no_card = sum(one.found.no_card for one in promised if one.cell.look_up in {"cold", "warm"})
    yield Aim(
        words=f"calls without a card, up to {AIMED_AT:g} calls/s, cold or warm",
        wanted="0",
        found=str(no_card),
        is_met=no_card == 0,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--database", action="append", choices=["SQLite", "PostgreSQL"])
    parser.add_argument("--desktops", action="append", type=int)
    parser.add_argument("--rate", action="append", type=float)
    given = parser.parse_args()
    if given.quick:
        os.environ["QUICK"] = "1"
    quick = is_quick()
    need("postgres")
    plan = Plan(
        is_quick=quick,
        databases=given.database or ["SQLite", "PostgreSQL"],
        desktops=given.desktops or ([1000] if quick else [1000, 5000]),
        rates=given.rate or ([100] if quick else [19, 100, 380]),
    )
    some, numbers = customers(plan.customers)
    if "SQLite" in plan.databases:
        with tempfile.TemporaryDirectory(prefix="bench-pop-") as folder:
            plan.run("SQLite", f"sqlite:///{folder}/cti.db", some, numbers)
    if "PostgreSQL" in plan.databases:
        with contextlib.contextmanager(running_server)(is_durable=True) as server:
            plan.run("PostgreSQL", server.new_database(), some, numbers)
    save("pop", tables=[table(plan.measured)], plots=plots(plan.measured), aims=tuple(aims(plan.measured)))


if __name__ == "__main__":
    main()
