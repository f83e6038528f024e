"""What of the test bed is there on this machine. Asks the file system only; `prepare.py` makes what is missing."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

ASTERISK_VERSIONS: Final = ("22", "16")
ROOT_MARK: Final = "usr/sbin/asterisk"
PREPARE: Final = "run `python3 tests/testbed/prepare.py` as root"


def testbed_dir() -> Path:
    """Where the Asterisk roots are kept: outside the checkout, as they are slow to make and the same for everybody."""
    return Path(os.environ.get("CTI_TESTBED_DIR") or Path.home() / ".cache" / "cti-testbed")


def asterisk_root(version: str) -> Path | None:
    """The root of a small Debian with that Asterisk in it, or None. Entering it needs root."""
    root = testbed_dir() / f"asterisk-{version}"
    return root if os.geteuid() == 0 and (root / ROOT_MARK).exists() else None


def sipp() -> Path | None:
    return _program("sipp")


def espeak() -> Path | None:
    return _program("espeak-ng")


def redis_server() -> Path | None:
    return _program("redis-server")


def chromium() -> Path | None:
    return _program("chromium") or _program("chromium-browser") or _program("google-chrome")


def postgres_bin() -> Path | None:
    """The folder with ``initdb``, ``postgres`` and ``pg_ctl`` of the newest PostgreSQL here, or None."""
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=_major, reverse=True)
    beside = [found.resolve().parent for found in [_program("initdb")] if found]
    return next((home for home in [*homes, *beside] if (home / "initdb").exists()), None)


def missing_for(parts: Iterable[str]) -> list[str]:
    """Which of ``asterisk-22``, ``asterisk-16``, ``sipp``, ``espeak-ng``, ``postgres``, ``redis``, ``chromium`` cannot
    be used here.
    """
    return [part for part in parts if not _HAVE[part]()]


def _program(name: str) -> Path | None:
    found = shutil.which(name)
    return Path(found) if found else None


def _major(path: Path) -> int:
    name = path.parent.name.split(".")[0]
    return int(name) if name.isdigit() else 0


_HAVE: Final = {
    "asterisk-22": lambda: asterisk_root("22"),
    "asterisk-16": lambda: asterisk_root("16"),
    "sipp": sipp,
    "espeak-ng": espeak,
    "postgres": postgres_bin,
    "redis": redis_server,
    "chromium": chromium,
}
