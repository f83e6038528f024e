"""Facts on their way to disk, off the event path.

``record`` takes a fact and returns; a writer task commits all that waits in one transaction, a tenth of a second later, or at
once where somebody waits for it (``flush``) or a batch is full.
While the database is away, or slower than facts come, they go to the spool, in order, and from there to the database when it is
back; then new ones go straight again. Everything is told at least once and has an id, so it is kept once.

What a kill loses: nothing that was recorded before this turn of the event loop. What waits in memory stands in the tail as
well (``tail.py``): written, not synced, so a power cut takes the last moments' facts. A fact that ``flush`` has waited for
survives that too. What was read from the PBX and not recorded yet, its next snapshot and its own records supply.

Start: make the journal (it takes up what spool and tail hold), start ``run``, read ``unwritten`` and then ``open_facts``, and go on
from both. Stop: cancel ``run``. It spools what is left.

With a ``fence`` what only the holder of a lease may tell is written while that holds. What spool and tail have from before is of
an earlier epoch, and goes where the record does not know better by now (``lease.py``); once another has taken the lease, what
still waits here is refused and counted, and the spool is left to whoever starts here next.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import structlog

from cti.envelope import Envelope
from cti.errors import StaleEpoch, StoreSchema, StoreUnavailable
from cti.store.absence import Absence
from cti.store.failpoints import failpoint
from cti.store.interactions import InteractionLog
from cti.store.lease import Fence, is_fenced
from cti.store.spool import Spool, SpoolFull
from cti.store.storable import Line, line_of
from cti.store.tail import Tail
from cti.store.unfinished import Unfinished, unfinished

log = structlog.get_logger()

SPOOLED_AT_ONCE: Final = 5_000
"""Facts: with more, the event loop would feel it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRules:
    linger_s: float = 0.1
    """How long a fact may wait for company, unless somebody waits for it to be safe or a batch is full. A transaction costs as
    much as the facts of some calls, so few of them make a call cost the same on quiet and on busy days."""
    batch: int = 500
    """Facts in one transaction."""
    room: int = 50_000
    """Facts in memory, while neither database nor spool takes any; those beyond are lost, and counted."""
    tail_bytes: int = 4 * 1024 * 1024
    """How much of the tail may be in the database already, while more waits."""
    write_limit_s: float = 10.0
    """A commit that takes longer counts as failed; if it was not, its facts are known when they come again."""
    retry_first_s: float = 0.5
    retry_cap_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalStatus:
    """For ``/readyz`` and ``/metrics``. All is well while ``is_store_up`` and nothing is ``lost``."""

    is_store_up: bool
    waiting: int
    """In memory, and in the tail."""
    in_memory_alone: int
    """Of those, not in the tail: a kill would lose them."""
    spooled: int
    spool_bytes: int
    is_spool_full: bool
    stored: int
    """In the database, since the start."""
    lost: int
    reason: str
    """Why the database is away, in words."""
    tail_trouble: str = ""
    """Why the tail cannot be written, in words."""
    refused: int = 0
    """Told after another process had taken the lease."""
    late_dropped: int = 0
    """Of an earlier epoch: the record knew better."""


