"""Agents' intervals in memory: the half of ``memory.py`` that ``ShiftLog`` asks for."""

from collections import defaultdict
from datetime import datetime

from cti.agent_facts import presence_of
from cti.agents.agent import AgentId
from cti.agents.presence import Presence
from cti.envelope import Envelope
from cti.store.shifts import Day, Interval, day_of, in_a_row, interval_of, lies_in


class MemoryShiftLog:
    def __init__(self) -> None:
        self._intervals: dict[AgentId, list[Interval]] = defaultdict(list)
        self._last_states: dict[AgentId, Presence] = {}

    async def last_states(self) -> tuple[Presence, ...]:
        return tuple(self._last_states[agent] for agent in sorted(self._last_states))

    async def intervals(self, agent: AgentId, since: datetime, until: datetime) -> tuple[Interval, ...]:
        return tuple(one for one in self._intervals.get(agent, ()) if lies_in(one, since, until))

    async def day(self, agent: AgentId, since: datetime, until: datetime) -> Day:
        return day_of(await self.intervals(agent, since, until), since, until)

    def _hear_state(self, fact: Envelope) -> None:
        presence, interval = presence_of(fact), interval_of(fact)
        if presence and interval:
            self._last_states[presence.agent] = presence
            self._intervals[presence.agent] = in_a_row([*self._intervals[presence.agent], interval])
