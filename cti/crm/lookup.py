"""Who is calling? One service object, asked by the pipeline as soon as a call is queued::

    asked = lookup.start(keys=dict(call.keys), number=call.customer_number)   # asks at once, returns at once
    answer = await asked.answer()              # Found | Unknown | Unavailable, after 1.5 s at the latest
    if asked.is_pending:                       # the card says "slow" ...
        answer = await asked.late()            # ... and fills when the answer comes, 10 s after the start at the latest

    answer = await lookup.who(keys={}, number="030 1234567", budget_s=1.5)    # the same in one, without the late answer

Nothing here raises: that the customer system is down is an answer. Both waits may be cancelled and repeated; the question
goes on, for it may be another call's too. Who wins: the contact that the caller named in the IVR, then a customer code the
PBX gives, then the number. Contacts that an agent ruled out for a number are left out of the matches by number, not of those
by contact or code: whoever keys one in says who it is.

The number is asked at the same time in any case, for it may say somebody else (``Found.disagrees``). That is worth knowing,
but not worth more than the budget: when the number says nothing in time, or fails, the answer is who the caller said they are.

The reasons hold numbers and codes: they are for the agent's screen, not for logs.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from cti import numbers
from cti.crm.breaker import Breaker
from cti.crm.cache import AnswerCache, Kept, MemoryCache
from cti.crm.connector import CrmConnector
from cti.crm.contact import Answer, Contact, ContactId, Found, Match, MatchedBy, Unavailable, Unknown
from cti.crm.flights import Ask, Flights
from cti.errors import StoreError
from cti.numbers import Number

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

    def __init__(self, said: "asyncio.Task[Answer]", whole: "asyncio.Task[Answer]", budget_s: float) -> None:
        self._said = said
        self._whole = whole
        self._budget_s = budget_s

    @property
    def is_pending(self) -> bool:
        """There is no answer yet; not even who the caller said they are."""
        return not self._whole.done() and _found_by(self._said) is None

    async def answer(self, budget_s: float | None = None) -> Answer:
        """The answer, or ``Unavailable(SLOW)`` when it is not there within the budget, counted from this call."""
        await asyncio.wait({self._whole}, timeout=self._budget_s if budget_s is None else budget_s)
        if self._whole.done():
            return self._result()
        return _found_by(self._said) or Unavailable(SLOW)

    async def late(self) -> Answer:
        """The answer itself, however slow; ``patience_s`` after the start at the latest."""
        await asyncio.wait({self._whole})
        return self._result()

    def _result(self) -> Answer:
        return Unavailable("the service is stopping") if self._whole.cancelled() else self._whole.result()


def _found_by(said: "asyncio.Task[Answer]") -> Found | None:
    answer = said.result() if said.done() and not said.cancelled() else None
    return answer if isinstance(answer, Found) else None


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
        self.breaker = Breaker(failures_to_open=rules.failures_to_open, retry_after_s=rules.retry_after_s)
        self._flights = Flights(
            connector.name, self.breaker, MemoryCache(monotonic=monotonic) if cache is None else cache,
            now=now, monotonic=monotonic, patience_s=rules.patience_s, fresh_s=rules.fresh_s,
        )  # fmt: skip
        self._asked: set[asyncio.Task[Answer]] = set()

    def start(self, *, keys: Mapping[str, str], number: str, contact: str = "", is_fresh: bool = False) -> Asked:
        """``keys`` as the PBX gave them, ``number`` the customer's as the PBX gave it, ``contact`` the id of the customer whom
        the caller named in the IVR. ``is_fresh`` passes the cache by."""
        said = self._begun(self._said(contact, dict(keys), is_fresh=is_fresh))
        whole = self._begun(self._patiently(said, number, is_fresh=is_fresh))
        return Asked(said, whole, self._rules.budget_s)

    async def who(
        self, *, keys: Mapping[str, str], number: str, contact: str = "", budget_s: float | None = None
    ) -> Answer:
        return await self.start(keys=keys, number=number, contact=contact).answer(budget_s)

    async def by_order(self, order: str) -> Answer:
        """Whose order that is, as a caller keyed it; within the budget."""
        ask = partial(self._connector.find_by_order, order[:MAX_CODE])
        try:
            async with asyncio.timeout(self._rules.budget_s):
                kept = await self._flights.answer(f"order:{order[:MAX_CODE]}", ask, is_fresh=False)
        except TimeoutError:
            return Unavailable(SLOW)
        is_known = isinstance(kept, Unavailable) or kept.matches
        return self._answer(kept) if is_known else Unknown(f"no record with order {order[:MAX_CODE]}")

    async def forget(self, contact: Contact) -> None:
        """The contact was created or corrected: what is known by its keys is asked anew. For one that was corrected, call it
        with the contact as it was, too."""
        known = {f"contact:{contact.id}", f"code:{contact.code}"}
        await self._flights.forget(known | {f"number:{number.e164}" for number in contact.numbers})

    async def close(self) -> None:
        """Drop what is being asked, and close the connector."""
        tasks = list(self._asked)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._flights.close()
        await self._connector.close()

    def _begun(self, work: Coroutine[Any, Any, Answer]) -> "asyncio.Task[Answer]":
        task = asyncio.create_task(work)
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)
        return task

    async def _patiently(self, said: "asyncio.Task[Answer]", number: str, *, is_fresh: bool) -> Answer:
        try:
            async with asyncio.timeout(self._rules.patience_s):
                return await self._together(said, number, is_fresh=is_fresh)
        except TimeoutError:
            words = f"the customer system did not answer within {self._rules.patience_s:g} s"
            return _found_by(said) or Unavailable(words)

    async def _together(self, said: "asyncio.Task[Answer]", number: str, *, is_fresh: bool) -> Answer:
        """Both at once; but a system that is being tried again is asked one thing, and that is who the caller says they are."""
        until_s = asyncio.get_running_loop().time() + self._rules.budget_s
        if self.breaker.is_open:
            await asyncio.wait({said})
        by_number = asyncio.create_task(self._by_number(number, is_fresh=is_fresh))
        try:
            named = await asyncio.shield(said)
            if isinstance(named, Found):
                return _with_number(named, await _in_time(by_number, until_s))
            return named if isinstance(named, Unavailable) else _nobody_named(named, await by_number)
        finally:
            by_number.cancel()

    async def _said(self, contact: str, keys: Mapping[str, str], *, is_fresh: bool) -> Answer:
        """Who the caller says they are; ``Unknown`` also for one who says nothing."""
        reasons = []
        for key, ask, reason in self._claims(contact, keys):
            kept = await self._flights.answer(key, ask, is_fresh=is_fresh)
            if isinstance(kept, Unavailable) or kept.matches:
                return self._answer(kept)
            reasons.append(reason)
        return Unknown("; ".join(reasons))

    def _claims(self, contact: str, keys: Mapping[str, str]) -> Iterator[tuple[str, Ask, str]]:
        """The surest first: the key to keep the answer by, the question, and the words for when nobody is found."""
        if contact:
            yield f"contact:{contact}", partial(self._named, ContactId(contact)), "the customer named is not on record"
        for name in self._rules.code_keys:
            code = keys.get(name, "").strip()[:MAX_CODE]
            if code:
                ask = partial(self._connector.find_by_code, code)
                yield f"code:{code}", ask, f"no record with {name.replace('_', ' ')} {code}"

    async def _named(self, contact: ContactId) -> tuple[Match, ...]:
        known = await self._connector.get(contact)
        return (Match(known, MatchedBy.IVR, known.code or known.id),) if known else ()

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
        kept = await self._flights.answer(f"number:{number.e164}", ask, is_fresh=is_fresh)
        if isinstance(kept, Unavailable):
            return kept
        if not kept.matches:
            return Unknown(f"no record with {number.international}")
        ruled_out = await self._known_ruled_out(number.e164)
        if typed != number.e164:
            ruled_out |= await self._known_ruled_out(typed)
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


async def _in_time(asked: "asyncio.Task[Answer]", until_s: float) -> Answer:
    await asyncio.wait({asked}, timeout=max(0.0, until_s - asyncio.get_running_loop().time()))
    return asked.result() if asked.done() else Unavailable(SLOW)


def _with_number(named: Found, by_number: Answer) -> Found:
    others = by_number.matches if isinstance(by_number, Found) else ()
    theirs = {match.contact.id for match in named.matches}
    return replace(named, disagrees=others if theirs.isdisjoint(match.contact.id for match in others) else ())


def _nobody_named(named: Unknown, by_number: Answer) -> Answer:
    if not isinstance(by_number, Unknown):
        return by_number
    return Unknown("; ".join(reason for reason in (named.reason, by_number.reason) if reason))
