"""After each return to a PBX: what ended while we were away is filled in from its own records.

How far the record is complete is kept in the database, half a minute behind the present: a connection that is still there then
was there. One that is not may have been gone for longer than we know, for who stands still sees nothing. A return fills the time
from then on; again after a while, for Asterisk may write its records in batches, and until then the time stays open. So it
does where they cannot be read; that is tried again. A call that was found on the return has its record when it is over, which may be
hours later: then its part is filled in likewise.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cti import settings
from cti.calls.call import CallId, PbxName
from cti.clock import now
from cti.envelope import Envelope
from cti.errors import CtiError, PbxError, StaleEpoch, StoreUnavailable
from cti.log import logger
from cti.reconcile.backfill import SETTLED, Backfill
from cti.reconcile.reading import RecordsPlaces
from cti.store.backfills import AHEAD, SqlBackfills
from cti.store.database import Database
from cti.store.interactions import InteractionLog
from cti.store.journal import Journal
from cti.store.lease import Fence
from cti.telephony.link import LinkChanged, News, PbxLink
from cti.telephony.make import endpoints

log = logger("backfill")

AFTER_S: Final = (1.0, 30.0, 330.0)
"""A call's record may come a moment after its end; with ``batch = yes`` in cdr.conf, five minutes after."""
KEEP_S: Final = 30.0
OVERLAP: Final = timedelta(minutes=5)
"""A dead connection is noticed late, and clocks differ."""
AT_MOST: Final = timedelta(days=1)
"""How far back is looked where the mark lies ahead and so says nothing."""


def earlier_clock() -> datetime:
    """The wall clock may have been set ahead since the start, or back since before it. A mark too early costs a longer look, one
    too late costs calls."""
    return min(now(), datetime.now(UTC))


def places_of(given: settings.Settings) -> dict[PbxName, RecordsPlaces]:
    """Of the PBXs whose records are configured."""
    found = (records_of(pbx, given.site.time_zone) for pbx in given.pbx)
    return {places.pbx: places for places in found if places.is_known}


def records_of(pbx: settings.Pbx, time_zone: str) -> RecordsPlaces:
    return RecordsPlaces(
        pbx=PbxName(pbx.name), queue_log=pbx.queue_log.get_secret_value(), cdr=pbx.cdr.get_secret_value(),
        zone=ZoneInfo(time_zone), endpoints=endpoints(pbx),
    )  # fmt: skip


class Backfilling:
    """All PBXs'. ``run`` must be running for anything to be filled in."""

    def __init__(
        self,
        places: Mapping[PbxName, RecordsPlaces],
        links: Mapping[PbxName, PbxLink],
        interactions: InteractionLog,
        journal: Journal,
        database: Database,
        *,
        fence: Fence | None = None,
        after_s: Sequence[float] = AFTER_S,
        keep_s: float = KEEP_S,
        clock: Callable[[], datetime] = earlier_clock,
    ) -> None:
        self._links, self._journal, self._interactions = links, journal, interactions
        self._known = SqlBackfills(database)
        self._backfills = {
            name: Backfill(one, interactions, self._known) for name, one in places.items() if name in links
        }
        self._fence = fence or Fence(epochs={})
        self._after_s, self._keep_s, self._clock = after_s, keep_s, clock
        self._changed: dict[PbxName, asyncio.Event] = {name: asyncio.Event() for name in self._backfills}

    def news(self, news: News) -> None:
        if isinstance(news, LinkChanged) and news.pbx in self._changed:
            self._changed[news.pbx].set()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for name in self._backfills:
                tasks.create_task(self._keep(name), name=f"backfill-{name}")

    async def _keep(self, pbx: PbxName) -> None:
        while True:
            status = self._links[pbx].status
            if status.state == "connected":
                await self._while_connected(pbx, status.at)
            else:
                await self._change(pbx)

    async def _while_connected(self, pbx: PbxName, came: datetime) -> None:
        """Until the connection is another."""
        since, pauses_s = await self._since(pbx, came), list(self._after_s)
        found, looked = self._live(pbx), came
        if since is None:  # never listened to before: what was then is not ours to fill in
            await self._complete(pbx, came + OVERLAP)
            found = set()
        while True:
            reached = self._clock()
            await self._change(pbx, within_s=pauses_s.pop(0) if since and pauses_s else self._keep_s)
            if self._links[pbx].status.at != came:
                return
            if since is not None:
                since = None if await self._fill_in(pbx, since, came, is_last=not pauses_s) else since
            elif over := found - self._live(pbx):
                since, pauses_s = looked - OVERLAP, list(self._after_s)
                found, looked = found - over, reached
            else:
                await self._complete(pbx, reached)

    def _live(self, pbx: PbxName) -> set[CallId]:
        return {call.id for call in self._links[pbx].calls}

    async def _since(self, pbx: PbxName, came: datetime) -> datetime | None:
        """From where on something may be missing; None where it was never listened to before."""
        while True:
            try:
                until = await self._known.complete_until(pbx)
            except StoreUnavailable:
                await asyncio.sleep(self._keep_s)
                continue
            if until and until > self._clock() + AHEAD:
                log.warning("backfill_mark_ahead", pbx=pbx, mark=until.isoformat(), hint="a day is looked through")
                return came - AT_MOST
            return until - OVERLAP if until else None

    async def _fill_in(self, pbx: PbxName, since: datetime, came: datetime, *, is_last: bool) -> bool:
        """Is there nothing left to do?"""
        settled = self._clock() - SETTLED
        is_done = await self._fill(pbx, since, came, None if is_last else settled)
        if is_done and not is_last:
            await self._complete(pbx, settled)
        return is_done and is_last

    async def _fill(self, pbx: PbxName, since: datetime, came: datetime, settled: datetime | None) -> bool:
        backfill = self._backfills[pbx]
        try:
            await self._journal.flush()
            if self._journal.status.spooled:
                return False  # what waits there is not known to the database yet
            plan = await backfill.plan(
                since,
                max(came, self._clock()) + OVERLAP,
                self._links[pbx].calls,
                settled=settled,
                offered_by=came + OVERLAP,
            )
            await backfill.carry_out(plan, self._record)
        except (CtiError, OSError) as error:
            what = "records_unreadable" if isinstance(error, PbxError) else "backfill_failed"
            log.warning(what, pbx=pbx, reason=str(error))
            return False
        except Exception:
            log.exception("backfill_failed", pbx=pbx)
            return False
        if plan.missing or plan.partly:
            log.info(
                "backfilled",
                pbx=pbx,
                since=since.isoformat(),
                calls=len(plan.missing),
                ends=len(plan.partly),
                known=plan.known,
                later=plan.unsettled,
            )
        return True

    async def _record(self, facts: Sequence[Envelope]) -> None:
        for fact in facts:
            self._journal.record(fact)
        await self._journal.flush()

    async def _complete(self, pbx: PbxName, until: datetime) -> None:
        try:
            await self._known.completed(pbx, until, self._fence)
        except StaleEpoch:
            self._fence.on_stale()
        except StoreUnavailable:
            return  # later; until then more is looked at than need be

    async def _change(self, pbx: PbxName, within_s: float | None = None) -> None:
        changed = self._changed[pbx]
        changed.clear()
        try:
            async with asyncio.timeout(within_s):
                await changed.wait()
        except TimeoutError:
            return
