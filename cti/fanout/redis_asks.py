"""Asks over Redis: each is taken by one process of a group, carried out at most once, and answered on the asker's stream.

What was taken and neither begun nor done (its process died) is claimed by whoever serves next. What was begun and not done is
not done again, for nobody knows how far it came: its asker hears nothing, and says so when the time is over.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from cti.fanout.bus import Answer, Ask
from cti.fanout.redis_door import BusAway, Place, RedisDoor
from cti.fanout.wire import decode_ask, encode_answer
from cti.log import logger
from cti.telephony.backoff import backoff_s

log = logger("bus")

CLAIM_MS: Final = 1000
"""Taken so long ago and not done: claimed. Doing it twice is prevented by a mark, so this may be short."""
BLOCK_MS: Final = 300
KEPT_S: Final = 120
"""How long it is known that an ask was begun, and what its answer was."""
_BEGUN: Final = b""
_AT_ONCE: Final = 64


class Asks:
    STREAM: Final = "asks"

    @staticmethod
    def answers_of(process: str) -> str:
        return f"answers:{process}"

    def __init__(self, door: RedisDoor, taker: str, *, clock: Callable[[], float]) -> None:
        self._door = door
        self._taker = taker
        self._clock = clock
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def serve(self, carry_out: Callable[[Ask], Awaitable[Answer]]) -> None:
        failures = 0
        async with asyncio.TaskGroup() as tasks:
            while True:
                try:
                    taken = await self._door.claim(self.STREAM, self._taker, idle_ms=CLAIM_MS)
                    taken += await self._door.take(self.STREAM, self._taker, block_ms=BLOCK_MS)
                except BusAway:
                    failures += 1
                    await asyncio.sleep(_pause_s(failures))
                    continue
                failures = 0
                for place, line in taken:
                    await self._slots.acquire()
                    task = tasks.create_task(self._attend(place, line, carry_out))
                    task.add_done_callback(lambda _: self._slots.release())

    async def _attend(self, place: Place, line: bytes, carry_out: Callable[[Ask], Awaitable[Answer]]) -> None:
        try:
            ask = decode_ask(line)
        except msgspec.DecodeError:
            log.warning("ask_not_understood")
            await self._done(place)
            return
        if ask.until <= self._clock():
            await self._done(place)
            return
        try:
            known = await self._door.mark(_mark(ask), _BEGUN, kept_s=KEPT_S)
        except BusAway:
            return  # neither begun nor done: claimed again
        if known is None:
            await self._done(place, ask, encode_answer(await self._carried_out(ask, carry_out)))
        elif known != _BEGUN:
            await self._done(place, ask, known)  # asked twice with one id

    async def _carried_out(self, ask: Ask, carry_out: Callable[[Ask], Awaitable[Answer]]) -> Answer:
        try:
            return await carry_out(ask)
        except Exception:  # the asker is told, and the log has the rest
            log.exception("ask_failed", kind=ask.kind)
            return Answer(ask=ask.id, is_done=False, body=b'{"error":"StateMisuse","words":"failed"}')

    async def _done(self, place: Place, ask: Ask | None = None, answer: bytes = b"") -> None:
        """As often as it takes, while there is still somebody who waits for the answer."""
        told = (self.answers_of(ask.sender), answer) if ask else None
        for failures in range(1, 100):
            try:
                await self._door.done(self.STREAM, place, mark=_mark(ask) if ask else "", kept_s=KEPT_S, answer=told)
            except BusAway:
                if ask is None or ask.until <= self._clock():
                    return
                await asyncio.sleep(_pause_s(failures))
            else:
                return


def _mark(ask: Ask) -> str:
    return f"ask:{ask.id}"


def _pause_s(failures: int) -> float:
    return backoff_s(failures, random.random(), first_s=0.1, most_s=1.0)  # noqa: S311 - it spreads, it hides nothing
