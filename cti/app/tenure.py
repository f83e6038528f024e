"""The time a process holds the lease, as its rooms see it."""

import asyncio
from dataclasses import dataclass, field

from cti.agent_facts import AGENTS
from cti.app.holding import Holder, clock_s
from cti.app.term import Term
from cti.store.lease import Fence
from cti.web.ports import PartHealth


@dataclass(slots=True)
class Tenure:
    """The time a process holds the lease, as its rooms see it."""

    holder: Holder
    term: Term
    is_lost: bool = False
    doubt: asyncio.Event = field(default_factory=asyncio.Event)
    """Set by whoever has a reason to think that the lease is another's: it is asked for at once."""

    @property
    def epoch(self) -> int:
        return self.term.epochs.get(AGENTS, 0)

    @property
    def fence(self) -> Fence:
        return Fence(epochs=self.term.epochs, on_stale=self.doubt.set)

    def may_act(self) -> bool:
        return not self.is_lost and self.term.may_act(clock_s())

    @property
    def health(self) -> PartHealth:
        return lease_health(self.holder)


def lease_health(holder: Holder) -> PartHealth:
    standing = holder.standing
    if standing.state == "standby":
        return PartHealth("lease", "standby", standing.reason)
    if standing.reason:
        return PartHealth("lease", "degraded", standing.reason)
    return PartHealth("lease", "ok", f"epoch {standing.epoch}")
