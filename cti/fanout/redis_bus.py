"""The bus over Redis Streams: one task writes in batches, each reader reads at its own pace, asks go to a consumer group.

Readers lose nothing unnoticed: their place is theirs, and batches are numbered by their writers (``wire.py``), so whatever is
not there when they come back (trimmed, flushed, failed over to an empty Redis, dropped here while it was away) is a ``Gap``.
"""

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

import msgspec

from cti.errors import PbxUnavailable
from cti.fanout.bus import Answer, Ask, Gap
from cti.fanout.entry import Entry
from cti.fanout.redis_asks import Asks
from cti.fanout.redis_door import START, BusAway, Place, RedisDoor, is_before
from cti.fanout.wire import Order, Outgoing, Seen, decode_answer, decode_batch, encode_ask
from cti.log import logger
from cti.telephony.backoff import backoff_s

log = logger("bus")

KEEP: Final = 4096
"""Batches of each stream that Redis keeps: a reader further behind than that is better served by a picture."""
BLOCK_MS: Final = 1000
LIFE_S: Final = 3600
"""What was said of customers does not stay in Redis when nobody says anything any more."""
_LIFE_AGAIN_S: Final = 60.0
IDLE_S: Final = 1.0
"""With nothing to write, Redis is asked this often whether it is there."""
COMPANY_S: Final = 0.005
"""What is to be written waits so long for more: a line of Redis costs each process that reads it as much as twenty entries in it."""


class RedisBus:
    def __init__(
        self, door: RedisDoor, process: str, *, clock: Callable[[], float] = time.time, keep: int = KEEP
    ) -> None:
        """``process``: its name, unique in the site."""
        self._door = door
        self._process = process
        self._writer = f"{process}.{secrets.token_hex(4)}"
        self._clock = clock
        self._keep = keep
        self._outgoing: dict[str, Outgoing] = {}
        self._dropped = 0
        self._wake = asyncio.Event()
        self._asked: dict[str, asyncio.Future[Answer]] = {}
        self._reason = "not connected yet"
        self._life_at: dict[str, float] = {}
        """When each stream is to be given its life again."""
        self.failures = 0
        """Tries in a row that Redis did not answer."""

    @property
    def is_up(self) -> bool:
        return not self._reason

    @property
    def reason(self) -> str:
        return self._reason

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._write(), name="bus-writer")
                tasks.create_task(self._hear_answers(), name="bus-answers")
        finally:
            await self._door.close()

    # ---- entries

    def publish(self, stream: str, entry: Entry) -> None:
        outgoing = self._outgoing.get(stream)
        if outgoing is None:
            outgoing = self._outgoing[stream] = Outgoing(self._writer)
        if not outgoing.put(entry):
            self._dropped += 1
        self._wake.set()

    async def read(self, stream: str) -> AsyncIterator[Entry | Gap]:
        order, dropped = Order(), self._dropped
        async for line in self._follow(stream):
            if isinstance(line, Gap):
                yield line
                continue
            if self._dropped != dropped:
                dropped = self._dropped
                yield Gap("some of what was published here could not be written")
            try:
                batch = decode_batch(line)
            except msgspec.DecodeError:
                log.warning("entry_not_understood", stream=stream)
                continue
            seen = order.seen(batch)
            if seen is Seen.AFTER_A_GAP:
                yield Gap(f"something of {batch.writer} is missing")
            if seen is not Seen.AGAIN:
                for entry in batch.entries:
                    yield entry

    # ---- asks

    async def ask(self, ask: Ask) -> Answer:
        if not self.is_up:
            raise PbxUnavailable(self._reason)
        answer = self._asked.setdefault(ask.id, asyncio.get_running_loop().create_future())
        try:
            async with asyncio.timeout(max(0.0, ask.until - self._clock())):
                await self._door.add({Asks.STREAM: encode_ask(ask)}, keep=self._keep, life_s=LIFE_S)
                return await asyncio.shield(answer)
        except TimeoutError:
            raise PbxUnavailable("nobody who reads the PBX answered in time") from None
        except BusAway as away:
            raise PbxUnavailable(str(away)) from away
        finally:
            self._asked.pop(ask.id, None)

    async def serve(self, carry_out: Callable[[Ask], Awaitable[Answer]]) -> None:
        await Asks(self._door, self._writer, clock=self._clock).serve(carry_out)

    async def _hear_answers(self) -> None:
        """From the stream's start: answers to an earlier life of this process find nobody waiting."""
        async for line in self._follow(Asks.answers_of(self._process), place=START):
            if isinstance(line, Gap):
                continue
            answer = decode_answer(line)
            waiting = self._asked.get(answer.ask)
            if waiting and not waiting.done():
                waiting.set_result(answer)

    # ---- the connection

    async def _write(self) -> None:
        while True:
            try:
                await self._send()
            except BusAway as away:
                self._is_away(str(away))
                await asyncio.sleep(_pause_s(self.failures))
                continue
            self.failures = 0
            if self._reason:
                log.info("bus_up")
                self._reason = ""
            await self._until_it_is_worth_a_line()

    async def _send(self) -> None:
        lines = {stream: line for stream, one in self._outgoing.items() if (line := one.batch())}
        if not lines:
            await self._door.ping()
            return
        now = self._clock()
        is_due = any(now >= self._life_at.get(stream, 0.0) for stream in lines)
        await self._door.add(lines, keep=self._keep, life_s=LIFE_S if is_due else 0)
        if is_due:
            self._life_at |= dict.fromkeys(lines, now + _LIFE_AGAIN_S)
        for stream in lines:
            self._outgoing[stream].sent()

    async def _until_it_is_worth_a_line(self) -> None:
        """Also what came while the last line was written waits for company, unless it is a whole line by now."""
        if not any(one.is_waiting for one in self._outgoing.values()):
            self._wake.clear()
            try:
                async with asyncio.timeout(IDLE_S):
                    await self._wake.wait()
            except TimeoutError:
                return
        if not any(one.fills_a_batch for one in self._outgoing.values()):
            await asyncio.sleep(COMPANY_S)

    def _is_away(self, reason: str) -> None:
        """Said once; the readers meet the same and say nothing."""
        self.failures += 1
        if self.failures == 1:
            log.warning("bus_away", reason=reason)
        self._reason = reason

    async def _follow(self, stream: str, place: Place | None = None) -> AsyncIterator[bytes | Gap]:
        """Each line from now on, or from ``place``; a ``Gap`` where we begin, and where the stream ends before our place."""
        failures, why = 0, "just begun"
        while True:
            try:
                if place is None:
                    place = await self._door.last(stream)
                    yield Gap(why)
                lines = await self._door.after(stream, place, block_ms=BLOCK_MS)
                if not lines and is_before(await self._door.last(stream), place):
                    place, why = None, "the stream was emptied"
            except BusAway:
                failures += 1
                await asyncio.sleep(_pause_s(failures))
                continue
            failures = 0
            for at, line in lines:
                place = at
                yield line


def _pause_s(failures: int) -> float:
    return backoff_s(failures, random.random(), first_s=0.1, most_s=2.0)  # noqa: S311 - it spreads, it hides nothing
