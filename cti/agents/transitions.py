"""The state machine of an agent: one table, and how the state is read off a presence.

Theory of operation. An event that may be (``refusals.py``) changes the one thing that it is about (``effects.py``): the
agent's parts in calls, the wrap-up, the pauses, or the log-out that waits. The state follows: a call hides a wrap-up, a
wrap-up hides the rest, and under both the agent is logged out, or paused, or ready. So nothing has to wait by itself: what is
asked for in a call lies there, pending, until nothing hides it any more. The table is not what moves the machine; it is what
each move is held to.

===========  =====================================  ==============================================================
state        the agent...                           leaves it by
===========  =====================================  ==============================================================
LOGOUT       is not there                           logging in; into the call, where one is on
NOT_READY    is there, and takes no queue's calls   the end of its last pause, a call, logging out
READY        waits for a call                       a call, a pause, logging out
RESERVED     has a phone that rings                 an answer; its end, to where they were, or to a missed call's pause
TALKING      speaks, or calls somebody              hold; the end of the last part
HOLD         has put everybody on hold              retrieve; the end of the last part
WORK         does paperwork; a pause is pending     ending it, its deadline, a call; WORK_READY when the pause goes
WORK_READY   does paperwork; READY follows          ending it, its deadline, a call; WORK when a pause comes
===========  =====================================  ==============================================================

``RESERVED_OUTBOUND`` is the dialler's, and nothing leads there yet. Who makes a change: whoever the event is from. Where a
call or a wrap-up ends and what was pending takes effect, it is whoever asked for that.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from cti.agents.agent import AgentId
from cti.agents.effects import effect, logged_out
from cti.agents.events import (
    AgentEvent,
    LoggedIn,
    LoggedOut,
    PartGone,
    PartIs,
    PausedOnPbx,
    PresenceRefused,
    SetNotReady,
    SetReady,
    UnpausedOnPbx,
    WrapUpEnded,
)
from cti.agents.pauses import MADE_BY_CAUSE
from cti.agents.presence import AgentState, Maker, PartState, Presence, Reason, Rules
from cti.agents.refusals import refused
from cti.agents.wrap_ups import opened

S = AgentState
_LOGIN: Final = frozenset({Maker.AGENT})
_CALL: Final = frozenset({Maker.PBX})
_PEOPLE: Final = frozenset({Maker.AGENT, Maker.SUPERVISOR})
_OURS: Final = frozenset({Maker.AGENT, Maker.SUPERVISOR, Maker.SYSTEM})
_ANYBODY: Final = frozenset(Maker)

# fmt: off - a table is read in columns
MADE_BY: Final[Mapping[tuple[AgentState, AgentState], frozenset[Maker]]] = {
    (S.LOGOUT, S.NOT_READY): _LOGIN,
    (S.LOGOUT, S.READY): _LOGIN,
    (S.LOGOUT, S.RESERVED): _LOGIN,  # logs in while the phone rings,
    (S.LOGOUT, S.TALKING): _LOGIN,  # ... in the middle of a call,
    (S.LOGOUT, S.HOLD): _LOGIN,
    (S.NOT_READY, S.LOGOUT): _OURS,
    (S.NOT_READY, S.NOT_READY): _ANYBODY,  # for another reason: a new interval
    (S.NOT_READY, S.READY): _PEOPLE | {Maker.PBX},  # nothing of ours makes anybody ready
    (S.NOT_READY, S.RESERVED): _CALL,  # a direct call
    (S.NOT_READY, S.TALKING): _CALL,  # an own call from a break
    (S.NOT_READY, S.HOLD): _CALL,
    (S.READY, S.LOGOUT): _OURS,
    (S.READY, S.NOT_READY): _ANYBODY,
    (S.READY, S.RESERVED): _CALL,
    (S.READY, S.TALKING): _CALL,
    (S.READY, S.HOLD): _CALL,
    (S.RESERVED, S.LOGOUT): _OURS,
    (S.RESERVED, S.NOT_READY): _ANYBODY,  # missed, declined; or back in a break
    (S.RESERVED, S.READY): _CALL,  # another one answered, or the caller gave up
    (S.RESERVED, S.TALKING): _CALL,
    (S.RESERVED, S.HOLD): _CALL,
    (S.RESERVED, S.WORK): _CALL,  # rang during the paperwork
    (S.RESERVED, S.WORK_READY): _CALL,
    (S.TALKING, S.LOGOUT): _OURS,
    (S.TALKING, S.NOT_READY): _ANYBODY,
    (S.TALKING, S.READY): _CALL,
    (S.TALKING, S.RESERVED): _CALL,  # the second call rings on
    (S.TALKING, S.HOLD): _CALL,
    (S.TALKING, S.WORK): _CALL,
    (S.TALKING, S.WORK_READY): _CALL,
    (S.HOLD, S.LOGOUT): _OURS,
    (S.HOLD, S.NOT_READY): _ANYBODY,
    (S.HOLD, S.READY): _CALL,
    (S.HOLD, S.RESERVED): _CALL,
    (S.HOLD, S.TALKING): _CALL,
    (S.HOLD, S.WORK): _CALL,
    (S.HOLD, S.WORK_READY): _CALL,
    (S.WORK, S.LOGOUT): _OURS,
    (S.WORK, S.NOT_READY): _ANYBODY,
    (S.WORK, S.READY): _PEOPLE,  # takes the pause back, and is done
    (S.WORK, S.RESERVED): _CALL,
    (S.WORK, S.TALKING): _CALL,
    (S.WORK, S.HOLD): _CALL,
    (S.WORK, S.WORK_READY): _ANYBODY,
    (S.WORK_READY, S.LOGOUT): frozenset({Maker.SUPERVISOR, Maker.SYSTEM}),  # the agent's own waits, in WORK
    (S.WORK_READY, S.READY): _OURS,
    (S.WORK_READY, S.RESERVED): _CALL,
    (S.WORK_READY, S.TALKING): _CALL,
    (S.WORK_READY, S.HOLD): _CALL,
    (S.WORK_READY, S.WORK): _ANYBODY,
}
# fmt: on


def begin(agent: AgentId, at: datetime) -> Presence:
    return Presence(agent=agent, since=at)


def advance(presence: Presence, event: AgentEvent, rules: Rules) -> Presence | PresenceRefused:
    """What ``event`` makes of ``presence``: the same object where that is nothing. An ``at`` before ``since`` is ``since``."""
    if event.at < presence.since:
        event = replace(event, at=presence.since)
    if why_not := refused(event, presence, rules):
        return why_not
    told = opened(effect(event, presence, rules), event.at, rules)
    if told.leaves and not told.is_busy:
        told = logged_out(told)
    after = _read_off(presence, told, event)
    return presence if after == presence else after


def next_deadline(presence: Presence) -> datetime | None:
    """When ``WrapUpExpired`` is due; past by then, at once. A wrap-up that a call hides has none."""
    return presence.wrap_up.deadline if presence.wrap_up and not presence.parts else None


def interval_changed(before: Presence, after: Presence) -> bool:
    """A new interval begins with ``after``."""
    return (before.state, before.reason) != (after.state, after.reason)


def is_foreseen(before: Presence, after: Presence) -> bool:
    """False is a mistake of ours."""
    if not interval_changed(before, after):
        return True
    return after.made_by in MADE_BY.get((before.state, after.state), ())


# ---- the state


def _state(presence: Presence) -> tuple[AgentState, Reason | None]:
    if not presence.is_logged_in:
        return presence.resting
    parts = {part.state for part in presence.parts}
    if parts & {PartState.TALKING, PartState.DIALLING}:
        return S.TALKING, None
    if parts:
        return (S.HOLD if PartState.HELD in parts else S.RESERVED), None
    if presence.wrap_up:
        return (S.WORK_READY if presence.resting[0] is S.READY else S.WORK), None
    return presence.resting


def _read_off(before: Presence, told: Presence, event: AgentEvent) -> Presence:
    state, reason = _state(told)
    if state is S.NOT_READY and told.pause and not told.pause.has_shown:
        told = replace(told, pauses=(*told.pauses[:-1], replace(told.pause, has_shown=True)))
    if (state, reason) == (before.state, before.reason):
        return told
    made_by, by = _maker(before, told, state, event)
    return replace(
        told, state=state, reason=reason, since=event.at, made_by=made_by, by=by, changes=before.changes + 1
    )  # fmt: skip


def _maker(before: Presence, told: Presence, state: AgentState, event: AgentEvent) -> tuple[Maker, str]:
    if before.is_busy and state is S.LOGOUT and told.leaving:
        return told.leaving.made_by, told.leaving.by
    if before.is_busy and state is S.NOT_READY and told.pause:
        return MADE_BY_CAUSE[told.pause.cause], told.pause.owner
    return _from(event, before.agent)


def _from(event: AgentEvent, agent: AgentId) -> tuple[Maker, str]:
    match event:
        case LoggedOut() | SetReady() | SetNotReady():
            return event.made_by, event.by
        case LoggedIn():
            return Maker.AGENT, agent
        case WrapUpEnded():
            return Maker.AGENT, event.by
        case PartIs() | PartGone() | PausedOnPbx() | UnpausedOnPbx():
            return Maker.PBX, ""
        case _:
            return Maker.SYSTEM, ""
