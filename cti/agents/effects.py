"""What each event does to the one thing it is about: parts, wrap-up, pauses or log-out. The state is no business of this file.

Who may take what away: an agent everything but a supervisor's order (a pause that is FORCED, a log-out that waits), a
supervisor everything, whatever else comes only what it has brought. At a log-out all pauses go but FORCED, which nobody
gets rid of by logging in again; a log-out by a supervisor takes that too.
"""

from dataclasses import replace
from functools import singledispatch
from typing import Final

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
    PresenceRefused,
    ResultGiven,
    SetNotReady,
    SetReady,
    TakenOver,
    UnpausedOnPbx,
    WrapUpEnded,
    WrapUpExpired,
    WrapUpExtended,
)
from cti.agents.pauses import lies, paused, paused_by_system, unpaused
from cti.agents.presence import SYSTEM_REASONS, Cause, Leave, Maker, Part, PartState, Pause, Presence, Rules

_Told = Presence | PresenceRefused
_NOT_LOGGED_IN: Final = PresenceRefused(code="not_logged_in")
_SUPERVISOR_ONLY: Final = PresenceRefused(code="supervisor_only")
_RESULT_WANTED: Final = PresenceRefused(code="result_wanted")
_REASON_WANTED: Final = PresenceRefused(code="reason_wanted")
_NO_WRAP_UP: Final = PresenceRefused(code="no_wrap_up")
_EXTENDED_ENOUGH: Final = PresenceRefused(code="extended_enough")
REFUSALS: Final = frozenset(
    refused.code
    for refused in (
        _NOT_LOGGED_IN, _SUPERVISOR_ONLY, _RESULT_WANTED, _REASON_WANTED, _NO_WRAP_UP, _EXTENDED_ENOUGH,
    )
)  # fmt: skip


@singledispatch
def effect(event: AgentEvent, presence: Presence, rules: Rules) -> _Told:
    """The presence with what the event is about changed; ``state`` and what goes with it are still the old ones."""
    raise NotImplementedError(type(event))  # pragma: no cover - there is no other kind


# ---- log-in and log-out


@effect.register
def _(event: LoggedIn, presence: Presence, rules: Rules) -> _Told:
    if presence.is_logged_in:
        return presence if _is_ordered_out(presence) else replace(presence, leaving=None)
    fresh = () if rules.is_ready_at_login else (_just_logged_in(event, presence),)
    return replace(presence, is_logged_in=True, leaving=None, pauses=(*fresh, *presence.pauses))


@effect.register
def _(event: LoggedOut, presence: Presence, rules: Rules) -> _Told:  # noqa: ARG001 - one shape for all
    """The agent's own waits for the end of a wrap-up; a supervisor's, and the system's, is the end of it."""
    is_order = event.made_by is Maker.SUPERVISOR
    if not presence.is_logged_in or (_is_ordered_out(presence) and not is_order):
        return presence
    leaving = Leave(made_by=event.made_by, by=event.by, reason=event.reason)
    if event.made_by is Maker.AGENT or presence.parts:
        return replace(presence, leaving=leaving)
    return replace(presence, leaving=leaving, wrap_up=None, owed=())


def logged_out(presence: Presence) -> Presence:
    """Once nothing is left to wait for."""
    is_order = _is_ordered_out(presence)
    kept = tuple(pause for pause in presence.pauses if pause.cause is Cause.FORCED and not is_order)
    return replace(presence, is_logged_in=False, pauses=kept, missed={})


def _just_logged_in(event: LoggedIn, presence: Presence) -> Pause:
    return Pause(
        cause=Cause.LOGGED_IN, reason=SYSTEM_REASONS[Cause.LOGGED_IN], owner=presence.agent, since=event.at
    )  # fmt: skip


def _is_ordered_out(presence: Presence) -> bool:
    return presence.leaving is not None and presence.leaving.made_by is Maker.SUPERVISOR


# ---- ready and not ready


