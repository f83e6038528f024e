"""``cti init asterisk``: files that hold secrets, and never in the place of somebody's own."""

from pathlib import Path

from tests.integration.cli.conftest import Run


async def test_the_files_are_for_their_owner_only(cti: Run, tmp_path: Path) -> None:
    said = await cti("init", "asterisk", "--write", "made")
    assert said.code == 0
    made = sorted((tmp_path / "made").iterdir())
    assert [file.name for file in made] == [
        "cdr.conf", "cdr_custom.conf", "extensions_cti.conf", "features.conf", "manager.conf", "pjsip_cti.conf", "queues_cti.conf", "res_parking.conf",
    ]  # fmt: skip
    assert {file.stat().st_mode & 0o777 for file in made} == {0o600}


async def test_files_that_are_there_are_named_and_left_alone(cti: Run, tmp_path: Path) -> None:
    (tmp_path / "features.conf").write_text("mine")
    (tmp_path / "manager.conf").write_text("mine")
    said = await cti("init", "asterisk", "--write", ".")
    there = "manager.conf, features.conf"
    assert (said.code, said.err) == (2, f"cti: already there: {there}; nothing is written; --force replaces them\n")
    assert (tmp_path / "features.conf").read_text() == "mine"
    assert (tmp_path / "manager.conf").read_text() == "mine"
    assert not (tmp_path / "queues_cti.conf").exists()


async def test_by_force_they_are_replaced_and_closed_to_others(cti: Run, tmp_path: Path) -> None:
    file = tmp_path / "manager.conf"
    file.write_text("mine")
    file.chmod(0o644)
    said = await cti("init", "asterisk", "--write", ".", "--force")
    assert said.code == 0
    assert "[cti-events]" in file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600


async def test_a_folder_that_cannot_be_one_is_named(cti: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = await cti("init", "asterisk", "--write", "file/made")
    assert (said.code, said.err) == (2, "cti: file/made cannot be written: Not a directory\n")
