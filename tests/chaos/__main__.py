"""``make chaos``: every mischief in turn, at most ten minutes; a table at the end, kept for the docs.

``--seed 7`` plays a run again, ``--only link_cut,away`` some of it. Exit code 1 where anything was lost, doubled or wrong.
"""

import argparse
import secrets
import sys
from collections.abc import Sequence

from harness import Aim, Table, save

from tests.chaos.beside import played
from tests.chaos.house import can_mount
from tests.chaos.mischief import MISCHIEFS
from tests.chaos.story import Told
from tests.testbed import parts

COLUMNS = (
    "what happens",
    "Asterisk",
    "calls",
    "lost",
    "doubled",
    "wrong",
    "ended unseen",
    "backfilled",
    "worst time, ms",
    "forgiven, ms",
)


def table(told: Sequence[Told], seed: int) -> Table:
    return Table(
        title="Calls kept through mischief",
        columns=COLUMNS,
        rows=tuple(
            (
                one.says,
                one.version,
                one.verdict.calls,
                len(one.verdict.lost),
                len(one.verdict.doubled),
                len(one.verdict.wrong) + len(one.verdict.unmarked) + len(one.complaints),
                one.verdict.ended_unseen,
                one.verdict.backfilled,
                round(one.verdict.worst_ms, 1),
                round(one.verdict.forgiven_ms, 1),
            )
            for one in told
        ),
        note="Real calls by SIPp on a real Asterisk; our record against its queue_log and CEL. Worst time: of those that we saw or the "
        f"CDR has; forgiven: what more any of them was off as the machine stood still, or as Asterisk itself told it late on AMI. Seed {seed}.",
    )


def aim(told: Sequence[Told]) -> Aim:
    return Aim(
        words="calls lost, doubled or wrong through mischief",
        wanted="0",
        found=str(sum(len(one.troubles) for one in told)),
        is_met=all(one.is_well for one in told),
    )


def _asked(words: Sequence[str] | None) -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    asked.add_argument("--seed", type=int, default=secrets.randbelow(10_000))
    asked.add_argument("--only", default="", help="names, with commas between: " + ", ".join(MISCHIEFS))
    asked.add_argument("--versions", default="22,16")
    asked.add_argument("--keep", action="store_true", help="keep the table for the docs though only some are played")
    found = asked.parse_args(words)
    found.names = found.only.split(",") if found.only else list(MISCHIEFS)
    if unknown := [name for name in found.names if name not in MISCHIEFS]:
        asked.error(f"--only: there is no {', '.join(unknown)}; there are {', '.join(MISCHIEFS)}")
    return found


def _playable(names: Sequence[str]) -> list[str]:
    """The machine's own disk is not filled."""
    left = [] if can_mount() else [name for name in names if MISCHIEFS[name].fills_disk]
    for name in left:
        print(
            f"chaos: NOT PLAYED: {name}, for no small file system may be mounted here (tmpfs, as root)", file=sys.stderr
        )
    return [name for name in names if name not in left]


def _there(versions: Sequence[str]) -> list[str]:
    if missing := parts.missing_for(["sipp", "postgres", "redis"]):
        print(f"chaos: NOT PLAYED: {', '.join(missing)} missing; {parts.PREPARE}", file=sys.stderr)
        return []
    left = [one for one in versions if parts.missing_for([f"asterisk-{one}"])]
    for one in left:
        print(f"chaos: NOT PLAYED: Asterisk {one}, for it is not here; {parts.PREPARE}", file=sys.stderr)
    return [one for one in versions if one not in left]


def main(words: Sequence[str] | None = None) -> int:
    asked = _asked(words)
    versions, names = _there(asked.versions.split(",")), _playable(asked.names)
    if not versions or not names:
        return 2
    print(f"chaos: seed {asked.seed}", flush=True)
    told = played(names, versions, asked.seed)
    if asked.keep or not asked.only:
        save("chaos", tables=[table(told, asked.seed)], aims=[aim(told)])
    return 0 if all(one.is_well for one in told) else 1


if __name__ == "__main__":
    sys.exit(main())
