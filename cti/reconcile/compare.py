"""Our interactions beside the PBX's own records: what differs, call by call, in words. Pure.

A time without a fraction is a whole second that was cut off: the true time lies in the second that follows. A time with one
is compared within ``tolerance_s``.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cti.calls.call import CallId, Direction, Outcome
from cti.reconcile.recorded import RecordedCall
from cti.store.interactions import Interaction

TOLERANCE_S: Final = 0.05
_SECOND: Final = timedelta(seconds=1)
_NOT_CONNECTED: Final = frozenset(
    {Outcome.NO_ANSWER, Outcome.BUSY, Outcome.FAILED, Outcome.CANCELLED, Outcome.ABANDONED, Outcome.UNATTENDED,
     Outcome.QUEUE_TIMEOUT, Outcome.QUEUE_EXIT}
)  # fmt: skip
"""The CDR has one word for several of these."""


class Kind(StrEnum):
    MISSING_HERE = "missing_here"
    MISSING_THERE = "missing_there"
    DOUBLED = "doubled"
    OUTCOME = "outcome"
    AGENT = "agent"
    QUEUE = "queue"
    TIME = "time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    kind: Kind
    call: str
    """Ours where we have it, else the id it would have."""
    words: str
    pbx: str = ""
    """What the PBX says."""
    here: str = ""
    """What we say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    recorded: int
    """Calls the PBX has on record."""
    here: int
    """Calls we have, those aside that went on as part of another."""
    agreed: int
    differences: tuple[Difference, ...]

    @property
    def agrees(self) -> bool:
        return not self.differences


def compare(
    recorded: Iterable[RecordedCall], interactions: Iterable[Interaction], *, tolerance_s: float = TOLERANCE_S
) -> Comparison:
    """Hand in the calls of the same time: what is on one side only is a difference."""
    recorded, ours = tuple(recorded), [item for item in interactions if item.outcome is not Outcome.MERGED]
    found: list[Difference] = []
    matched, agreed = matches(recorded, ours), 0
    for call in recorded:
        differences = list(_of_call(call, matched[call.first_id], timedelta(seconds=tolerance_s)))
        agreed += not differences
        found += differences
    known = {item.call for items in matched.values() for item in items}
    found += [_missing_there(item) for item in ours if item.call not in known and _leaves_records(item, recorded)]
    return Comparison(recorded=len(recorded), here=len(ours), agreed=agreed, differences=tuple(found))


def matches(recorded: Iterable[RecordedCall], ours: Iterable[Interaction]) -> Mapping[str, Sequence[Interaction]]:
    """Ours by the ``first_id`` of each recorded call: by any id it is known by."""
    by_id: dict[tuple[str, str], list[Interaction]] = defaultdict(list)
    for item in ours:
        by_id[item.pbx, item.call.removeprefix(f"{item.pbx}-")].append(item)
    return {
        call.first_id: [item for one in sorted(call.ids) for item in by_id.get((call.pbx, one), ())]
        for call in recorded
    }


def call_id(call: RecordedCall) -> CallId:
    """What the event plane would have named it."""
    return CallId(f"{call.pbx}-{call.first_id}")


def _of_call(call: RecordedCall, ours: Sequence[Interaction], tolerance: timedelta) -> Iterator[Difference]:
    if not ours:
        yield Difference(
            kind=Kind.MISSING_HERE, call=call_id(call), pbx=_told(call),
            words=f"{call_id(call)}: the PBX has it ({_told(call)}), we do not",
        )  # fmt: skip
        return
    if len(ours) > 1:
        names = ", ".join(item.call for item in ours)
        yield Difference(
            kind=Kind.DOUBLED, call=call_id(call), pbx="1", here=str(len(ours)),
            words=f"{call_id(call)}: one call to the PBX, {len(ours)} to us: {names}",
        )  # fmt: skip
    item = ours[0]
    yield from _outcome(call, item)
    yield from _people(call, item)
    if call.queue and call.queue != item.queue:
        yield _difference(Kind.QUEUE, item, "queue", call.queue, item.queue)
    yield from _times(call, item, tolerance)


