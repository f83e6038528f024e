"""What was listened to for hours is compared, whatever became of the last of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from cti.reconcile.shadow import not_kept, written
from cti.store.interactions import Filter
from cti.store.journal import Journal, JournalRules
from cti.store.lease import Fence
from cti.store.memory import MemoryInteractionLog
from cti.store.spool import Spool
from cti.store.storable import Line
from tests.unit.store.call_stories import answered_call


class TightLog(MemoryInteractionLog):
    """Takes so many facts, and then never answers."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    async def write(self, lines: Sequence[Line], fence: Fence | None = None) -> None:
        self.room -= len(lines)
        if self.room < 0:
            await asyncio.Event().wait()
        await super().write(lines, fence)


@asynccontextmanager
async def heard(log: TightLog, folder: Path, calls: int) -> AsyncIterator[Journal]:
    journal = Journal(log, Spool(folder / "facts.spool"), JournalRules(linger_s=0.0, batch=len(answered_call())))
    writing = asyncio.create_task(journal.run())
    for n in range(calls):
        for fact in answered_call(f"{n}.1"):
            journal.record(fact)
    try:
        async with asyncio.timeout(10):
            yield journal
    finally:
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)


async def test_all_that_was_heard_is_written_first(tmp_path: Path) -> None:
    log = TightLog(room=1000)
    async with heard(log, tmp_path, calls=20) as journal:
        await written(journal)
        assert not_kept(journal.status) == 0
    assert len((await log.between(Filter())).items) == 20


async def test_what_cannot_be_written_does_not_take_the_rest_with_it(tmp_path: Path) -> None:
    each = len(answered_call())
    log = TightLog(room=15 * each)
    async with heard(log, tmp_path, calls=20) as journal:
        await written(journal, patience_s=0.2)
        assert not_kept(journal.status) == 5 * each
        assert len((await log.between(Filter())).items) == 15
