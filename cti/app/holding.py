"""The shell around the lease: stand by until it is free, keep it, say when it is lost."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from cti.agent_facts import AGENTS
from cti.app.term import Term
from cti.errors import StoreError
from cti.log import logger
from cti.store.lease import Leases

log = logger("lease")

LOOK_S: Final = 0.5
"""How often a standby looks whether the lease is free."""
RENEWALS: Final = 3
"""In the life of a lease."""
ANSWERS: Final = 4
"""One waits so long for the database's: a fourth of a lease's life."""
RETRIES: Final = 12
"""After a renewal that failed, the next comes sooner: that the database is away is known before the lease has run out, and no
button is refused meanwhile."""


def clock_s() -> float:
    """Runs on while the machine sleeps, unlike ``time.monotonic``."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """For ``/readyz`` and ``/metrics``."""

    state: Literal["standby", "active"] = "standby"
    holder: str = ""
    """Who has it; of a standby, as last seen."""
    epoch: int = 0
    reason: str = ""


class Holder:
    """``may_begin_alone``: with the database away at the start, act all the same, and ask once it is back. Only at the start:
    once it was heard, another may have the lease when it is away."""

    def __init__(
        self,
        leases: Leases,
        names: Iterable[str],
        name: str,
        *,
        life_s: float,
        may_begin_alone: bool = False,
        clock: Callable[[], float] = clock_s,
    ) -> None:
        self._leases = leases
        self._names = tuple(sorted(names))
        self._name = name
        self._life_s = life_s
        self._may_begin_alone = may_begin_alone
        self._clock = clock
        self.standing = Standing()

    async def until_held(self) -> Term:
        while True:
            term = await self.attempt()
            if term:
                return term
            await asyncio.sleep(LOOK_S)

    async def keep(self, term: Term, over: asyncio.Event) -> None:
        """Returns once another has it: so the database said, which is asked now and then, or whoever set ``over``."""
        pauses = RENEWALS
        while not await _is_set(over, within_s=self._life_s / pauses):
            asked_at_s = self._clock()
            try:
                async with asyncio.timeout(self._life_s / ANSWERS):
                    is_ours = await self._renewed(term)
            except (StoreError, TimeoutError):
                term.not_answered(asked_at_s, self._clock())
                pauses = RETRIES
                continue
            pauses = RENEWALS
            if is_ours:
                term.renewed(asked_at_s)
            else:
                over.set()
        self._stand(Standing(reason="another process has taken the lease"))
        log.error("lease_lost", epochs=term.epochs)

    async def release(self, term: Term) -> None:
        """The next need not wait for its end. Best effort: without it, they wait."""
        self._stand(Standing())
        try:
            async with asyncio.timeout(self._life_s):
                await self._leases.release(term.epochs, self._name)
        except (StoreError, TimeoutError) as away:
            log.warning("lease_not_released", reason=str(away) or "no answer in time")

    async def attempt(self) -> Term | None:
        """None: it is held, or there is nobody to ask."""
        asked_at_s = self._clock()
        try:
            async with asyncio.timeout(self._life_s):
                term = await self._taken()
        except (StoreError, TimeoutError) as away:
            reason = str(away) or "the database does not answer"
            self._stand(Standing(state="active" if self._may_begin_alone else "standby", reason=reason))
            return self._alone() if self._may_begin_alone else None
        if term:
            term.renewed(asked_at_s)
        return term

    async def _taken(self) -> Term | None:
        known = await self._leases.look(self._names)
        self._may_begin_alone = False
        held = [one for one in known if one.left_s > 0]
        if held:
            other = held[-1]
            words = f"{other.holder} has the lease of {other.name}"
            self._stand(Standing(holder=other.holder, epoch=other.epoch, reason=words))
            return None
        epochs = await self._take()
        return Term(life_s=self._life_s, epochs=dict(epochs)) if epochs else None

    def _alone(self) -> Term:
        term, now_s = Term(life_s=self._life_s), self._clock()
        for _ in range(2):
            term.not_answered(now_s, now_s)
        log.warning("lease_not_asked_for", reason=self.standing.reason)
        return term

    async def _renewed(self, term: Term) -> bool:
        if term.epochs:
            return await self._leases.renew(term.epochs, self._name, life_s=self._life_s)
        term.epochs.update(await self._take())
        return bool(term.epochs)

    async def _take(self) -> Mapping[str, int]:
        epochs = await self._leases.take(self._names, self._name, life_s=self._life_s)
        self._may_begin_alone = False
        if epochs:
            self._stand(Standing(state="active", holder=self._name, epoch=epochs[AGENTS]))
            log.info("lease_taken", epoch=epochs[AGENTS], names=self._names)
        return epochs

    def _stand(self, standing: Standing) -> None:
        """Said once, and when it changes."""
        if standing != self.standing and standing.state == "standby" and standing.reason:
            log.info("standing_by", reason=standing.reason)
        self.standing = standing


async def _is_set(event: asyncio.Event, *, within_s: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            await event.wait()
    return event.is_set()
