"""Who is calling? One service object, asked by the pipeline as soon as a call is queued::

    asked = lookup.start(keys=dict(call.keys), number=call.customer_number)   # asks at once, returns at once
    answer = await asked.answer()              # Found | Unknown | Unavailable, after 1.5 s at the latest
    if asked.is_pending:                       # the card says "slow" ...
        answer = await asked.late()            # ... and fills when the answer comes, 10 s after the start at the latest

    answer = await lookup.who(keys={}, number="030 1234567", budget_s=1.5)    # the same in one, without the late answer

Nothing here raises: that the customer system is down is an answer. Both waits may be cancelled and repeated; the question
goes on, for it may be another call's too. The chain: a customer code the PBX gives, then the number. Contacts that an
agent ruled out for a number are left out of the matches by number, not of those by code: who keys in a code says who it is.
The reasons hold numbers and codes: they are for the agent's screen, not for logs.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog

from cti import numbers
from cti.crm.breaker import Breaker
from cti.crm.cache import AnswerCache, Kept, MemoryCache
from cti.crm.connector import CrmConnector
from cti.crm.contact import Answer, Found, Match, Unavailable, Unknown
from cti.errors import CrmAuthFailed, CrmError, CrmUnavailable, StoreError
from cti.numbers import Number

log = structlog.get_logger()

SLOW: Final = "the customer system is slow"
MAX_CODE: Final = 64

RuledOut = Callable[[str], Awaitable[frozenset[str]]]
"""The contacts that an agent said do not use this number: ``InteractionLog.ruled_out``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupRules:
    country: str
    """ISO 3166-1, two letters: where a number without country code belongs."""
    code_keys: tuple[str, ...] = ("customer_code",)
    """The PBX's keys that hold a customer code, the surest first."""
    extensions: str = r"\d{1,6}"
    """Regular expression of the site's own short numbers; those are colleagues, and not looked up."""
    budget_s: float = 1.5
    patience_s: float = 10.0
    """After this the customer system is taken to have failed."""
    fresh_s: float = 60.0
    """So long an answer serves again. Only answers with contacts do: who was unknown may be entered any moment."""
    failures_to_open: int = 5
    retry_after_s: float = 15.0


class Asked:
    """One question on its way. Await ``answer`` first, then ``late`` where ``is_pending``; each as often as you like."""

    def __init__(self, task: "asyncio.Task[Answer]", budget_s: float) -> None:
        self._task = task
        self._budget_s = budget_s

    @property
    def is_pending(self) -> bool:
        return not self._task.done()

    async def answer(self, budget_s: float | None = None) -> Answer:
        """The answer, or ``Unavailable(SLOW)`` when it is not there within the budget, counted from this call."""
        await asyncio.wait({self._task}, timeout=self._budget_s if budget_s is None else budget_s)
        return Unavailable(SLOW) if self.is_pending else self._result()

    async def late(self) -> Answer:
        """The answer itself, however slow; ``patience_s`` after the start at the latest."""
        await asyncio.wait({self._task})
        return self._result()

    def _result(self) -> Answer:
        return Unavailable("the service is stopping") if self._task.cancelled() else self._task.result()


async def nobody_ruled_out(_number: str) -> frozenset[str]:
    return frozenset()


