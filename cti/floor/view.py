"""A presence as desktops are shown it, and what may be asked of it: pure functions.

What may be asked is what the state machine would not refuse, so a button and the machine never disagree.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from cti.agents.agent import Agent, AgentId
from cti.agents.events import (
    AgentEvent,
    LoggedIn,
    LoggedOut,
    PresenceRefused,
    SetNotReady,
    SetReady,
    WrapUpEnded,
    WrapUpExtended,
)
from cti.agents.presence import AgentState, Maker, Presence, Reason, Rules, WrapUp
from cti.agents.refusals import refused
from cti.agents.transitions import advance
from cti.screenpop.messages import Action, PendingView, PresenceView, WrapUpView

Asked = Literal["READY", "NOT_READY", "LOGOUT"]
_ANY_REASON: Final = Reason(1, "")


class Standing(Struct, frozen=True, kw_only=True):
    """What the PBX has of the agent, beside what we want."""

    queues: tuple[str, ...] = ()
    is_confirmed: bool = True
    trouble: str = ""
    pbx_is_up: bool = True


def presence_view(
    presence: Presence,
    standing: Standing,
    names: Mapping[AgentId, str],
    actions: tuple[Action, ...] = (),
) -> PresenceView:
    is_not_ready = presence.state is AgentState.NOT_READY
    return PresenceView(
        agent=presence.agent, state=presence.state.value, since=presence.since,
        reason_code=presence.reason.code if presence.reason else None,
        reason=presence.reason.label if presence.reason else "",
        cause=presence.pause.cause.value if is_not_ready and presence.pause else "",
        made_by=presence.made_by.value, by=_name(presence.by, names),
        pending=_pending(presence, names), wrap_up=_wrap_up(presence.wrap_up) if presence.wrap_up else None,
        is_confirmed=standing.is_confirmed, trouble=standing.trouble, queues=standing.queues,
        calls=len(presence.parts), actions=actions,
    )  # fmt: skip


def actions(presence: Presence, standing: Standing, by: Agent, rules: Rules) -> tuple[Action, ...]:
    """What ``by`` may ask of this presence now."""
    at = presence.since
    states: tuple[Asked, ...] = ("READY", "NOT_READY", "LOGOUT") if presence.is_logged_in else ("READY", "NOT_READY")
    found = [
        _action(state, asked(state, _ANY_REASON, presence, by, at, has_desktop=True), presence, standing, rules)
        for state in states
    ]
    if not presence.is_logged_in:
        found.append(Action(name="LOGOUT", allowed=False, why_not="not_logged_in"))
    if presence.wrap_up and presence.agent == by.id:
        extend = (WrapUpExtended(at=at, by=by.id),)
        found.append(_action("extend", extend, presence, Standing(), rules))
        found.append(_action("end", (WrapUpEnded(at=at, by=by.id),), presence, standing, rules))
    return tuple(found)


def asked(
    state: Asked, reason: Reason | None, presence: Presence, by: Agent, at: datetime, *, has_desktop: bool = False
) -> tuple[AgentEvent, ...]:
    """The events of a state asked for by ``by``. An agent who logged out and has a desktop open still logs in by it."""
    maker = Maker.AGENT if presence.agent == by.id else Maker.SUPERVISOR
    first: tuple[AgentEvent, ...] = ()
    if has_desktop and maker is Maker.AGENT and not presence.is_logged_in and state != "LOGOUT":
        first = (LoggedIn(at=at),)
    match state:
        case "READY":
            return (*first, SetReady(at=at, made_by=maker, by=by.id))
        case "NOT_READY":
            return (*first, SetNotReady(at=at, made_by=maker, by=by.id, reason=reason))
        case "LOGOUT":
            return (LoggedOut(at=at, made_by=maker, by=by.id, reason=reason),)


def tried(presence: Presence, events: Iterable[AgentEvent], rules: Rules) -> Presence | PresenceRefused:
    for event in events:
        after = advance(presence, event, rules)
        if isinstance(after, PresenceRefused):
            return after
        presence = after
    return presence


def _action(name: str, events: tuple[AgentEvent, ...], presence: Presence, standing: Standing, rules: Rules) -> Action:
    if not standing.pbx_is_up:
        return Action(name=name, allowed=False, why_not="pbx_lost")
    why_not = _refused(presence, events, rules)
    return Action(name=name, allowed=not why_not, why_not=why_not.code if why_not else "")


def _refused(presence: Presence, events: tuple[AgentEvent, ...], rules: Rules) -> PresenceRefused | None:
    """Those before the last would happen; of the last it is enough to ask."""
    *first, last = events
    before = tried(presence, first, rules)
    return before if isinstance(before, PresenceRefused) else refused(last, before, rules)


def _pending(presence: Presence, names: Mapping[AgentId, str]) -> PendingView | None:
    if presence.pending is None:
        return None
    state, reason = presence.pending
    if state is AgentState.LOGOUT:
        by = presence.leaving.by if presence.leaving else ""
        return PendingView(
            state="LOGOUT", reason_code=reason.code if reason else None, reason=reason.label if reason else "",
            by=_name(by, names),
        )  # fmt: skip
    pause = presence.pause
    return PendingView(
        state="NOT_READY", reason_code=reason.code if reason else None, reason=reason.label if reason else "",
        cause=pause.cause.value if pause else "", by=_name(pause.owner, names) if pause else "",
    )  # fmt: skip


def _wrap_up(wrap_up: WrapUp) -> WrapUpView:
    return WrapUpView(
        call=wrap_up.call, queue=wrap_up.queue, kind="required" if wrap_up.kind.value == "required" else "optional",
        began_at=wrap_up.began_at, deadline=wrap_up.deadline, has_result=wrap_up.has_result,
    )  # fmt: skip


def _name(agent: str, names: Mapping[AgentId, str]) -> str:
    return names.get(AgentId(agent), agent) if agent else ""
