"""Who there is, and whose phone is whose."""

from collections.abc import Iterable

from cti.agents.agent import Agent, AgentId


class Roster:
    def __init__(self) -> None:
        self.agents: dict[AgentId, Agent] = {}
        self.by_device: dict[str, AgentId] = {}
        self.by_queue: dict[str, list[AgentId]] = {}
        self._watched: set[AgentId] | None = None
        self.watched: dict[str, AgentId] = {}
        """The phones of those whose desks are kept here: everybody's, but where ``watch`` was told otherwise."""

    def at(self, devices: Iterable[str]) -> dict[str, Agent]:
        """Whose these phones are."""
        return {device: self.agents[self.by_device[device]] for device in devices if device in self.by_device}

    def becomes(self, agents: Iterable[Agent]) -> dict[str, AgentId]:
        """Those disabled are not there. Returns the phones watched that were somebody else's before, or nobody's."""
        self.agents = {agent.id: agent for agent in agents if agent.is_enabled}
        self.by_queue = _by_queue(self.agents.values())
        self.by_device = {agent.device: agent.id for agent in self.agents.values() if agent.device}
        return self._look()

    def watch_nobody(self) -> None:
        """But those for whom ``watch`` is asked."""
        self._watched = set()
        self._look()

    def watch(self, agent: AgentId) -> str:
        """The phone that is watched from now on; empty: it was, or there is none."""
        known = self.agents.get(agent)
        if known is None or self._watched is None or agent in self._watched:
            return ""
        self._watched.add(agent)
        if self.by_device.get(known.device) == agent:
            self.watched[known.device] = agent
            return known.device
        return ""

    def unwatch(self, agent: AgentId) -> None:
        if self._watched is not None:
            self._watched.discard(agent)
            self._look()

    @property
    def watched_agents(self) -> tuple[AgentId, ...]:
        """Those for whom ``watch`` was asked."""
        return tuple(self._watched or ())

    def is_watched(self, agent: AgentId) -> bool:
        return self._watched is None or agent in self._watched

    def _look(self) -> dict[str, AgentId]:
        before, watched = self.watched, self._watched
        self.watched = {
            device: agent for device, agent in self.by_device.items() if watched is None or agent in watched
        }
        return {device: agent for device, agent in self.watched.items() if before.get(device) != agent}


def _by_queue(agents: Iterable[Agent]) -> dict[str, list[AgentId]]:
    found: dict[str, list[AgentId]] = {}
    for agent in agents:
        for queue in agent.queues:
            found.setdefault(queue, []).append(agent.id)
    return found
