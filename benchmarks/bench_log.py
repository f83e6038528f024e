"""Does the record keep up? Calls are told to the journal at 10, 100 and 400 a second, and then all at once.

``python benchmarks/bench_log.py [--seconds 20] [--kind SQLite]``. Of each run: how long after ``record()`` a fact is committed,
how many wait, CPU for a call, and the longest the event loop stood still. CPU is this process', less what telling the same
facts to nobody costs. Beside it stands the floor of the same run: the same rows, made beforehand, by the drivers' bare
``executemany``.
"""

import argparse
import asyncio
import gc
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import harness
import log_calls
from harness import Aim, Line, Plot, Table, percentile
from log_calls import Due
from log_floor import Floor, Written, rows_of
from log_ground import KINDS, new_url, postgres_cpu_s, wanted_kinds

from cti import log
from cti.envelope import Envelope
from cti.store import storable
from cti.store.database import Database
from cti.store.journal import Journal, JournalRules
from cti.store.lease import Fence
from cti.store.spool import Spool
from cti.store.sql import SqlInteractionLog

RATES = (10, 100, 400)
TICK_S = 0.005
ROOM = 20_000
"""Facts that may wait when all are told at once: fewer than the journal has room for."""
TOLD_WITHIN_S = 300.0
LAG_S, STALL_S, SPREAD = 2.0, 0.02, 1.2


class Keeper(Protocol):
    """What takes facts and writes them down."""

    stored: list[tuple[str, float]]
    """Fact and when it was committed, by the loop's clock."""

    @property
    def waiting(self) -> int: ...
    def record(self, fact: Envelope) -> None: ...
    async def run(self) -> None: ...
    async def close(self) -> None: ...


class Ours:
    """The journal as the service has it."""

    def __init__(self, url: str, devices: Mapping[str, str]) -> None:
        self.stored: list[tuple[str, float]] = []
        self._database = Database(url)
        self._folder = tempfile.TemporaryDirectory()
        known = _Timed(self._database, self.stored, devices)
        self._journal = Journal(known, Spool(Path(self._folder.name) / "facts.spool"))
        self.record = self._journal.record
        self.run = self._journal.run

    @property
    def waiting(self) -> int:
        return self._journal.status.waiting

    async def close(self) -> None:
        await self._database.close()
        self._folder.cleanup()


class _Timed(SqlInteractionLog):
    def __init__(self, database: Database, stored: list[tuple[str, float]], devices: Mapping[str, str]) -> None:
        super().__init__(database, lambda: devices)
        self._stored = stored

    async def write(self, lines: Sequence[storable.Line], fence: Fence | None = None) -> None:
        await super().write(lines, fence)
        now_s = asyncio.get_running_loop().time()
        self._stored += [(line.fact.id, now_s) for line in lines]


class Nobody:
    """What telling costs by itself."""

    waiting = 0

    def __init__(self) -> None:
        self.stored: list[tuple[str, float]] = []

    def record(self, fact: Envelope) -> None:
        self.stored.append((fact.id, 0.0))

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def close(self) -> None:
        pass


@dataclass
class Seen:
    calls: int
    took_s: float = 0.0
    cpu_s: float = 0.0
    server_cpu_s: float = 0.0
    most_waiting: int = 0
    stall_s: float = 0.0
    lags_s: list[float] = field(default_factory=list)

    @property
    def cpu_ms(self) -> float:
        return self.cpu_s * 1000 / self.calls


async def told(keeper: Keeper, some: Sequence[Due], calls: int, *, at_once: bool) -> Seen:
    """Tell each fact when it is due, and wait until all are kept."""
    seen, recorded, loop = Seen(calls), dict[str, float](), asyncio.get_running_loop()
    writer, watcher = asyncio.create_task(keeper.run()), asyncio.create_task(_watch(keeper, seen))
    await asyncio.sleep(0.3)  # connected
    seen.stall_s = seen.most_waiting = 0
    began_s, cpu_s, server_s = loop.time(), time.process_time(), postgres_cpu_s()
    for due in some:
        if not at_once and due.at_s > loop.time() - began_s:
            await asyncio.sleep(max(0.001, began_s + due.at_s - loop.time()))
        while at_once and keeper.waiting >= ROOM:  # noqa: ASYNC110 - as below
            await asyncio.sleep(TICK_S)
        recorded[due.fact.id] = loop.time()
        keeper.record(due.fact)
    async with asyncio.timeout(TOLD_WITHIN_S):
        while len(keeper.stored) < len(some):  # noqa: ASYNC110 - the keepers have no event in common
            await asyncio.sleep(TICK_S)
    seen.cpu_s, seen.took_s = time.process_time() - cpu_s, loop.time() - began_s
    seen.server_cpu_s = postgres_cpu_s() - server_s
    seen.lags_s = [at_s - recorded[name] for name, at_s in keeper.stored]
    for task in (writer, watcher):
        task.cancel()
    await asyncio.gather(writer, watcher, return_exceptions=True)
    await keeper.close()
    return seen


async def _watch(keeper: Keeper, seen: Seen) -> None:
    loop = asyncio.get_running_loop()
    while True:
        before_s = loop.time()
        await asyncio.sleep(TICK_S)
        seen.stall_s = max(seen.stall_s, loop.time() - before_s - TICK_S)
        seen.most_waiting = max(seen.most_waiting, keeper.waiting)


@dataclass(frozen=True)
class Run:
    kind: str
    journey: bool
    per_s: float
    """0: all at once."""
    ours: Seen
    floor: Seen

    @property
    def name(self) -> str:
        return "with journey" if self.journey else "plain"


