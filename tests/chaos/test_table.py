"""What `make chaos` says at its end, and of what it could not play."""

import pytest

from tests.chaos import __main__ as chaos
from tests.chaos.check import Verdict
from tests.chaos.story import Told

WELL = Told(name="away", says="away", version="22", verdict=Verdict(calls=9), complaints=(), stood_s=0.0)
UNWELL = Told(
    name="frozen", says="frozen", version="22", complaints=("a pop stayed",), stood_s=0.0,
    verdict=Verdict(calls=9, lost=["1.1"], wrong=["1.2: ended is 60 ms off"], unmarked=["1.3: agent ''"]),
)  # fmt: skip


def test_whatever_makes_a_run_unwell_is_in_its_table_and_in_its_aim() -> None:
    table = chaos.table([WELL, UNWELL], seed=7)
    wrong = table.columns.index("wrong")
    assert [row[wrong] for row in table.rows] == [0, 3]
    assert (chaos.aim([WELL]).found, chaos.aim([WELL]).is_met) == ("0", True)
    assert (chaos.aim([WELL, UNWELL]).found, chaos.aim([WELL, UNWELL]).is_met) == ("4", False)


def test_a_mischief_that_is_misspelt_is_told_with_those_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        chaos.main(["--only", "away,froze"])
    assert ended.value.code == 2
    assert "--only: there is no froze; there are nothing, killed_at_random" in capsys.readouterr().err


def test_an_asterisk_that_is_missing_is_not_played_and_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tests.testbed.parts.missing_for", lambda wanted: [one for one in wanted if "-16" in one])
    monkeypatch.setattr(chaos, "played", lambda _names, versions, _seed: [WELL] if versions == ["22"] else [])
    assert chaos.main(["--only", "away"]) == 0
    assert "chaos: NOT PLAYED: Asterisk 16, for it is not here" in capsys.readouterr().err
