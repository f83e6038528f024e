"""Who there is, and whose phone is whose."""

from collections.abc import Iterable

from cti.agents.agent import Agent, AgentId


class Roster:
    def __init__(self) -> None:
        self.agents: dict[AgentId, Agent] = {}
        self.by_device: dict[str, AgentId] = {}

    def at(self, devices: Iterable[str]) -> dict[str, Agent]:
        """Whose these phones are."""
        return {device: self.agents[self.by_device[device]] for device in devices if device in self.by_device}

    def becomes(self, agents: Iterable[Agent]) -> dict[str, AgentId]:
        """Those disabled are not there. Returns the phones that were somebody else's before, or nobody's."""
        before = self.by_device
        self.agents = {agent.id: agent for agent in agents if agent.is_enabled}
        self.by_device = {agent.device: agent.id for agent in self.agents.values() if agent.device}
        return {device: agent for device, agent in self.by_device.items() if before.get(device) != agent}
