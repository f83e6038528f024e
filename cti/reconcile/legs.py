"""What each person's part in a recorded call was, as events, where possible on the leg that we know of them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from cti.calls.call import Call, Direction, Leg, LegId, LegState, Outcome, Party, Role
from cti.calls.events import CallEvent, ConnectionCleared, Delivered, Diverted, Established
from cti.reconcile.recorded import RecordedCall, RecordedPart
from cti.reconcile.watched import SAME, Watched, leg_of

_SECOND: Final = timedelta(seconds=1)


def events_of_parts(
    recorded: RecordedCall, call: Call, legs: Sequence[Leg | None], watched: Watched
) -> Iterator[CallEvent]:
    """``legs``: of each part, the one that we know. What happened while we watched is left out: that is ours to tell."""
    for number, (part, leg) in enumerate(zip(recorded.parts, legs, strict=True)):
        party = leg.party if leg else _party(recorded, part, number)
        events = list(_of_part(recorded, _with_own_times(part, party.leg, watched), call, party))
        missed = [event for event in events if not watched.has(event.at)]
        if not watched.has_seen_leg(party.leg):
            yield from events if missed else []
        else:
            yield from (event for event in missed if not watched.has_seen(event))


def known_legs(parts: Sequence[RecordedPart], call: Call) -> list[Leg | None]:
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
    return not times or not ours or any(abs(at - own) <= SAME for at in times for own in ours)


def _found_within(part: RecordedPart, ours: list[datetime]) -> bool:
    """Found ringing or talking on our return, it began then, as far as we know."""
    began = part.rang_at or part.connected_at
    if began is None or part.cleared_at is None:
        return False
    return any(began <= at <= part.cleared_at + _SECOND for at in ours)


def _with_own_times(part: RecordedPart, leg: LegId, watched: Watched) -> RecordedPart:
    """What we saw is exact; a queue's seconds are cut off. To a queue, a phone that forwards its call has answered it."""
    seen = {type(event): event.at for event in watched.lived if leg_of(event) == leg}
    answered_at = None if Diverted in seen else part.connected_at
    return replace(
        part, rang_at=seen.get(Delivered, part.rang_at), connected_at=seen.get(Established, answered_at),
        cleared_at=seen.get(ConnectionCleared, seen.get(Diverted, part.cleared_at)),
    )  # fmt: skip


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


def _party(recorded: RecordedCall, part: RecordedPart, number: int) -> Party:
    outside = Role.CUSTOMER if recorded.direction is Direction.OUTBOUND else Role.EXTERNAL
    return Party(
        leg=LegId(part.leg or f"{recorded.first_id}~{number}"), role=Role.AGENT if part.is_agent else outside, number=part.number,
        name=part.member, device=part.device, member=part.member,
    )  # fmt: skip
