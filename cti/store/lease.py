"""Who may write for a PBX: a lease with an epoch, kept in the database and timed by the database's clock.

One process at a time holds the lease of a PBX and the one of the site's agents (their states are kept once, whatever PBX
they are at). Each time it is taken its epoch grows by one, and what only the holder may tell is written in a transaction
that looks at the epoch (``Fence``): a reader that stood still past its lease, and goes on as if nothing had been, changes
nothing.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from cti.agent_facts import AGENTS
from cti.envelope import TYPE_OF, Envelope

CALL_EVENTS: Final = frozenset(TYPE_OF.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    name: str
    """What it is of, as facts say it in ``source``: ``/pbx/main``, ``/agents``."""
    holder: str
    """The process's name; empty before the first."""
    epoch: int
    left_s: float
    """How long it is good for; none left: whoever comes may take it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """What a writer holds: name -> epoch. Empty: nothing is looked at."""

    epochs: Mapping[str, int]
    is_late: bool = False
    """These facts are of an earlier epoch: of a spool or a tail that a restarted service found. They are written where the record
    does not know better by now."""

    on_stale: Callable[[], None] = lambda: None
    """Told when a write was refused: another has the lease, and nobody here may know yet."""
    dropped: Counter[str] = field(default_factory=Counter)
    """What was left out of what came ``late``."""

    def late(self) -> "Fence":
        return replace(self, is_late=True)


class Leases(Protocol):
    """Every method raises ``StoreUnavailable`` when the database does not answer."""

    async def look(self, names: Iterable[str]) -> tuple[Lease, ...]:
        """As they are now, by name; those never taken are not there."""
        ...

    async def take(self, names: Iterable[str], holder: str, *, life_s: float) -> Mapping[str, int]:
        """All of them, and their epochs; nothing, and an empty answer, where another holds one."""
        ...

    async def renew(self, epochs: Mapping[str, int], holder: str, *, life_s: float) -> bool:
        """False: one was taken by another meanwhile. A lease that has run out and that nobody has taken is still its holder's."""
        ...

    async def release(self, epochs: Mapping[str, int], holder: str) -> None:
        """The next may take them at once."""
        ...


def is_fenced(fact: Envelope) -> bool:
    """Only the reader tells steps of calls and states of agents. What people add, and what callers keyed, is true whoever
    writes it, and has an id of its own."""
    return fact.type in CALL_EVENTS or fact.source == AGENTS
