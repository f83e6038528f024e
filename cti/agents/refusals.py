"""What people may not ask for, and why. Asked before an event has its effect, and by whoever shows what may be asked: so a
button and the machine never disagree. What nobody asks for just happens.
"""

from typing import Final

from cti.agents.events import (
    AgentEvent,
    PresenceRefused,
    SetNotReady,
    SetReady,
    WrapUpEnded,
    WrapUpExtended,
)
from cti.agents.pauses import lies
from cti.agents.presence import Cause, Maker, Presence, Rules, WrapUp
from cti.agents.wrap_ups import wants_result

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


def refused(event: AgentEvent, presence: Presence, rules: Rules) -> PresenceRefused | None:
    """Why ``event`` may not be; None: it may. When it is does not matter."""
    match event:
        case SetReady():
            return _ready(event, presence)
        case SetNotReady():
            return _not_ready(event, presence)
        case WrapUpEnded():
            return _end(presence.wrap_up)
        case WrapUpExtended():
            return _extend(presence.wrap_up, rules)
        case _:
            return None


def _ready(event: SetReady, presence: Presence) -> PresenceRefused | None:
    if not presence.is_logged_in:
        return _NOT_LOGGED_IN
    if event.made_by is not Maker.SUPERVISOR and (lies(presence, Cause.FORCED) or presence.is_ordered_out):
        return _SUPERVISOR_ONLY
    must_finish = presence.wrap_up and not presence.parts and wants_result(presence.wrap_up)
    return _RESULT_WANTED if must_finish else None


def _not_ready(event: SetNotReady, presence: Presence) -> PresenceRefused | None:
    if not presence.is_logged_in:
        return _NOT_LOGGED_IN
    needs_none = event.made_by is Maker.SUPERVISOR or lies(presence, Cause.CHOSEN)
    return None if event.reason or needs_none else _REASON_WANTED


def _end(wrap_up: WrapUp | None) -> PresenceRefused | None:
    if wrap_up is None:
        return _NO_WRAP_UP
    return _RESULT_WANTED if wants_result(wrap_up) else None


def _extend(wrap_up: WrapUp | None, rules: Rules) -> PresenceRefused | None:
    if wrap_up is None:
        return _NO_WRAP_UP
    return _EXTENDED_ENOUGH if wrap_up.extended >= rules.most_extensions else None
