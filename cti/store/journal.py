"""Facts on their way to disk, off the event path.

``record`` takes a fact and returns; a writer task commits all that waits in one transaction, a few milliseconds later.
While the database is away, facts go to the spool, in order, and from there to the database when it is back; then new ones
go straight again. Everything is told at least once and has an id, so it is kept once.

What a crash loses: after SIGKILL the facts of the last ``linger_s`` and of the commit under way, some milliseconds. They are
not written to the spool first: that costs a second sync for every batch, and buys nothing, for what is missing is the *end*
of what happened: the call is still open in the record, and the PBX's next snapshot says that it is gone (cause ``resync``),
so it ends as exactly one interaction. A fact that ``flush`` has waited for survives even a power cut.

Start: make the journal (it takes up what the spool holds), start ``run``, await ``drained`` within some time, and only then
read ``open_facts``; where the database stays away, ``spooled`` has the facts of the outage. Stop: cancel ``run``. It spools
what is left.
"""

import asyncio
import random
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from cti.envelope import Envelope
from cti.errors import StoreSchema, StoreUnavailable
from cti.store.failpoints import failpoint
from cti.store.interactions import InteractionLog
from cti.store.spool import Spool, SpoolFull
from cti.store.storable import Line, line_of

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRules:
    linger_s: float = 0.004
    """How long a fact may wait for company."""
    batch: int = 500
    """Facts in one transaction."""
    room: int = 50_000
    """Facts in memory, while neither database nor spool takes any; those beyond are lost, and counted."""
    write_limit_s: float = 10.0
    """A commit that takes longer counts as failed; if it was not, its facts are known when they come again."""
    retry_first_s: float = 0.5
    retry_cap_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalStatus:
    """For ``/readyz`` and ``/metrics``. All is well while ``is_store_up`` and nothing is ``lost``."""

    is_store_up: bool
    waiting: int
    """In memory."""
    spooled: int
    spool_bytes: int
    is_spool_full: bool
    stored: int
    """In the database, since the start."""
    lost: int
    reason: str
    """Why the database is away, in words."""


def pause_s(failures: int, rules: JournalRules) -> float:
    """Before the next try; the journal waits half of it to all of it, by chance."""
    return min(rules.retry_cap_s, rules.retry_first_s * 2.0 ** min(failures, 16))


