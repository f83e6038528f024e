"""What a call costs the whole service, with desktops and record, at 10, 100 and 400 calls a second: it must be the same.

``python benchmarks/bench_cpu.py`` (2 minutes; ``QUICK=1``: 1). PBX, desktops and service are processes of their own; counted is the
service's CPU time until all is on record, less what it uses when nothing happens. The rates take turns.
"""

import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping

import harness
from bench_pop import Cell, Stage, staged
from harness import Aim, Line, Plot, Table, cpu_s, is_quick, need, save
from pop_ground import customers

from tests.testbed import parts

RATES = (10.0, 100.0, 400.0)
DESKTOPS = 200
LAPS = 3
CALLS = {10.0: 80, 100.0: 600, 400.0: 1600}
"""Of one turn: more of the cheap ones, as the kernel counts in hundredths of a second."""
SETTLE_S = 2.0
"""Longer than a call lasts, and its facts wait."""
WITHIN = 0.2


def measured(stage: Stage) -> Mapping[float, list[float]]:
    """CPU ms of a call at each rate, one figure a lap."""
    idle, found = idle_share(stage), {rate: list[float]() for rate in RATES}
    stage.play("service", Cell(calls_per_s=100, seconds=2))
    for _ in range(1 if is_quick() else LAPS):
        for rate in RATES:
            before, began = used_s(stage), time.monotonic()
            done = stage.play("service", Cell(calls_per_s=rate, seconds=CALLS[rate] / rate))
            time.sleep(SETTLE_S)
            spent = used_s(stage) - before - idle * (time.monotonic() - began)
            found[rate].append(spent * 1000 / done.calls)
    return found


def idle_share(stage: Stage, seconds: float = 4.0) -> float:
    time.sleep(SETTLE_S)
    before = used_s(stage)
    time.sleep(seconds)
    return (used_s(stage) - before) / seconds


def used_s(stage: Stage) -> float:
    return cpu_s(stage.pids["service"])


@contextlib.contextmanager
def databases() -> Iterator[dict[str, str]]:
    """Name -> URL of those this machine has."""
    with contextlib.ExitStack() as stack:
        urls = {"SQLite": f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory(prefix='bench-cpu-'))}/cti.db"}
        if parts.postgres_bin() and not is_quick():
            from tests.postgres_server import running_server

            server = stack.enter_context(contextlib.contextmanager(running_server)(is_durable=True))
            urls["PostgreSQL"] = server.new_database()
        yield urls


def main() -> None:
    need()
    some, numbers = customers(20_000)
    rows: list[tuple[harness.Cell, ...]] = []
    lines, aims = [], []
    with databases() as urls:
        for name, url in urls.items():
            with staged(url, DESKTOPS, some, numbers) as stage:
                costs = {rate: statistics.median(each) for rate, each in measured(stage).items()}
            rows.append((name, *(costs[rate] for rate in RATES), costs[RATES[-1]] / costs[100.0]))
            lines.append(Line(name=name, points=tuple(costs.items())))
            apart = max(costs.values()) / min(costs.values()) - 1
            grows = costs[400.0] / costs[100.0] - 1
            aims += [
                Aim(words=f"{name}: CPU of a call at 10, 100 and 400 calls/s", wanted="within 20 %", found=f"{apart:.0%} apart", is_met=apart <= WITHIN),
                Aim(words=f"{name}: a call at 400 calls/s costs no more than at 100", wanted="at most 20 % more", found=f"{grows:+.0%}", is_met=grows <= WITHIN),
            ]  # fmt: skip
    save(
        "cpu",
        tables=[
            Table(
                title="CPU milliseconds of a call",
                columns=("database", *(f"{rate:g} calls/s" for rate in RATES), "400 to 100"),
                rows=tuple(rows),
                note=f"Everything from the event to the frame and the record, with {DESKTOPS} desktops; the median of {LAPS} turns.",
            )
        ],
        plots=[Plot(title="CPU of a call as calls grow", x="calls/s", y="ms", lines=tuple(lines))],
        aims=aims,
    )


if __name__ == "__main__":
    main()
