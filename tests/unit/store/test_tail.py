"""The tail has what waits, whenever the process is killed."""

import asyncio
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.store.spool import write_all
from cti.store.storable import Line, line_of
from cti.store.tail import Tail
from tests.unit.store.call_stories import NINE, answered_call

LINES = [line_of(fact) for fact in answered_call()]
MANY = [
    line_of(fact) for n in range(10) for fact in answered_call(f"{n}.1", begins=NINE + timedelta(minutes=n))
]  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "facts.tail"


@pytest.fixture
def tail(path: Path) -> Iterator[Tail]:
    made = Tail(path, made_anew_bytes=3000)
    yield made
    made.close()


async def added(tail: Tail, lines: Iterable[Line]) -> None:
    for line in lines:
        tail.add(line)
    await asyncio.sleep(0)


def left_if_killed_now(tail: Tail) -> list[Line]:
    """What the next process finds: the file as it is, in a place of its own."""
    copy = tail.path.with_name("copy.tail")
    shutil.copy(tail.path, copy)
    again = Tail(copy)
    again.close()
    return list(again.first(len(again)))


async def test_one_turn_of_the_loop_later_all_that_was_added_is_in_the_file(tail: Tail) -> None:
    for line in LINES:
        tail.add(line)
    assert (tail.in_memory_alone, tail.path.stat().st_size) == (len(LINES), 0)
    await asyncio.sleep(0)
    assert tail.in_memory_alone == 0
    assert left_if_killed_now(tail) == LINES


async def test_it_is_emptied_when_nothing_waits(tail: Tail) -> None:
    await added(tail, LINES)
    tail.forget(len(LINES))
    assert tail.path.stat().st_size == 0
    await added(tail, LINES[:1])
    assert left_if_killed_now(tail) == LINES[:1]


async def test_while_more_waits_the_file_is_made_anew_and_never_lacks_any(tail: Tail) -> None:
    sizes = set[bool]()
    for count in range(0, len(MANY) - 8, 4):
        await added(tail, MANY[count : count + 4] if count else MANY[:8])
        before = tail.path.stat().st_size
        tail.forget(4 if count else 0)
        sizes.add(tail.path.stat().st_size < before)
        left = left_if_killed_now(tail)
        assert left[len(left) - len(tail) :] == list(tail.first(len(tail)))
    assert sizes == {True, False}
    assert tail.path.stat().st_size < 10_000


async def test_what_is_safe_before_it_was_written_is_not_written(tail: Tail) -> None:
    await added(tail, LINES[:2])
    tail.add(LINES[2])
    tail.add(LINES[3])
    tail.forget(3)
    assert tail.in_memory_alone == 1
    await asyncio.sleep(0)
    assert left_if_killed_now(tail)[-2:] == [LINES[1], LINES[3]]


async def test_what_is_refused_stands_nowhere_any_more(tail: Tail) -> None:
    await added(tail, LINES[:3])
    tail.add(LINES[3])
    tail.add(LINES[4])
    assert tail.refuse(lambda line: line not in (LINES[1], LINES[4])) == 3
    await asyncio.sleep(0)
    assert left_if_killed_now(tail) == [LINES[1], LINES[4]] == list(tail.first(10))


