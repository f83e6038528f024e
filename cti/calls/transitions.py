"""The state machine of a call: one table, and what each event says about the legs.

Theory of operation. The state says where the customer is. Most events name the next state by themselves; after some
it depends on who is left (a phone stops ringing: others may still ring, or the caller is back in the queue). Those lead
to ``BY_LEGS``, and ``state_by_legs`` reads the state off the call. A consultation rings and connects legs beside the
customer, so events with ``consult`` change legs and never the state.

=========  =======================================  ==========================================================
state      the customer...                          leaves it by
=========  =======================================  ==========================================================
offered    is in a menu, or was just transferred    a queue, a ringing phone, an answer
queued     waits                                    a ringing phone, an answer, timeout, key, transfer
ringing    hears a phone ring (or its queue music)  an answer; declined and unanswered lead back
talking    speaks with a person                     hold, transfer, parking, the other side's hang-up
held       hears music, a person will come back     retrieve, transfer, the other side's hang-up
parked     waits for whoever fetches                an answer, a ringing phone when parking times out
ended      is gone                                  nothing
=========  =======================================  ==========================================================
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal

from msgspec import Struct

from cti.calls.call import Anomaly, Call, CallState, Leg, LegState, Party, Transfer
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
from cti.calls.outcome import outcome_of

S = CallState
BY_LEGS: Final = "by_legs"
STAYS: Final = "stays"
_Next = CallState | Literal["by_legs", "stays"]

# fmt: off - a table is read in columns
NEXT: Final[Mapping[tuple[CallState, type[CallEvent]], _Next]] = {
    (S.OFFERED, Queued): S.QUEUED,
    (S.OFFERED, Delivered): S.RINGING,
    (S.OFFERED, Diverted): BY_LEGS,
    (S.OFFERED, Established): S.TALKING,
    (S.OFFERED, ConnectionCleared): BY_LEGS,  # the transferring agent's leg, after a blind transfer
    (S.OFFERED, Transferred): BY_LEGS,  # handed on again at once
    (S.QUEUED, Queued): S.QUEUED,  # another queue
    (S.QUEUED, Delivered): S.RINGING,
    (S.QUEUED, Diverted): BY_LEGS,
    (S.QUEUED, Established): S.TALKING,
    (S.QUEUED, ConnectionCleared): BY_LEGS,
    (S.QUEUED, Transferred): BY_LEGS,  # taken out of the queue by hand
    (S.RINGING, Queued): S.QUEUED,  # rang outside a queue first
    (S.RINGING, Delivered): S.RINGING,  # several phones at once
    (S.RINGING, Diverted): BY_LEGS,  # back to its place in the queue, unless other phones ring
    (S.RINGING, Established): S.TALKING,
    (S.RINGING, ConnectionCleared): BY_LEGS,
    (S.RINGING, Transferred): BY_LEGS,
    (S.TALKING, Queued): S.QUEUED,  # transferred into a queue
    (S.TALKING, Delivered): STAYS,
    (S.TALKING, Diverted): BY_LEGS,  # parked; or one of several phones that rang
    (S.TALKING, Established): S.TALKING,
    (S.TALKING, Held): BY_LEGS,  # with three speaking, the other two go on
    (S.TALKING, Retrieved): STAYS,
    (S.TALKING, Transferred): BY_LEGS,
    (S.TALKING, Conferenced): S.TALKING,
    (S.TALKING, ConnectionCleared): BY_LEGS,
    (S.HELD, Queued): S.QUEUED,
    (S.HELD, Delivered): STAYS,
    (S.HELD, Diverted): BY_LEGS,
    (S.HELD, Established): BY_LEGS,
    (S.HELD, Held): STAYS,  # the second of two agents
    (S.HELD, Retrieved): BY_LEGS,
    (S.HELD, Transferred): BY_LEGS,
    (S.HELD, Conferenced): S.TALKING,
    (S.HELD, ConnectionCleared): BY_LEGS,
    (S.PARKED, Queued): S.QUEUED,
    (S.PARKED, Delivered): S.RINGING,  # parking timed out and comes back
    (S.PARKED, Diverted): BY_LEGS,
    (S.PARKED, Established): S.TALKING,
    (S.PARKED, ConnectionCleared): STAYS,  # the agent who parked it
    **{(state, CallInformation): STAYS for state in S if state is not S.ENDED},
    **{(state, RecordingChanged): STAYS for state in S if state is not S.ENDED},
    **{(state, Cleared): S.ENDED for state in S if state is not S.ENDED},
}
# fmt: on


class CallChanged(Struct, frozen=True):
    """One step of one call. ``before`` is None for the first."""

    before: Call | None
    after: Call
    cause: CallEvent
    is_inferred: bool = False
    """Read off the PBX's lists after we had been away: it was so by then, and may have happened before."""


