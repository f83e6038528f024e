"""Paperwork: every call that an agent has spoken in owes one wrap-up, where its queue has any; one is open at a time.

A wrap-up is owed from the end of the agent's part, and opens when no other part is left; its time runs from then. A call
that comes meanwhile hides it, and its time goes on: passed by then, it is over as soon as it shows again.
"""

from datetime import datetime, timedelta

from msgspec.structs import replace

from cti.agents.events import PartGone
from cti.agents.presence import Part, Presence, Rules, WrapUp, WrapUpKind


def owing(presence: Presence, part: Part, event: PartGone, rules: Rules) -> Presence:
    """With a wrap-up to come for this part. Of a call with the same agent again, the earlier one begins anew."""
    queue = event.queue or part.queue
    kind = rules.of(queue).wrap_up
    if not event.has_spoken or kind is WrapUpKind.OFF or not presence.is_logged_in:
        return presence
    again = [one for one in _all(presence) if one.call == event.call]
    has_result = part.has_result or any(one.has_result for one in again)
    owed = WrapUp(
        call=event.call, queue=queue, kind=kind, began_at=event.at, deadline=None, has_result=has_result
    )  # fmt: skip
    return replace(
        presence,
        wrap_up=presence.wrap_up if presence.wrap_up not in again else None,
        owed=(*(one for one in presence.owed if one not in again), owed),
    )


def opened(presence: Presence, at: datetime, rules: Rules) -> Presence:
    """With the next wrap-up open, if its time has come."""
    if presence.parts or presence.wrap_up or not presence.owed:
        return presence
    first, *later = presence.owed
    limit_s = rules.of(first.queue).wrap_up_s
    deadline = at + timedelta(seconds=limit_s) if limit_s > 0 else None
    return replace(presence, wrap_up=replace(first, began_at=at, deadline=deadline), owed=tuple(later))


def with_result(presence: Presence, call: str) -> Presence:
    """It may come before the wrap-up: while the agent still speaks."""
    wrap_up = presence.wrap_up
    return replace(
        presence,
        parts=tuple(replace(part, has_result=True) if part.call == call else part for part in presence.parts),
        wrap_up=replace(wrap_up, has_result=True) if wrap_up and wrap_up.call == call else wrap_up,
        owed=tuple(replace(one, has_result=True) if one.call == call else one for one in presence.owed),
    )


def extended(wrap_up: WrapUp, at: datetime, rules: Rules) -> WrapUp:
    """With more time, counted from now if it is over already. One without a limit needs none."""
    if wrap_up.deadline is None:
        return wrap_up
    deadline = max(wrap_up.deadline, at) + timedelta(seconds=rules.wrap_up_extend_s)
    return replace(wrap_up, deadline=deadline, extended=wrap_up.extended + 1)


def wants_result(wrap_up: WrapUp) -> bool:
    return wrap_up.kind is WrapUpKind.REQUIRED and not wrap_up.has_result


def not_classified(before: Presence, after: Presence) -> tuple[WrapUp, ...]:
    """Those that went between the two without the result they required: supervisors are told."""
    wanting = [one for one in _all(before) if wants_result(one)]
    if not wanting:
        return ()
    left = {one.call for one in _all(after)} | {part.call for part in after.parts}
    return tuple(one for one in wanting if one.call not in left)


def _all(presence: Presence) -> tuple[WrapUp, ...]:
    return (presence.wrap_up, *presence.owed) if presence.wrap_up else presence.owed
