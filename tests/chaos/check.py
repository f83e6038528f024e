"""Our record against Asterisk's: every call once, the right agent, the right outcome, the right times."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cti.store.interactions import Interaction
from tests.chaos.away import UNSEEN, Away, is_said
from tests.chaos.differences import Stalled, people, queue, seen
from tests.chaos.truth import TrueCall

TIME_S: Final = 0.05
SECOND_S: Final = 1.0 + TIME_S
"""queue_log has whole seconds, and so has the id of a call that we find on our return."""
MOST_FORGIVEN_S: Final = 0.5
"""More than Asterisk was ever seen to tell late (0.3 s, without a processor)."""


@dataclass(slots=True)
class Verdict:
    exact_s: float = TIME_S
    """How far off a time may be that is to be exact."""
    calls: int = 0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    """On record again, by the name of another channel of theirs."""
    wrong: list[str] = field(default_factory=list)
    """Other than Asterisk has it, in words: as we saw it, or as it was filled in."""
    backfilled: int = 0
    ended_unseen: int = 0
    """Known, and their end was told by the snapshot after it."""
    unmarked: list[str] = field(default_factory=list)
    """Other than Asterisk has it, for we were away, and nothing in our record says so."""
    worst_ms: float = 0.0
    """Of the times that are to be exact, beyond what the machine stood still."""
    forgiven_ms: float = 0.0
    """The most that any of them was off because the machine stood still, or because Asterisk told it late."""
    untold: list[str] = field(default_factory=list)
    """Nobody can say whether it is right: the machine itself stood still for so long."""


def verdict(
    rows: Sequence[Interaction],
    truth: Mapping[str, TrueCall],
    away: Sequence[Away],
    stalled_s: Stalled,
    *,
    since: float,
    exact_s: float = TIME_S,
) -> Verdict:
    """``truth``: all calls there ever were; those that began before ``since`` need not be on our record."""
    names = {channel: call.id for call in truth.values() for channel in call.channels}
    by_id: dict[str, list[Interaction]] = {}
    for row in rows:
        name = row.call.partition("-")[2]
        by_id.setdefault(names.get(name, name), []).append(row)
    ours = {name: call for name, call in truth.items() if call.began_at >= since}
    found = Verdict(exact_s=exact_s, calls=len(ours), doubled=[name for name, many in by_id.items() if len(many) > 1])
    found.lost = [name for name in ours if name not in by_id]
    found.wrong = [f"{name}: a call Asterisk never had" for name in by_id.keys() - truth.keys()]
    for name, call in ours.items():
        for row in by_id.get(name, [])[:1]:
            _hold(row, call, away, stalled_s, found)
    return found


def _hold(row: Interaction, call: TrueCall, away: Sequence[Away], stalled_s: Stalled, found: Verdict) -> None:
    found.backfilled += row.is_backfilled
    found.ended_unseen += row.cause in UNSEEN
    was_away = any(one.meets(call) for one in away)
    is_unsaid = was_away and not row.is_backfilled
    told = (*people(row, call), *queue(row, call, away))
    (found.unmarked if is_unsaid else found.wrong).extend(f"{call.id}: {what}" for what in told)
    if not was_away:
        found.wrong += [f"{call.id}: {what}" for what in seen(row, call, found.exact_s, stalled_s)]
    for what, ours, theirs in _times(row, call, away):
        absence = next((one for one in away if one.has(theirs)), None)
        allowed_s = _allowed_s(what, row, call, absence, found.exact_s)
        raw_s = abs(ours - theirs)
        told_s = abs(ours - call.told_at.get(what, theirs))
        off_s = max(0.0, min(raw_s, told_s) - stalled_s(theirs))
        if allowed_s <= found.exact_s:
            found.worst_ms = max(found.worst_ms, off_s * 1000)
            _forgive(f"{call.id}: {what}", raw_s - off_s, stalled_s(theirs), found)
        if off_s > allowed_s:
            words = f"{call.id}: {what} is {off_s * 1000:.0f} ms off, and {allowed_s * 1000:.0f} are allowed"
            (found.unmarked if absence and not is_said(row) else found.wrong).append(words)


def _forgive(what: str, forgiven_s: float, stalled_s: float, found: Verdict) -> None:
    found.forgiven_ms = max(found.forgiven_ms, forgiven_s * 1000)
    if forgiven_s <= MOST_FORGIVEN_S:
        return
    words = f"{what} is {forgiven_s * 1000:.0f} ms off"
    if forgiven_s <= stalled_s:
        found.untold.append(f"{words}, and the machine stood still too long to tell")
    else:
        found.wrong.append(f"{words}, too late to be forgiven")


def _allowed_s(what: str, row: Interaction, call: TrueCall, absence: Away | None, exact_s: float) -> float:
    """As exact as whoever told us: our own eyes and the CDR have parts of a second, queue_log and ids have whole ones. What had
    happened by our return and went on, or what no record has, is as late as that."""
    if absence is None or not is_said(row):
        return exact_s
    late_s = absence.until - absence.since + SECOND_S
    match what:
        case "ended" if call.ended_at is None:
            return SECOND_S
        case "ended":
            return late_s if row.cause in UNSEEN else exact_s
        case "answered":
            return SECOND_S if absence.has_end_of(call) else late_s
        case _:
            return exact_s if absence.has_end_of(call) else SECOND_S


def _times(row: Interaction, call: TrueCall, away: Sequence[Away]) -> Iterable[tuple[str, float, float]]:
    """Ours and Asterisk's, where both have one."""
    yield "offered", row.offered_at.timestamp(), call.began_at
    if row.queued_at and call.queued_at:
        queued = row.queued_at.timestamp()
        yield "queued", queued, min(max(queued, call.queued_at), call.queued_at + 1)  # at some time in that second
    if row.answered_at and call.talked_at:
        yield "answered", row.answered_at.timestamp(), call.talked_at
    if (ended := _end(row, call, away)) is not None:
        yield "ended", row.ended_at.timestamp(), ended


def _end(row: Interaction, call: TrueCall, away: Sequence[Away]) -> float | None:
    """By Asterisk; of its two records, what was filled in may have either's."""
    ended = row.ended_at.timestamp()
    if call.ended_at is None:
        return _nearest(ended, away)
    noted = call.noted_end_at if row.is_backfilled else None
    return min(call.ended_at, noted or call.ended_at, key=lambda at: abs(at - ended))


def _nearest(at: float, away: Sequence[Away]) -> float | None:
    """The PBX died while we could not see it: the time nearest to ours at which that may have been."""
    return min((max(one.since, min(at, one.until)) for one in away), key=lambda one: abs(one - at), default=None)