def begin(event: Offered) -> CallChanged:
    legs = (Leg(party=event.party, state=LegState.INITIATED),) if event.party else ()
    call = Call(
        id=event.call, pbx=event.pbx, direction=event.direction, ani=event.ani, ani_name=event.ani_name, dnis=event.dnis,
        keys=event.keys, since=event.at, offered_at=event.at, sequence=1, legs=legs,
    )  # fmt: skip
    return CallChanged(None, call, event)


def advance(call: Call, event: CallEvent) -> CallChanged | Anomaly:
    """What ``event`` makes of ``call``. An event out of place is an Anomaly, and changes nothing."""
    following = STAYS if getattr(event, "consult", False) else NEXT.get((call.state, type(event)))
    if following is None:
        return Anomaly(call.id, call.state, type(event).__name__)
    told = _TELL[type(event)](event, call)
    state = _next_state(following, told)
    after = changed(told, sequence=call.sequence + 1, **_clock(told, state, event.at))
    if after.parked_in and after.state is not S.PARKED:
        after = changed(after, parked_in="")
    if isinstance(event, Cleared):
        after = changed(after, outcome=outcome_of(after, into=event.into))
    return CallChanged(call, after, event)


def state_by_legs(call: Call) -> CallState:
    """Where the customer is, as the legs have it."""
    with_customer = [leg for leg in call.legs if leg.is_live and not leg.consult]
    speaking = [leg for leg in with_customer if leg.state is LegState.CONNECTED]
    holding = [leg for leg in with_customer if leg.state is LegState.HELD]
    if len(speaking) + len(holding) > 1:
        return S.HELD if holding and len(speaking) < 2 else S.TALKING  # noqa: PLR2004 - it takes two
    if any(leg.state is LegState.RINGING for leg in with_customer):
        return S.RINGING
    if call.state is S.PARKED:
        return S.PARKED
    return S.QUEUED if call.is_waiting else S.OFFERED


def _next_state(following: _Next, call: Call) -> CallState:
    if isinstance(following, CallState):
        return following
    return state_by_legs(call) if following == BY_LEGS else call.state


def _clock(call: Call, state: CallState, at: datetime) -> dict[str, object]:
    """The new state, and the time since the last one booked where it belongs. ``call.since`` still says when that was."""
    if state is call.state and state is not S.ENDED:
        return {}
    spent_s = max(0.0, (at - call.since).total_seconds())
    entered: dict[str, object] = {"state": state, "since": max(at, call.since)}
    match call.state:
        case S.TALKING:
            return {**entered, "talk_s": call.talk_s + spent_s}
        case S.HELD | S.PARKED:
            return {**entered, "hold_s": call.hold_s + spent_s}
        case S.RINGING if call.answered_at is None or call.answered_at >= at:
            return {**entered, "ring_s": call.ring_s + spent_s}
        case _:
            return entered


def _put(call: Call, party: Party, **changes: object) -> Call:
    leg = call.leg(party.leg) or Leg(party=party, state=LegState.INITIATED)
    return call.with_leg(changed(leg, party=party, **changes))


