"""Sounds on disk: whole, readable for the PBX, few enough, and what was said to one caller is soon gone."""

import grp
import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from cti.errors import SpeechUnavailable
from cti.ivr.kept_sounds import PASSING, PROMPTS, KeptSounds, Limits


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_a_kept_sound_is_found_whole_with_nothing_half_made_beside_it(tmp_path: Path) -> None:
    kept = KeptSounds(tmp_path / "sounds")
    kept.keep(PASSING, "balance", b"RIFF...")
    assert kept.find("balance") == PASSING
    assert [path.read_bytes() for path in (tmp_path / "sounds" / PASSING).iterdir()] == [b"RIFF..."]


def test_a_prompt_is_found_before_what_was_passing(tmp_path: Path) -> None:
    kept = KeptSounds(tmp_path)
    kept.keep(PASSING, "hello", b"1")
    assert kept.find("hello", (PROMPTS,)) is None
    kept.keep(PROMPTS, "hello", b"2")
    assert kept.find("hello") == PROMPTS


def test_the_pbx_can_read_them_whatever_the_umask(tmp_path: Path, strict_umask: None) -> None:
    kept = KeptSounds(tmp_path / "sounds")
    kept.keep(PROMPTS, "hello", b"1")
    path = kept.path(PROMPTS, "hello")
    assert [_mode(one) for one in (path, path.parent, path.parent.parent)] == [0o644, 0o755, 0o755]


def test_with_a_group_of_readers_nobody_else_can(tmp_path: Path) -> None:
    kept = KeptSounds(tmp_path / "sounds", readers=grp.getgrgid(os.getgid()).gr_name)
    kept.keep(PASSING, "balance", b"1")
    path = kept.path(PASSING, "balance")
    assert [_mode(one) for one in (path, path.parent, path.parent.parent)] == [0o640, 0o750, 0o750]
    assert path.stat().st_gid == os.getgid()


def test_a_folder_of_the_operators_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o2775)
    KeptSounds(tmp_path).keep(PROMPTS, "hello", b"1")
    assert _mode(tmp_path) == 0o2775


def test_what_was_said_to_one_caller_is_gone_after_an_hour_and_prompts_stay(tmp_path: Path, clock: Clock) -> None:
    kept = KeptSounds(tmp_path, now=clock)
    for part, name in ((PASSING, "said once"), (PASSING, "said again"), (PROMPTS, "welcome")):
        kept.keep(part, name, b"1")
    clock.now += 3000
    assert kept.find("said again") == PASSING
    clock.now += 601
    kept.tidy()
    assert [kept.find(name) for name in ("said once", "said again", "welcome")] == [None, PASSING, PROMPTS]


@pytest.mark.parametrize("part", [PROMPTS, PASSING])
def test_too_many_cost_the_least_recently_used_but_none_that_may_be_playing(
    tmp_path: Path, clock: Clock, part: str
) -> None:
    kept = KeptSounds(tmp_path, now=clock, limits=Limits(prompts=2, passing=2, young_s=100))
    for name in ("first", "second", "third", "fourth"):
        clock.now += 50
        kept.keep(part, name, b"1")
    kept.tidy()
    assert [None, part, part, part] == [kept.find(name) for name in ("first", "second", "third", "fourth")]


def test_a_start_forgets_what_was_passing_and_half_made(tmp_path: Path, clock: Clock) -> None:
    before = KeptSounds(tmp_path, now=clock)
    for part, name in ((PASSING, "balance"), (PASSING, "name"), (PROMPTS, "welcome")):
        before.keep(part, name, b"1")
    for left in (tmp_path / PASSING / "x.making", tmp_path / PROMPTS / "y.making", tmp_path / PASSING / "mine.txt"):
        left.touch()
        os.utime(left, (clock.now, clock.now))
    clock.now += 1
    kept = KeptSounds(tmp_path, now=clock)
    kept.find("name")
    kept.forget_passing()
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["mine.txt", "name.wav", "welcome.wav"]


def test_nothing_kept_yet_is_nothing_to_tidy(tmp_path: Path) -> None:
    kept = KeptSounds(tmp_path / "none")
    kept.forget_passing()
    kept.tidy()
    assert kept.find("hello") is None


def test_a_folder_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SpeechUnavailable, match=r"file/sounds cannot be written to .*; make it the service's own"):
        KeptSounds(tmp_path / "file" / "sounds").keep(PROMPTS, "hello", b"1")


def test_a_group_that_does_not_exist_is_named_and_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(SpeechUnavailable, match="no-such-group"):
        KeptSounds(tmp_path, readers="no-such-group").keep(PROMPTS, "hello", b"1")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_write_that_fails_leaves_nothing_half_made(tmp_path: Path) -> None:
    kept = KeptSounds(tmp_path)
    kept.path(PROMPTS, "hello").mkdir(parents=True)
    with pytest.raises(SpeechUnavailable):
        kept.keep(PROMPTS, "hello", b"1")
    assert [path.name for path in (tmp_path / PROMPTS).iterdir()] == ["hello.wav"]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_two_threads_that_both_find_no_folder_keep_both_sounds(tmp_path: Path) -> None:
    """Asked at the same moment, on a first start."""
    for attempt in range(20):
        kept, gate = KeptSounds(tmp_path / str(attempt)), Barrier(4)

        def keep(nr: int, kept: KeptSounds = kept, gate: Barrier = gate) -> None:
            gate.wait()
            kept.keep(PROMPTS, f"{nr}", b"sound")

        with ThreadPoolExecutor(4) as threads:
            list(threads.map(keep, range(4)))
        assert all(kept.find(f"{nr}") == PROMPTS for nr in range(4))
