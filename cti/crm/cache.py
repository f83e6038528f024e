"""Answers kept for a short time, with their age. Memory here; anything with two such methods will do, Redis too."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from cti.crm.contact import Match


@dataclass(frozen=True, slots=True)
class Kept:
    """What the customer system answered, and when: the card shows the age."""

    matches: tuple[Match, ...]
    at: datetime


class AnswerCache(Protocol):
    """Called with ``contact:...``, ``code:...`` or ``number:+...`` keys. Must not raise: a cache that is down knows nothing."""

    async def get(self, key: str) -> Kept | None: ...

    async def put(self, key: str, kept: Kept, *, ttl_s: float) -> None: ...

    async def drop(self, key: str) -> None: ...


class MemoryCache:
    """The last ``size`` answers; the longest unused goes first."""

    def __init__(self, *, size: int = 10_000, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._monotonic = monotonic
        self._kept: OrderedDict[str, tuple[float, Kept]] = OrderedDict()

    async def get(self, key: str) -> Kept | None:
        until_s, kept = self._kept.get(key, (0.0, None))
        if kept is None or until_s <= self._monotonic():
            self._kept.pop(key, None)
            return None
        self._kept.move_to_end(key)
        return kept

    async def put(self, key: str, kept: Kept, *, ttl_s: float) -> None:
        self._kept[key] = (self._monotonic() + ttl_s, kept)
        self._kept.move_to_end(key)
        while len(self._kept) > self._size:
            self._kept.popitem(last=False)

    async def drop(self, key: str) -> None:
        self._kept.pop(key, None)