class Lookup:
    """The chain, the budget, one request per key at a time, the breaker and the cache, around any connector."""

    def __init__(
        self,
        connector: CrmConnector,
        rules: LookupRules,
        *,
        ruled_out: RuledOut = nobody_ruled_out,
        cache: AnswerCache | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connector = connector
        self._rules = rules
        self._extension = re.compile(rules.extensions)
        self._ruled_out = ruled_out
        self._cache = MemoryCache(monotonic=monotonic) if cache is None else cache
        self._now = now
        self._monotonic = monotonic
        self.breaker = Breaker(failures_to_open=rules.failures_to_open, retry_after_s=rules.retry_after_s)
        self._asked: set[asyncio.Task[Answer]] = set()
        self._flights: dict[str, asyncio.Task[Kept | Unavailable]] = {}

    def start(self, *, keys: Mapping[str, str], number: str, is_fresh: bool = False) -> Asked:
        """``keys`` as the PBX gave them, ``number`` the customer's as the PBX gave it. ``is_fresh`` passes the cache by."""
        task = asyncio.create_task(self._patiently(dict(keys), number, is_fresh=is_fresh))
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        return Asked(task, self._rules.budget_s)

    async def who(self, *, keys: Mapping[str, str], number: str, budget_s: float | None = None) -> Answer:
        return await self.start(keys=keys, number=number).answer(budget_s)

    async def close(self) -> None:
        """Drop what is being asked, and close the connector."""
        tasks = [*self._asked, *self._flights.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._connector.close()

    async def _patiently(self, keys: Mapping[str, str], number: str, *, is_fresh: bool) -> Answer:
        try:
            async with asyncio.timeout(self._rules.patience_s):
                return await self._chain(keys, number, is_fresh=is_fresh)
        except TimeoutError:
            return Unavailable(f"the customer system did not answer within {self._rules.patience_s:g} s")

    async def _chain(self, keys: Mapping[str, str], number: str, *, is_fresh: bool) -> Answer:
        reasons = []
        for name in self._rules.code_keys:
            code = keys.get(name, "").strip()[:MAX_CODE]
            if not code:
                continue
            kept = await self._kept(f"code:{code}", partial(self._connector.find_by_code, code), is_fresh=is_fresh)
            if isinstance(kept, Unavailable) or kept.matches:
                return self._answer(kept)
            reasons.append(f"no record with {name.replace('_', ' ')} {code}")
        by_number = await self._by_number(number, is_fresh=is_fresh)
        return Unknown("; ".join([*reasons, by_number.reason])) if isinstance(by_number, Unknown) else by_number

    async def _by_number(self, typed: str, *, is_fresh: bool) -> Answer:
        if numbers.is_withheld(typed):
            return Unknown("number withheld")
        if self._extension.fullmatch(typed.strip()):
            return Unknown(f"{typed.strip()} is an extension of this site")
        number = numbers.parse(typed, country=self._rules.country)
        if number is None:
            return Unknown(f"{typed[:32]} is no telephone number in {self._rules.country}")
        return await self._by_e164(number, typed, is_fresh=is_fresh)

    async def _by_e164(self, number: Number, typed: str, *, is_fresh: bool) -> Answer:
        ask = partial(self._connector.find_by_number, number)
        kept = await self._kept(f"number:{number.e164}", ask, is_fresh=is_fresh)
        if isinstance(kept, Unavailable):
            return kept
        if not kept.matches:
            return Unknown(f"no record with {number.international}")
        ruled_out = await self._known_ruled_out(number.e164) | await self._known_ruled_out(typed)
        left = tuple(match for match in kept.matches if match.contact.id not in ruled_out)
        if not left:
            return Unknown(f"an agent said that {number.international} is not the number of the record that has it")
        return self._answer(Kept(left, kept.at))

    def _answer(self, kept: Kept | Unavailable) -> Answer:
        return kept if isinstance(kept, Unavailable) else Found(kept.matches, self._connector.name, kept.at)

    async def _known_ruled_out(self, number: str) -> frozenset[str]:
        """Without a database nobody is ruled out: one candidate too many is better than no card."""
        try:
            return await self._ruled_out(number)
        except StoreError:
            return frozenset()

    async def _kept(
        self, key: str, ask: Callable[[], Awaitable[tuple[Match, ...]]], *, is_fresh: bool
    ) -> Kept | Unavailable:
        known = None if is_fresh else await self._cache.get(key)
        if known is not None:
            return known
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.create_task(self._fly(key, ask))
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        return await asyncio.shield(flight)

    async def _fly(self, key: str, ask: Callable[[], Awaitable[tuple[Match, ...]]]) -> Kept | Unavailable:
        if not self.breaker.may_ask(self._monotonic()):
            return Unavailable("the customer system is not answering; it will be asked again soon")
        try:
            async with asyncio.timeout(self._rules.patience_s):
                kept = Kept(await ask(), self._now())
        except Exception as exc:  # noqa: BLE001 - whatever a connector raises, the call still shows
            return self._failed(exc)
        except asyncio.CancelledError:
            self.breaker.gave_up()
            raise
        self.breaker.succeeded()
        if kept.matches:
            await self._cache.put(key, kept, ttl_s=self._rules.fresh_s)
        return kept

    def _failed(self, exc: Exception) -> Unavailable:
        self.breaker.failed(self._monotonic())
        if isinstance(exc, TimeoutError | CrmUnavailable):
            log.warning(
                "crm_unavailable", connector=self._connector.name, is_open=self.breaker.is_open, reason=str(exc)
            )
            return Unavailable(str(exc) or f"the customer system did not answer within {self._rules.patience_s:g} s")
        if isinstance(exc, CrmAuthFailed):
            log.error("crm_auth_failed", connector=self._connector.name)
            return Unavailable("the customer system refuses our account")
        log.error(
            "crm_failed",
            connector=self._connector.name,
            exc_info=not isinstance(exc, CrmError),
            kind=type(exc).__name__,
        )
        return Unavailable("the customer system's answer could not be used")
