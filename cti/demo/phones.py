"""Whose phone may ring in the demo. Colleagues whom nobody has logged in as are played: their phones ring as in the recordings.

Who has logged in is a person: their phone is a member of its queues then, and rings only where it is not paused. Nor does it
do of itself what a recorded agent did by hand: hold, hand over, decline, dial.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cti.agents.agent import Agent
from cti.telephony.link import MemberChanged
from cti.telephony.replay.score import Play


class Phones:
    def __init__(self) -> None:
        self._queues: dict[str, dict[str, bool]] = {}
        """Of persons: device -> queue -> paused."""

    def member(self, member: MemberChanged) -> None:
        queues = self._queues.setdefault(member.device, {})
        if member.is_member:
            queues[member.queue] = member.paused
        else:
            queues.pop(member.queue, None)

    def is_person(self, device: str) -> bool:
        return bool(self._queues.get(device))

    def open_queues(self, agent: Agent) -> Sequence[str]:
        """Those whose calls may ring there."""
        queues = self._queues.get(agent.device)
        return [queue for queue in agent.queues if not queues or queues.get(queue) is False]

    def rings_for(self, agent: Agent, queue: str) -> bool:
        return queue in self.open_queues(agent)


def handed_to(play: Play, phone: str, agent: Agent, agents: Sequence[Agent]) -> Play:
    """The play with the parts of two people exchanged: whose ``phone`` it is, and ``agent``."""
    first = next(one for one in agents if one.device == phone)
    other: Mapping[str, str] = dict(
        pair
        for one, two in ((first, agent), (agent, first))
        for pair in ((one.device, two.device), (one.extension, two.extension), (one.name, two.name))
    )
    words = {recorded: other.get(played, played) for recorded, played in play.words.items()}
    return replace(play, words=words, phones=play.phones - {phone} | {agent.device})
