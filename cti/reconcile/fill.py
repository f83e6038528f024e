"""A recorded call -> the facts that we would have written, had we been there. Pure.

They are steps of a call like any others, marked ``backfilled``, so that interactions, reports and ``cti rebuild`` need to know
nothing else. Of a call that we saw partly, they are what came after we first lost sight of it, with what we saw of it later and
no record tells: holds, keys, recordings. Their ids are made of the call's and a number: the same records filled in again are the
same facts.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from cti.calls.call import Call, CallId, Direction, Leg, LegId, LegState, Outcome, Party, Role
from cti.calls.events import (
    CallEvent,
    CallInformation,
    Cleared,
    Conferenced,
    ConnectionCleared,
    Delivered,
    Diverted,
    Established,
    Held,
    Offered,
    Queued,
    RecordingChanged,
    Retrieved,
    Transferred,
)
from cti.calls.frozen import changed
from cti.calls.transitions import CallChanged, advance, begin
from cti.envelope import Envelope, of_change
from cti.reconcile.compare import call_id
from cti.reconcile.recorded import RecordedCall, RecordedPart
from cti.store.derive import call_before_gap, events_after_gap, seen_call
from cti.store.unseen import BACKFILLED, FILLED_IN

_SAME: Final = timedelta(seconds=2.5)
"""A phone that rang then, by our clock and by the PBX's whole seconds."""
_SECOND: Final = timedelta(seconds=1)
_ORDER: Final[Mapping[type[CallEvent], int]] = {
    Queued: 1,
    Delivered: 2,
    Diverted: 3,
    ConnectionCleared: 4,
    Established: 5,
}
_LAST: Final = 6
_OURS_ALONE: Final = frozenset({CallInformation, Held, Retrieved, Transferred, Conferenced, RecordingChanged})
"""No record tells of these."""
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
    since, later = call.since, events_after_gap(own)
    end = _cleared(recorded, call, later)
    for event in [*_in_order(recorded, call, seen or call, later), end]:
        change = advance(call, changed(event, at=max(min(event.at, end.at), since)))
        if isinstance(change, CallChanged):
            yield change
            call = change.after


def _offered(recorded: RecordedCall, seen: Call | None) -> Offered:
    role = Role.CUSTOMER if recorded.direction is Direction.INBOUND else Role.AGENT
    party = Party(
        leg=LegId(recorded.first_id), role=role, number=recorded.ani, name=recorded.ani_name, device=recorded.device
    )
    return Offered(
        call=seen.id if seen else call_id(recorded), at=recorded.offered_at, pbx=recorded.pbx, direction=recorded.direction,
        ani=recorded.ani, ani_name=recorded.ani_name, dnis=recorded.dnis, keys=seen.keys if seen else (), party=party,
    )  # fmt: skip


def _in_order(
    recorded: RecordedCall, call: Call, seen: Call, later: Sequence[tuple[CallEvent, bool]]
) -> list[CallEvent]:
    """All but the beginning and the end. ``call``: as it was before the gap, ``seen`` as we saw it last, ``later``: what between."""
    legs = _known_legs(recorded.parts, seen)
    found: list[CallEvent] = [Queued(call=call.id, at=at, queue=queue) for at, queue in _queues(recorded, call)]
    for number, (part, leg) in enumerate(zip(recorded.parts, legs, strict=True)):
        party = leg.party if leg else _party(recorded, part, number)
        found += _of_part(recorded, _with_own_times(part, party.leg, later), call, party)
    if recorded.left_queue and recorded.left_queue_at:
        found.append(Diverted(call=call.id, at=recorded.left_queue_at, cause=recorded.left_queue))
    told = frozenset(leg.party.leg for leg in legs if leg)
    found += [event for event, is_inferred in later if _is_ours(event, told, is_inferred=is_inferred)]
    return sorted(found, key=lambda event: (min(event.at, recorded.ended_at), _ORDER.get(type(event), _LAST)))


def _with_own_times(part: RecordedPart, leg: LegId, later: Sequence[tuple[CallEvent, bool]]) -> RecordedPart:
    """What we saw is exact; a queue's seconds are cut off."""
    seen = {type(event): event.at for event, is_inferred in later if not is_inferred and _leg_of(event) == leg}
    return replace(
        part, rang_at=seen.get(Delivered, part.rang_at), connected_at=seen.get(Established, part.connected_at),
        cleared_at=seen.get(ConnectionCleared, seen.get(Diverted, part.cleared_at)),
    )  # fmt: skip


def _leg_of(event: CallEvent) -> LegId | None:
    party: Party | None = getattr(event, "party", None)
    return party.leg if party else None


def _queues(recorded: RecordedCall, call: Call) -> Iterator[tuple[datetime, str]]:
    """Those it came into since; seconds may be cut off."""
    for at, queue in recorded.queues:
        is_seen = (
            call.queued_at is not None and at <= call.since and (queue == call.queue or at + _SECOND <= call.since)
        )
        if not is_seen:
            yield at, queue


