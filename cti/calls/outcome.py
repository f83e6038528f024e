"""How a call ended, seen from the customer: pure functions of the finished call."""

from typing import Final

from cti.calls.call import Call, CallId, Direction, Outcome

_OF_A_PHONE: Final = {
    "busy": Outcome.BUSY,
    "declined": Outcome.BUSY,
    "no_answer": Outcome.NO_ANSWER,
    "cancelled": Outcome.CANCELLED,
}
_UNSEEN: Final = frozenset({"resync", "pbx_restart", "trace_end"})
_NOTHING_WRONG: Final = frozenset({"normal", "no_answer", ""})


def outcome_of(call: Call, *, into: CallId | None = None) -> Outcome:
    """``call`` has ended. With ``cause`` resync, pbx_restart or trace_end nobody saw how, unless it had been answered before."""
    if into is not None:
        return Outcome.MERGED
    if call.answered_at is not None:
        return Outcome.ANSWERED
    if call.cause in _UNSEEN:
        return Outcome.UNKNOWN
    return _inbound(call) if call.direction is Direction.INBOUND else _outgoing(call)


def _inbound(call: Call) -> Outcome:
    if call.left_queue == "timeout":
        return Outcome.QUEUE_TIMEOUT
    if call.left_queue:
        return Outcome.QUEUE_EXIT
    if call.queued_at is not None:
        return Outcome.ABANDONED
    rang = [leg for leg in call.legs if leg.rang_at is not None]
    if rang and call.ended_by == "customer" and not any(leg.cause == "no_answer" for leg in rang):
        return Outcome.ABANDONED
    return _by_phones(call) or (Outcome.UNATTENDED if call.cause in _NOTHING_WRONG else Outcome.FAILED)


def _outgoing(call: Call) -> Outcome:
    if call.direction is Direction.INTERNAL and len(call.legs) == 1 and call.cause in _NOTHING_WRONG:
        return Outcome.UNATTENDED  # a feature code, a voice mailbox, a supervisor who listens
    if len(call.legs) == 1 and call.legs[0].cause in _OF_A_PHONE:
        return Outcome.CANCELLED  # click-to-dial, and the agent's own phone was not picked up: nobody was called
    return (
        _by_phones(call)
        or _OF_A_PHONE.get(call.cause)
        or (Outcome.CANCELLED if call.ended_by == "agent" else Outcome.FAILED)
    )


def _by_phones(call: Call) -> Outcome | None:
    """What the last phone that was called had to say."""
    said = [leg.cause for leg in call.legs[1:] if leg.cause in _OF_A_PHONE]
    return _OF_A_PHONE[said[-1]] if said else None
