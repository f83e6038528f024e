"""What every benchmark shares: taking turns, medians, tables and plots, and where they are kept for docs/performance.md.

A bench makes ``Table``, ``Plot`` and ``Aim`` values and calls ``save(name, ...)``, which prints them and writes
``benchmarks/results/<name>.json`` with the machine, the versions and the command; ``report.py`` makes the page of these.

``QUICK=1`` asks for a short run (``is_quick()``), ``BENCH_RESULTS=DIR`` for results somewhere else. A short run's stay out of
the page: they go to ``build/bench``.
"""

import gc
import math
import os
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import machine
import msgspec

from tests.testbed import parts

Cell = str | float | int | None
NONE = "\N{EN DASH}"
LACKS_PARTS = 3
"""The exit code of a bench that cannot run here."""
RESULTS = Path(os.environ.get("BENCH_RESULTS") or Path(__file__).parent / "results")
SHORT_RESULTS = Path(__file__).parent.parent / "build" / "bench"


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    """How it was measured, and what to read in it: one or two sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    title: str
    x: str
    """The axis' words with the unit: ``calls/s``."""
    y: str
    lines: tuple[Line, ...]
    is_log: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """One aim, and whether this run met it."""

    words: str
    wanted: str
    found: str
    is_met: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A bench's last run, as its file has it."""

    name: str
    date: str
    command: str
    is_quick: bool
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    tables: tuple[Table, ...]
    plots: tuple[Plot, ...]
    aims: tuple[Aim, ...]


# ---- what a bench asks


def is_quick() -> bool:
    return os.environ.get("QUICK", "") not in {"", "0"}


def results_folder() -> Path:
    """Where a run's results go: a short one's replace no others unless it is told where."""
    return SHORT_RESULTS if is_quick() and not os.environ.get("BENCH_RESULTS") else RESULTS


def need(*wanted: str) -> None:
    """Leave, loudly, where ``asterisk-22``, ``sipp``, ``postgres``, ``redis``... are not on this machine."""
    if missing := parts.missing_for(wanted):
        print(f"NOT MEASURED: {', '.join(missing)} missing; {parts.PREPARE}", file=sys.stderr)
        sys.exit(LACKS_PARTS)


def save(name: str, *, tables: Sequence[Table], plots: Sequence[Plot] = (), aims: Sequence[Aim] = ()) -> Path:
    """Print what was found, keep it under the bench's name (``ingest``), and say where."""
    result = Result(
        name=name, date=time.strftime("%Y-%m-%d", time.gmtime()), command=_command(), is_quick=is_quick(),
        machine=machine.machine(), versions=machine.versions(), tables=tuple(tables), plots=tuple(plots), aims=tuple(aims),
    )  # fmt: skip
    print(readable(result))
    path = results_folder() / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(result), indent=1) + b"\n")
    return path


def load(path: Path) -> Result:
    return msgspec.json.decode(path.read_bytes(), type=Result)


# ---- taking turns


@dataclass(frozen=True, slots=True)
class Spread:
    """Of the same work, done several times."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, found: Sequence[float]) -> "Spread":
        return cls(statistics.median(found), min(found), max(found))


@dataclass(frozen=True, slots=True)
class Turns:
    """What a work's counted runs took, in their order, seconds, and what they returned."""

    cpu_s_of_each: tuple[float, ...]
    wall_s_of_each: tuple[float, ...]
    answers: tuple[object, ...]

    @property
    def cpu_s(self) -> Spread:
        return Spread.of(self.cpu_s_of_each)

    @property
    def wall_s(self) -> Spread:
        return Spread.of(self.wall_s_of_each)

    def cpu_against(self, other: "Turns") -> float:
        """How many times the other's CPU time: the median over pairs of neighbouring runs, as the machine's mood is theirs."""
        pairs = zip(self.cpu_s_of_each, other.cpu_s_of_each, strict=True)
        return statistics.median(mine / its for mine, its in pairs)


def taking_turns(works: Mapping[str, Callable[[], object]], *, runs: int = 5, warm_ups: int = 1) -> dict[str, Turns]:
    """Each work ``runs`` times, one after the other and again, after ``warm_ups`` rounds that do not count.

    A machine is never quiet: what it does besides is spread over all works this way, so their ratios hold.
    CPU time is this process', all its threads together.
    """
    found: dict[str, list[tuple[float, float, object]]] = {name: [] for name in works}
    for lap in range(warm_ups + runs):
        for name, work in works.items():
            timed = _timed(work)
            if lap >= warm_ups:
                found[name].append(timed)
    return {name: Turns(*zip(*timed, strict=True)) for name, timed in found.items()}


def _timed(work: Callable[[], object]) -> tuple[float, float, object]:
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    answer = work()
    return time.process_time() - cpu, time.perf_counter() - wall, answer


def percentile(values: Iterable[float], share: float) -> float:
    """``share``: 0.99 for the p99 (nearest rank). Not a number where there are none."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan


# ---- other processes


def cpu_s(pid: int) -> float:
    """What a process has used so far, all its threads, without its children; the kernel counts in hundredths."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_kb(pid: int | str = "self") -> int:
    return _memory_kb(pid, "status", "VmRSS")


def pss_kb(pid: int | str = "self") -> int:
    """Its memory, with a fair share of what it shares with others: sums over processes mean something."""
    return _memory_kb(pid, "smaps_rollup", "Pss")


def _memory_kb(pid: int | str, file: str, key: str) -> int:
    found = re.search(rf"^{key}:\s+(\d+)", Path(f"/proc/{pid}/{file}").read_text(), re.MULTILINE)
    return int(found[1]) if found else 0


# ---- for a terminal


def readable(result: Result) -> str:
    return "\n".join([*map(_table, result.tables), *map(_aim, result.aims)])


def shown(cell: Cell) -> str:
    """Numbers with as many digits as mean something."""
    if cell is None:
        return NONE
    if isinstance(cell, float):
        return _number(cell)
    return f"{cell:,}" if isinstance(cell, int) else cell


def _number(value: float) -> str:
    if not math.isfinite(value):
        return NONE
    size = abs(value)
    return (
        f"{value:,.0f}"
        if size >= 100
        else f"{value:.1f}"
        if size >= 10
        else f"{value:.2g}"
        if size < 1
        else f"{value:.2f}"
    )


def _table(table: Table) -> str:
    grid = [list(table.columns), *([shown(cell) for cell in row] for row in table.rows)]
    widths = [max(len(line[column]) for line in grid) for column in range(len(table.columns))]
    lines = [
        "  "
        + "  ".join(
            cell.rjust(width) if at else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in grid
    ]
    return "\n".join([f"\n{table.title}", *lines, *([f"  ({table.note})"] if table.note else [])])


def _aim(aim: Aim) -> str:
    return f"  {'met    ' if aim.is_met else 'NOT MET'}  {aim.words}: wanted {aim.wanted}, found {aim.found}"


def _command() -> str:
    here, script = Path(__file__).parent.parent, Path(sys.argv[0]).resolve()
    name = script.relative_to(here) if script.is_relative_to(here) else Path(script.name)
    called = ["-m", ".".join(name.parent.parts)] if name.name == "__main__.py" else [str(name)]
    return " ".join(["python", *called, *sys.argv[1:]])
