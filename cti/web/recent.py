"""Who was logged in when the database last said so: lets agents work on while it is away, and nothing else."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from cti.agents.agent import Agent, AgentId
from cti.store.people import Session

_KEPT: Final = 10_000


@dataclass(frozen=True, slots=True)
class Who:
    agent: Agent
    session: Session


class RecentLogins:
    def __init__(self) -> None:
        self._known: OrderedDict[str, Who] = OrderedDict()

    def remember(self, who: Who) -> None:
        self._known[who.session.token_hash] = who
        self._known.move_to_end(who.session.token_hash)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)

    def of(self, token_hash: str) -> Who | None:
        return self._known.get(token_hash)

    def forget(self, token_hash: str) -> None:
        self._known.pop(token_hash, None)

    def forget_agent(self, agent: AgentId) -> None:
        for token_hash in [known for known, who in self._known.items() if who.agent.id == agent]:
            del self._known[token_hash]
