"""``make chaos``: every mischief in turn, at most ten minutes; a table at the end, kept for the docs.

``--seed 7`` plays a run again, ``--only link_cut,away`` some of it. Exit code 1 where anything was lost, doubled or wrong.
"""

import argparse
import asyncio
import contextlib
import secrets
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from random import Random

from harness import Table, save

from tests.chaos.mischief import MISCHIEFS, On
from tests.chaos.pbx import chaos_asterisk
from tests.chaos.story import Told, play
from tests.postgres_server import PostgresServer, running_server
from tests.redis_server import RedisServer, running_redis
from tests.testbed import parts
from tests.testbed.asterisk import Asterisk

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
)


def run(names: Sequence[str], versions: Sequence[str], seed: int) -> list[Told]:
    """Each version in a process of its own, with servers of its own: all of it within ten minutes."""
    shares = [_share(names, version, versions) for version in versions]
    with ProcessPoolExecutor(len(versions), get_context("spawn")) as processes:
        told = processes.map(_play_in_turn, versions, shares, [seed] * len(versions))
        return [one for some in told for one in some]


def _share(names: Sequence[str], version: str, versions: Sequence[str]) -> list[str]:
    plays = (
        {On.EACH}
        | ({On.FIRST} if version == versions[0] else set())
        | ({On.LAST} if version == versions[-1] else set())
    )
    return [name for name in names if MISCHIEFS[name].on in plays]


def _play_in_turn(version: str, names: Sequence[str], seed: int) -> list[Told]:
    return asyncio.run(_played(version, names, seed))


async def _played(version: str, names: Sequence[str], seed: int) -> list[Told]:
    pbx = chaos_asterisk(version)
    pbx.start()
    try:
        with (
            contextlib.contextmanager(running_server)(is_durable=True) as postgres,
            contextlib.contextmanager(running_redis)() as redis,
        ):
            return [await _one(name, pbx, seed, postgres, redis) for name in names]
    finally:
        pbx.remove()


async def _one(name: str, pbx: Asterisk, seed: int, postgres: PostgresServer, redis: RedisServer) -> Told:
    began = time.monotonic()
    told = await play(name, MISCHIEFS[name], pbx, Random(f"{seed} {name}"), postgres=postgres, redis=redis)
    print(
        f"{name} ({pbx.version}, {time.monotonic() - began:.0f} s): {'well' if told.is_well else 'NOT WELL'}",
        flush=True,
    )
    for trouble in told.troubles:
        print(f"    {trouble}", flush=True)
    return told


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
                len(one.verdict.wrong) + len(one.complaints),
                one.verdict.ended_unseen,
                one.verdict.backfilled,
                round(one.verdict.worst_ms, 1),
            )
            for one in told
        ),
        note=f"Real calls by SIPp on a real Asterisk; our record against its queue_log and CEL. Seed {seed}.",
    )


def _asked() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    asked.add_argument("--seed", type=int, default=secrets.randbelow(10_000))
    asked.add_argument("--only", default="", help="names, with commas between: " + ", ".join(MISCHIEFS))
    asked.add_argument("--versions", default="22,16")
    asked.add_argument("--keep", action="store_true", help="keep the table for the docs though only some are played")
    return asked.parse_args()


def main() -> int:
    asked = _asked()
    versions = [
        one
        for one in asked.versions.split(",")
        if not parts.missing_for([f"asterisk-{one}", "sipp", "postgres", "redis"])
    ]
    if not versions:
        print(f"chaos: no Asterisk, SIPp, PostgreSQL or Redis here: {parts.PREPARE}", file=sys.stderr)
        return 2
    names = asked.only.split(",") if asked.only else list(MISCHIEFS)
    print(f"chaos: seed {asked.seed}", flush=True)
    told = run(names, versions, asked.seed)
    if asked.keep or not asked.only:
        save("chaos", tables=[table(told, asked.seed)])
    return 0 if all(one.is_well for one in told) else 1


if __name__ == "__main__":
    sys.exit(main())
