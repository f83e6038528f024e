"""Is this the customer's PIN? The limits of ``crm/pin.py`` around the customer system's answer."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

from cti.calls.journey import PinTried
from cti.clock import now
from cti.crm import pin as pins
from cti.crm.connector import CrmConnector
from cti.crm.contact import ContactId
from cti.crm.pin import PinLimits
from cti.errors import CrmError
from cti.ivr.requests import PinResult
from cti.log import logger

log = logger("ivr")

BUDGET_S: Final = 3.0
"""For the customer system to give the hash; the caller waits in silence."""
FLOOR_S: Final = 0.8
MOST_WAITING: Final = 50
"""What is computed for so many takes about as long as the floor; with more it would show who is locked and who is not."""


class Pins:
    """``floor_s``: no answer comes sooner, so that none is told by how soon it comes."""

    def __init__(
        self, connector: CrmConnector, limits: PinLimits, *, clock: Callable[[], datetime] = now,
        floor_s: float = FLOOR_S,
    ) -> None:  # fmt: skip
        self._connector = connector
        self._limits = limits
        self._clock = clock
        self._floor_s = floor_s
        self._waiting = 0

    def restore(self, tries: Iterable[PinTried]) -> None:
        """From the record, before the first caller: a restart forgives nobody."""
        self._limits.restore((one.at, one.contact, one.caller, one.result) for one in tries)

    async def check(self, contact: ContactId, keyed: str, caller: str) -> PinResult:
        """Never raises. A customer system that does not answer, or too many who wait, cost the caller no try."""
        if self._waiting >= MOST_WAITING:
            log.warning("pin_unavailable", reason=f"{MOST_WAITING} are waiting already")
            return PinResult.UNAVAILABLE
        self._waiting += 1
        try:
            result, _ = await asyncio.gather(self._checked(contact, keyed, caller), asyncio.sleep(self._floor_s))
        finally:
            self._waiting -= 1
        return result

    async def _checked(self, contact: ContactId, keyed: str, caller: str) -> PinResult:
        if not self._limits.allowed(contact, caller, self._clock()):
            return PinResult.LOCKED
        try:
            async with asyncio.timeout(BUDGET_S):
                known = await self._connector.pin_hash(contact)
        except (CrmError, TimeoutError) as away:
            log.warning("pin_unavailable", reason=str(away) or f"no answer within {BUDGET_S:g} s")
            return PinResult.UNAVAILABLE
        except Exception:
            log.exception("pin_unavailable")
            return PinResult.UNAVAILABLE
        is_right = await pins.check(keyed, known)
        return PinResult(self._limits.tried(contact, caller, is_right=is_right, now=self._clock()))
