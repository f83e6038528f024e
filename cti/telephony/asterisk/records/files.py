"""The records in files, read from where they are needed on: the file that Asterisk writes, and those it was before rotation.

A night's lines are a small part of a year's file, so the place in it is looked for by halves. All of this blocks: call it from
a thread.
"""

import bz2
import gzip
import lzma
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Final

from cti.errors import RecordsUnreadable

_CLOSE: Final = 65_536
"""Bytes; nearer than that, reading is quicker than looking."""
_TRY: Final = 200
"""Lines in which there must be one with a time."""
_SLACK: Final = timedelta(minutes=1)
_OPEN: Final[Mapping[str, Callable[..., IO[str]]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_SEALED: Final = frozenset({".zst", ".lz4", ".lz", ".lzo", ".lzma", ".Z", ".zip", ".7z", ".br"})
StampOf = Callable[[str], datetime | None]


def lines_since(path: Path, since: datetime, stamp_of: StampOf) -> Iterator[str]:
    """With their ends, oldest first. Begins somewhat before ``since``, perhaps in the middle of a record.

    Raises ``RecordsUnreadable``, with what to do about it.
    """
    for piece in _pieces(path, since):
        try:
            yield from _compressed(piece) if piece.suffix in _OPEN else _lines(piece, since, stamp_of)
        except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            raise RecordsUnreadable(words(piece, error)) from error


def check(path: Path) -> str:
    """What is wrong with the file; empty when it can be read."""
    try:
        with path.open("rb") as file:
            file.read(1)
    except OSError as error:
        return words(path, error)
    return ""


def words(path: Path, error: BaseException) -> str:
    match error:
        case FileNotFoundError():
            what = "no such file; Asterisk makes it with its first call: is the path right, and is it this machine's?"
        case PermissionError():
            what = "may not be read by this user; add the user to the group asterisk, or the file to its group"
        case _:
            what = getattr(error, "strerror", None) or str(error)
    return f"{path}: {what}"


def _pieces(path: Path, since: datetime) -> list[Path]:
    """The file, and before it those into which it was rotated and that were written to since: ``queue_log.1``, ``-20261121.gz``."""
    try:
        rotated = [*path.parent.glob(f"{path.name}.*"), *path.parent.glob(f"{path.name}-*")]
        if path.suffix:
            rotated += path.parent.glob(f"{path.stem}-*{path.suffix}*")
        written = {piece: piece.stat().st_mtime for piece in set(rotated) - {path}}
    except OSError as error:
        raise RecordsUnreadable(words(path, error)) from error
    wanted = [piece for piece, at in written.items() if at >= (since - _SLACK).timestamp()]
    if sealed := [piece for piece in wanted if piece.suffix in _SEALED]:
        raise RecordsUnreadable(f"{sealed[0]}: compressed in a way that is not read here; gzip, bzip2 and xz are")
    if not path.exists() and not wanted:
        raise RecordsUnreadable(words(path, FileNotFoundError()))
    return [*sorted(wanted, key=lambda piece: written[piece]), *([path] if path.exists() else [])]


def _compressed(piece: Path) -> Iterator[str]:
    with _OPEN[piece.suffix](piece, "rt", encoding="utf-8", errors="replace", newline="\n") as file:
        yield from file


def _lines(piece: Path, since: datetime, stamp_of: StampOf) -> Iterator[str]:
    with piece.open("rb") as file:
        file.seek(_place(file, since - _SLACK, stamp_of))
        for line in file:
            yield line.decode("utf-8", "replace")


def _place(file: IO[bytes], since: datetime, stamp_of: StampOf) -> int:
    """The start of a line, not behind the first one written at or after ``since``."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while high - low > _CLOSE:
        middle = (low + high) // 2
        stamp = _stamp_behind(file, middle, high, stamp_of)
        if stamp is None or stamp >= since:
            high = middle
        else:
            low = middle
    file.seek(low)
    if low:
        file.readline()
    return file.tell()


def _stamp_behind(file: IO[bytes], place: int, end: int, stamp_of: StampOf) -> datetime | None:
    file.seek(place)
    file.readline()
    for _ in range(_TRY):
        line = file.readline()
        if not line or file.tell() > end:
            return None
        if stamp := stamp_of(line.decode("utf-8", "replace")):
            return stamp.astimezone(UTC)
    return None
