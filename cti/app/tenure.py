"""The time a process holds the lease, as its rooms see it."""

import asyncio
from dataclasses import dataclass, field

from cti.agent_facts import AGENTS
from cti.app.holding import Holder, clock_s
from cti.app.term import Term
from cti.log import logger
from cti.store.lease import Fence
from cti.web.ports import PartHealth

log = logger("lease")


@dataclass(slots=True)
class Tenure:
    """The time a process holds the lease, as its rooms see it."""

    holder: Holder
    term: Term
    over: asyncio.Event = field(default_factory=asyncio.Event)
    """Another has the lease. Set by whoever hears of it first (the database says so when it is asked, a write is refused, a
    newer epoch is told on the bus), and for good: what the database does afterwards, or does not, changes nothing."""

    @property
    def is_lost(self) -> bool:
        return self.over.is_set()

    @property
    def epoch(self) -> int:
        return self.term.epochs.get(AGENTS, 0)

    @property
    def fence(self) -> Fence:
        return Fence(epochs=self.term.epochs, on_stale=self.over.set)

    def may_act(self) -> bool:
        return not self.is_lost and self.term.may_act(clock_s())

    def hears_of(self, epoch: int) -> None:
        """Somebody tells news under this epoch."""
        if epoch > self.epoch and not self.is_lost:
            log.warning("newer_epoch_heard", epoch=epoch, ours=self.epoch)
            self.over.set()

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
