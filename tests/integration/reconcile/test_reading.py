"""What the PBX wrote is read once, however long it is; what cannot be understood is said."""

import bz2
import lzma
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cti.calls.call import PbxName
from cti.errors import RecordsUnreadable
from cti.reconcile.reading import RecordsPlaces, calls_ended, calls_in_parts
from cti.reconcile.sources import Passing
from tests.integration.reconcile.written import MIDNIGHT, Night

HALF_A_SECOND, MINUTE, HOUR = timedelta(seconds=0.5), timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.parametrize("cdr", [True, False], ids=["with the CDR", "in whole seconds"])
async def test_part_by_part_it_is_the_same_calls(tmp_path: Path, *, cdr: bool) -> None:
    night = Night(tmp_path, 600).write()
    places = night.places if cdr else replace(night.places, cdr="")
    span = (MIDNIGHT - HOUR + HALF_A_SECOND, night.ends + HOUR)
    parts = [part async for part in calls_in_parts(places, *span, part=7 * MINUTE)]
    assert [len(part) > 0 for part in parts].count(True) > 9
    assert sorted(call.first_id for part in parts for call in part) == sorted(
        call.first_id for call in await calls_ended(places, *span)
    )


def test_a_source_is_read_once_and_no_further_than_asked_for() -> None:
    read = list[int]()

    def source() -> Iterator[int]:
        for second in range(100_000):
            read.append(second)
            yield second

    passing = Passing(source(), lambda second: MIDNIGHT + timedelta(seconds=second))
    first = passing.between(MIDNIGHT, MIDNIGHT + HOUR)
    assert (first[0], first[3600], len(read) < 4000) == (0, 3600, True)
    second = passing.between(MIDNIGHT + HOUR / 2, MIDNIGHT + 2 * HOUR)
    assert (second[0], second[5400], len(read) < 8000) == (1800, 7200, True)
    assert read == list(range(len(read)))


def test_one_record_from_the_future_does_not_end_the_reading() -> None:
    seconds = [*range(50), 10**6, *range(50, 100)]
    passing = Passing(iter(seconds), lambda second: MIDNIGHT + timedelta(seconds=second))
    assert passing.between(MIDNIGHT, MIDNIGHT + HOUR) == seconds


@pytest.mark.parametrize(("suffix", "packed"), [("bz2", bz2.compress), ("xz", lzma.compress)])
async def test_what_was_rotated_and_packed_is_read(
    suffix: str, packed: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    night = Night(tmp_path, 40).write()
    for file in (night.queue_log, night.cdr):
        half = file.read_bytes().find(b"\n", file.stat().st_size // 2) + 1
        (tmp_path / f"{file.name}.1.{suffix}").write_bytes(packed(file.read_bytes()[:half]))
        file.write_bytes(file.read_bytes()[half:])
    assert len(await calls_ended(night.places, MIDNIGHT - HOUR, night.ends + HOUR)) == 40


async def test_what_was_packed_in_another_way_is_said(tmp_path: Path) -> None:
    night = Night(tmp_path, 4).write()
    (tmp_path / "queue_log.1.zst").write_bytes(b"(\xb5/\xfd")
    with pytest.raises(RecordsUnreadable, match=r"queue_log\.1\.zst: compressed in a way that is not read here"):
        await calls_ended(night.places, MIDNIGHT, night.ends)


@pytest.mark.parametrize(
    ("half", "packed"), [("gz", b"\x1f\x8b\x08"), ("xz", lzma.compress(b"a" * 9999)[:40])], ids=["gz", "xz"]
)
async def test_half_of_a_packed_file_is_said(half: str, packed: bytes, tmp_path: Path) -> None:
    night = Night(tmp_path, 4).write()
    (tmp_path / f"queue_log.1.{half}").write_bytes(packed)
    with pytest.raises(RecordsUnreadable, match=rf"queue_log\.1\.{half}: "):
        await calls_ended(night.places, MIDNIGHT, night.ends)


async def test_records_of_which_none_is_understood_are_an_error(tmp_path: Path) -> None:
    """Master.csv without ``loguniqueid``; a queue_log that is none. An empty file is one without calls."""
    night = Night(tmp_path, 4).write()
    night.cdr.write_text(
        '"","0912","2002","in","","PJSIP/a-1","","Queue","x","2026-11-22 03:53:23","","2026-11-22 03:53:26",3,3,"ANSWERED","DOCUMENTATION"\n'
        * 3
    )
    with pytest.raises(RecordsUnreadable, match=r"cti\.csv: 3 records, and none .* loguniqueid = yes"):
        await calls_ended(night.places, MIDNIGHT, night.ends)
    night.cdr.write_text("")
    assert len(await calls_ended(night.places, MIDNIGHT, night.ends)) == 4
    night.queue_log.write_text("[Nov 22 03:53:23] NOTICE[1] app_queue.c: hello\n")
    with pytest.raises(RecordsUnreadable, match=r"queue_log: 1 records, and none"):
        await calls_ended(RecordsPlaces(pbx=PbxName("main"), queue_log=str(night.queue_log)), MIDNIGHT, night.ends)
    night.queue_log.write_text("1795290999|NONE|support|Ann|PAUSE|\n")
    assert await calls_ended(night.places, MIDNIGHT, night.ends) == ()
