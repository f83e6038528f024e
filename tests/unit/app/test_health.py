"""What ``/readyz`` says of the record's own files."""

import asyncio
import os
from pathlib import Path

import pytest

from cti.app.health import spool_health
from cti.store.journal import Journal
from cti.store.memory import MemoryInteractionLog
from cti.store.spool import Spool
from cti.web.ports import PartHealth
from tests.unit.store.call_stories import answered_call


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
async def test_what_a_kill_would_cost_on_a_full_disk_is_said(tmp_path: Path) -> None:
    journal = Journal(MemoryInteractionLog(), Spool(tmp_path / "facts.spool"))
    full = os.open("/dev/full", os.O_RDWR)
    os.dup2(full, journal._tail._file)
    os.close(full)
    assert spool_health(journal) == PartHealth("spool", "ok", "")
    for fact in answered_call()[:3]:
        journal.record(fact)
    await asyncio.sleep(0)
    said = "the tail: No space left on device; a kill would cost 3 facts"
    assert spool_health(journal) == PartHealth("spool", "degraded", said)
