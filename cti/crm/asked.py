"""One question on its way: who is this caller?

It is a course of plain awaits, without a task of its own: what must go on when nobody waits, the questions to the customer system,
are flights, and known here by their keys. So the course may be left at any time, and taken up again from the start.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from cti import numbers
from cti.crm.breaker import Breaker
from cti.crm.cache import Kept
from cti.crm.connector import CrmConnector
from cti.crm.contact import Answer, ContactId, Found, Match, MatchedBy, Unavailable, Unknown
from cti.crm.flights import Ask, Begun, Flights, landed
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
    ruling_s: float = 0.5
    """After this nobody is taken to be ruled out: the customer system has answered, and our record does not hold that back."""
    failures_to_open: int = 5
    retry_after_s: float = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What is known of who calls."""

    contact: str
    """Whom the caller named in the IVR; empty: nobody."""
    keys: Mapping[str, str]
    """As the PBX gave them."""
    number: str
    """As the PBX gave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What questions are asked with; of them all the same."""

    connector: CrmConnector
    rules: LookupRules
    extension: re.Pattern[str]
    breaker: Breaker
    flights: Flights
    ruled_out: RuledOut


class Asked:
    """Await ``answer`` first, then ``late`` where ``is_pending``; each as often as you like. Nothing is asked before."""

    def __init__(self, caller: Caller, means: Means, *, is_fresh: bool) -> None:
        self._caller = caller
        self._means = means
        self._is_fresh = is_fresh
        self._began_s = asyncio.get_running_loop().time()
        self._begun: dict[str, Begun] = {}
        self._named: Found | None = None
        self._answer: Answer | None = None

    @property
    def is_pending(self) -> bool:
        """There is no answer yet; not even who the caller said they are."""
        return self._answer is None and self._named is None

    async def answer(self, budget_s: float | None = None) -> Answer:
        """The answer, or ``Unavailable(SLOW)`` when it is not there within the budget, counted from this call."""
        try:
            async with asyncio.timeout(self._means.rules.budget_s if budget_s is None else budget_s):
                return await self.late()
        except TimeoutError:
            return self._answer or self._named or Unavailable(SLOW)

    async def late(self) -> Answer:
        """The answer itself, however slow; ``patience_s`` after the start at the latest."""
        if self._answer is None:
            self._answer = await self._patiently()
        return self._answer

    async def _patiently(self) -> Answer:
        patience_s = self._means.rules.patience_s
        try:
            async with asyncio.timeout_at(self._began_s + patience_s):
                return await self._together()
        except TimeoutError:
            return self._named or Unavailable(f"the customer system did not answer within {patience_s:g} s")

    async def _together(self) -> Answer:
        """Both at once; but a system that is being tried again is asked one thing, and that is who the caller says they are."""
        claims = tuple(self._claims())
        for key, ask, _ in claims[:1]:
            await self._begin(key, ask)
        number = self._number()
        if isinstance(number, Number) and not (claims and self._means.breaker.is_open):
            await self._begin_number(number)
        said = await self._said(claims)
        if isinstance(said, Unknown):
            return _nobody_named(said, await self._by_number(number))
        if isinstance(said, Found):
            self._named = said
            return _with_number(said, await self._in_time(number, said))
        return said

    async def _said(self, claims: "tuple[_Claim, ...]") -> Answer:
        """Who the caller says they are; ``Unknown`` also for one who says nothing."""
        for key, ask, _ in claims:
            kept = await landed(await self._begin(key, ask))
            if isinstance(kept, Unavailable) or kept.matches:
                return found(kept, self._means.connector)
        return Unknown("; ".join(reason for _, _, reason in claims))

    def _claims(self) -> "Iterator[_Claim]":
        """The surest first."""
        connector = self._means.connector
        if contact := self._caller.contact:
            yield (
                f"contact:{contact}",
                partial(_named, connector, ContactId(contact)),
                "the customer named is not on record",
            )
        for name in self._means.rules.code_keys:
            code = self._caller.keys.get(name, "").strip()[:MAX_CODE]
            if code:
                ask = partial(connector.find_by_code, code)
                yield f"code:{code}", ask, f"no record with {name.replace('_', ' ')} {code}"

    def _number(self) -> Number | Unknown:
        """Whose number may be asked for; or why not."""
        typed, country = self._caller.number, self._means.rules.country
        if numbers.is_withheld(typed):
            return Unknown("number withheld")
        if self._means.extension.fullmatch(typed.strip()):
            return Unknown(f"{typed.strip()} is an extension of this site")
        number = numbers.parse(typed, country=country)
        return number or Unknown(f"{typed[:32]} is no telephone number in {country}")

    async def _in_time(self, number: Number | Unknown, said: Found) -> Answer:
        try:
            async with asyncio.timeout_at(self._began_s + self._means.rules.budget_s):
                return await self._by_number(number, said.matches)
        except TimeoutError:
            return Unavailable(SLOW)

    async def _by_number(self, number: Number | Unknown, named: tuple[Match, ...] = ()) -> Answer:
        """Where the number is of those ``named`` alone, nobody asks who was ruled out: they agree, or say nothing."""
        if isinstance(number, Unknown):
            return number
        kept = await landed(await self._begin_number(number))
        if isinstance(kept, Unavailable):
            return kept
        if not kept.matches:
            return Unknown(f"no record with {number.international}")
        if _contacts(kept.matches) <= _contacts(named):
            return found(kept, self._means.connector)
        ruled_out = await self._ruled_out(number)
        left = tuple(match for match in kept.matches if match.contact.id not in ruled_out)
        if not left:
            return Unknown(f"an agent said that {number.international} is not the number of the record that has it")
        return found(Kept(left, kept.at), self._means.connector)

    async def _ruled_out(self, number: Number) -> frozenset[str]:
        """Without a database nobody is ruled out: one candidate too many is better than no card."""
        ruled_out = frozenset[str]()
        with contextlib.suppress(StoreError, TimeoutError):
            async with asyncio.timeout(self._means.rules.ruling_s):
                for way in dict.fromkeys((number.e164, self._caller.number)):
                    ruled_out |= await self._means.ruled_out(way)
        return ruled_out

    async def _begin_number(self, number: Number) -> Begun:
        return await self._begin(f"number:{number.e164}", partial(self._means.connector.find_by_number, number))

    async def _begin(self, key: str, ask: Ask) -> Begun:
        if key not in self._begun:
            self._begun[key] = await self._means.flights.begin(key, ask, is_fresh=self._is_fresh)
        return self._begun[key]


_Claim = tuple[str, Ask, str]
"""The key to keep the answer by, the question, and the words for when nobody is found."""


def found(kept: Kept | Unavailable, connector: CrmConnector) -> Found | Unavailable:
    return kept if isinstance(kept, Unavailable) else Found(kept.matches, connector.name, kept.at)


async def _named(connector: CrmConnector, contact: ContactId) -> tuple[Match, ...]:
    known = await connector.get(contact)
    return (Match(known, MatchedBy.IVR, known.code or known.id),) if known else ()


def _contacts(matches: tuple[Match, ...]) -> frozenset[ContactId]:
    return frozenset(match.contact.id for match in matches)


def _with_number(named: Found, by_number: Answer) -> Found:
    others = by_number.matches if isinstance(by_number, Found) else ()
    agree = not _contacts(named.matches).isdisjoint(_contacts(others))
    return named if agree or not others else replace(named, disagrees=others)


def _nobody_named(named: Unknown, by_number: Answer) -> Answer:
    if not isinstance(by_number, Unknown):
        return by_number
    return Unknown("; ".join(reason for reason in (named.reason, by_number.reason) if reason))
