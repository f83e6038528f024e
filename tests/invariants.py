"""What must hold at the end of every story, however it went (docs: trust): asked of the record, the figures and the PBX.

``broken`` is pure: what was seen in, what is wrong out, in words. Empty is well.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

from cti.calls.events import Cleared, Offered
from cti.calls.transitions import CallChanged

BUSY: Final = ('"RESERVED"', '"TALKING"', '"HOLD"')


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What the database holds: facts as (type, call, sequence) in the order of recording, rows as (pbx, call)."""

    facts: tuple[tuple[str, str, int], ...]
    rows: tuple[tuple[str, str], ...]
    open_calls: frozenset[str]
    intervals: tuple[tuple[str, int, str, str | None], ...] = ()
    """Of agents: (agent, number, began, ended), in their order; times as the database has them, so that they sort."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pbx:
    """What the PBX says of itself."""

    channels: int
    waiting: int


def read_record(database: Path) -> Record:
    """Straight from the SQLite file, without any code of ours."""
    with closing(sqlite3.connect(database)) as db:
        facts = tuple(db.execute('SELECT type, "call", sequence FROM fact ORDER BY recorded'))
        rows = tuple(db.execute('SELECT pbx, "call" FROM interaction'))
        opened = frozenset(call for (call,) in db.execute('SELECT "call" FROM call_open'))
        intervals = tuple(
            db.execute("SELECT agent, nr, began_at, ended_at FROM agent_interval ORDER BY agent, began_at, nr")
        )
    return Record(facts=facts, rows=rows, open_calls=opened, intervals=intervals)


def broken(record: Record, pbx: Pbx, figures: Mapping[str, float], live_calls: Iterable[str]) -> list[str]:
    """``figures``: of ``/metrics``, summed over their labels. ``live_calls``: those the service believes in."""
    live = set(live_calls)
    offered = Counter(call for kind, call, _ in record.facts if kind == "cti.call.offered.v1")
    cleared = Counter(call for kind, call, _ in record.facts if kind == "cti.call.cleared.v1")
    return [
        *(f"{call}: offered {count} times" for call, count in offered.items() if count > 1),
        *(f"{call}: cleared {count} times" for call, count in cleared.items() if count > 1),
        *(f"{call}: cleared, never offered" for call in cleared.keys() - offered.keys()),
        *(f"{call}: open, and nobody is in it" for call in record.open_calls if not pbx.channels),
        *(f"{call}: open on record, unknown to the service" for call in record.open_calls - live),
        *(f"{row}: two rows" for row, count in Counter(record.rows).items() if count > 1),
        *(f"{call}: over, and no row" for call in cleared.keys() - {call for _, call in record.rows}),
        *(f"{call}: a row, and not over" for call in {call for _, call in record.rows} - cleared.keys()),
        *(
            f"{call}: its events have gaps: {sequence}"
            for call, sequence in _sequences(record).items()
            if not _whole(sequence)
        ),
        *_broken_shifts(record),
        *_busy_without_a_call(figures, live),
        *_differ("waiting in queues", figures["cti_queue_waiting"], pbx.waiting),
        *(
            f"{name} {figures[name]:g}"
            for name in ("cti_facts_waiting", "cti_spool_facts", "cti_facts_lost_total")
            if figures[name]
        ),
    ]


def broken_story(changes: Iterable[CallChanged]) -> list[str]:
    """The same of a story told to its end: every call offered once and cleared once, and time never runs back."""
    changes = list(changes)
    offered = Counter(change.after.id for change in changes if isinstance(change.cause, Offered))
    cleared = Counter(change.after.id for change in changes if isinstance(change.cause, Cleared))
    latest: dict[str, CallChanged] = {}
    wrong = [
        f"{call}: offered {offered[call]}, cleared {cleared[call]}"
        for call in offered | cleared
        if offered[call] != 1 or cleared[call] != 1
    ]
    for change in changes:
        before = latest.get(change.after.id)
        if before and (change.after.since < before.after.since or change.after.sequence != before.after.sequence + 1):
            wrong.append(f"{change.after.id}: out of order at {change.after.sequence}")
        if min(change.after.ring_s, change.after.talk_s, change.after.hold_s) < 0:
            wrong.append(f"{change.after.id}: a negative duration")
        latest[change.after.id] = change
    return wrong


def summed(metrics: str) -> dict[str, float]:
    """Prometheus text -> each figure, summed over its labels; a figure nobody has is 0."""
    found: Counter[str] = Counter(
        dict.fromkeys(
            ("cti_queue_waiting", "cti_facts_waiting", "cti_spool_facts", "cti_facts_lost_total", "cti_agents_busy"), 0
        )
    )
    for line in metrics.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            found[name.partition("{")[0]] += float(value)  # type: ignore[assignment]
            if name.startswith("cti_agents{") and any(state in name for state in BUSY):
                found["cti_agents_busy"] += float(value)  # type: ignore[assignment]
    return dict(found)


def _busy_without_a_call(figures: Mapping[str, float], live: set[str]) -> list[str]:
    busy = figures["cti_agents_busy"]
    return [f"{busy:g} agents are in a call, and there is none"] if busy and not live else []


def _broken_shifts(record: Record) -> list[str]:
    """One interval begins where the one before ended, so that all of them together are the time an agent was logged in."""
    wrong = []
    for (agent, nr, _, ended), (other, next_nr, began, _) in pairwise(record.intervals):
        if agent == other and (ended != began or next_nr != nr + 1):
            wrong.append(f"{agent}: interval {nr} ends {ended}, interval {next_nr} begins {began}")
    return wrong


def _sequences(record: Record) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for kind, call, sequence in record.facts:
        if kind.startswith("cti.call."):
            found.setdefault(call, []).append(sequence)
    return found


def _whole(sequence: list[int]) -> bool:
    return sequence == list(range(1, len(sequence) + 1))


def _differ(what: str, ours: float, theirs: float) -> list[str]:
    return [] if ours == theirs else [f"{what}: we say {ours:g}, the PBX says {theirs:g}"]
