"""The spool gives back what it was given, whatever happened to the file."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.errors import ConfigError
from cti.store.spool import Spool, SpoolFull
from cti.store.storable import Line, line_of
from tests.unit.store.call_stories import answered_call

LINES = [line_of(fact) for fact in answered_call()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "facts.spool"


@pytest.fixture
def spool(path: Path) -> Iterator[Spool]:
    made = Spool(path)
    yield made
    made.close()


def reopened(spool: Spool) -> tuple[Line, ...]:
    spool.close()
    again = Spool(spool.path)
    found = again.front(100)
    again.close()
    return found


def test_lines_come_back_in_order_after_a_restart(path: Path) -> None:
    spool = Spool(path)
    spool.append(LINES[:2])
    spool.append(LINES[2:])
    assert reopened(spool) == tuple(LINES)


def test_what_was_taken_is_not_offered_again(spool: Spool) -> None:
    spool.append(LINES)
    assert spool.front(2) == tuple(LINES[:2])
    spool.taken()
    assert spool.front(10) == tuple(LINES[2:])
    assert spool.waiting == len(LINES) - 2


def test_what_was_looked_at_stays(spool: Spool) -> None:
    spool.append(LINES)
    spool.front(3)
    assert spool.front(100) == tuple(LINES)


def test_a_look_at_everything_takes_nothing(spool: Spool) -> None:
    """Also between taking hold of some and having taken them."""
    spool.append(LINES)
    spool.front(2)
    assert list(spool.everything()) == [line.json for line in LINES]
    spool.taken()
    assert spool.front(100) == tuple(LINES[2:])


def test_an_emptied_spool_takes_no_room(spool: Spool) -> None:
    spool.append(LINES)
    spool.front(100)
    spool.taken()
    assert (spool.waiting, spool.size_bytes, spool.path.stat().st_size) == (0, 0, 0)
    spool.append(LINES[:1])
    assert spool.front(10) == tuple(LINES[:1])


@settings(max_examples=30)
@given(cut=st.integers(1, 100))
def test_a_torn_last_line_is_dropped_and_the_rest_kept(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    spool = Spool(tmp_path_factory.mktemp("torn") / "facts.spool")
    spool.append(LINES)
    os.truncate(spool.path, spool.size_bytes - cut)
    assert reopened(spool) == tuple(LINES[:-1])


def test_a_damaged_line_is_kept_aside_and_the_others_are_read(path: Path) -> None:
    spool = Spool(path)
    spool.append(LINES)
    text = path.read_bytes()
    path.write_bytes(text.replace(b'"sequence":2', b'"sequence":7'))
    assert reopened(spool) == (LINES[0], *LINES[2:])
    aside = Path(f"{path}.damaged")
    assert b'"sequence":7' in aside.read_bytes()
    assert aside.stat().st_mode & 0o077 == 0


def test_a_full_spool_says_so_and_keeps_what_fits(path: Path) -> None:
    spool = Spool(path, max_bytes=len(LINES[0].json) + len(LINES[1].json) + 30)
    assert spool.append(LINES) == 2
    with pytest.raises(SpoolFull, match="is full"):
        spool.append(LINES[2:])
    assert reopened(spool) == tuple(LINES[:2])


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_loses_nothing_that_was_kept(spool: Spool) -> None:
    spool.append(LINES[:2])
    full = os.open("/dev/full", os.O_RDWR)
    kept = os.dup(spool._file)
    os.dup2(full, spool._file)
    with pytest.raises(SpoolFull, match="No space left"):
        spool.append(LINES[2:])
    os.dup2(kept, spool._file)
    for one in (full, kept):
        os.close(one)
    spool.append(LINES[2:])
    assert spool.front(100) == tuple(LINES)


def test_two_processes_do_not_share_a_spool(spool: Spool) -> None:
    with pytest.raises(ConfigError, match="in use by another"):
        Spool(spool.path)


def test_a_spool_that_cannot_be_made_is_the_operators_to_mend(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"spool: .* cannot be opened"):
        Spool(tmp_path / "file" / "facts.spool")


def test_others_on_the_machine_cannot_read_it(spool: Spool) -> None:
    assert spool.path.stat().st_mode & 0o077 == 0
