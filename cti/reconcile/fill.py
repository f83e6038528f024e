"""A recorded call -> the facts that we would have written, had we been there. Pure.

They are steps of a call like any others, marked ``backfilled``, so that interactions, reports and ``cti rebuild`` need to know
nothing else. Of a call that we saw partly, they are what came after we first lost sight of it: the gaps as recorded, what we saw
between and behind them as we saw it. Their ids are made of the call's and a number: the same records filled in again are the
same facts.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from cti.calls.call import Call, CallId, Direction, LegId, Outcome, Party, Role
from cti.calls.events import (
    CallEvent,
    CallInformation,
    Cleared,
    ConnectionCleared,
    Delivered,
    Diverted,
    Established,
    Offered,
    Queued,
)
from cti.calls.frozen import changed
from cti.calls.transitions import CallChanged, advance, begin
from cti.envelope import Envelope, of_change
from cti.reconcile.compare import call_id
from cti.reconcile.legs import events_of_parts, known_legs
from cti.reconcile.recorded import RecordedCall
from cti.reconcile.watched import Watched
from cti.store.derive import call_before_gap, events_after_gap, seen_call
from cti.store.unseen import BACKFILLED, FILLED_IN

_SECOND: Final = timedelta(seconds=1)
_LATE: Final = timedelta(seconds=2)
_ORDER: Final[Mapping[type[CallEvent], int]] = {
    Queued: 1,
    Delivered: 2,
    Diverted: 3,
    ConnectionCleared: 4,
    Established: 5,
}
_LAST: Final = 6
_BY_OUTCOME: Final = {
    Outcome.BUSY: "busy", Outcome.NO_ANSWER: "no_answer", Outcome.FAILED: "congestion", Outcome.CANCELLED: "cancelled",
}  # fmt: skip


def facts_for(recorded: RecordedCall, own: Sequence[Envelope] = ()) -> list[Envelope]:
    """``own``: the facts of what we saw of it. None where that leaves nothing to tell."""
    changes = list(_changes(recorded, own))
    if not changes or changes[-1].after.is_live:
        return []
    first, told = changes[0].after.sequence, max((fact.sequence for fact in own), default=0)
    return [_marked(of_change(change), told + change.after.sequence - first + 1) for change in changes]


def _marked(fact: Envelope, sequence: int) -> Envelope:
    return changed(
        fact, id=f"{fact.subject}{FILLED_IN}{sequence}", sequence=sequence, data={**fact.data, BACKFILLED: True}
    )


def _changes(recorded: RecordedCall, own: Sequence[Envelope]) -> Iterator[CallChanged]:
    """What does not fit what was seen is passed over, as everywhere."""
    call, seen = call_before_gap(own), seen_call(own)
    if call is None:
        offered = begin(_offered(recorded, seen))
        yield offered
        call = offered.after
    since, watched = call.since, Watched.of(events_after_gap(own))
    end = _cleared(recorded, call, watched.end)
    for event in [*_in_order(recorded, call, seen or call, watched, end), end]:
        change = advance(call, changed(event, at=max(min(event.at, end.at), since)))
        if isinstance(change, CallChanged):
            yield change
            call = change.after


def _offered(recorded: RecordedCall, seen: Call | None) -> Offered:
    """A CDR's number is where the call came to in the end; ours was read earlier. queue_log alone takes everybody for a caller."""
    said = recorded if seen is None or recorded.has_cdr else seen
    return Offered(
        call=seen.id if seen else call_id(recorded), at=recorded.offered_at, pbx=recorded.pbx, direction=said.direction,
        ani=said.ani, ani_name=said.ani_name, dnis=(seen and seen.dnis) or recorded.dnis, keys=seen.keys if seen else (),
        party=_origin(recorded, seen),
    )  # fmt: skip


def _origin(recorded: RecordedCall, seen: Call | None) -> Party:
    """Where a dialler made the call, the first channel was one of its own, and we never knew it."""
    legs = [leg.party for leg in seen.legs] if seen else []
    if legs and legs[0].device == recorded.device and recorded.first_id not in {party.leg for party in legs}:
        return legs[0]
    role = Role.CUSTOMER if recorded.direction is Direction.INBOUND else Role.AGENT
    return Party(
        leg=LegId(recorded.first_id), role=role, number=recorded.ani, name=recorded.ani_name, device=recorded.device
    )


def _in_order(recorded: RecordedCall, call: Call, seen: Call, watched: Watched, end: Cleared) -> list[CallEvent]:
    """All but the beginning and the end. ``call``: as it was before the gap, ``seen`` as we saw it last."""
    found = [event for event in _of_queues(recorded, call) if not watched.has(event.at) and not watched.has_seen(event)]
    found += events_of_parts(recorded, call, known_legs(recorded.parts, seen), watched)
    found += [event for event in watched.found if _is_ours_alone(event, recorded)]
    found += watched.lived
    return sorted(found, key=lambda event: (min(event.at, end.at), _ORDER.get(type(event), _LAST)))


def _of_queues(recorded: RecordedCall, call: Call) -> Iterator[CallEvent]:
    yield from (Queued(call=call.id, at=at, queue=queue) for at, queue in _queues(recorded, call))
    if recorded.left_queue and recorded.left_queue_at:
        yield Diverted(call=call.id, at=recorded.left_queue_at, cause=recorded.left_queue)


def _queues(recorded: RecordedCall, call: Call) -> Iterator[tuple[datetime, str]]:
    """Those it came into since; seconds may be cut off."""
    for at, queue in recorded.queues:
        is_seen = (
            call.queued_at is not None and at <= call.since and (queue == call.queue or at + _SECOND <= call.since)
        )
        if not is_seen:
            yield at, queue


def _is_ours_alone(event: CallEvent, recorded: RecordedCall) -> bool:
    """Does no record tell of what we found on our return?"""
    match event:
        case CallInformation() | Diverted(party=None, cause="parked"):
            return True
        case Queued() | Diverted(party=None):
            return not recorded.has_queue_log
    return False


def _cleared(recorded: RecordedCall, call: Call, seen: Cleared | None) -> Cleared:
    """Its cause makes the outcome (``calls/outcome.py``), so where nobody answered it says why."""
    cause = recorded.cause
    if call.direction is not Direction.INBOUND and recorded.answered_at is None:
        cause = _BY_OUTCOME.get(recorded.outcome, cause)
    if seen is not None and seen.cause != "normal" and recorded.answered_at is None:
        cause = seen.cause
    ended_by = recorded.ended_by or ("customer" if recorded.outcome is Outcome.ABANDONED else "system")
    if not recorded.ended_by and seen is not None:
        ended_by = seen.ended_by
    return Cleared(call=call.id, at=_ended_at(recorded, seen), cause=cause, ended_by=ended_by)


def _ended_at(recorded: RecordedCall, seen: Cleared | None) -> datetime:
    """A busy PBX tells late, by parts of a second: then its record is right. One that ends much earlier does not tell all."""
    if seen is None:
        return recorded.ended_at
    is_exact = recorded.knows_end and recorded.ended_at.microsecond
    return recorded.ended_at if is_exact and seen.at - _LATE <= recorded.ended_at <= seen.at else seen.at


def candidates(recorded: RecordedCall) -> frozenset[CallId]:
    """Every name that we may know the call by."""
    return frozenset(CallId(f"{recorded.pbx}-{one}") for one in recorded.ids)
