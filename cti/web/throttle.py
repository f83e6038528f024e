"""How often somebody may guess a password: per account, per address, and in all. Only wrong passwords count. No clock of its own.

What is no guess heals: whoever gets in takes their own mistakes with them, of nobody else; what nobody takes back is forgotten
one by one. So a site behind one address, with hundreds who come at nine and some who mistype, never waits, and one log-in
does not wash a guesser's tries at other people clean.
"""

import math
from collections import Counter, OrderedDict
from dataclasses import dataclass
from typing import Final

from cti.errors import TooMany

_KNOWN: Final = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """``free`` wrong ones cost nothing; each further one doubles the wait after it, from 1 s up to ``longest_s``. One is forgotten
    every ``forget_s``.
    """

    free: int
    longest_s: float
    forget_s: float


PER_ACCOUNT: Final = Allowance(free=5, longest_s=300.0, forget_s=900.0)
"""Guessing goes on at 288 a day; and nobody is locked out for long by somebody else's guessing."""
PER_ADDRESS: Final = Allowance(free=30, longest_s=60.0, forget_s=30.0)
"""A whole site may come from one address; guessing many people's goes on at 120 an hour."""
IN_ALL: Final = Allowance(free=300, longest_s=1.0, forget_s=1.0)
"""Slows a guesser with many addresses to one try a second, and agents who log in meanwhile by as much."""
_Key = tuple[str, ...]


@dataclass(slots=True)
class _Wrong:
    count: float
    last_s: float

    def left(self, allowance: Allowance, now_s: float) -> float:
        return max(0.0, self.count - (now_s - self.last_s) / allowance.forget_s)


class Throttle:
    """Times are monotonic seconds, handed in. Each try ``begins`` and ``ends``, and was then ``wrong`` or ``right``, or neither
    where nobody could look. Until it ends it counts as wrong, so that tries at the same moment are no more than one after another.
    """

    def __init__(self) -> None:
        self._wrong: OrderedDict[_Key, _Wrong] = OrderedDict()
        self._begun: Counter[_Key] = Counter()

    def begins(self, account: str, address: str, now_s: float) -> None:
        """Raises ``TooMany``. Says nothing about whether the account exists."""
        waits = [self._wait_s(key, allowance, now_s) for key, allowance in _keys(account, address)]
        if max(waits) > 0:
            raise TooMany(math.ceil(max(waits)))
        self._begun += Counter(key for key, _ in _keys(account, address))

    def ends(self, account: str, address: str) -> None:
        self._begun -= Counter(key for key, _ in _keys(account, address))

    def wrong(self, account: str, address: str, now_s: float) -> None:
        for key, allowance in (*_keys(account, address), (_own(account, address), PER_ADDRESS)):
            self._wrong[key] = _Wrong(self._left(key, allowance, now_s) + 1, now_s)
            self._wrong.move_to_end(key)
        while len(self._wrong) > _KNOWN:
            self._wrong.popitem(last=False)

    def right(self, account: str, address: str, now_s: float) -> None:
        own = self._left(_own(account, address), PER_ADDRESS, now_s)
        if at_address := self._wrong.get(("address", address)):
            at_address.count -= own
        self._wrong.pop(("account", account), None)
        self._wrong.pop(_own(account, address), None)

    def _left(self, key: _Key, allowance: Allowance, now_s: float) -> float:
        known = self._wrong.get(key)
        return known.left(allowance, now_s) if known else 0.0

    def _wait_s(self, key: _Key, allowance: Allowance, now_s: float) -> float:
        known, begun = self._wrong.get(key), self._begun[key]
        over = math.ceil(self._left(key, allowance, now_s)) - allowance.free
        until_it_ends_s = 1.0 if begun and begun + over >= 0 else 0.0
        if known is None or over < 0:
            return until_it_ends_s
        return max(until_it_ends_s, known.last_s + min(2.0 ** min(over, 30), allowance.longest_s) - now_s)


def _keys(account: str, address: str) -> tuple[tuple[_Key, Allowance], ...]:
    return (("account", account), PER_ACCOUNT), (("address", address), PER_ADDRESS), (("all",), IN_ALL)


def _own(account: str, address: str) -> _Key:
    """What of the address's is one account's."""
    return ("own", account, address)
