"""Questions on their way to the customer system: each once at a time, through the breaker, answered from the cache if it can.

Two calls of one number are one question, and a caller who hangs up does not take the other's answer with them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Final

import structlog

from cti.crm.breaker import Breaker
from cti.crm.cache import AnswerCache, Kept
from cti.crm.contact import Match, Unavailable
from cti.errors import CrmAuthFailed, CrmError, CrmUnavailable

log = structlog.get_logger()

Ask = Callable[[], Awaitable[tuple[Match, ...]]]
Begun = Kept | Unavailable | asyncio.Task[Kept | Unavailable]
"""An answer, or it is on its way."""
STOPPING: Final = Unavailable("the service is stopping")


class Flights:
    """``connector`` is its name, for the log. ``now`` is when an answer was given, ``monotonic`` what waiting goes by."""

    def __init__(
        self,
        connector: str,
        breaker: Breaker,
        cache: AnswerCache,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        patience_s: float,
        fresh_s: float,
    ) -> None:
        self._connector = connector
        self._breaker = breaker
        self._cache = cache
        self._now = now
        self._monotonic = monotonic
        self._patience_s = patience_s
        self._fresh_s = fresh_s
        self._under_way: dict[str, asyncio.Task[Kept | Unavailable]] = {}
        self._is_closed = False

    async def begin(self, key: str, ask: Ask, *, is_fresh: bool = False) -> Begun:
        """``key`` names the question, in the cache too. Never raises; may be cancelled, and the question goes on."""
        known = None if is_fresh else await self._cache.get(key)
        if known or self._is_closed:
            return known or STOPPING
        flight = self._under_way.get(key)
        if flight is None:
            flight = self._under_way[key] = asyncio.create_task(self._fly(key, ask))
        return flight

    async def forget(self, keys: Iterable[str]) -> None:
        """What was answered to these is out of date; so is what will be to those under way, which are not joined any more."""
        for key in keys:
            self._under_way.pop(key, None)
            await self._cache.drop(key)

    async def close(self) -> None:
        self._is_closed = True
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _fly(self, key: str, ask: Ask) -> Kept | Unavailable:
        this = asyncio.current_task()
        try:
            kept = await self._asked(ask)
            if isinstance(kept, Kept) and kept.matches and self._under_way.get(key) is this:
                await self._cache.put(key, kept, ttl_s=self._fresh_s)
            return kept
        finally:
            if self._under_way.get(key) is this:
                del self._under_way[key]

    async def _asked(self, ask: Ask) -> Kept | Unavailable:
        if not self._breaker.may_ask(self._monotonic()):
            return Unavailable("the customer system is not answering; it will be asked again soon")
        try:
            async with asyncio.timeout(self._patience_s):
                kept = Kept(await ask(), self._now())
        except Exception as exc:  # noqa: BLE001 - whatever a connector raises, the call still shows
            return self._failed(exc)
        except asyncio.CancelledError:
            self._breaker.gave_up()
            raise
        self._breaker.succeeded()
        return kept

    def _failed(self, exc: Exception) -> Unavailable:
        self._breaker.failed(self._monotonic())
        if isinstance(exc, TimeoutError | CrmUnavailable):
            log.warning("crm_unavailable", connector=self._connector, is_open=self._breaker.is_open, reason=str(exc))
            return Unavailable(str(exc) or f"the customer system did not answer within {self._patience_s:g} s")
        if isinstance(exc, CrmAuthFailed):
            log.error("crm_auth_failed", connector=self._connector)
            return Unavailable("the customer system refuses our account")
        is_ours = not isinstance(exc, CrmError)
        log.error("crm_failed", connector=self._connector, exc_info=is_ours, kind=type(exc).__name__)
        return Unavailable("the customer system's answer could not be used")


async def landed(begun: Begun) -> Kept | Unavailable:
    """May be cancelled, and asked again: the flight goes on."""
    if not isinstance(begun, asyncio.Task):
        return begun
    if not begun.done():
        await asyncio.wait((begun,))
    return STOPPING if begun.cancelled() else begun.result()
