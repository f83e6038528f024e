"""Writes the facts of some calls through a Journal, as the service does, and may be killed anywhere: ``CTI_FAILPOINT``.

``kill9_child.py URL SPOOL FIRST COUNT`` first takes up what an earlier run left: the spool is drained, open calls are ended by
``resync`` (the PBX no longer has them), calls that were never heard of are told whole.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from cti.calls.call import CallId
from cti.calls.tracker import CallTracker
from cti.calls.transitions import CallChanged
from cti.envelope import Envelope, event_of, of_change
from cti.store.database import Database
from cti.store.derive import CLEARED
from cti.store.journal import Journal, JournalRules
from cti.store.spool import Spool
from cti.store.sql import SqlInteractionLog
from tests.unit.store.call_stories import NINE, Story, answered_call

AWAY = "sqlite:////nowhere/at/all.db"
"""With this for a database, everything goes to the spool."""


def told(number: int) -> list[Envelope]:
    return answered_call(f"{number}.1", begins=NINE + timedelta(minutes=number))


async def take_up(log: SqlInteractionLog, journal: Journal) -> None:
    tracker = CallTracker()
    for fact in await log.open_facts():
        event = event_of(fact)
        if event:
            tracker.apply(event)
    for call in tracker.live:
        change = tracker.apply(Story(call.id.removeprefix("main-"), begins=call.offered_at).cleared(99, cause="resync"))
        if isinstance(change, CallChanged):
            journal.record(of_change(change))


async def tell(log: SqlInteractionLog, journal: Journal, numbers: range, *, is_away: bool) -> None:
    for number in numbers:
        facts = told(number)
        if not is_away and await log.facts(CallId(facts[0].subject)):
            continue
        for fact in facts:
            journal.record(fact)
            await asyncio.sleep(0.0005 if fact.type != CLEARED else 0)


async def main(url: str, spool: Path, numbers: range) -> None:
    database = Database(url)
    log = SqlInteractionLog(database)
    journal = Journal(log, Spool(spool), JournalRules(linger_s=0.001, batch=7, retry_first_s=0.01, retry_cap_s=0.02))
    writer = asyncio.create_task(journal.run())
    is_away = url == AWAY
    if not is_away:
        await journal.drained()
        await take_up(log, journal)
    await tell(log, journal, numbers, is_away=is_away)
    await (journal.flush() if is_away else journal.drained())
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    await database.close()


if __name__ == "__main__":
    first, count = map(int, sys.argv[3:])
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), range(first, first + count)))
