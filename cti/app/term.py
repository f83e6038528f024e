"""One time of holding the lease, as its holder knows it by its own clock. Pure; time is handed in.

A command must not go to the PBX from a reader that has been replaced. So one acts while its last renewal holds, and while it
knows that the database is away: without it nobody else can take over either. It knows so after two tries in a row, neither
of them longer ago than the lease lives; a process that stood still knows nothing until it has asked again.
"""

from dataclasses import dataclass, field
from typing import Final

FAILURES_TO_BE_AWAY: Final = 2


@dataclass(slots=True, kw_only=True)
class Term:
    life_s: float
    epochs: dict[str, int] = field(default_factory=dict)
    """By lease; empty while the database was away from the start, and nobody could be asked."""
    _good_until_s: float = 0.0
    _away_until_s: float = 0.0
    _tried_at_s: float = 0.0
    _failures: int = 0

    def renewed(self, asked_at_s: float) -> None:
        """The database said yes to what was asked then."""
        self._good_until_s = asked_at_s + self.life_s
        self._failures = 0

    def not_answered(self, asked_at_s: float, now_s: float) -> None:
        """The database did not answer what was asked then. Where we stood still meanwhile that says nothing about it."""
        if asked_at_s - self._tried_at_s > self.life_s or now_s - asked_at_s > self.life_s:
            self._failures = 0
        self._tried_at_s = asked_at_s
        self._failures += 1
        if self._failures >= FAILURES_TO_BE_AWAY:
            self._away_until_s = asked_at_s + self.life_s

    def may_act(self, now_s: float) -> bool:
        return now_s < max(self._good_until_s, self._away_until_s)
