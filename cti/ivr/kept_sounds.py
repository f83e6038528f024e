"""Sounds on disk, where the PBX finds them. Two folders: ``prompts``, which flows say to everybody, and ``passing``, what was
said to one caller - a name, a balance - and does not stay: an hour after it was last used it is removed.

The PBX runs as another user. Without ``readers`` anybody on this machine may read the files; with it, the name of a group
that the service's user is in too (``asterisk``), only that group may.
"""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cti.errors import SpeechUnavailable

PROMPTS: Final = "prompts"
PASSING: Final = "passing"
PARTS: Final = (PROMPTS, PASSING)
ENDING: Final = ".wav"
_HALF_MADE: Final = ".making"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    prompts: int = 5000
    """Files; some 60 kB each. Those no flow has loaded for longest go first."""
    passing: int = 2000
    passing_s: float = 3600.0
    young_s: float = 120.0
    """Whatever is younger stays: a PBX may be about to play it."""


class KeptSounds:
    """Every method asks the disk, so none is for the event loop's own thread. One process, one folder."""

    def __init__(
        self, folder: Path, *, readers: str = "", limits: Limits | None = None, now: Callable[[], float] = time.time
    ) -> None:
        self.folder = folder.absolute()
        self._readers = readers
        self._limits = limits or Limits()
        self._now = now
        self._began = now()

    def path(self, part: str, name: str) -> Path:
        return self.folder / part / f"{name}{ENDING}"

    def find(self, name: str, parts: Iterable[str] = PARTS) -> str | None:
        """The part that holds it, which from now on counts as just used."""
        return next((part for part in parts if self._touched(self.path(part, name))), None)

    def keep(self, part: str, name: str, wav: bytes) -> None:
        """Whole or not at all. Raises ``SpeechUnavailable`` where the folder cannot be written to."""
        try:
            self._write(self.path(part, name), wav)
        except (OSError, LookupError) as exc:
            raise SpeechUnavailable(
                f"{self.folder} cannot be written to ({exc}); make it the service's own, or name another folder"
            ) from exc

    def forget_passing(self) -> None:
        """At a start: what an earlier process said to callers or left half made, and this one has not used yet."""
        passing = [path for path, used in self._used(PASSING) if used < self._began]
        half_made = [path for path, used in self._used(PROMPTS) if path.suffix == _HALF_MADE and used < self._began]
        for path in passing + half_made:
            path.unlink(missing_ok=True)

    def tidy(self) -> None:
        limits, now = self._limits, self._now()
        for part, most, most_s in (
            (PROMPTS, limits.prompts, float("inf")),
            (PASSING, limits.passing, limits.passing_s),
        ):
            by_age = sorted((now - used, path) for path, used in self._used(part))
            for nr, (age_s, path) in enumerate(by_age):
                if age_s > most_s or (nr >= most and age_s > limits.young_s):
                    path.unlink(missing_ok=True)

    def _used(self, part: str) -> Iterator[tuple[Path, float]]:
        for path in self._files(part):
            with contextlib.suppress(FileNotFoundError):
                yield path, path.stat().st_mtime

    def _files(self, part: str) -> list[Path]:
        """Ours only: an operator may have put others beside them."""
        return [path for path in (self.folder / part).glob("*") if path.suffix in {ENDING, _HALF_MADE}]

    def _touched(self, path: Path) -> bool:
        try:
            os.utime(path, (self._now(), self._now()))
        except OSError:
            return False
        return True

    def _write(self, path: Path, wav: bytes) -> None:
        self._make_folder(path.parent)
        handle, half_made = tempfile.mkstemp(suffix=_HALF_MADE, dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(wav)
            self._let_read(half_made, open_mode=0o644, closed_mode=0o640)
            os.utime(half_made, (self._now(), self._now()))
            Path(half_made).replace(path)
        except BaseException:
            Path(half_made).unlink(missing_ok=True)
            raise

    def _make_folder(self, folder: Path) -> None:
        """Readable, whatever the process's umask; a folder of the operator's own stays as it is."""
        with contextlib.suppress(FileExistsError):  # another thread's, or the operator's
            self.folder.mkdir(parents=True)
            self._let_read(self.folder, open_mode=0o755, closed_mode=0o750)
        folder.mkdir(exist_ok=True)
        self._let_read(folder, open_mode=0o755, closed_mode=0o750)

    def _let_read(self, path: Path | str, *, open_mode: int, closed_mode: int) -> None:
        if self._readers:
            shutil.chown(path, group=self._readers)
        Path(path).chmod(closed_mode if self._readers else open_mode)
