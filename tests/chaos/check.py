"""Our record against Asterisk's: every call once, the right agent, the right outcome, the right times."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cti.store.interactions import Interaction
from tests.chaos.truth import TrueCall

TIME_S: Final = 0.05
BACKFILLED_S: Final = 1.5
"""queue_log and CDR have whole seconds."""
UNSEEN: Final = frozenset({"resync", "pbx_restart"})
"""Causes of calls whose end nobody of ours saw."""


@dataclass(frozen=True, slots=True)
class Away:
    """While we were not there, epoch seconds."""

    since: float
    until: float

    def has(self, at: float) -> bool:
        return self.since <= at <= self.until

    def meets(self, call: TrueCall) -> bool:
        return self.since <= (call.ended_at or self.until) and call.began_at <= self.until


@dataclass(slots=True)
class Verdict:
    calls: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    """Other than Asterisk has it, in words."""
    backfilled: int = 0
    ended_unseen: int = 0
    """Known, and their end was told by the snapshot after it."""
    unmarked: list[str] = field(default_factory=list)
    """Other than Asterisk has it, for we were away, and nothing in our record says so."""
    worst_ms: float = 0.0
    """Of the times we saw ourselves, beyond what the machine stood still."""


def verdict(
    rows: Sequence[Interaction],
    truth: Mapping[str, TrueCall],
    away: Sequence[Away],
    stalled_s: Callable[[float], float],
    *,
    since: float,
) -> Verdict:
    """``truth``: all calls there ever were; those that began before ``since`` need not be on our record.
    ``stalled_s``: how long the machine stood still around a time.
    """
    by_id: dict[str, list[Interaction]] = {}
    for row in rows:
        by_id.setdefault(row.call.partition("-")[2], []).append(row)
    ours = {name: call for name, call in truth.items() if call.began_at >= since}
    found = Verdict(calls=len(ours), doubled=[name for name, many in by_id.items() if len(many) > 1])
    found.lost = [name for name in ours if name not in by_id]
    found.wrong = [f"{name}: a call Asterisk never had" for name in by_id.keys() - truth.keys()]
    for name, call in ours.items():
        for row in by_id.get(name, [])[:1]:
            _hold(row, call, away, stalled_s, found)
    return found


def _hold(
    row: Interaction, call: TrueCall, away: Sequence[Away], stalled_s: Callable[[float], float], found: Verdict
) -> None:
    found.backfilled += row.is_backfilled
    found.ended_unseen += row.cause in UNSEEN
    was_seen = not any(one.meets(call) for one in away)
    if not row.is_backfilled:
        (found.wrong if was_seen else found.unmarked).extend(f"{call.id}: {what}" for what in _people(row, call))
    for what, ours, theirs in _times(row, call):
        if ours is None or theirs is None:
            continue
        off_s = max(0.0, abs(ours - theirs) - stalled_s(theirs))
        absence = next((one for one in away if one.has(theirs)), None)
        if absence or row.is_backfilled:
            if off_s > _allowed_s(row, ours, absence):
                found.unmarked.append(f"{call.id}: {what} is {off_s * 1000:.0f} ms off, and nothing says so")
            continue
        found.worst_ms = max(found.worst_ms, off_s * 1000)
        if off_s > TIME_S:
            found.wrong.append(f"{call.id}: {what} is {off_s * 1000:.0f} ms off, and we were there")


def _allowed_s(row: Interaction, ours: float, absence: Away | None) -> float:
    """What was filled in has its source's seconds; what was found on our return, or ended unseen, has the time of that."""
    is_said = row.is_backfilled or row.cause in UNSEEN
    if absence and is_said and ours <= absence.until + BACKFILLED_S:
        return absence.until - absence.since + BACKFILLED_S
    return BACKFILLED_S if row.is_backfilled else TIME_S


def _people(row: Interaction, call: TrueCall) -> Iterable[str]:
    agent = call.agents[-1] if call.agents else ""
    if bool(row.answered_at) != bool(call.talked_at):
        yield f"answered at {row.answered_at}, and by Asterisk at {call.talked_at}"
    if row.agent != agent:
        yield f"agent {row.agent!r}, and by Asterisk {agent!r}"
    if call.outcome and row.outcome != call.outcome:
        yield f"outcome {row.outcome}, and by Asterisk {call.outcome}"
    if call.ended_by and row.cause not in UNSEEN and row.ended_by != call.ended_by:
        yield f"ended by {row.ended_by!r}, and by Asterisk {call.ended_by!r}"
    if call.ani and row.ani != call.ani:
        yield f"from {row.ani}, and by Asterisk {call.ani}"


def _times(row: Interaction, call: TrueCall) -> Iterable[tuple[str, float | None, float | None]]:
    yield "offered", row.offered_at.timestamp(), call.began_at
    yield "answered", _epoch(row.answered_at), call.talked_at
    yield "ended", row.ended_at.timestamp(), call.ended_at or row.ended_at.timestamp()


def _epoch(at: datetime | None) -> float | None:
    return at.timestamp() if at else None
