"""The toll guard with its memory: who called outside how often, and what was refused. The rules are ``cti/toll.py``'s."""

from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cti.agents.agent import AgentId
from cti.calls.call import PbxName
from cti.toll import PER, Allowed, Kind, TollRules, Verdict, Why, decide


@dataclass(slots=True)
class TollGuard:
    usual: TollRules
    by_pbx: Mapping[PbxName, TollRules] = field(default_factory=dict)
    """Where a PBX's extensions look otherwise."""
    refused: Counter[Why] = field(default_factory=Counter)
    _placed: defaultdict[AgentId, deque[datetime]] = field(default_factory=lambda: defaultdict(deque))

    def look(self, agent: AgentId, typed: str, *, pbx: PbxName | None, now: datetime) -> Verdict:
        """What a number would get; nothing is counted."""
        rules = self.by_pbx.get(pbx, self.usual) if pbx else self.usual
        return decide(typed, rules, recent=self._placed.get(agent, ()), now=now)

    def placed(self, agent: AgentId, allowed: Allowed, now: datetime) -> None:
        """A call was sent to the PBX."""
        if allowed.kind is not Kind.OUTSIDE:
            return
        mine = self._placed[agent]
        mine.append(now)
        while mine[0] <= now - PER:
            mine.popleft()