@settings(max_examples=30)
@given(cut=st.integers(1, 100))
def test_a_torn_last_line_is_dropped_and_the_next_one_is_whole(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    async def story() -> None:
        tail = Tail(tmp_path_factory.mktemp("torn") / "facts.tail")
        await added(tail, LINES)
        tail.close()
        os.truncate(tail.path, tail.path.stat().st_size - cut)
        again = Tail(tail.path)
        assert list(again.first(100)) == LINES[:-1]
        await added(again, LINES[-1:])
        assert left_if_killed_now(again) == LINES
        again.close()

    asyncio.run(story())


def test_a_damaged_line_costs_no_other(tail: Tail) -> None:
    asyncio.run(added(tail, LINES))
    text = tail.path.read_bytes()
    tail.path.write_bytes(text.replace(b'"sequence":2', b'"sequence":7'))
    assert left_if_killed_now(tail) == [LINES[0], *LINES[2:]]
    assert b'"sequence":7' in tail.path.with_name("copy.tail.damaged").read_bytes()


has_full = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")


@contextmanager
def full_disk(tail: Tail) -> Iterator[None]:
    """Under the tail's file."""
    full, kept = os.open("/dev/full", os.O_RDWR), os.dup(tail._file)
    os.dup2(full, tail._file)
    try:
        yield
    finally:
        os.dup2(kept, tail._file)
        for one in (full, kept):
            os.close(one)


@pytest.fixture
def tries(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many facts each try to write them has had."""
    seen = list[int]()

    def counted(file: int, records: bytes, at: int) -> None:
        seen.append(records.count(b"\n"))
        write_all(file, records, at)

    monkeypatch.setattr("cti.store.tail.write_all", counted)
    return seen


@has_full
async def test_on_a_full_disk_facts_are_in_memory_and_are_written_when_there_is_room(
    tail: Tail, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.store.tail.RETRY_S", 0.001)
    await added(tail, LINES[:2])
    with full_disk(tail):
        await added(tail, LINES[2:4])
        assert (tail.trouble, tail.in_memory_alone, len(tail)) == ("No space left on device", 2, 4)
        await added(tail, LINES[4:])
    while tail.trouble:  # noqa: ASYNC110 - a tail tells nobody of its end
        await asyncio.sleep(0.001)
    assert tail.in_memory_alone == 0
    assert left_if_killed_now(tail) == LINES


@has_full
async def test_on_a_full_disk_it_is_tried_at_its_time_and_not_with_each_fact(tail: Tail, tries: list[int]) -> None:
    with full_disk(tail):
        for n in range(5):
            await added(tail, LINES[n : n + 1])
            tail.forget(1)
        assert tries == [1]


@has_full
async def test_after_a_full_disk_no_turn_of_the_loop_writes_all_that_waits(
    tail: Tail, tries: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cti.store.tail.RETRY_S", 0.001)
    monkeypatch.setattr("cti.store.tail.SOME", 7)
    with full_disk(tail):
        await added(tail, MANY[:1])
        await added(tail, MANY[1:])
        while len(tries) < 3:  # noqa: ASYNC110 - a tail tells nobody of its tries
            await asyncio.sleep(0.001)
    while tail.trouble:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert max(tries) == 7
    assert left_if_killed_now(tail) == MANY


@has_full
async def test_stopped_on_a_full_disk_it_tries_once_more_and_then_never(path: Path, tries: list[int]) -> None:
    tail = Tail(path)
    with full_disk(tail):
        await added(tail, LINES[:1])
        tail.close()
        assert (tries, tail._next and tail._next.cancelled()) == ([1, 1], True)
    os.close(tail._file)  # put back with the disk


def test_once_closed_it_leaves_the_file_alone(path: Path) -> None:
    tail = Tail(path)
    with Path(os.devnull).open("rb") as other:
        tail.close()
        number = os.dup2(other.fileno(), tail._file)  # is somebody else's by now
        tail.refuse(lambda _: True)
        os.close(number)


def no_room_for_another(tail: Tail) -> Path:
    """Nothing can be written where it is made anew."""
    fresh = Path(f"{tail.path}.new")
    fresh.symlink_to("/dev/full")
    return fresh


@has_full
async def test_a_file_that_cannot_be_made_anew_takes_no_room(tail: Tail) -> None:
    await added(tail, MANY)
    fresh = no_room_for_another(tail)
    tail.forget(len(MANY) - 1)
    assert not fresh.is_symlink()
    assert left_if_killed_now(tail)[-1:] == MANY[-1:]


@has_full
async def test_what_is_refused_stands_nowhere_any_more_on_a_full_disk_either(tail: Tail) -> None:
    await added(tail, LINES[:3])
    tail.add(LINES[3])
    no_room_for_another(tail)
    assert tail.refuse(lambda line: line is not LINES[1]) == 3
    assert left_if_killed_now(tail) == [LINES[1]] == list(tail.first(10))
    await added(tail, LINES[4:])
    assert left_if_killed_now(tail) == [LINES[1], *LINES[4:]]


def test_others_on_the_machine_cannot_read_it(tail: Tail) -> None:
    assert tail.path.stat().st_mode & 0o077 == 0
