"""Make what the tests with a real Asterisk need: ``python3 tests/testbed/prepare.py``. Standard library only, safe
to repeat.

As root on Debian it installs SIPp, espeak-ng, debootstrap, Redis, PostgreSQL, Chromium and a Chinese font, and makes two
small roots with Asterisk 22 and 16 in ``${CTI_TESTBED_DIR:-~/.cache/cti-testbed}``. Elsewhere it makes nothing. It
always exits 0: what could not be had is said at the end, with the tests that will not run for it.
"""

import contextlib
import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Final

SUITES: Final = {"22": "sid", "16": "bullseye"}
INCLUDE: Final = "asterisk,asterisk-core-sounds-en-gsm"
ROOT_LIMIT_S: Final = 900
APT_LIMIT_S: Final = 1200
CJK_FONT: Final = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")

PACKAGES: Final = {
    "sipp": "sip-tester",
    "espeak-ng": "espeak-ng",
    "debootstrap": "debootstrap",
    "redis": "redis-server",
    "postgres": "postgresql",
    "chromium": "chromium",
    "cjk font": "fonts-noto-cjk",
}
TESTS: Final = {
    "asterisk-22": "all tests marked real_asterisk on Asterisk 22, and recording its traces",
    "asterisk-16": "all tests marked real_asterisk on Asterisk 16, and recording its traces",
    "sipp": "the tests marked real_asterisk that need many callers",
    "espeak-ng": "the tests that hear what a prompt says",
    "postgres": "the tests marked postgres",
    "redis": "the tests marked redis",
    "chromium": "the tests marked browser",
    "cjk font": "nothing, but screenshots show boxes for Chinese",
}


def main() -> int:
    parts = _parts()
    if not _missing(parts):
        print("testbed: everything is there")
        return 0
    parts.testbed_dir().mkdir(parents=True, exist_ok=True)
    with _lock(parts.testbed_dir() / "lock"):
        _install(parts)
        for version, suite in SUITES.items():
            _make_root(parts.testbed_dir() / f"asterisk-{version}", version, suite)
    if not _is_debian_root():
        print("testbed: this is not root on a Debian, so nothing could be installed")
    for part in _missing(parts):
        print(f"testbed: NOT AVAILABLE: {part}. WILL NOT RUN: {TESTS[part]}")
    return 0


def _missing(parts: ModuleType) -> list[str]:
    missing: list[str] = parts.missing_for(part for part in TESTS if part != "cjk font")
    return missing + ([] if CJK_FONT.exists() or not _is_debian_root() else ["cjk font"])


def _parts() -> ModuleType:
    """`parts.py` beside this file: loaded by path, so that any python3 in any folder can run us."""
    spec = importlib.util.spec_from_file_location("parts", Path(__file__).with_name("parts.py"))
    if spec is None or spec.loader is None:
        raise ImportError("parts.py is gone")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _is_debian_root() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None and Path("/etc/debian_version").exists()


@contextlib.contextmanager
def _lock(path: Path) -> Iterator[None]:
    """One preparation at a time: the second waits and then finds all done."""
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("testbed: another preparation is running, waiting for it", flush=True)
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _install(parts: ModuleType) -> None:
    """One package at a time after a common try, so that one that is gone does not keep the others away."""
    wanted = [PACKAGES[part] for part in PACKAGES if not _has(parts, part)]
    if not wanted:
        return
    if not _is_debian_root():
        return
    _run(["apt-get", "update", "-q"], APT_LIMIT_S)
    if not _apt(wanted):
        for package in wanted:
            _apt([package])


def _has(parts: ModuleType, part: str) -> bool:
    if part == "debootstrap":
        return shutil.which("debootstrap") is not None or not parts.missing_for(["asterisk-22", "asterisk-16"])
    return CJK_FONT.exists() if part == "cjk font" else not parts.missing_for([part])


def _apt(packages: list[str]) -> bool:
    print(f"testbed: installing {' '.join(packages)}", flush=True)
    return _run(["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages], APT_LIMIT_S)


def _make_root(root: Path, version: str, suite: str) -> None:
    """Make the root under another name and rename it at the end: a broken one is never used."""
    if (root / "usr/sbin/asterisk").exists() or not _is_debian_root() or shutil.which("debootstrap") is None:
        return
    half_made = root.with_name(f"{root.name}.making")
    shutil.rmtree(half_made, ignore_errors=True)
    shutil.rmtree(root, ignore_errors=True)
    print(f"testbed: making a Debian {suite} with Asterisk {version} (about a minute, 500 MB)", flush=True)
    command = [
        "debootstrap",
        "--variant=minbase",
        f"--include={INCLUDE}",
        suite,
        str(half_made),
    ]  # from Debian's own archive
    if _run(command, ROOT_LIMIT_S) and _is_version(half_made, version):
        shutil.rmtree(half_made / "var/cache/apt/archives", ignore_errors=True)
        half_made.rename(root)
    else:
        shutil.rmtree(half_made, ignore_errors=True)


def _is_version(root: Path, version: str) -> bool:
    """The archive moves on: a root with another Asterisk than its name says is not used."""
    shown = subprocess.run(
        ["chroot", root, "/usr/sbin/asterisk", "-V"], capture_output=True, text=True, check=False
    ).stdout
    if not shown.startswith(f"Asterisk {version}."):
        print(f"testbed: wanted Asterisk {version}, the archive has {shown.strip() or 'none that runs'}")
        return False
    return True


def _run(command: list[str], limit_s: int) -> bool:
    """Run it quietly; the last lines of its output are shown only when it fails."""
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        done = subprocess.run(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=limit_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        print(f"testbed: {command[0]}: {error}")
        return False
    if done.returncode:
        tail = done.stdout.decode("utf-8", "replace").splitlines()[-5:]
        print(f"testbed: {' '.join(command[:3])} failed ({done.returncode}):", *tail, sep="\n    ")
    return done.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
