"""Pauses are owned by their cause: one of each lies on an agent, and taking one away leaves the others alone."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from cti.agents.presence import SYSTEM_REASONS, Cause, Maker, Pause, Presence, Reason

MADE_BY_CAUSE: Final[Mapping[Cause, Maker]] = {
    Cause.CHOSEN: Maker.AGENT,
    Cause.FORCED: Maker.SUPERVISOR,
    Cause.LOGGED_IN: Maker.AGENT,
    Cause.MISSED_CALL: Maker.SYSTEM,
    Cause.DECLINED: Maker.SYSTEM,
    Cause.CONNECTION_LOST: Maker.SYSTEM,
    Cause.ELSEWHERE: Maker.SYSTEM,
    Cause.PBX: Maker.PBX,
}


def paused(presence: Presence, cause: Cause, at: datetime, *, reason: Reason, owner: str = "") -> Presence:
    """With a pause of this cause last, in the place of an earlier one; one just like it that is last already stays."""
    last = presence.pause
    if last and (last.cause, last.reason, last.owner) == (cause, reason, owner):
        return presence
    pause = Pause(cause=cause, reason=reason, owner=owner, since=at)
    return replace(presence, pauses=(*_without(presence, {cause}), pause))


def paused_by_system(presence: Presence, cause: Cause, at: datetime) -> Presence:
    """One that lies there already says it all; who is not logged in needs none."""
    if lies(presence, cause) or not presence.is_logged_in:
        return presence
    return paused(presence, cause, at, reason=SYSTEM_REASONS[cause])


def unpaused(presence: Presence, *causes: Cause) -> Presence:
    return replace(presence, pauses=_without(presence, causes))


def lies(presence: Presence, cause: Cause) -> bool:
    return any(pause.cause is cause for pause in presence.pauses)


def _without(presence: Presence, causes: Iterable[Cause]) -> tuple[Pause, ...]:
    gone = frozenset(causes)
    return tuple(pause for pause in presence.pauses if pause.cause not in gone)
