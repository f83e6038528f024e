"""A crash at any point leaves exactly one interaction for each call, once the service is up again."""

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
from tests.integration.store.kill9_child import AWAY, CALLS

pytestmark = pytest.mark.chaos

ROOT = Path(__file__).parents[3]
OF_THE_SPOOL = tuple(name for name in NAMES if name.startswith("spool."))
STRAIGHT = tuple(name for name in NAMES if not name.startswith("spool."))


def child(url: str, spool: Path, *, failpoint: str = "") -> int:
    environment = {**os.environ, "CTI_FAILPOINT": failpoint, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(ROOT / "tests/integration/store/kill9_child.py"), url, str(spool)]
    return subprocess.run(command, env=environment, timeout=60, check=False, stdout=subprocess.DEVNULL).returncode


async def rows(url: str) -> list[Interaction]:
    database = Database(url)
    found = await SqlInteractionLog(database).between(Filter(), limit=500)
    await database.close()
    return list(found.items)


def finished(url: str) -> list[str]:
    return [row.call for row in asyncio.run(rows(url))]


EVERY_CALL = sorted(f"main-{number}.1" for number in range(CALLS))


@pytest.mark.parametrize(
    ("kind", "count"), [("sqlite", 1), ("sqlite", 9), pytest.param("postgresql", 4, marks=pytest.mark.postgres)]
)
@pytest.mark.parametrize("name", STRAIGHT)
def test_daemon_kill9_everywhere(
    ready_url: Callable[[str], str], tmp_path: Path, kind: str, name: str, count: int
) -> None:
    url = ready_url(kind)
    assert child(url, tmp_path / "spool", failpoint=f"{name}:{count}") == -signal.SIGKILL
    assert child(url, tmp_path / "spool") == 0
    assert sorted(finished(url)) == EVERY_CALL


@pytest.mark.parametrize("name", OF_THE_SPOOL)
def test_daemon_kill9_everywhere_with_the_database_away(
    ready_url: Callable[[str], str], tmp_path: Path, name: str
) -> None:
    """First an outage fills the spool, and is cut short or not; then the replay is."""
    url, spool = ready_url("sqlite"), tmp_path / "spool"
    first = child(AWAY, spool, failpoint=f"{name}:2")
    second = child(url, spool, failpoint=f"{name}:1")
    assert -signal.SIGKILL in {first, second}
    assert child(url, spool) == 0
    assert sorted(finished(url)) == EVERY_CALL
    assert spool.stat().st_size == 0
