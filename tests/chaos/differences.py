"""Where a row is other than Asterisk has the call, in words; all but its times, which may be nearly right."""

from collections.abc import Callable, Iterable, Sequence

from cti.store.interactions import Interaction
from tests.chaos.away import UNSEEN, Away, is_said
from tests.chaos.truth import TrueCall

Stalled = Callable[[float], float]
"""How long the machine stood still around a time."""


def seen(row: Interaction, call: TrueCall, exact_s: float, stalled_s: Stalled) -> Iterable[str]:
    """Of a call that we saw all of. Its times are held against Asterisk's; its sums need only be those of its times."""
    if is_said(row):
        yield "said to be unseen, and we were there"
    until = row.answered_at or row.ended_at
    wait_s = (until - (row.queued_at or row.offered_at)).total_seconds()
    if abs(row.wait_s - wait_s) > exact_s:
        yield f"waited {row.wait_s:.3f} s, and by its times {wait_s:.3f}"
    if not row.answered_at or row.transfers or len(call.agents) != 1:  # else nobody talks while the other's phone rings
        return
    ended, talk_s = row.ended_at.timestamp(), (row.ended_at - row.answered_at).total_seconds()
    told_late_s = call.told_at.get("ended", 0.0) - call.ended_at if call.ended_at else 0.0
    if abs(row.talk_s + row.hold_s - talk_s) > exact_s + stalled_s(ended) + max(0.0, told_late_s):
        yield f"talked {row.talk_s:.3f} s and held {row.hold_s:.3f}, and by its times {talk_s:.3f} together"


def people(row: Interaction, call: TrueCall) -> Iterable[str]:
    if bool(row.answered_at) != bool(call.talked_at):
        yield f"answered at {row.answered_at}, and by Asterisk at {call.talked_at}"
    if row.agent not in _last(call):
        yield f"agent {row.agent!r}, and by Asterisk {call.agents}"
    if call.outcome and row.outcome != call.outcome:
        yield f"outcome {row.outcome}, and by Asterisk {call.outcome}"
    if call.ended_by and row.cause not in UNSEEN and row.ended_by != call.ended_by:
        yield f"ended by {row.ended_by!r}, and by Asterisk {call.ended_by!r}"
    if call.ani and row.ani != call.ani:
        yield f"from {row.ani}, and by Asterisk {call.ani}"


def queue(row: Interaction, call: TrueCall, away: Sequence[Away]) -> Iterable[str]:
    """That of a call that joined it unseen and went on has no name until the records are read again, half a minute later."""
    if not call.queued_at or row.queue == call.queue:
        return
    joined = (call.queued_at, call.queued_at + 1)
    if row.queue or not any(any(map(one.has, joined)) and not one.has_end_of(call) for one in away):
        yield f"queue {row.queue!r}, and by Asterisk {call.queue!r}"


def _last(call: TrueCall) -> Sequence[str]:
    """Who spoke last; a PBX that died in mid-call wrote no record of whom its queue's agent had handed the caller to."""
    return (call.agents if call.ended_at is None else call.agents[-1:]) or [""]
