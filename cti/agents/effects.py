"""What each event does to the one thing it is about: parts, wrap-up, pauses or log-out. The state is no business of this file,
nor is what may be asked for at all (``refusals.py``).

Who may take what away: an agent everything but a supervisor's order (a pause that is FORCED, a log-out that waits), a
supervisor everything, whatever else comes only what it has brought. At a log-out all pauses go but FORCED, which nobody
gets rid of by logging in again; a log-out by a supervisor takes that too.
"""

from functools import singledispatch

from msgspec.structs import replace

from cti.agents import wrap_ups
from cti.agents.events import (
    AgentEvent,
    DesktopBack,
    DesktopGone,
    LoggedIn,
    LoggedOut,
    PartGone,
    PartIs,
    PausedOnPbx,
    ResultGiven,
    SetNotReady,
    SetReady,
    TakenOver,
    UnpausedOnPbx,
    WrapUpEnded,
    WrapUpExpired,
    WrapUpExtended,
)
from cti.agents.pauses import paused, paused_by_system, unpaused
from cti.agents.presence import SYSTEM_REASONS, Cause, Leave, Maker, Part, PartState, Pause, Presence, Rules


@singledispatch
def effect(event: AgentEvent, presence: Presence, rules: Rules) -> Presence:
    """The presence with what the event is about changed; ``state`` and what goes with it are still the old ones."""
    raise NotImplementedError(type(event))  # pragma: no cover - there is no other kind


# ---- log-in and log-out


@effect.register
def _(event: LoggedIn, presence: Presence, rules: Rules) -> Presence:
    if presence.is_logged_in:
        return presence if presence.is_ordered_out else replace(presence, leaving=None)
    fresh = () if rules.is_ready_at_login else (_just_logged_in(event, presence),)
    return replace(presence, is_logged_in=True, leaving=None, pauses=(*fresh, *presence.pauses))


@effect.register
def _(event: LoggedOut, presence: Presence, rules: Rules) -> Presence:  # noqa: ARG001 - one shape for all
    """The agent's own waits for the end of a wrap-up; a supervisor's, and the system's, is the end of it."""
    is_order = event.made_by is Maker.SUPERVISOR
    if not presence.is_logged_in or (presence.is_ordered_out and not is_order):
        return presence
    leaving = Leave(made_by=event.made_by, by=event.by, reason=event.reason)
    if event.made_by is Maker.AGENT or presence.parts:
        return replace(presence, leaving=leaving)
    return replace(presence, leaving=leaving, wrap_up=None, owed=())


def logged_out(presence: Presence) -> Presence:
    """Once nothing is left to wait for."""
    is_order = presence.is_ordered_out
    kept = tuple(pause for pause in presence.pauses if pause.cause is Cause.FORCED and not is_order)
    return replace(presence, is_logged_in=False, pauses=kept, missed={})


def _just_logged_in(event: LoggedIn, presence: Presence) -> Pause:
    return Pause(
        cause=Cause.LOGGED_IN, reason=SYSTEM_REASONS[Cause.LOGGED_IN], owner=presence.agent, since=event.at
    )  # fmt: skip


# ---- ready and not ready


@effect.register
def _(event: SetReady, presence: Presence, rules: Rules) -> Presence:  # noqa: ARG001
    wrap_up = presence.wrap_up if presence.parts else None
    return replace(presence, pauses=(), leaving=None, wrap_up=wrap_up)


@effect.register
def _(event: SetNotReady, presence: Presence, rules: Rules) -> Presence:  # noqa: ARG001
    """In the place of a log-out that waits, if the same one asked for it: the later wish counts."""
    is_order = event.made_by is Maker.SUPERVISOR
    cause = Cause.FORCED if is_order else Cause.CHOSEN
    reason = event.reason or (SYSTEM_REASONS[cause] if is_order else None)
    stays = presence if presence.is_ordered_out and not is_order else replace(presence, leaving=None)
    return paused(stays, cause, event.at, reason=reason, owner=event.by) if reason else stays