class Journal:
    """One writer: ``run`` must be running for anything to be written. All methods belong to one event loop."""

    def __init__(self, interactions: InteractionLog, spool: Spool, rules: JournalRules | None = None) -> None:
        self._log = interactions
        self._spool = spool
        self._rules = rules or JournalRules()
        self._waiting: deque[Line] = deque()
        self._awake = asyncio.Event()
        self._moved = asyncio.Event()
        self._recorded = self._safe = self._stored = self._lost = 0
        self._reason = ""
        self._failures = 0
        self._retry_at_s = 0.0
        self._is_spool_full = False
        self._away_since_s: float | None = None

    def record(self, fact: Envelope) -> None:
        """Never waits. Where there is no room left the fact is lost, loudly: refusing it would lose it too."""
        if len(self._waiting) >= self._rules.room:
            self._lose(fact)
            return
        self._waiting.append(line_of(fact))
        self._recorded += 1
        self._awake.set()
        failpoint("journal.recorded")

    @property
    def status(self) -> JournalStatus:
        return JournalStatus(
            is_store_up=self._away_since_s is None,
            waiting=len(self._waiting),
            spooled=self._spool.waiting,
            spool_bytes=self._spool.size_bytes,
            is_spool_full=self._is_spool_full,
            stored=self._stored,
            lost=self._lost,
            reason=self._reason,
        )

    async def flush(self) -> None:
        """Wait until all that was recorded before is on disk: in the database or, while that is away, in the spool."""
        wanted = self._recorded
        while self._safe < wanted:
            await self._progress()

    async def drained(self) -> None:
        """Wait until the database has everything."""
        while self._waiting or self._spool.waiting or self._safe < self._recorded:
            await self._progress()

    async def spooled(self) -> tuple[Envelope, ...]:
        """What the database does not have yet and the spool does; also while ``run`` is at it."""
        lines = await asyncio.to_thread(self._spool.everything)
        return tuple(line.fact for line in lines)

    async def run(self) -> None:
        """The writer. Cancel it to stop; what is left goes to the spool."""
        try:
            while True:
                await self._until_there_is_work()
                await self._work()
        finally:
            self._spool_the_rest()

    async def _until_there_is_work(self) -> None:
        left_s = max(0.0, self._retry_at_s - time.monotonic())
        if self._is_spool_full or (self._spool.waiting and not left_s):
            await asyncio.sleep(left_s)
            return
        try:
            async with asyncio.timeout(left_s or None):
                await self._awake.wait()
        except TimeoutError:
            return
        await asyncio.sleep(self._rules.linger_s)

    async def _work(self) -> None:
        """What stands in the spool is older than what waits in memory, and goes first."""
        if not self._spool.waiting and time.monotonic() >= self._retry_at_s:
            await self._write_waiting()
        else:
            await self._spool_waiting()
            if self._spool.waiting and time.monotonic() >= self._retry_at_s:
                await self._replay()
        self._moved.set()

    async def _write_waiting(self) -> None:
        batch = tuple(self._waiting)[: self._rules.batch]
        failpoint("journal.taken")
        if await self._store(batch):
            self._forget(len(batch))
        else:
            await self._spool_waiting()

    async def _replay(self) -> None:
        lines = await asyncio.to_thread(self._spool.front, self._rules.batch)
        if await self._store(lines):
            await asyncio.to_thread(self._spool.taken)

    async def _spool_waiting(self) -> None:
        lines = tuple(self._waiting)
        if not lines:
            return
        try:
            kept = await asyncio.to_thread(self._spool.append, lines)
        except SpoolFull as exc:
            self._say_full(str(exc))
            return
        self._forget(kept)

    async def _store(self, batch: Sequence[Line]) -> bool:
        """False: the database is away, and ``batch`` is still ours."""
        try:
            await self._append(batch)
        except (StoreUnavailable, StoreSchema) as exc:
            self._say_away(str(exc))
            return False
        except Exception:  # noqa: BLE001 - a value it refuses, or a mistake of ours: neither may stop the record
            return await self._store_one_by_one(batch)
        self._say_back()
        self._stored += len(batch)
        failpoint("journal.written")
        return True

    async def _append(self, batch: Sequence[Line]) -> None:
        try:
            async with asyncio.timeout(self._rules.write_limit_s):
                await self._log.append(line.fact for line in batch)
        except TimeoutError as exc:
            raise StoreUnavailable(f"the database did not answer within {self._rules.write_limit_s:g} s") from exc

    async def _store_one_by_one(self, batch: Sequence[Line]) -> bool:
        """Something in it cannot be stored; that must not hold up the rest."""
        for line in batch:
            try:
                await self._append([line])
            except (StoreUnavailable, StoreSchema) as exc:
                self._say_away(str(exc))
                return False
            except Exception as exc:  # noqa: BLE001 - kept aside, with its reason
                await asyncio.to_thread(self._spool.refuse, line, f"{type(exc).__name__}: {exc}")
        self._stored += len(batch)
        return True

    def _forget(self, count: int) -> None:
        """These are safe."""
        for _ in range(count):
            self._waiting.popleft()
        self._safe += count
        if not self._waiting:
            self._awake.clear()
        self._moved.set()

    async def _progress(self) -> None:
        self._moved.clear()
        await self._moved.wait()

    def _spool_the_rest(self) -> None:
        """At the stop: on this thread, for nothing else runs any more."""
        try:
            kept = self._spool.append(tuple(self._waiting)) if self._waiting else 0
        except SpoolFull as exc:
            log.critical("facts_lost", count=len(self._waiting), reason=str(exc))
        else:
            self._forget(kept)
        self._spool.close()

    def _lose(self, fact: Envelope) -> None:
        self._lost += 1
        if self._lost == 1 or self._lost % 1000 == 0:
            log.critical("facts_lost", count=self._lost, latest=fact.type, reason="database away and spool full")

    def _say_away(self, reason: str) -> None:
        now_s = time.monotonic()
        share = random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, keeps no secret
        self._retry_at_s = now_s + share * pause_s(self._failures, self._rules)
        self._failures += 1
        self._reason = reason
        if self._away_since_s is None:
            self._away_since_s = now_s
            log.error("store_unavailable", reason=reason, facts_go_to=str(self._spool.path))

    def _say_back(self) -> None:
        if self._away_since_s is not None:
            away_s = round(time.monotonic() - self._away_since_s, 1)
            log.warning("store_back", away_s=away_s, spooled=self._spool.waiting)
        self._failures, self._reason, self._retry_at_s, self._away_since_s = 0, "", 0.0, None
        self._is_spool_full = False

    def _say_full(self, reason: str) -> None:
        if not self._is_spool_full:
            log.critical("spool_full", reason=reason, waiting_in_memory=len(self._waiting), room=self._rules.room)
        self._is_spool_full = True
