"""Writes the facts of some calls through a Journal, as the service does, and may be killed anywhere: ``CTI_FAILPOINT``.

``kill9_child.py URL SPOOL FIRST COUNT [poison | night]`` first takes up what an earlier run left: the spool is drained, open calls are
ended by ``resync`` (the PBX no longer has them), calls that were never heard of are told whole. What was recorded stands in
``SPOOL.recorded`` one turn of the event loop later, and whoever takes up looks whether it is all there (exit code 1). To some calls
an agent adds a note and waits until it is on disk; once it is, the call stands in ``SPOOL.acknowledged``. ``poison``: a fact that no database
takes is among the others. ``night``: instead of telling calls, it fills in a night of as many that the PBX has on its record.
"""

import asyncio
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec

from cti.calls.call import CallId
from cti.calls.tracker import CallTracker
from cti.calls.transitions import CallChanged
from cti.envelope import Envelope, event_of, of_change
from cti.reconcile.backfill import Backfill
from cti.store.backfills import SqlBackfills
from cti.store.database import Database
from cti.store.derive import CLEARED, NOTE
from cti.store.journal import Journal, JournalRules
from cti.store.spool import Spool
from cti.store.sql import SqlInteractionLog
from tests.integration.reconcile.written import MIDNIGHT, Night
from tests.unit.store.call_stories import NINE, Story, answered_call

AWAY = "sqlite:////nowhere/at/all.db"
"""With this for a database, everything goes to the spool."""
RULES = JournalRules(linger_s=0.001, batch=7, retry_first_s=0.01, retry_cap_s=0.02, tail_bytes=2000)
NOTED = 4
"""Every so many calls an agent writes a note."""


def told(number: int) -> list[Envelope]:
    return answered_call(f"{number}.1", begins=NINE + timedelta(minutes=number))


def note(fact: Envelope) -> Envelope:
    return msgspec.structs.replace(
        fact, id=f"{fact.subject}-note", type=NOTE, sequence=0, data={"text": "rang back", "by": "mara"}
    )


def poison(fact: Envelope) -> Envelope:
    """Its number fits into no column."""
    return msgspec.structs.replace(fact, id=f"{fact.subject}-poison", sequence=2**63)


def note_down(file: Path, *words: str) -> None:
    with file.open("a", encoding="utf-8") as lines:
        lines.write(" ".join(words) + "\n")


def noted_down(file: Path) -> list[list[str]]:
    return [line.split() for line in file.read_text("utf-8").splitlines()] if file.exists() else []


async def check_nothing_is_lost(log: SqlInteractionLog, recorded: Sequence[Sequence[str]]) -> None:
    there = {fact.id for call in {call for call, _ in recorded} for fact in await log.facts(CallId(call))}
    lost = [name for _, name in recorded if name not in there]
    assert not lost, f"recorded, and lost: {lost}"


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


class Teller:
    def __init__(self, log: SqlInteractionLog, journal: Journal, spool: Path, *, is_away: bool) -> None:
        self._log, self._journal, self._is_away = log, journal, is_away
        self._acknowledged, self._recorded = Path(f"{spool}.acknowledged"), Path(f"{spool}.recorded")

    async def tell(self, number: int) -> None:
        facts = told(number)
        if not self._is_away and await self._log.facts(CallId(facts[0].subject)):
            return
        for fact in facts:
            self._journal.record(fact)
            await asyncio.sleep(0.0005 if fact.type != CLEARED else 0)
            note_down(self._recorded, fact.subject, fact.id)
        if number % NOTED == 0:
            self._journal.record(note(facts[-1]))
            await self._journal.flush()
            note_down(self._acknowledged, facts[-1].subject)


async def fill(journal: Journal, log: SqlInteractionLog, database: Database, night: Night) -> None:
    """As the service does on its return."""

    async def record(facts: Sequence[Envelope]) -> None:
        for fact in facts:
            journal.record(fact)
        await journal.flush()

    known = SqlBackfills(database)
    backfill = Backfill(night.places, log, known)
    await backfill.carry_out(await backfill.plan(MIDNIGHT, night.ends + timedelta(hours=1)), record)
    await known.completed(night.places.pbx, night.ends)


async def main(url: str, spool: Path, numbers: range, *more: str) -> None:
    database = Database(url)
    log = SqlInteractionLog(database)
    journal = Journal(log, Spool(spool), RULES)
    writer = asyncio.create_task(journal.run())
    is_away = url == AWAY
    if not is_away:
        await journal.drained()
        await check_nothing_is_lost(log, noted_down(Path(f"{spool}.recorded")))
        await take_up(log, journal)
    teller = Teller(log, journal, spool, is_away=is_away)
    if "night" in more:
        await fill(journal, log, database, Night(spool.parent, len(numbers)).write())
    for number in numbers if "night" not in more else ():
        await teller.tell(number)
    if "poison" in more:
        journal.record(poison(told(numbers[0])[0]))
    await (journal.flush() if is_away else journal.drained())
    writer.cancel()
    await asyncio.gather(writer, return_exceptions=True)
    await database.close()


if __name__ == "__main__":
    first, count = map(int, sys.argv[3:5])
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), range(first, first + count), *sys.argv[5:]))
