"""Each version plays in a process of its own, with servers of its own: all of it within ten minutes."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from random import Random

from tests.chaos.mischief import MISCHIEFS, On
from tests.chaos.pbx import chaos_asterisk
from tests.chaos.story import Told, play
from tests.postgres_server import PostgresServer, running_server
from tests.redis_server import RedisServer, running_redis
from tests.testbed.asterisk import Asterisk


def played(names: Sequence[str], versions: Sequence[str], seed: int) -> list[Told]:
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
    return asyncio.run(_in_turn(version, names, seed))


async def _in_turn(version: str, names: Sequence[str], seed: int) -> list[Told]:
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
    found, took_s = told.verdict, time.monotonic() - began
    print(
        f"{name} ({pbx.version}, {took_s:.0f} s): {'well' if told.is_well else 'NOT WELL'}, {found.calls} calls, "
        f"exact to {found.worst_ms:.1f} ms; {found.forgiven_ms:.1f} forgiven; the machine stood still {told.stood_s:.1f} s in all",
        flush=True,
    )
    for words in found.untold:
        print(f"    CANNOT TELL: {words}", flush=True)
    for trouble in told.troubles:
        print(f"    {trouble}", flush=True)
    return told