@effect.register
def _(event: SetReady, presence: Presence, rules: Rules) -> _Told:  # noqa: ARG001
    if not presence.is_logged_in:
        return _NOT_LOGGED_IN
    if event.made_by is not Maker.SUPERVISOR and (lies(presence, Cause.FORCED) or _is_ordered_out(presence)):
        return _SUPERVISOR_ONLY
    wrap_up = presence.wrap_up
    if wrap_up and not presence.parts:
        if wrap_ups.wants_result(wrap_up):
            return _RESULT_WANTED
        wrap_up = None
    return replace(presence, pauses=(), leaving=None, wrap_up=wrap_up)


@effect.register
def _(event: SetNotReady, presence: Presence, rules: Rules) -> _Told:  # noqa: ARG001
    """In the place of a log-out that waits, if the same one asked for it: the later wish counts."""
    if not presence.is_logged_in:
        return _NOT_LOGGED_IN
    is_order = event.made_by is Maker.SUPERVISOR
    cause = Cause.FORCED if is_order else Cause.CHOSEN
    reason = event.reason or (SYSTEM_REASONS[cause] if is_order else None)
    if reason is None and not lies(presence, cause):
        return _REASON_WANTED
    stays = presence if _is_ordered_out(presence) and not is_order else replace(presence, leaving=None)
    return paused(stays, cause, event.at, reason=reason, owner=event.by) if reason else stays


@effect.register
def _(event: DesktopGone, presence: Presence, rules: Rules) -> _Told:  # noqa: ARG001
    return paused_by_system(presence, Cause.CONNECTION_LOST, event.at)


@effect.register
def _(event: DesktopBack, presence: Presence, rules: Rules) -> _Told:  # noqa: ARG001
    has_shown = any(pause.has_shown for pause in presence.pauses if pause.cause is Cause.CONNECTION_LOST)
    return presence if has_shown else unpaused(presence, Cause.CONNECTION_LOST)


@effect.register
def _(event: TakenOver, presence: Presence, rules: Rules) -> _Told:  # noqa: ARG001
    """A call or a wrap-up goes on where the agent is now."""
    return presence if presence.is_busy else paused_by_system(presence, Cause.ELSEWHERE, event.at)


@effect.register
def _(event: PausedOnPbx, presence: Presence, rules: Rules) -> _Told:  # noqa: ARG001
    return paused_by_system(presence, Cause.PBX, event.at)


@effect.register
def _(event: UnpausedOnPbx, presence: Presence, rules: Rules) -> _Told:  # noqa: ARG001
    return unpaused(presence, Cause.PBX)


# ---- calls


@effect.register
def _(event: PartIs, presence: Presence, rules: Rules) -> _Told:  # noqa: ARG001
    """Of one who is not logged in it is known too, for when they log in during the call."""
    old = _part(presence, event.part.call)
    part = replace(event.part, has_result=event.part.has_result or (old is not None and old.has_result))
    parts = tuple(part if one is old else one for one in presence.parts) if old else (*presence.parts, part)
    return replace(presence, parts=parts, missed={} if part.state is PartState.TALKING else presence.missed)


@effect.register
def _(event: PartGone, presence: Presence, rules: Rules) -> _Told:
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
def _(event: ResultGiven, presence: Presence, rules: Rules) -> _Told:  # noqa: ARG001
    return wrap_ups.with_result(presence, event.call)


@effect.register
def _(event: WrapUpEnded, presence: Presence, rules: Rules) -> _Told:  # noqa: ARG001
    if presence.wrap_up is None:
        return _NO_WRAP_UP
    return _RESULT_WANTED if wrap_ups.wants_result(presence.wrap_up) else replace(presence, wrap_up=None)


@effect.register
def _(event: WrapUpExtended, presence: Presence, rules: Rules) -> _Told:
    if presence.wrap_up is None:
        return _NO_WRAP_UP
    if presence.wrap_up.extended >= rules.most_extensions:
        return _EXTENDED_ENOUGH
    return replace(presence, wrap_up=wrap_ups.extended(presence.wrap_up, event.at, rules))


@effect.register
def _(event: WrapUpExpired, presence: Presence, rules: Rules) -> _Told:  # noqa: ARG001
    deadline = presence.wrap_up.deadline if presence.wrap_up else None
    is_over = deadline is not None and deadline <= event.at and not presence.parts
    return replace(presence, wrap_up=None) if is_over else presence
