"""A crash at any point leaves exactly one interaction for each call, once the service is up again.

Each run of the child tells calls of its own and is killed at another point; the last one is left to finish.
"""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cti.store.database import Database
from cti.store.failpoints import NAMES
from cti.store.interactions import Filter, Interaction
from cti.store.sql import SqlInteractionLog
from tests.integration.store.kill9_child import AWAY

pytestmark = pytest.mark.chaos

ROOT = Path(__file__).parents[3]
CALLS = 12
"""Of one run."""
OF_THE_SPOOL = tuple(name for name in NAMES if name.startswith("spool."))
STRAIGHT = tuple(name for name in NAMES if not name.startswith("spool."))


def child(url: str, spool: Path, *, failpoint: str = "", first: int = 0, count: int = CALLS) -> int:
    environment = {**os.environ, "CTI_FAILPOINT": failpoint, "PYTHONPATH": str(ROOT)}
    program = str(ROOT / "tests/integration/store/kill9_child.py")
    command = [sys.executable, program, url, str(spool), str(first), str(count)]
    return subprocess.run(command, env=environment, timeout=120, check=False, stdout=subprocess.DEVNULL).returncode


async def rows(url: str) -> list[Interaction]:
    database = Database(url)
    found = await SqlInteractionLog(database).between(Filter(), limit=500)
    await database.close()
    return list(found.items)


def finished(url: str) -> list[str]:
    return sorted(row.call for row in asyncio.run(rows(url)))


def every_call(count: int) -> list[str]:
    return sorted(f"main-{number}.1" for number in range(count))


@pytest.mark.parametrize(
    ("kind", "passing"), [("sqlite", 1), ("sqlite", 9), pytest.param("postgresql", 4, marks=pytest.mark.postgres)]
)
def test_daemon_kill9_everywhere(ready_url: Callable[[str], str], tmp_path: Path, kind: str, passing: int) -> None:
    url, spool, calls = ready_url(kind), tmp_path / "spool", CALLS * len(STRAIGHT)
    for turn, name in enumerate(STRAIGHT):
        assert child(url, spool, failpoint=f"{name}:{passing}", first=turn * CALLS) == -signal.SIGKILL, name
    assert child(url, spool, count=calls) == 0
    assert finished(url) == every_call(calls)


def test_daemon_kill9_everywhere_with_the_database_away(ready_url: Callable[[str], str], tmp_path: Path) -> None:
    """An outage fills the spool, and is cut short or not; then the replay is."""
    url, spool, calls = ready_url("sqlite"), tmp_path / "spool", CALLS * len(OF_THE_SPOOL)
    for turn, name in enumerate(OF_THE_SPOOL):
        outage = child(AWAY, spool, failpoint=f"{name}:2", first=turn * CALLS)
        replay = child(url, spool, failpoint=f"{name}:1", first=turn * CALLS)
        assert -signal.SIGKILL in {outage, replay}, name
    assert child(url, spool, count=calls) == 0
    assert finished(url) == every_call(calls)
    assert spool.stat().st_size == 0
