"""How long the database is left alone after it did not answer."""

from pathlib import Path

import pytest

from cti.store.absence import Absence, pause_s
from tests.conftest import LogLines


@pytest.mark.parametrize(
    ("failures", "expected_s"), [(0, 0.5), (1, 1.0), (2, 2.0), (5, 16.0), (6, 30.0), (7, 30.0), (10_000, 30.0)]
)
def test_retries_grow_rarer_up_to_a_limit(failures: int, expected_s: float) -> None:
    assert pause_s(failures, first_s=0.5, cap_s=30.0) == expected_s


def test_an_absence_is_said_when_it_begins_and_when_it_is_over(log_lines: LogLines) -> None:
    absence = Absence(first_s=60.0, cap_s=60.0, beside=Path("spool"))
    for _ in range(3):
        absence.begins("gone fishing")
    assert (absence.is_on, absence.reason, absence.retry_in_s > 0) == (True, "gone fishing", True)
    for _ in range(2):
        absence.ends(spooled=7)
    assert (absence.is_on, absence.reason, absence.retry_in_s) == (False, "", 0.0)
    assert [line["event"] for line in log_lines()] == ["store_unavailable", "store_back"]