def _is_ours(event: CallEvent, told: frozenset[LegId], *, is_inferred: bool) -> bool:
    """Is it ours to tell, as no record does? A phone that no record knows, a Local channel's say, is."""
    if type(event) in _OURS_ALONE:
        return not is_inferred or isinstance(event, CallInformation)
    leg = _leg_of(event)
    return leg is not None and leg not in told and not is_inferred and not isinstance(event, Offered)


def _of_part(recorded: RecordedCall, part: RecordedPart, call: Call, party: Party) -> Iterator[CallEvent]:
    leg = call.leg(party.leg)
    if leg is not None and not leg.is_live:
        return
    state = leg.state if leg else None
    if state is None and (part.rang_at or part.connected_at):
        at = part.rang_at or part.connected_at or recorded.offered_at
        at = max(at, recorded.queued_at) if part.member and recorded.queued_at else at  # seconds that were cut off
        yield Delivered(call=call.id, at=at, party=party, consult=part.is_consulted)
    if state in {None, LegState.INITIATED, LegState.RINGING}:
        if part.connected_at is None:
            gave_up = recorded.outcome in {Outcome.CANCELLED, Outcome.ABANDONED} and recorded.queued_at is None
            cause = "cancelled" if gave_up else part.cause or "no_answer"
            yield Diverted(call=call.id, at=part.cleared_at or recorded.ended_at, party=party, cause=cause)
            return
        yield Established(call=call.id, at=part.connected_at, party=party, consult=part.is_consulted)
    yield ConnectionCleared(call=call.id, at=part.cleared_at or recorded.ended_at, party=party, cause="normal")


def _known_legs(parts: Sequence[RecordedPart], call: Call) -> list[Leg | None]:
    """The leg that we saw of each: its channel, where the records name it, else another of that device about that time."""
    named = {name: leg for leg in call.legs[1:] for name in (leg.party.leg, leg.party.channel) if name}
    own = [named.get(part.leg) for part in parts]
    free = [leg for leg in call.legs[1:] if leg not in own]
    return [leg or _about_then(part, free) for part, leg in zip(parts, own, strict=True)]


def _about_then(part: RecordedPart, legs: Sequence[Leg]) -> Leg | None:
    times = [at for at in (part.rang_at, part.connected_at) if at]
    for leg in legs:
        ours = [at for at in (leg.rang_at, leg.connected_at) if at]
        if part.device in {leg.party.device, leg.party.member} and (_meet(times, ours) or _found_within(part, ours)):
            return leg
    return None


def _meet(times: list[datetime], ours: list[datetime]) -> bool:
    return not times or not ours or any(abs(at - own) <= _SAME for at in times for own in ours)


def _found_within(part: RecordedPart, ours: list[datetime]) -> bool:
    """Found ringing or talking on our return, it began then, as far as we know."""
    began = part.rang_at or part.connected_at
    if began is None or part.cleared_at is None:
        return False
    return any(began <= at <= part.cleared_at + _SECOND for at in ours)


def _party(recorded: RecordedCall, part: RecordedPart, number: int) -> Party:
    outside = Role.CUSTOMER if recorded.direction is Direction.OUTBOUND else Role.EXTERNAL
    return Party(
        leg=LegId(part.leg or f"{recorded.first_id}~{number}"), role=Role.AGENT if part.is_agent else outside, number=part.number,
        name=part.member, device=part.device, member=part.member,
    )  # fmt: skip


def _cleared(recorded: RecordedCall, call: Call, later: Sequence[tuple[CallEvent, bool]]) -> Cleared:
    """Its cause makes the outcome (``calls/outcome.py``), so where nobody answered it says why."""
    seen = next((event for event, is_inferred in later if isinstance(event, Cleared) and not is_inferred), None)
    cause = recorded.cause
    if call.direction is not Direction.INBOUND and recorded.answered_at is None:
        cause = _BY_OUTCOME.get(recorded.outcome, cause)
    ended_by = recorded.ended_by or ("customer" if recorded.outcome is Outcome.ABANDONED else "system")
    if not recorded.ended_by and seen is not None:
        ended_by = seen.ended_by
    return Cleared(call=call.id, at=_ended_at(recorded, seen), cause=cause, ended_by=ended_by)


def _ended_at(recorded: RecordedCall, seen: Cleared | None) -> datetime:
    """Whoever has parts of a second and was first: a busy PBX tells late."""
    if seen is None:
        return recorded.ended_at
    return min(seen.at, recorded.ended_at) if recorded.ended_at.microsecond else seen.at


def candidates(recorded: RecordedCall) -> frozenset[CallId]:
    """Every name that we may know the call by."""
    return frozenset(CallId(f"{recorded.pbx}-{one}") for one in recorded.ids)
