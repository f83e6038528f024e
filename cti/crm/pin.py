"""Is this the customer's PIN, and may it be tried at all?

A PIN has a million values and a telephone tries a dozen a minute, on many lines at once and from any number it likes to
show. So wrong tries are counted thrice: for the account, for the calling number, and for all together. ``PinLimits`` is pure: times are handed in. Whoever asks does it in this order::

    if not limits.allowed(account, caller, now): ...                       # locked: to a person
    is_right = await check(keyed, await connector.pin_hash(account))
    result = limits.tried(account, caller, is_right=is_right, now=now)     # what the caller may be told

The last line decides, not the first: of many calls let in at once, only as many get an answer as one after another would.
"""

import asyncio
import secrets
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from operator import itemgetter
from typing import Final

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from cti import numbers
from cti.errors import RequestError

MIN_DIGITS: Final = 6
MAX_DIGITS: Final = 12
_RUN: Final = "01234567890123456789012"
_hasher: Final = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""The second of the parameter sets in OWASP's Password Storage Cheat Sheet: 19 MiB, two passes."""
_threads: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="pin")


async def check(pin: str, pin_hash: str | None) -> bool:
    """Takes as long for a customer without a PIN, whom a hash of ours that nobody knows the key to stands in for."""
    return await asyncio.get_running_loop().run_in_executor(_threads, _check, pin, pin_hash)


def hash_pin(pin: str, *, code: str = "") -> str:
    """Argon2 in PHC form. ``code``: the customer's. Raises ``RequestError`` for a PIN that is soon guessed."""
    if not (pin.isascii() and pin.isdecimal() and MIN_DIGITS <= len(pin) <= MAX_DIGITS):
        raise RequestError(f"a PIN has {MIN_DIGITS} to {MAX_DIGITS} digits, and nothing else")
    if len(set(pin)) == 1 or pin in _RUN or pin in _RUN[::-1]:
        raise RequestError("this PIN is among the first that anybody tries; not all digits alike, and not in a row")
    if pin == code:
        raise RequestError("the customer code is no secret, and so no PIN")
    return _hasher.hash(pin)


def _check(pin: str, pin_hash: str | None) -> bool:
    nobodys = _nobodys()
    try:
        _hasher.verify(pin_hash or nobodys, pin)
    except (VerificationError, InvalidHashError):
        return False
    return bool(pin_hash)


@cache
def _nobodys() -> str:
    return _hasher.hash(secrets.token_urlsafe())


@dataclass(frozen=True, slots=True)
class Limit:
    """``most`` wrong within ``window_s`` seconds lock for ``locked_s`` seconds; then the count begins anew."""

    most: int
    window_s: float
    locked_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PinRules:
    account: Limit = Limit(5, 1_800, 1_800)
    caller: Limit = Limit(10, 3_600, 3_600)
    """Each calling number, over all accounts. A right PIN does not clear it, for one's own would clear it for others'."""
    withheld: Limit = Limit(30, 3_600, 1_800)
    """All who keep their number back, together."""
    overall: Limit = Limit(300, 3_600, 600)
    """All callers and accounts. It also bounds what is remembered: no more is counted than may be tried."""

    @property
    def looks_back_s(self) -> float:
        """How far ``PinLimits.restore`` needs the record to go back."""
        return max(
            limit.window_s + limit.locked_s for limit in (self.account, self.caller, self.withheld, self.overall)
        )


class PinResult(StrEnum):
    """What a try came to, as it is told and put on record."""

    OK = "ok"
    WRONG = "wrong"
    LOCKED = "locked"


@dataclass(slots=True)
class _Count:
    """The wrong tries of each key. Both tables are in the order of time, the oldest first: what is over goes from the front."""

    limit: Limit
    wrong: dict[str, tuple[datetime, ...]] = field(default_factory=dict)
    locked: dict[str, datetime] = field(default_factory=dict)
    """Until when."""

    def is_locked(self, key: str, now: datetime) -> bool:
        until = self.locked.get(key)
        return until is not None and now < until

    def add(self, key: str, now: datetime) -> None:
        self._forget(now)
        tries = (*self.wrong.pop(key, ()), now)
        recent = tuple(at for at in tries if at > self._since(now))
        if len(recent) < self.limit.most:
            self.wrong[key] = recent
        else:
            self.locked.pop(key, None)
            self.locked[key] = now + timedelta(seconds=self.limit.locked_s)

    def clear(self, key: str) -> None:
        self.wrong.pop(key, None)

    def _since(self, now: datetime) -> datetime:
        return now - timedelta(seconds=self.limit.window_s)

    def _forget(self, now: datetime) -> None:
        while self.wrong and next(iter(self.wrong.values()))[-1] <= self._since(now):
            del self.wrong[next(iter(self.wrong))]
        while self.locked and next(iter(self.locked.values())) <= now:
            del self.locked[next(iter(self.locked))]


class PinLimits:
    """Who may try a PIN, and who has tried too often. ``account`` is the customer's id, ``caller`` the calling number."""

    def __init__(self, rules: PinRules) -> None:
        self._account = _Count(rules.account)
        self._caller = _Count(rules.caller)
        self._withheld = _Count(rules.withheld)
        self._overall = _Count(rules.overall)

    def allowed(self, account: str, caller: str, now: datetime) -> bool:
        """Nothing is counted by asking."""
        return not any(count.is_locked(key, now) for count, key in self._counts(account, caller))

    def tried(self, account: str, caller: str, *, is_right: bool, now: datetime) -> PinResult:
        """Count a try, and what may be told of it. ``LOCKED``: nothing, not even to who was right; and it is not counted, so
        that nobody keeps an account locked by trying on."""
        if not self.allowed(account, caller, now):
            return PinResult.LOCKED
        self._count(account, caller, is_right=is_right, now=now)
        return PinResult.OK if is_right else PinResult.WRONG

    def restore(self, tries: Iterable[tuple[datetime, str, str, str]]) -> None:
        """From the record, after a start: (at, account, caller, result); results as in ``PinTried``. Put in the order of time
        here; what happened at one moment is in its order already."""
        for at, account, caller, result in sorted(tries, key=itemgetter(0)):
            if result in {PinResult.OK, PinResult.WRONG}:
                self._count(account, caller, is_right=result == PinResult.OK, now=at)

    def _count(self, account: str, caller: str, *, is_right: bool, now: datetime) -> None:
        if is_right:
            self._account.clear(account)
            return
        for count, key in self._counts(account, caller):
            count.add(key, now)

    def _counts(self, account: str, caller: str) -> tuple[tuple[_Count, str], ...]:
        """What has no digits in it is no number, and counts as withheld."""
        number = numbers.dialled_digits(caller)
        by_caller = (self._caller, number) if number else (self._withheld, "")
        return ((self._account, account), by_caller, (self._overall, ""))