@effect.register
def _(event: DesktopGone, presence: Presence, rules: Rules) -> Presence:  # noqa: ARG001
    return paused_by_system(presence, Cause.CONNECTION_LOST, event.at)


@effect.register
def _(event: DesktopBack, presence: Presence, rules: Rules) -> Presence:  # noqa: ARG001
    has_shown = any(pause.has_shown for pause in presence.pauses if pause.cause is Cause.CONNECTION_LOST)
    return presence if has_shown else unpaused(presence, Cause.CONNECTION_LOST)


@effect.register
def _(event: TakenOver, presence: Presence, rules: Rules) -> Presence:  # noqa: ARG001
    """A call or a wrap-up goes on where the agent is now."""
    return presence if presence.is_busy else paused_by_system(presence, Cause.ELSEWHERE, event.at)


@effect.register
def _(event: PausedOnPbx, presence: Presence, rules: Rules) -> Presence:  # noqa: ARG001
    return paused_by_system(presence, Cause.PBX, event.at)


@effect.register
def _(event: UnpausedOnPbx, presence: Presence, rules: Rules) -> Presence:  # noqa: ARG001
    return unpaused(presence, Cause.PBX)


# ---- calls


@effect.register
def _(event: PartIs, presence: Presence, rules: Rules) -> Presence:  # noqa: ARG001
    """Of one who is not logged in it is known too, for when they log in during the call."""
    old = _part(presence, event.part.call)
    part = replace(event.part, has_result=event.part.has_result or (old is not None and old.has_result))
    parts = tuple(part if one is old else one for one in presence.parts) if old else (*presence.parts, part)
    return replace(presence, parts=parts, missed={} if part.state is PartState.TALKING else presence.missed)


@effect.register
def _(event: PartGone, presence: Presence, rules: Rules) -> Presence:
    part = _part(presence, event.call)
    if part is None:
        return presence
    left = replace(presence, parts=tuple(one for one in presence.parts if one is not part))
    left = wrap_ups.owing(left, part, event, rules)
    if left.parts or not presence.is_logged_in:
        return left  # who misses or declines a second call during a first one is no less there
    if event.is_declined and rules.declined_is_pause:
        return paused_by_system(left, Cause.DECLINED, event.at)
    queue = event.queue or part.queue
    return _missed(left, queue, event, rules) if event.is_missed and queue else left


def _missed(presence: Presence, queue: str, event: PartGone, rules: Rules) -> Presence:
    count, limit = presence.missed.get(queue, 0) + 1, rules.of(queue).missed_limit
    counted = replace(presence, missed={**presence.missed, queue: count})
    return paused_by_system(counted, Cause.MISSED_CALL, event.at) if 0 < limit <= count else counted


def _part(presence: Presence, call: str) -> Part | None:
    return next((part for part in presence.parts if part.call == call), None)


# ---- wrap-up


@effect.register
def _(event: ResultGiven, presence: Presence, rules: Rules) -> Presence:  # noqa: ARG001
    return wrap_ups.with_result(presence, event.call)


@effect.register
def _(event: WrapUpEnded, presence: Presence, rules: Rules) -> Presence:  # noqa: ARG001
    return replace(presence, wrap_up=None)


@effect.register
def _(event: WrapUpExtended, presence: Presence, rules: Rules) -> Presence:
    longer = presence.wrap_up and wrap_ups.extended(presence.wrap_up, event.at, rules)
    return replace(presence, wrap_up=longer)


@effect.register
def _(event: WrapUpExpired, presence: Presence, rules: Rules) -> Presence:  # noqa: ARG001
    deadline = presence.wrap_up.deadline if presence.wrap_up else None
    is_over = deadline is not None and deadline <= event.at and not presence.parts
    return replace(presence, wrap_up=None) if is_over else presence
