"""What is told once, kept a while: a desktop that comes from another process may have missed it there. No I/O."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cti.agents.agent import Agent, AgentId, AgentRole
from cti.screenpop.messages import CommandDelta, NoticeDelta
from cti.screenpop.outbox import Key

KEPT: Final = timedelta(seconds=60)
_MOST: Final = 20_000


@dataclass(frozen=True, slots=True)
class _Told:
    at: datetime
    agent: AgentId | None
    """None: supervisors."""
    key: Key
    delta: CommandDelta | NoticeDelta


class Lately:
    """Ends of commands and notices of the last minute."""

    def __init__(self) -> None:
        self._told: deque[_Told] = deque(maxlen=_MOST)

    def note(self, at: datetime, agent: AgentId | None, key: Key, delta: CommandDelta | NoticeDelta) -> None:
        self._told.append(_Told(at, agent, key, delta))
        while self._told[0].at < at - KEPT:
            self._told.popleft()

    def told(self, agent: Agent, now: datetime) -> Iterator[tuple[Key, CommandDelta | NoticeDelta]]:
        """What this agent should have heard."""
        supervises = agent.role is not AgentRole.AGENT
        for one in self._told:
            if one.at >= now - KEPT and (one.agent == agent.id or (one.agent is None and supervises)):
                yield one.key, one.delta
