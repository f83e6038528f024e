"""Who there is, and whose phone is whose."""

from collections.abc import Iterable

from cti.agents.agent import Agent, AgentId


class Roster:
    def __init__(self) -> None:
        self.agents: dict[AgentId, Agent] = {}
        self.by_device: dict[str, AgentId] = {}
        self._watched: set[AgentId] | None = None
        self.watched: dict[str, AgentId] = {}
        """The phones of those whose desks are kept here: everybody's, but where ``watch`` was told otherwise."""

    def at(self, devices: Iterable[str]) -> dict[str, Agent]:
        """Whose these phones are."""
        return {device: self.agents[self.by_device[device]] for device in devices if device in self.by_device}

    def becomes(self, agents: Iterable[Agent]) -> dict[str, AgentId]:
        """Those disabled are not there. Returns the phones watched that were somebody else's before, or nobody's."""
        self.agents = {agent.id: agent for agent in agents if agent.is_enabled}
        self.by_device = {agent.device: agent.id for agent in self.agents.values() if agent.device}
        return self._look()

    def watch(self, agents: Iterable[AgentId]) -> dict[str, AgentId]:
        """Only theirs from now on. Returns the phones that were not watched before."""
        self._watched = set(agents)
        return self._look()

    def _look(self) -> dict[str, AgentId]:
        before, watched = self.watched, self._watched
        self.watched = {
            device: agent for device, agent in self.by_device.items() if watched is None or agent in watched
        }
        return {device: agent for device, agent in self.watched.items() if before.get(device) != agent}
