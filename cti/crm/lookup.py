"""Who is calling? One service object, asked by the pipeline as soon as a call is queued::

    asked = lookup.start(keys=dict(call.keys), number=call.customer_number)   # returns at once, and asks as soon as it is awaited
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
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial

from cti.crm.asked import MAX_CODE, SLOW, Asked, Caller, LookupRules, Means, RuledOut, found
from cti.crm.breaker import Breaker
from cti.crm.cache import AnswerCache, MemoryCache
from cti.crm.connector import CrmConnector
from cti.crm.contact import Answer, Contact, Unavailable, Unknown
from cti.crm.flights import Flights, landed

__all__ = ["SLOW", "Asked", "Lookup", "LookupRules"]


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
        self.breaker = Breaker(failures_to_open=rules.failures_to_open, retry_after_s=rules.retry_after_s)
        self._flights = Flights(
            connector.name, self.breaker, MemoryCache(monotonic=monotonic) if cache is None else cache,
            now=now, monotonic=monotonic, patience_s=rules.patience_s, fresh_s=rules.fresh_s,
        )  # fmt: skip
        self._means = Means(
            connector=connector, rules=rules, extension=re.compile(rules.extensions), breaker=self.breaker,
            flights=self._flights, ruled_out=ruled_out,
        )  # fmt: skip

    def start(self, *, keys: Mapping[str, str], number: str, contact: str = "", is_fresh: bool = False) -> Asked:
        """``keys`` as the PBX gave them, ``number`` the customer's as the PBX gave it, ``contact`` the id of the customer whom
        the caller named in the IVR. ``is_fresh`` passes the cache by."""
        return Asked(Caller(contact=contact, keys=keys, number=number), self._means, is_fresh=is_fresh)

    async def who(
        self, *, keys: Mapping[str, str], number: str, contact: str = "", budget_s: float | None = None
    ) -> Answer:
        return await self.start(keys=keys, number=number, contact=contact).answer(budget_s)

    async def by_order(self, order: str) -> Answer:
        """Whose order that is, as a caller keyed it; within the budget."""
        ask = partial(self._connector.find_by_order, order[:MAX_CODE])
        try:
            async with asyncio.timeout(self._rules.budget_s):
                kept = await landed(await self._flights.begin(f"order:{order[:MAX_CODE]}", ask))
        except TimeoutError:
            return Unavailable(SLOW)
        is_known = isinstance(kept, Unavailable) or kept.matches
        return found(kept, self._connector) if is_known else Unknown(f"no record with order {order[:MAX_CODE]}")

    async def forget(self, contact: Contact) -> None:
        """The contact was created or corrected: what is known by its keys is asked anew. For one that was corrected, call it
        with the contact as it was, too."""
        known = {f"contact:{contact.id}", f"code:{contact.code}"}
        await self._flights.forget(known | {f"number:{number.e164}" for number in contact.numbers})

    async def close(self) -> None:
        """Drop what is being asked, and close the connector."""
        await self._flights.close()
        await self._connector.close()
