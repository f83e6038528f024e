"""Beside an existing PBX: listen for a while, keep what was heard in a database of one's own, and compare it with the PBX's
records. Nothing is sent but the log-in and the questions for lists."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cti.calls.call import CallId
from cti.calls.transitions import CallChanged
from cti.envelope import of_change
from cti.reconcile.compare import Comparison, compare, matches
from cti.reconcile.reading import RecordsPlaces, calls_ended
from cti.store import schema
from cti.store.database import Database
from cti.store.interactions import Filter, Interaction
from cti.store.journal import Journal, JournalStatus
from cti.store.spool import Spool
from cti.store.sql import SqlInteractionLog
from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.ami_link import AmiLink
from cti.telephony.link import LinkChanged, News

SETTLE_S: Final = 2.0
"""Asterisk writes a record a moment after the event; queue_log cuts off the second."""
WRITE_S: Final = 30.0
"""How long nothing may be written at the end until what was written by then is compared without the rest."""
_PAGE: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    began: datetime
    until: datetime
    comparison: Comparison
    lost: int
    """How often the connection was: what happened then we cannot know."""
    not_kept: int = 0
    """Steps of calls that could not be written, and why: their calls may seem missed, or to end otherwise."""
    reason: str = ""


async def watch(
    account: Account,
    places: RecordsPlaces,
    stop: Callable[[], Awaitable[object]],
    *,
    told: Callable[[LinkChanged], None],
    tolerance_s: float,
) -> Watched | None:
    """Until ``stop`` returns; None where the PBX was never reached. Raises ``RecordsUnreadable``."""
    with tempfile.TemporaryDirectory(prefix="cti-shadow-") as folder:
        shadow = _Shadow(account, places, Path(folder), told)
        return await shadow.run(stop, tolerance_s)


class _Shadow:
    def __init__(
        self, account: Account, places: RecordsPlaces, folder: Path, told: Callable[[LinkChanged], None]
    ) -> None:
        self._places, self._folder, self._told = places, folder, told
        self._link = AmiLink(places.pbx, account, places.endpoints)
        self._began: datetime | None = None
        self._lost = 0

    async def run(self, stop: Callable[[], Awaitable[object]], tolerance_s: float) -> Watched | None:
        url = f"sqlite:///{self._folder / 'shadow.db'}"
        await schema.make_ready(url)
        database = Database(url)
        log = SqlInteractionLog(database)
        journal = Journal(log, Spool(self._folder / "facts.spool"))
        tasks = [
            asyncio.create_task(journal.run()),
            asyncio.create_task(self._link.run(lambda news: self._hear(news, journal))),
        ]
        try:
            await stop()
            until = datetime.now(UTC)
            await asyncio.sleep(SETTLE_S)
            await written(journal)
            if self._began is None:
                return None
            watched = await self._compared(log, self._began, until, tolerance_s)
            return replace(watched, not_kept=not_kept(journal.status), reason=journal.status.reason)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await database.close()

    def _hear(self, news: News, journal: Journal) -> None:
        if isinstance(news, CallChanged):
            journal.record(of_change(news))
        elif isinstance(news, LinkChanged):
            if news.state == "connected":
                self._began = self._began or datetime.now(UTC)
            elif self._began and news.state == "lost":
                self._lost += 1
            self._told(news)

    async def _compared(self, log: SqlInteractionLog, began: datetime, until: datetime, tolerance_s: float) -> Watched:
        """Calls that began and ended while we listened. In queue_log a call begins when it is queued, which may be later."""
        ours = await _all(log)
        recorded = await calls_ended(self._places, began, until)
        before = {item.call for item in ours if item.offered_at < began}
        by_call = matches(recorded, ours)
        whole = [call for call in recorded if call.offered_at >= began and not before & _names(by_call[call.first_id])]
        on_record = {name for items in by_call.values() for name in _names(items)}
        wanted = {name for call in whole for name in _names(by_call[call.first_id])}
        last = until - timedelta(seconds=1)
        beside = {item.call for item in ours if item.ended_at < last} - before - on_record
        kept = [item for item in ours if item.call in wanted | beside]
        found = compare(whole, kept, tolerance_s=tolerance_s)
        return Watched(began=began, until=until, comparison=found, lost=self._lost)


async def written(journal: Journal, *, patience_s: float = WRITE_S) -> None:
    """Returns when all is written; or when nothing more is: what took hours to hear is not thrown away for what is missing."""
    while True:
        stored = journal.status.stored
        try:
            async with asyncio.timeout(patience_s):
                return await journal.drained()
        except TimeoutError:
            if journal.status.stored == stored:
                return None


def not_kept(status: JournalStatus) -> int:
    return status.waiting + status.spooled + status.lost


def _names(items: Iterable[Interaction]) -> set[CallId]:
    return {item.call for item in items}


async def _all(log: SqlInteractionLog) -> list[Interaction]:
    found, cursor = list[Interaction](), None
    while True:
        page = await log.between(Filter(), cursor=cursor, limit=_PAGE)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found
