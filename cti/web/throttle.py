"""How often somebody may guess a password: per account, per address, and in all. Only failures count. No clock of its own."""

import math
from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from cti.errors import TooMany

_KNOWN: Final = 20_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """``free`` failures cost nothing; each further one doubles the wait from 1 s up to ``longest_s``. All is forgotten
    ``forget_s`` after the last failure.
    """

    free: int
    longest_s: float
    forget_s: float = 900.0


PER_ACCOUNT: Final = Allowance(free=5, longest_s=300.0)
"""Short enough that nobody is locked out for long by somebody else's guessing."""
PER_ADDRESS: Final = Allowance(free=30, longest_s=60.0)
"""A whole site may come from one address."""
IN_ALL: Final = Allowance(free=300, longest_s=1.0, forget_s=60.0)
"""Slows a guesser with many addresses to one try a second, and agents who log in meanwhile by as much."""


@dataclass(slots=True)
class _Failures:
    count: int
    last_s: float


class Throttle:
    """Times are monotonic seconds, handed in."""

    def __init__(self) -> None:
        self._known: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def check(self, account: str, address: str, now_s: float) -> None:
        """Raises ``TooMany``. Says nothing about whether the account exists."""
        waits = [self._wait_s(key, allowance, now_s) for key, allowance in _keys(account, address)]
        if max(waits) > 0:
            raise TooMany(math.ceil(max(waits)))

    def tried(self, account: str, address: str, now_s: float) -> None:
        """Counts as a failure until ``succeeded`` takes it back, so that tries at the same moment count too."""
        for key, allowance in _keys(account, address):
            known = self._known.pop(key, None)
            count = known.count if known and now_s - known.last_s < allowance.forget_s else 0
            self._known[key] = _Failures(count + 1, now_s)
        while len(self._known) > _KNOWN:
            self._known.popitem(last=False)

    def succeeded(self, account: str, address: str) -> None:
        """The account's failures are forgotten; of the others only this try, or one log-in would wash many guesses clean."""
        self._known.pop(("account", account), None)
        for key, _ in _keys(account, address)[1:]:
            if known := self._known.get(key):
                known.count -= 1

    def _wait_s(self, key: tuple[str, str], allowance: Allowance, now_s: float) -> float:
        known = self._known.get(key)
        over = known.count - allowance.free if known else -1
        if known is None or over < 0 or now_s - known.last_s >= allowance.forget_s:
            return 0.0
        return known.last_s + min(2.0 ** min(over, 30), allowance.longest_s) - now_s


def _keys(account: str, address: str) -> tuple[tuple[tuple[str, str], Allowance], ...]:
    return (("account", account), PER_ACCOUNT), (("address", address), PER_ADDRESS), (("all", ""), IN_ALL)