def measured(kind: str, *, journey: bool, per_s: float, seconds: float) -> Run:
    """``per_s`` 0: as fast as it goes."""
    rate = per_s or 400
    some = log_calls.calls(rate, seconds, journey=journey)
    count, devices = int(rate * seconds), log_calls.devices(rate)
    written: dict[str, Written] = rows_of(some, devices)
    rules = JournalRules()

    def one(keeper: Keeper) -> Seen:
        gc.collect()
        gc.freeze()  # what the bench holds is no garbage to look through
        try:
            return asyncio.run(told(keeper, some, count, at_once=not per_s))
        finally:
            gc.unfreeze()

    nobody = one(Nobody())
    with new_url(kind) as url:
        floor = one(Floor(url, written, rules.linger_s, rules.batch))
    with new_url(kind) as url:
        ours = one(Ours(url, devices))
    for seen in (ours, floor):
        seen.cpu_s = max(0.0, seen.cpu_s - nobody.cpu_s)
    run = Run(kind, journey, per_s, ours, floor)
    lag_ms = percentile(ours.lags_s, 0.99) * 1000
    print(
        f"{kind}, {run.name}, {f'{per_s:g}/s' if per_s else 'all at once'}: lag p99 {lag_ms:.1f} ms, {ours.cpu_ms:.2f} ms CPU/call",
        flush=True,
    )
    return run


def tables(runs: Sequence[Run]) -> list[Table]:
    paced = Table(
        title="How far the record is behind, and what a call costs",
        columns=(
            "database", "calls", "calls/s", "lag p50 ms", "lag p99 ms", "lag max ms", "most waiting", "CPU ms/call",
            "floor CPU ms/call", "server CPU ms/call", "loop stood still ms", "floor stood still ms",
        ),
        rows=tuple(
            (
                run.kind, run.name, run.per_s, *(percentile(run.ours.lags_s, share) * 1000 for share in (0.5, 0.99, 1.0)),
                run.ours.most_waiting, run.ours.cpu_ms, run.floor.cpu_ms, _server_ms(run), run.ours.stall_s * 1000,
                run.floor.stall_s * 1000,
            )
            for run in runs if run.per_s
        ),
        note=(
            "Facts are told when they are due; lag is from record() to committed. A plain call is 16 facts, agents' states "
            "included, one with a journey 24. CPU is this process', less what telling costs."
        ),
    )  # fmt: skip
    sustained = Table(
        title="All at once: how many calls a second the record takes",
        columns=("database", "calls", "calls/s", "facts/s", "floor calls/s", "of the floor", "CPU ms/call"),
        rows=tuple(
            (
                run.kind, run.name, run.ours.calls / run.ours.took_s, len(run.ours.lags_s) / run.ours.took_s,
                run.floor.calls / run.floor.took_s, run.floor.took_s / run.ours.took_s, run.ours.cpu_ms,
            )
            for run in runs if not run.per_s
        ),
        note="The floor writes the same rows by the driver's bare executemany, in transactions of the same size.",
    )  # fmt: skip
    return [table for table in (paced, sustained) if table.rows]


def _server_ms(run: Run) -> float | None:
    return run.ours.server_cpu_s * 1000 / run.ours.calls if run.kind == "PostgreSQL" else None


def aims(runs: Sequence[Run]) -> list[Aim]:
    found: list[Aim] = []
    for kind in dict.fromkeys(run.kind for run in runs):
        for name in ("plain", "with journey"):
            some = {run.per_s: run.ours for run in runs if (run.kind, run.name) == (kind, name) and run.per_s}
            if not some:
                continue
            lag_s = max(some[100].lags_s)
            costs = [seen.cpu_ms for seen in some.values()]
            found += [
                _aim(f"{kind}, {name}: at 100 calls/s every fact is in the database within", LAG_S, lag_s, "s"),
                _aim(f"{kind}, {name}: CPU of a call at 10, 100 and 400 calls/s, dearest to cheapest", SPREAD,
                     max(costs) / min(costs), "times"),
                _aim(f"{kind}, {name}: the event loop stands still at 100 calls/s for at most", STALL_S,
                     some[100].stall_s, "s"),
            ]  # fmt: skip
    return found


def _aim(words: str, most: float, found: float, unit: str) -> Aim:
    return Aim(words=words, wanted=f"at most {most:g} {unit}", found=f"{found:.3g} {unit}", is_met=found <= most)


def plots(runs: Sequence[Run]) -> list[Plot]:
    def line(kind: str, name: str) -> Line:
        some = [run for run in runs if (run.kind, run.name) == (kind, name) and run.per_s]
        return Line(name=f"{kind}, {name}", points=tuple((run.per_s, run.ours.cpu_ms) for run in some))

    pairs = dict.fromkeys((run.kind, run.name) for run in runs)
    return [Plot(title="CPU of a call's record", x="calls/s", y="ms", lines=tuple(line(*pair) for pair in pairs))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0 if harness.is_quick() else 20.0, help="of each rate")
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--rates", type=float, nargs="*", default=RATES)
    parser.add_argument("--only", choices=("plain", "journey"))
    asked = parser.parse_args()
    log.configure(level="error", form="json")
    runs: list[Run] = []
    for kind in wanted_kinds(asked.kind):
        for journey in (False, True):
            if asked.only not in {None, "journey" if journey else "plain"}:
                continue
            runs += [
                measured(kind, journey=journey, per_s=per_s, seconds=asked.seconds if per_s else asked.seconds / 2)
                for per_s in (*asked.rates, 0)
            ]
    harness.save("log", tables=tables(runs), plots=plots(runs), aims=aims(runs))


if __name__ == "__main__":
    main()
