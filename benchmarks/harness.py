"""What every benchmark shares: taking turns, medians, tables and plots, and where they are kept for docs/performance.md.

A bench makes ``Table`` and ``Plot`` values, prints them and calls ``save(name, ...)``, which writes
``benchmarks/results/<name>.json`` with the machine, the versions and the command; ``report.py`` makes the page of these.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str | float | int | None, ...], ...]
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
