"""``make test``, when something failed: tests that play with real phones, PBXs, browsers and databases are run once more, alone.

Three of them at a time share the machine, and a phone that comes a second late for that is no defect of ours. One that is,
fails again. Nothing else is repeated: not what has no real parts, and not more than a few, since many do not fail by chance.
What passed only now is said loudly, for somebody to look into.
"""

import json
import subprocess
import sys
from pathlib import Path

REAL = ("tests/integration/", "tests/chaos/")
MOST = 4


def worth_repeating(failed: list[str]) -> bool:
    return 0 < len(failed) <= MOST and all(test.startswith(REAL) and "::" in test for test in failed)


def main() -> int:
    cache = Path(".pytest_cache/v/cache/lastfailed")
    failed = sorted(json.loads(cache.read_text())) if cache.exists() else []
    if not worth_repeating(failed):
        return 1
    print(f"test: once more, alone: {len(failed)} that failed beside others", flush=True)
    again = subprocess.run([sys.executable, "-m", "pytest", *failed], check=False).returncode
    if not again:
        print("PASSED ONLY WHEN REPEATED ALONE:", *failed, sep="\n  ")
    return again


if __name__ == "__main__":
    sys.exit(main())
