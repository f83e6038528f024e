"""Everybody's desk: made when there is something to put on it, looked at again when something on it is due, cleared away
when nothing is left."""

import heapq
from collections.abc import Iterator
from datetime import datetime

from cti.agents.agent import AgentId
from cti.errors import NotFound
from cti.screenpop.desk import NOT_GOOD, Desk
from cti.screenpop.messages import Delta
from cti.screenpop.outbox import Key
from cti.screenpop.roster import Roster


class Desks:
    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._desks: dict[AgentId, Desk] = {}
        self._deadlines: list[tuple[datetime, AgentId]] = []
        self._planned: set[tuple[datetime, AgentId]] = set()
        """The same: a desktop that comes back again and again in one session has one end of it."""
        self.dropped = 0
        """Desktops closed for falling behind."""

    def __iter__(self) -> Iterator[Desk]:
        """As they are now: who is told may be dropped meanwhile."""
        return iter(tuple(self._desks.values()))

    def find(self, agent: AgentId) -> Desk | None:
        return self._desks.get(agent)

    def of(self, agent: AgentId) -> Desk:
        """Raises ``NotFound`` for an agent who is not, or no longer, on the roster."""
        desk = self._desks.get(agent)
        if desk is None:
            known = self._roster.agents.get(agent)
            if known is None:
                raise NotFound("no such agent")
            desk = self._desks[agent] = Desk(known)
        return desk

    def follow_roster(self) -> None:
        """Those no longer there lose their desktop."""
        for desk in self:
            known = self._roster.agents.get(desk.agent.id)
            if known is None:
                desk.let_go(NOT_GOOD, "no such agent")
                del self._desks[desk.agent.id]
            else:
                desk.becomes(known)

    def clear(self, agent: AgentId) -> None:
        """Nobody is to come back to it."""
        self._desks.pop(agent, None)

    def put(self, desk: Desk, key: Key, message: Delta) -> None:
        if not desk.put(key, message):
            self.dropped += 1

    def look_again(self, desk: Desk, at: datetime) -> None:
        if (at, desk.agent.id) not in self._planned:
            self._planned.add((at, desk.agent.id))
            heapq.heappush(self._deadlines, (at, desk.agent.id))

    def due(self, now: datetime) -> Iterator[Desk]:
        """Those to be looked at by now."""
        while self._deadlines and self._deadlines[0][0] <= now:
            passed = heapq.heappop(self._deadlines)
            self._planned.discard(passed)
            if desk := self._desks.get(passed[1]):
                yield desk

    def next_deadline(self) -> datetime | None:
        return self._deadlines[0][0] if self._deadlines else None

    def tidy(self, desk: Desk) -> None:
        if desk.is_idle:
            self._desks.pop(desk.agent.id, None)
