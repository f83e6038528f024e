"""On what a bench ran: the machine and the versions that its figures belong to."""

import os
import platform
import re
import sqlite3
import subprocess
from importlib import metadata
from pathlib import Path

from tests.testbed import parts

ROOT = Path(__file__).parent.parent
LOAD_BEFORE = os.getloadavg()[0]
"""Others on this machine: runnable processes, before the bench adds its own."""
CORES = len(os.sched_getaffinity(0))
"""Before the bench takes one of them for itself."""
LIBRARIES = ("aiohttp", "aiosqlite", "asyncpg", "msgspec", "panoramisk", "pyst2", "redis", "SQLAlchemy", "websockets")


def machine() -> dict[str, str]:
    return {
        "processor": _first(r"model name\s*: (.+)", Path("/proc/cpuinfo")) or platform.machine(),
        "cores": str(CORES),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "load before": f"{LOAD_BEFORE:.1f}",
    }


def versions() -> dict[str, str]:
    found = {
        "cti": f"{metadata.version('cti')} ({_commit()})",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "PostgreSQL": _postgres(),
        "Asterisk": _asterisk(),
        **{name: _library(name) for name in LIBRARIES},
    }
    return {name: version for name, version in found.items() if version}


def _library(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _commit() -> str:
    described = _said("git", "-C", str(ROOT), "describe", "--always", "--exclude=*", "--dirty=+")
    return described or "not from git"


def _postgres() -> str:
    home = parts.postgres_bin()
    said = _said(str(home / "postgres"), "--version") if home else ""
    return said.removeprefix("postgres (PostgreSQL) ").split(" ")[0]


def _asterisk() -> str:
    root = parts.asterisk_root("22")
    return (
        _said("chroot", str(root), "/usr/sbin/asterisk", "-V").removeprefix("Asterisk ").split("~")[0] if root else ""
    )


def _said(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


def _first(pattern: str, file: Path) -> str:
    found = re.search(pattern, file.read_text()) if file.exists() else None
    return found[1].strip() if found else ""
