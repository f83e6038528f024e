"""``cti check`` says whether missed calls could be filled in, and what to do where they could not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from cti import settings
from cti.cli.check_records import of_records
from tests.integration.reconcile.written import Night

GIVEN = settings.Settings()


def pbx(**records: object) -> settings.Pbx:
    secrets = {"events_secret": SecretStr("x"), "commands_secret": SecretStr("x")}
    return settings.Pbx(name="main", **secrets, **{name: SecretStr(str(value)) for name, value in records.items()})


async def test_with_both_it_is_well_and_says_how_many_it_read(tmp_path: Path) -> None:
    night = Night(tmp_path, 10, begins=datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)).write()
    found = await of_records(GIVEN, pbx(queue_log=night.queue_log, cdr=night.cdr))
    assert (found.state, found.words) == ("ok", "10 calls in the last hour")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ((), "set queue_log and cdr in [[pbx]]"),
        (("queue_log",), "without cdr we cannot know numbers dialled"),
        (("cdr",), "without queue_log we cannot know who answered when"),
    ],
)
async def test_what_is_lacking_is_named(tmp_path: Path, given: tuple[str, ...], words: str) -> None:
    night = Night(tmp_path, 1).write()
    files = {"queue_log": night.queue_log, "cdr": night.cdr}
    found = await of_records(GIVEN, pbx(**{name: files[name] for name in given}))
    assert (found.state, words in found.words) == ("warning", True)


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    found = await of_records(GIVEN, pbx(queue_log=tmp_path / "queue_log"))
    assert (found.state, f"{tmp_path}/queue_log: no such file" in found.words) == ("warning", True)