class Journal:
    """One writer: ``run`` must be running for anything to be written. All methods belong to one event loop."""

    def __init__(
        self,
        interactions: InteractionLog,
        spool: Spool,
        rules: JournalRules | None = None,
        fence: Fence | None = None,
    ) -> None:
        self._log = interactions
        self._spool = spool
        self._rules = rules or JournalRules()
        self._fence = fence
        self._tail = Tail(spool.path.with_suffix(".tail"), made_anew_bytes=self._rules.tail_bytes)
        self._late = spool.waiting + len(self._tail) if fence else 0
        """At the front of what waits, in the spool and then in the tail: of an earlier epoch."""
        self._is_stale = False
        self._refused = 0
        self._awake = asyncio.Event()
        self._hurried = asyncio.Event()
        self._moved = asyncio.Event()
        self._recorded = len(self._tail)
        self._safe = self._stored = self._lost = 0
        self._is_spool_full = False
        self._away = Absence(first_s=self._rules.retry_first_s, cap_s=self._rules.retry_cap_s, beside=spool.path)
        if self._tail:
            self._awake.set()

    def record(self, fact: Envelope) -> None:
        """Never waits. Where there is no room left the fact is lost, loudly: refusing it would lose it too."""
        if self._is_stale and is_fenced(fact):
            self._refused += 1
            return
        if len(self._tail) >= self._rules.room:
            self._lose(fact)
            return
        self._tail.add(line_of(fact))
        self._recorded += 1
        self._awake.set()
        if len(self._tail) >= self._rules.batch:
            self._hurried.set()
        failpoint("journal.recorded")

    @property
    def status(self) -> JournalStatus:
        return JournalStatus(
            is_store_up=not self._away.is_on,
            waiting=len(self._tail),
            in_memory_alone=self._tail.in_memory_alone,
            tail_trouble=self._tail.trouble,
            spooled=self._spool.waiting,
            spool_bytes=self._spool.size_bytes,
            is_spool_full=self._is_spool_full,
            stored=self._stored,
            lost=self._lost,
            reason=self._away.reason,
            refused=self._refused,
            late_dropped=self._fence.dropped["late"] if self._fence else 0,
        )

    async def flush(self) -> None:
        """Wait until all that was recorded before is on disk: in the database or, while that is away, in the spool."""
        wanted = self._recorded
        while self._safe < wanted:
            self._hurried.set()
            await self._progress()
        failpoint("journal.flushed")

    async def drained(self) -> None:
        """Wait until the database has everything."""
        while self._tail or self._spool.waiting or self._safe < self._recorded:
            self._hurried.set()
            await self._progress()

    async def unwritten(self) -> Unfinished:
        """What the database may not have yet of calls that are not over; also while ``run`` is at it. The tail is looked at first:
        what has left it by then stands in the spool, and what has left that, in the database."""
        waiting = self._tail.first(len(self._tail))
        return await asyncio.to_thread(
            lambda: unfinished(chain(self._spool.everything(), (line.json for line in waiting)))
        )

    def give_up(self, reason: str) -> None:
        """Another process has the lease. What people added is still written; the rest is its to tell."""
        if self._is_stale:
            return
        refused = self._tail.refuse(lambda line: is_fenced(line.fact))
        self._is_stale, self._late = True, 0
        self._refused += refused
        self._safe += refused
        log.error("facts_refused", count=refused, left_in_the_spool=self._spool.waiting, reason=reason)
        if self._fence:
            self._fence.on_stale()
        self._moved.set()

    async def run(self) -> None:
        """The writer. Cancel it to stop; what is left goes to the spool."""
        try:
            while True:
                await self._until_there_is_work()
                await self._work()
        finally:
            self._spool_the_rest()

    async def _until_there_is_work(self) -> None:
        left_s = self._away.retry_in_s
        if self._is_spool_full or (self._spool.waiting and not left_s and not self._is_stale):
            await asyncio.sleep(left_s)
            return
        try:
            async with asyncio.timeout(left_s or None):
                await self._awake.wait()
        except TimeoutError:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._rules.linger_s):
                await self._hurried.wait()

    async def _work(self) -> None:
        """What stands in the spool is older than what waits in memory, and goes first."""
        self._hurried.clear()
        is_spool_first = self._spool.waiting and not self._is_stale
        if self._away.retry_in_s or is_spool_first or (self._is_crowded and not self._is_spool_full):
            await self._spool_waiting()
        if self._away.retry_in_s:
            pass
        elif self._spool.waiting and not self._is_stale:
            await self._replay()
        else:
            await self._write_waiting()
        self._is_spool_full = self._is_spool_full and (self._away.is_on or len(self._tail) > self._rules.batch)
        self._moved.set()

    @property
    def _is_crowded(self) -> bool:
        """They come faster than they are written, with the database up."""
        return len(self._tail) > self._rules.room // 2

    async def _write_waiting(self) -> None:
        was_stale, count = self._is_stale, min(self._late, self._rules.batch)
        batch = self._tail.first(count or self._rules.batch)
        failpoint("journal.taken")
        if await self._store(batch, is_late=count > 0):
            self._late = max(0, self._late - count)  # given up meanwhile, none is late any more
            self._forget(len(batch), was_stale=was_stale)
        elif self._is_stale is was_stale:
            await self._spool_waiting()

    async def _replay(self) -> None:
        count = min(self._late, self._spool.waiting, self._rules.batch)
        lines = await asyncio.to_thread(self._spool.front, count or self._rules.batch)
        failpoint("journal.replaying")
        if await self._store(lines, is_late=count > 0):
            await asyncio.to_thread(self._spool.taken)
            self._late = max(0, self._late - count)

    async def _spool_waiting(self) -> None:
        was_stale, lines = self._is_stale, self._tail.first(SPOOLED_AT_ONCE)
        if not lines:
            return
        try:
            kept = await asyncio.to_thread(self._spool.append, lines)
        except SpoolFull as exc:
            self._say_full(str(exc))
            return
        self._forget(kept, was_stale=was_stale)

    async def _store(self, batch: Sequence[Line], *, is_late: bool = False) -> bool:
        """False: the database is away, or the lease another's, and ``batch`` is where it was."""
        try:
            await self._append(batch, is_late=is_late)
        except StaleEpoch as exc:
            self.give_up(str(exc))
            return False
        except (StoreUnavailable, StoreSchema) as exc:
            self._away.begins(str(exc))
            return False
        except Exception:  # noqa: BLE001 - a value it refuses, or a mistake of ours: neither may stop the record
            return await self._store_one_by_one(batch, is_late=is_late)
        self._away.ends(self._spool.waiting)
        self._stored += len(batch)
        failpoint("journal.written")
        return True

    async def _append(self, batch: Sequence[Line], *, is_late: bool) -> None:
        fence = self._fence.late() if self._fence and is_late else self._fence
        try:
            async with asyncio.timeout(self._rules.write_limit_s):
                await (self._log.write(batch, fence) if fence and not self._is_stale else self._log.write(batch))
        except TimeoutError as exc:
            raise StoreUnavailable(f"the database did not answer within {self._rules.write_limit_s:g} s") from exc

    async def _store_one_by_one(self, batch: Sequence[Line], *, is_late: bool) -> bool:
        """Something in it cannot be stored; that must not hold up the rest."""
        for line in batch:
            try:
                await self._append([line], is_late=is_late)
            except StaleEpoch as exc:
                self.give_up(str(exc))
                return False
            except (StoreUnavailable, StoreSchema) as exc:
                self._away.begins(str(exc))
                return False
            except Exception as exc:  # noqa: BLE001 - kept aside, with its reason
                await asyncio.to_thread(self._spool.refuse, line, f"{type(exc).__name__}: {exc}")
            else:
                self._stored += 1
        self._away.ends(self._spool.waiting)
        return True

    def _forget(self, count: int, *, was_stale: bool) -> None:
        """These are safe. Where the lease was lost meanwhile, those that still wait are written again, and known."""
        if self._is_stale is was_stale:
            self._tail.forget(count)
            self._safe += count
        if not self._tail:
            self._awake.clear()
        self._moved.set()

    async def _progress(self) -> None:
        self._moved.clear()
        await self._moved.wait()

    def _spool_the_rest(self) -> None:
        """At the stop: on this thread, for nothing else runs any more."""
        failpoint("journal.stopping")
        try:
            kept = self._spool.append(self._tail.first(len(self._tail))) if self._tail else 0
        except SpoolFull as exc:
            log.critical("facts_left_in_the_tail", count=len(self._tail), reason=str(exc))
        else:
            self._forget(kept, was_stale=self._is_stale)
        self._tail.close()
        self._spool.close()

    def _lose(self, fact: Envelope) -> None:
        self._lost += 1
        if self._lost == 1 or self._lost % 1000 == 0:
            log.critical(
                "facts_lost",
                count=self._lost,
                latest=fact.type,
                reason=self._away.reason or "they come faster than they are written",
            )

    def _say_full(self, reason: str) -> None:
        if not self._is_spool_full:
            log.critical("spool_full", reason=reason, waiting_in_memory=len(self._tail), room=self._rules.room)
        self._is_spool_full = True
