"""Where facts wait while the database is away: one local file of lines, each with its checksum, synced as it is written.

::

    1f3a09c2 {"specversion":"1.0","id":"main-1763754000.12#3",...}

Blocking, so call it from a thread. One process at a time has it open. A last line that was cut off by a crash was never
acknowledged and is dropped; a line that does not match its checksum is moved to ``<name>.damaged``, what the database
refuses to ``<name>.refused``: nothing is thrown away. Lines are taken from the front and the file is emptied when all are
taken, so what was taken before a crash is offered again after it; facts have ids, so it is told twice and kept once.
"""

import fcntl
import os
import signal
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final
from zlib import crc32

import structlog

from cti.errors import ConfigError, StoreUnavailable
from cti.store.failpoints import failpoint, is_due
from cti.store.storable import Line, line_from

log = structlog.get_logger()

CHECKSUM: Final = 9
"""Eight hexadecimal digits and a space."""


class SpoolFull(StoreUnavailable):
    """No more fits: the limit is reached, or the disk is full."""


class Spool:
    """Raises ``ConfigError`` where the file cannot be opened. ``max_bytes`` bounds it."""

    def __init__(self, path: Path, *, max_bytes: int = 256 * 1024 * 1024) -> None:
        self.path = path
        self.waiting = 0
        self._max_bytes = max_bytes
        self._file = opened(path)
        self._front = 0
        self._end = 0
        self._ahead = (0, 0)
        """Where the lines that ``front`` gave last end, and how many there were."""
        self._recover()

    @property
    def size_bytes(self) -> int:
        return self._end

    def append(self, lines: Sequence[Line]) -> int:
        """How many were kept, from the front; on the disk when this returns. Raises ``SpoolFull`` when none was."""
        records = [record_of(line) for line in lines]
        fitting = _fitting(records, self._max_bytes - self._end)
        if lines and not fitting:
            raise SpoolFull(f"the spool {self.path} is full: {self._end} of {self._max_bytes} bytes")
        self._write(b"".join(records[:fitting]))
        self.waiting += fitting
        return fitting

    def front(self, count: int) -> tuple[Line, ...]:
        """The next ones, the oldest first; damaged ones are left out. They stay until ``taken``."""
        at, found = self._front, list[Line]()
        records = self._records(count)
        for record in records:
            found += self._checked(record, at)
            at += len(record)
        self._ahead = (at, len(records))
        return tuple(found)

    def everything(self) -> Iterator[bytes]:
        """The JSON of all that waits, while it may be on its way: changes nothing."""
        with self.path.open("rb") as file:
            file.seek(self._front)
            yield from filter(None, map(_json_of_record, file))

    def taken(self) -> None:
        """What ``front`` gave last is in the database."""
        failpoint("spool.replayed")
        self._front, count = self._ahead
        self.waiting -= count
        if self._front >= self._end:
            self._front = 0
            self._cut(0)
            failpoint("spool.emptied")

    def refuse(self, line: Line, reason: str) -> None:
        """Keep what the database will never take, for a person to look at."""
        log.error("fact_refused", fact=line.fact.id, type=line.fact.type, reason=reason, kept_in=f"{self.path}.refused")
        keep_aside(self.path, "refused", record_of(line))
        failpoint("spool.refused")

    def close(self) -> None:
        os.close(self._file)

    def _write(self, records: bytes) -> None:
        failpoint("spool.before_append")
        try:
            if is_due("spool.half_a_line"):
                os.pwrite(self._file, records[:-7], self._end)
                os.kill(os.getpid(), signal.SIGKILL)
            write_all(self._file, records, self._end)
            failpoint("spool.before_sync")
            os.fsync(self._file)
        except OSError as exc:
            self._cut(self._end)
            raise SpoolFull(f"the spool {self.path} cannot be written: {exc.strerror or exc}") from exc
        self._end += len(records)
        failpoint("spool.appended")

    def _cut(self, end: int) -> None:
        """Best effort on a failing disk: what stands behind the end is overwritten, or dropped at the next start."""
        try:
            os.ftruncate(self._file, end)
            os.fsync(self._file)
        except OSError as exc:
            log.warning("spool_not_cut", path=str(self.path), reason=str(exc))
        self._end = end

    def _recover(self) -> None:
        """Take up what an earlier run left. A last line without its end was never acknowledged."""
        with self.path.open("rb") as file:
            for record in file:
                if record.endswith(b"\n"):
                    self._end += len(record)
                    self.waiting += 1
        size = os.fstat(self._file).st_size
        if self._end != size:
            log.warning("spool_torn", path=str(self.path), dropped_bytes=size - self._end)
            self._cut(self._end)

    def _records(self, count: int) -> list[bytes]:
        with self.path.open("rb") as file:
            file.seek(self._front)
            return [file.readline() for _ in range(min(count, self.waiting))]

    def _checked(self, record: bytes, at_byte: int) -> list[Line]:
        line = line_of_record(record)
        if line is None:
            log.error("spool_line_damaged", path=str(self.path), at_byte=at_byte)
            keep_aside(self.path, "damaged", record)
        return [line] if line else []


def opened(path: Path) -> int:
    """A descriptor, locked: unbuffered, so that what a full disk refused is not tried again behind our back."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)  # facts are about people
    except OSError as exc:
        raise ConfigError(f"spool: {path} cannot be opened: {exc.strerror}") from exc
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise ConfigError(f"spool: {path} is in use by another cti; each process needs its own") from None
    return descriptor


def keep_aside(path: Path, kind: str, record: bytes) -> None:
    """For a person to look at, in ``<name>.<kind>``."""
    try:
        aside = os.open(f"{path}.{kind}", os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        with open(aside, "ab") as file:  # noqa: PTH123 - a descriptor
            file.write(record)
    except OSError as exc:
        log.error("not_kept_aside", path=str(path), kind=kind, reason=str(exc))  # noqa: TRY400 - the reason says it


def is_in_use(path: Path) -> bool:
    """Does a process have it open?"""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return True
    return False


def write_all(file: int, records: bytes, at: int) -> None:
    while records:
        written = os.pwrite(file, records, at)
        records, at = records[written:], at + written


def line_of_record(record: bytes) -> Line | None:
    """None for what does not match its checksum."""
    json = _json_of_record(record)
    try:
        return line_from(json) if json else None
    except ValueError:
        return None


def _json_of_record(record: bytes) -> bytes | None:
    json = record[CHECKSUM:].rstrip(b"\n")
    try:
        return json if int(record[: CHECKSUM - 1], 16) == crc32(json) else None
    except ValueError:
        return None


def record_of(line: Line) -> bytes:
    return b"%08x %s\n" % (crc32(line.json), line.json)


def size_of_record(line: Line) -> int:
    return CHECKSUM + len(line.json) + 1


def _fitting(records: Sequence[bytes], room: int) -> int:
    for index, record in enumerate(records):
        room -= len(record)
        if room < 0:
            return index
    return len(records)