def _release(call: Call, legs: Iterable[Leg]) -> Call:
    """These no longer speak to the customer."""
    for leg in legs:
        call = call.with_leg(changed(leg, consult=True))
    return call


def _call_information(event: CallInformation, call: Call) -> Call:
    keys = tuple({**dict(call.keys), **dict(event.keys)}.items())
    return changed(call, direction=event.direction, ani=event.ani, ani_name=event.ani_name, dnis=event.dnis, keys=keys)


def _queued(event: Queued, call: Call) -> Call:
    return changed(
        call, queue=event.queue, position=event.position, is_waiting=True, left_queue="",
        queued_at=call.queued_at or event.at,
    )  # fmt: skip


def _delivered(event: Delivered, call: Call) -> Call:
    return _put(call, event.party, state=LegState.RINGING, rang_at=event.at, consult=event.consult)


def _diverted(event: Diverted, call: Call) -> Call:
    if event.party:
        return _put(call, event.party, state=LegState.GONE, cleared_at=event.at, cause=event.cause)
    if event.cause == "parked":
        speaking = [leg for leg in call.live_legs()[1:] if leg.state in {LegState.CONNECTED, LegState.HELD}]
        released = _release(call, speaking)
        return changed(released, parked_in=event.to, **_clock(released, S.PARKED, event.at))
    return changed(call, is_waiting=False, left_queue=event.cause)


def _established(event: Established, call: Call) -> Call:
    call = _put(call, event.party, state=LegState.CONNECTED, connected_at=event.at, consult=event.consult)
    if event.consult:
        return call
    first = call.legs[0]
    if first.state in {LegState.INITIATED, LegState.RINGING}:
        call = call.with_leg(changed(first, state=LegState.CONNECTED, connected_at=event.at))
    return changed(call, is_waiting=False, answered_at=call.answered_at or event.at)


def _held(event: Held, call: Call) -> Call:
    return _put(call, event.party, state=LegState.HELD)


def _retrieved(event: Retrieved, call: Call) -> Call:
    return _put(call, event.party, state=LegState.CONNECTED)


def _transferred(event: Transferred, call: Call) -> Call:
    by = call.leg(event.by.leg)
    call = _release(call, [by] if by else [])
    if event.to:
        call = _put(call, event.to, consult=False)
    return changed(
        call,
        is_waiting=False,
        transfers=(*call.transfers, Transfer(kind=event.kind, by=event.by.leg, to=event.to_number, at=event.at)),
    )


def _conferenced(event: Conferenced, call: Call) -> Call:
    holding = [leg for leg in call.live_legs() if leg.state is LegState.HELD]
    for leg in holding:
        call = call.with_leg(changed(leg, state=LegState.CONNECTED))
    return _put(call, event.party, state=LegState.CONNECTED, consult=False)


def _recording_changed(event: RecordingChanged, call: Call) -> Call:
    return changed(call, recording=event.recording)


def _connection_cleared(event: ConnectionCleared, call: Call) -> Call:
    return _put(call, event.party, state=LegState.GONE, cleared_at=event.at, cause=event.cause)


def _cleared(event: Cleared, call: Call) -> Call:
    legs = tuple(
        changed(leg, state=LegState.GONE, cleared_at=event.at, cause=leg.cause or event.cause) if leg.is_live else leg
        for leg in call.legs
    )
    return changed(call, legs=legs, ended_at=max(event.at, call.since), cause=event.cause, ended_by=event.ended_by)


_TELL: Final[Mapping[type[CallEvent], Callable[[Any, Call], Call]]] = {
    CallInformation: _call_information,
    Queued: _queued,
    Delivered: _delivered,
    Diverted: _diverted,
    Established: _established,
    Held: _held,
    Retrieved: _retrieved,
    Transferred: _transferred,
    Conferenced: _conferenced,
    RecordingChanged: _recording_changed,
    ConnectionCleared: _connection_cleared,
    Cleared: _cleared,
}
"""What the event says is written down; the state follows after."""
