"""What waits for the database: in memory, and beside it in a file that outlives this process when it is killed.

The file (``facts.tail``) has lines as the spool's. All facts of one turn of the event loop go there in one write, straight to the
kernel and not synced: its page cache survives SIGKILL, and no power cut. It is emptied when nothing waits, and made anew from
what does when most of it is in the database; killed in between, it has more than it need, and facts are known by their ids.

Where it cannot be written (a full disk), facts are in memory alone, ``trouble`` says why, and it is tried again each second,
with some of them; when that works, some more go in each turn of the loop, so that none is held up by all that wait.
"""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

import structlog

from cti.errors import ConfigError
from cti.store.failpoints import failpoint, is_due
from cti.store.spool import keep_aside, line_of_record, opened, record_of, size_of_record, write_all
from cti.store.storable import Line

log = structlog.get_logger()

RETRY_S: Final = 1.0
SOME: Final = 100
"""Facts: less than a millisecond of work."""


class Tail:
    """Its facts are those that an earlier run left, and then those that are added, in order. All on one thread. Raises
    ``ConfigError`` where the file cannot be opened."""

    def __init__(self, path: Path, *, made_anew_bytes: int = 4 * 1024 * 1024) -> None:
        self.path = path
        self.trouble = ""
        """Why the file cannot be written."""
        self._made_anew_bytes = made_anew_bytes
        self._file = opened(path)
        self._is_open = True
        self._lines = deque[Line]()
        self._new = deque[Line]()
        """The last of them: not in the file yet."""
        self._next: asyncio.Handle | None = None
        """When they are written. There is never more than one."""
        self._end = 0
        self._taken = 0
        """Bytes at the front of the file that are not needed any more."""
        self._recover()

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def in_memory_alone(self) -> int:
        return len(self._new)

    def add(self, line: Line) -> None:
        """In the file before anything else has its turn."""
        self._lines.append(line)
        self._new.append(line)
        if not self._next:
            self._next = asyncio.get_running_loop().call_soon(self._keep)

    def first(self, count: int) -> tuple[Line, ...]:
        return tuple(islice(self._lines, count))

    def forget(self, count: int) -> None:
        """The first ``count`` are safe elsewhere."""
        failpoint("tail.before_cut")
        self._taken += sum(size_of_record(self._lines.popleft()) for _ in range(count))
        for _ in range(len(self._new) - len(self._lines)):
            self._new.popleft()
        if not self._lines:
            self._cut(0)
        elif self._taken > max(self._made_anew_bytes, self._end // 2):
            self._make_anew()
        failpoint("tail.cut")

    def refuse(self, is_refused: Callable[[Line], bool]) -> int:
        """How many were taken out, wherever they stood."""
        count = len(self._lines)
        self._lines = deque(line for line in self._lines if not is_refused(line))
        self._new = deque(line for line in self._new if not is_refused(line))
        if self._is_open and not self._make_anew():
            self._cut(0)
            self._new = self._lines.copy()
            self._keep()
        return count - len(self._lines)

    def close(self) -> None:
        """What waits stays in the file."""
        if self._next:
            self._next.cancel()
        while self._new and self._write(self._part()):
            pass
        if self._new:
            log.critical("facts_lost", count=len(self._new), reason=self.trouble)
        self._is_open = False
        os.close(self._file)

    def _keep(self) -> None:
        if self._next:
            self._next.cancel()
        self._next = None
        if not self._new or not self._is_open:
            return
        is_written, loop = self._write(self._part()), asyncio.get_running_loop()
        if not is_written:
            self._next = loop.call_later(RETRY_S, self._keep)
        elif self._new:
            self._next = loop.call_soon(self._keep)

    def _part(self) -> Sequence[Line]:
        """Of what is new the first; all of it while all is well."""
        return tuple(islice(self._new, SOME if self.trouble else None))

    def _write(self, part: Sequence[Line]) -> bool:
        records = _records(part)
        failpoint("tail.before_write")
        if is_due("tail.half_a_line"):
            os.pwrite(self._file, records[:-7], self._end)
            os.kill(os.getpid(), signal.SIGKILL)
        try:
            write_all(self._file, records, self._end)
        except OSError as exc:
            self._say_trouble(exc)
            self._cut(self._end)
            return False
        self._end += len(records)
        for _ in part:
            self._new.popleft()
        if self.trouble and not self._new:
            log.warning("tail_written_again", path=str(self.path))
            self.trouble = ""
        failpoint("tail.written")
        return True

    def _say_trouble(self, exc: OSError) -> None:
        if not self.trouble:
            log.error("tail_not_written", path=str(self.path), reason=exc.strerror)
        self.trouble = exc.strerror or str(exc)

    def _cut(self, end: int) -> None:
        """Best effort: what stands behind the end is overwritten, and known when it comes again."""
        self._taken, self._end = min(self._taken, end), end
        with contextlib.suppress(OSError):
            os.ftruncate(self._file, end)

    def _make_anew(self) -> bool:
        """In one step, whenever we are killed: the name is the old file's or the new one's. False: it is the old one's still."""
        kept = _records(islice(self._lines, len(self._lines) - len(self._new)))
        self._taken = 0
        try:
            file = _made(Path(f"{self.path}.new"), kept, self.path)
        except (OSError, ConfigError) as exc:
            log.warning("tail_not_made_anew", path=str(self.path), reason=str(exc))
            return False
        os.close(self._file)
        self._file, self._end = file, len(kept)
        failpoint("tail.replaced")
        return True

    def _recover(self) -> None:
        """A line that was cut off or is damaged is passed over: nobody was told that it is safe."""
        with self.path.open("rb") as file:
            records = list(file)
        if records and not records[-1].endswith(b"\n"):
            log.warning("tail_torn", path=str(self.path), dropped_bytes=len(records.pop()))
        for record in records:
            if line := line_of_record(record):
                self._lines.append(line)
            else:
                log.error("tail_line_damaged", path=str(self.path))
                keep_aside(self.path, "damaged", record)
        self._cut(sum(map(len, records)))


def _records(lines: Iterable[Line]) -> bytes:
    return b"".join(map(record_of, lines))


def _made(fresh: Path, content: bytes, path: Path) -> int:
    """The descriptor of a file with this content, now at ``path``."""
    file = opened(fresh)
    try:
        os.ftruncate(file, 0)
        write_all(file, content, 0)
        failpoint("tail.made_anew")
        fresh.replace(path)
    except OSError:
        os.close(file)
        with contextlib.suppress(OSError):
            fresh.unlink()  # a full disk needs its room
        raise
    return file
