"""Every bench, one after the other, then the page of them: ``make bench``, or ``QUICK=1 make bench`` for a short look that leaves the page as it is.

``python benchmarks/run.py [NAME...]``. A bench that fails, or lacks a part of this machine, is said so at the end, loudly, and
the figures of its last run stay in the page.
"""

import subprocess
import sys
import time
from pathlib import Path

import report
from harness import LACKS_PARTS, RESULTS, results_folder

HERE = Path(__file__).parent
LIMIT_S = 3600.0
"""For one bench; one that takes as long is broken."""
MISSING = "this machine lacks parts, see above"


def names() -> list[str]:
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def run(name: str) -> str:
    """What is wrong with it, in words; nothing when it went well."""
    try:
        done = subprocess.run([sys.executable, HERE / f"bench_{name}.py"], check=False, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return f"not done within {LIMIT_S:.0f} s"
    return {0: "", LACKS_PARTS: MISSING}.get(done.returncode, f"exit code {done.returncode}")


def main() -> int:
    wrong: dict[str, str] = {}
    for name in sys.argv[1:] or names():
        print(f"\nbench: {name}", flush=True)
        began = time.monotonic()
        if fault := run(name):
            wrong[name] = fault
        print(f"bench: {name} took {time.monotonic() - began:.0f} s", flush=True)
    if results_folder() == RESULTS:
        report.write()
        print(f"\n{report.PAGE.relative_to(HERE.parent)} is written anew")
    else:
        print(f"\nA short look: its figures are in {results_folder()}, and the page stays as it is")
    for name, fault in wrong.items():
        print(f"NOT MEASURED: {name}: {fault}")
    return 1 if set(wrong.values()) - {MISSING} else 0


if __name__ == "__main__":
    sys.exit(main())
