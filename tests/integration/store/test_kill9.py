"""A crash at any point leaves every fact that was recorded, exactly one interaction for each call, and all that was acknowledged,
once the service is up again.

A child tells some calls and is killed at one of the named points; another takes up what it left, and finishes. What passes a
point is told beside it: ``PASSED_BY`` has every name, and a name nobody passes fails here.
"""

import asyncio
import os
import re
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
from tests.integration.store.kill9_child import AWAY, NOTED

pytestmark = pytest.mark.chaos

ROOT = Path(__file__).parents[3]
CALLS = 12
"""Of one run."""
NIGHT = 120
"""Of a night away; they are recorded in batches of 50."""
PASSED_BY = {
    "straight": (
        "journal.recorded", "journal.taken", "store.before_commit", "store.after_commit", "journal.written",
        "journal.flushed", "journal.stopping", "tail.before_write", "tail.half_a_line", "tail.written", "tail.before_cut",
        "tail.made_anew", "tail.replaced", "tail.cut",
    ),
    "outage": ("spool.before_append", "spool.half_a_line", "spool.before_sync", "spool.appended"),
    "replay": ("journal.replaying", "spool.replayed", "spool.emptied"),
    "refusal": ("spool.refused",),
    "night": ("backfill.planned", "backfill.recorded", "backfill.completed"),
}  # fmt: skip
"""What has to happen for a point to be passed: nothing special, the database away, the database back, a fact it refuses, calls that
only the PBX has on its record."""
ON_POSTGRES = ("journal.written", "store.before_commit", "store.after_commit")
OFTEN = (
    "journal.recorded", "journal.taken", "store.before_commit", "store.after_commit", "journal.written", "tail.before_write",
    "tail.half_a_line", "tail.written", "tail.before_cut", "tail.cut",
)  # fmt: skip
"""Passed many times by some calls: killed in their midst."""


class Crash:
    """A database and a spool, and children that work on them."""

    def __init__(self, url: str, spool: Path) -> None:
        self.url, self.spool = url, spool

    def child(self, failpoint: str = "", *more: str, url: str = "", count: int = CALLS) -> int:
        environment = {**os.environ, "CTI_FAILPOINT": failpoint, "PYTHONPATH": str(ROOT)}
        program = str(ROOT / "tests/integration/store/kill9_child.py")
        command = [sys.executable, program, url or self.url, str(self.spool), "0", str(count), *more]
        return subprocess.run(command, env=environment, timeout=120, check=False, stdout=subprocess.DEVNULL).returncode

    def happens(self, scenario: str, failpoint: str) -> int:
        """The exit code of the child that is to be killed."""
        match scenario:
            case "outage":
                return self.child(failpoint, url=AWAY)
            case "replay":
                assert self.child(url=AWAY) == 0
                return self.child(failpoint)
            case "refusal":
                return self.child(failpoint, "poison")
            case _:
                return self.child(failpoint)

    @property
    def tail(self) -> Path:
        return self.spool.with_suffix(".tail")

    @property
    def acknowledged(self) -> set[str]:
        file = Path(f"{self.spool}.acknowledged")
        return set(file.read_text("utf-8").split()) if file.exists() else set()

    def rows(self) -> list[Interaction]:
        return asyncio.run(_rows(self.url))


async def _rows(url: str) -> list[Interaction]:
    database = Database(url)
    found = await SqlInteractionLog(database).between(Filter(), limit=500)
    await database.close()
    return list(found.items)


def points() -> list[object]:
    every = [(scenario, name) for scenario, names in PASSED_BY.items() for name in names if scenario != "night"]
    return [
        *(pytest.param(scenario, f"{name}:{9 if name in OFTEN else 1}", "sqlite", id=name) for scenario, name in every),
        *(
            pytest.param(scenario, f"{name}:2", "postgresql", id=f"{name}-postgresql", marks=pytest.mark.postgres)
            for scenario, name in every
            if name in ON_POSTGRES
        ),
    ]


@pytest.mark.parametrize(("scenario", "failpoint", "kind"), points())
def test_37_daemon_kill9_everywhere(
    ready_url: Callable[[str], str], tmp_path: Path, scenario: str, failpoint: str, kind: str
) -> None:
    crash = Crash(ready_url(kind), tmp_path / "spool")
    assert crash.happens(scenario, failpoint) == -signal.SIGKILL
    acknowledged = crash.acknowledged
    assert crash.child() == 0
    rows = crash.rows()
    assert sorted(row.call for row in rows) == sorted(f"main-{number}.1" for number in range(CALLS))
    assert acknowledged <= {row.call for row in rows if row.note}
    assert (crash.spool.stat().st_size, crash.tail.stat().st_size) == (0, 0)


def test_37_killed_again_and_again_while_it_takes_up_what_the_tail_has(
    ready_url: Callable[[str], str], tmp_path: Path
) -> None:
    crash = Crash(ready_url("sqlite"), tmp_path / "spool")
    assert crash.child("tail.written:40") == -signal.SIGKILL
    for failpoint in ("journal.taken", "store.before_commit", "store.after_commit", "tail.before_cut"):
        assert crash.tail.stat().st_size
        assert crash.child(failpoint) == -signal.SIGKILL
    assert crash.child() == 0
    assert len(crash.rows()) == CALLS


def test_37_a_night_is_filled_in_once_however_often_that_is_cut_short(
    ready_url: Callable[[str], str], tmp_path: Path
) -> None:
    crash = Crash(ready_url("sqlite"), tmp_path / "spool")
    for failpoint in ("backfill.planned", "backfill.recorded:2", "store.after_commit", "backfill.completed"):
        assert crash.child(failpoint, "night", count=NIGHT) == -signal.SIGKILL
    assert crash.child("", "night", count=NIGHT) == 0
    rows = crash.rows()
    assert len({row.call for row in rows}) == len(rows) == NIGHT
    assert {row.is_backfilled for row in rows} == {True}


def test_37_what_flush_has_waited_for_is_there(ready_url: Callable[[str], str], tmp_path: Path) -> None:
    """Killed as it returns for the second time: the agent has read "saved" once, and may have twice."""
    crash = Crash(ready_url("sqlite"), tmp_path / "spool")
    assert crash.child("journal.flushed:2") == -signal.SIGKILL
    assert {f"main-{number}.1" for number in (0, NOTED)} == {row.call for row in crash.rows() if row.note}


def test_37_every_name_is_passed_and_every_point_has_a_name() -> None:
    in_the_code = re.findall(
        r"\b(?:failpoint|is_due)\(\"([^\"]+)\"\)",
        "".join(path.read_text("utf-8") for path in (ROOT / "cti").rglob("*.py")),
    )
    assert sorted(NAMES) == sorted(in_the_code) == sorted(name for names in PASSED_BY.values() for name in names)
