"""What the record knows of agents' states, as intervals: what each was, how long it lasted, why, and who made it.

Derived from the facts that ``cti/agent_facts.py`` makes, and from nothing else; pure, so that rebuilding gives the same.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import Final, Protocol

import msgspec

from cti.agent_facts import presence_of
from cti.agents.agent import AgentId
from cti.agents.presence import AgentState, Maker, PartState, Presence
from cti.calls.frozen import changed
from cti.envelope import Envelope

WRAP_UP: Final = frozenset({AgentState.WORK, AgentState.WORK_READY})
_SHOWN_BY: Final[Mapping[AgentState, frozenset[PartState]]] = {
    AgentState.RESERVED: frozenset({PartState.RINGING}),
    AgentState.TALKING: frozenset({PartState.TALKING, PartState.DIALLING}),
    AgentState.HOLD: frozenset({PartState.HELD}),
}
"""The parts that make a state what it is."""


class Interval(msgspec.Struct, frozen=True, kw_only=True):
    """One state of one agent, until the next began."""

    agent: AgentId
    began_at: datetime
    nr: int
    """Of the agent's intervals; tells apart those that began at the same moment."""
    ended_at: datetime | None = None
    """None while it lasts."""
    state: AgentState
    reason_code: int = 0
    """0: none."""
    reason: str = ""
    cause: str = ""
    """Of the pause that shows; empty in other states than NOT_READY."""
    made_by: Maker
    by: str = ""
    call: str = ""
    """Which the agent is in, or wraps up; the latest of several."""
    queue: str = ""
    missed: int = 0
    """How many calls the agent has missed in a row; an answer sets it to 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One agent's time in a period, added up. States that began before it or last beyond it count with their part in it."""

    seconds: Mapping[AgentState, float] = field(default_factory=dict)
    """Of each state there was; not of LOGOUT."""
    calls: frozenset[str] = frozenset()
    """The agent talked in them, or dialled them."""
    missed: int = 0

    @property
    def logged_in_s(self) -> float:
        return sum(self.seconds.values())

    @property
    def talk_s(self) -> float:
        return self.seconds.get(AgentState.TALKING, 0.0)

    @property
    def hold_s(self) -> float:
        return self.seconds.get(AgentState.HOLD, 0.0)

    @property
    def wrap_up_s(self) -> float:
        return sum(self.seconds.get(state, 0.0) for state in WRAP_UP)

    @property
    def handled(self) -> int:
        return len(self.calls)

    @property
    def average_handle_s(self) -> float | None:
        """Talk, hold and wrap-up by calls handled; None without calls."""
        return (self.talk_s + self.hold_s + self.wrap_up_s) / self.handled if self.calls else None


class ShiftLog(Protocol):
    """Who calls it: the agents' floor at its start, web handlers, reports. Every method raises ``StoreUnavailable``.

    ``since`` is inclusive, ``until`` exclusive.
    """

    async def last_states(self) -> tuple[Presence, ...]:
        """Each agent's, as last told: what a restarted service takes up. By agent."""
        ...

    async def intervals(self, agent: AgentId, since: datetime, until: datetime) -> tuple[Interval, ...]:
        """Those that lay in the period at least in part, in their order, whole."""
        ...

    async def day(self, agent: AgentId, since: datetime, until: datetime) -> Day:
        """A state that still lasts counts up to ``until``: ask no further than now. ``calls`` has those a customer was talked
        to in; calls that nobody answered and those between colleagues are not."""
        ...


def interval_of(fact: Envelope) -> Interval | None:
    """The interval that begins with a fact; None for facts of other kinds."""
    presence = presence_of(fact)
    return _interval(presence) if presence else None


def _interval(presence: Presence) -> Interval:
    pause = presence.pause if presence.state is AgentState.NOT_READY else None
    call, queue = _work(presence)
    return Interval(
        agent=presence.agent, began_at=presence.since, nr=presence.changes, state=presence.state,
        reason_code=presence.reason.code if presence.reason else 0,
        reason=presence.reason.label if presence.reason else "", cause=pause.cause.value if pause else "",
        made_by=presence.made_by, by=presence.by, call=call, queue=queue, missed=sum(presence.missed.values()),
    )  # fmt: skip


def _work(presence: Presence) -> tuple[str, str]:
    if presence.state in WRAP_UP and presence.wrap_up:
        return presence.wrap_up.call, presence.wrap_up.queue
    shown = _SHOWN_BY.get(presence.state, frozenset())
    return next(((part.call, part.queue) for part in reversed(presence.parts) if part.state in shown), ("", ""))


def place(interval: Interval) -> tuple[datetime, int]:
    """What one agent's intervals are ordered by, and known by."""
    return interval.began_at, interval.nr


def in_a_row(intervals: Iterable[Interval]) -> list[Interval]:
    """One agent's, in order: each ends where the next begins, so none is negative and none overlaps, however the facts came.

    What is told twice is taken from the first telling, for how a state began does not change; but a call missed meanwhile counts.
    """
    once: dict[tuple[datetime, int], Interval] = {}
    for one in intervals:
        known = once.setdefault(place(one), one)
        if one.missed > known.missed:
            once[place(one)] = changed(known, missed=one.missed)
    ordered = [once[at] for at in sorted(once)]
    ends = [*(one.began_at for one in ordered[1:]), None]
    return [one if one.ended_at == end else changed(one, ended_at=end) for one, end in zip(ordered, ends, strict=False)]


def lies_in(interval: Interval, since: datetime, until: datetime) -> bool:
    return interval.began_at < until and (interval.ended_at is None or interval.ended_at > since)


def day_of(intervals: Iterable[Interval], since: datetime, until: datetime) -> Day:
    """``intervals`` are one agent's, in order, those that lie in the period."""
    known = list(intervals)
    seconds: dict[AgentState, float] = {}
    for one in known:
        if one.state is not AgentState.LOGOUT:
            lasted_s = (min(one.ended_at or until, until) - max(one.began_at, since)).total_seconds()
            seconds[one.state] = seconds.get(one.state, 0.0) + lasted_s
    talked = frozenset(one.call for one in known if one.state is AgentState.TALKING and one.call)
    missed = sum(max(0, one.missed - before.missed) for before, one in pairwise(known))
    return Day(seconds=seconds, calls=talked, missed=missed)


def without(day: Day, calls: Iterable[str]) -> Day:
    """Calls that nobody answered and calls between colleagues, which the record of calls knows, are not handled."""
    return replace(day, calls=day.calls.difference(calls))
