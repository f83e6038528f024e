"""The time a process holds the lease, as its rooms see it."""

from dataclasses import dataclass

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

    @property
    def epoch(self) -> int:
        return self.term.epochs.get(AGENTS, 0)

    @property
    def fence(self) -> Fence:
        return Fence(epochs=self.term.epochs)

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