def _outcome(call: RecordedCall, item: Interaction) -> Iterator[Difference]:
    if call.outcome is item.outcome:
        return
    if not call.has_queue_log and _NOT_CONNECTED.issuperset((call.outcome, item.outcome)):
        return
    yield _difference(Kind.OUTCOME, item, "outcome", call.outcome, item.outcome)


def _people(call: RecordedCall, item: Interaction) -> Iterator[Difference]:
    """Who spoke to the customer. Somebody consulted first and handed over to later is one of them or not, as it is looked at."""
    there = {part.device for part in call.parts if part.spoke and part.is_agent}
    handled = [part for part in item.handled_by if part.connected_at]
    names = {part.name: part.device for part in item.handled_by}
    there = {names.get(device, device) for device in there}
    surely = {part.device for part in handled if not part.consult}
    perhaps = {part.device for part in handled} | {part.device for part in call.parts if not part.is_agent}
    if call.direction is not Direction.INBOUND:
        surely, there = surely - {call.device}, there - {call.device}
    outside = {part.device for part in call.parts if not part.is_agent}
    unknown = surely - there - outside - _consulted(call) if call.has_cdr else set()
    if there - perhaps or unknown:
        yield _difference(Kind.AGENT, item, "agent", _names(there), _names(surely))


def _consulted(call: RecordedCall) -> set[str]:
    return {part.device for part in call.parts if part.connected_at and part.is_consulted}


def _times(call: RecordedCall, item: Interaction, tolerance: timedelta) -> Iterator[Difference]:
    pairs = {"queued": (call.queued_at, item.queued_at)}
    if call.knows_end:
        pairs["ended"] = (call.ended_at, item.ended_at)
    if call.has_cdr:
        pairs["offered"] = (call.offered_at, item.offered_at)
    if _knows_answer(call):
        pairs["answered"] = (call.answered_at, item.answered_at)
    for name, (there, here) in pairs.items():
        if there is None or here is None:
            continue
        most = tolerance if there.microsecond else _SECOND + tolerance
        if not -tolerance <= here - there <= most:
            yield _difference(Kind.TIME, item, name, _clock(there), _clock(here))


def _knows_answer(call: RecordedCall) -> bool:
    """Of a call out, the CDR has when the agent's own phone was picked up; of a queue's, when the dialplan answered."""
    return call.direction is Direction.INBOUND and (call.has_queue_log or not call.queue)


def _missing_there(item: Interaction) -> Difference:
    return Difference(
        kind=Kind.MISSING_THERE, call=item.call, here=item.outcome,
        words=f"{item.call}: we have it ({item.outcome}, {_clock(item.ended_at)}), the PBX's records do not",
    )  # fmt: skip


def _leaves_records(item: Interaction, recorded: Sequence[RecordedCall]) -> bool:
    """Without CDR only calls that waited in a queue are on record at all."""
    return any(call.has_cdr for call in recorded) or item.queued_at is not None


def _difference(kind: Kind, item: Interaction, what: str, there: str, here: str) -> Difference:
    words = f"{item.call}: {what}: the PBX says {there or 'none'}, we say {here or 'none'}"
    return Difference(kind=kind, call=item.call, words=words, pbx=there, here=here)


def _told(call: RecordedCall) -> str:
    people = _names({part.device for part in call.parts if part.spoke and part.is_agent})
    return ", ".join(filter(None, (call.outcome, people and f"by {people}", call.queue, _clock(call.offered_at))))


def _names(devices: Iterable[str]) -> str:
    return ", ".join(sorted(devices))


def _clock(at: datetime) -> str:
    return at.isoformat(sep=" ", timespec="milliseconds" if at.microsecond else "seconds")
