"""Everything one story plays on: the PBX behind a proxy, a database, a disk, the service, desktops, and callers."""

import asyncio
import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from cti.agents.agent import Agent, AgentId
from cti.store import schema
from cti.store.database import Database
from cti.store.interactions import Filter, Interaction
from cti.store.people import Session
from cti.store.sql import SqlInteractionLog
from cti.store.sql_people import SqlPeople
from cti.web.session import hash_token
from tests.chaos.away import Away
from tests.chaos.crowd import Crowd
from tests.chaos.daemon import Daemon
from tests.chaos.desks import Desk, Desks, opened
from tests.chaos.ear import Ear, listening
from tests.chaos.metronome import Metronome
from tests.chaos.pbx import QUEUE
from tests.integration.scaled.cluster import Process
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer
from tests.testbed.asterisk import AGENT_NAMES, Asterisk
from tests.testbed.proxy import TcpProxy

SLACK_S: Final = 0.05
"""So long before we were gone, what was under way may be missing: what was on its way to us, or read and not recorded yet."""
DISK_MB: Final = 24


@dataclass(slots=True)
class House:
    pbx: Asterisk
    proxy: TcpProxy
    daemon: Daemon
    desks: Desks
    ear: Ear
    random: Random
    disk: Path
    """A file system of its own, with the spool on it, and the database where that is SQLite."""
    postgres: PostgresServer | None = None
    redis: RedisServer | None = None
    away: list[Away] = field(default_factory=list)
    late: list[Away] = field(default_factory=list)
    """While it saw the PBX, or was heard, much later than it was."""
    metronome: Metronome = field(default_factory=Metronome)

    @contextlib.contextmanager
    def unseen(self, since: float | None = None) -> Iterator[None]:
        """While the service cannot see the PBX. ``since``: from then on already, epoch seconds."""
        with self._within(self.away, since):
            yield

    @contextlib.contextmanager
    def unheard(self) -> Iterator[None]:
        """While desktops cannot hear in time what the PBX does."""
        with self._within(self.late):
            yield

    @contextlib.contextmanager
    def _within(self, times: list[Away], since: float | None = None) -> Iterator[None]:
        since = since or time.time()
        yield
        times.append(Away(since - SLACK_S, time.time()))

    async def calls_go_on(self, least_s: float, most_s: float | None = None) -> None:
        await asyncio.sleep(self.random.uniform(least_s, most_s or least_s))

    async def rows(self) -> list[Interaction]:
        database = Database(self.daemon.database)
        log, found, cursor = SqlInteractionLog(database), list[Interaction](), None
        while True:
            page = await log.between(Filter(), limit=500, cursor=cursor)
            found += page.items
            if (cursor := page.cursor) is None:
                break
        await database.close()
        return found


@contextlib.asynccontextmanager
async def open_house(
    pbx: Asterisk,
    random: Random,
    *,
    postgres: PostgresServer | None = None,
    redis: RedisServer | None = None,
    desks: int = 0,
) -> AsyncIterator[House]:
    """``desks``: how many desktops there are besides the agents' own. ``redis``: they are at a process of their own, behind it."""
    async with contextlib.AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cti-chaos-")))
        disk = stack.enter_context(small_disk(folder / "disk"))
        proxy = await stack.enter_async_context(TcpProxy(pbx.ports.ami))
        url = postgres.new_database() if postgres else f"sqlite:///{disk}/cti.db"
        daemon = Daemon(
            pbx=pbx, folder=folder, database=url, ami_port=proxy.port, spool=disk / "spool",
            more=f'[redis]\nurl = "{redis.url}"' if redis else "",
            front=Process(folder=folder, name="front", roles="push,web") if redis else None,
        )  # fmt: skip
        agents = [Desk(name.lower(), daemon.door) for name in AGENT_NAMES.values()]
        beside = await onlookers(daemon, desks)
        try:
            await daemon.start()
            shown = await stack.enter_async_context(opened([*agents, *beside]))
            ear = await stack.enter_async_context(listening(pbx))
            yield House(pbx, proxy, daemon, shown, ear, random, disk, postgres, redis)
        finally:
            await daemon.close()
            keep = os.environ.get("CTI_CHAOS_KEEP")
            if keep:
                shutil.copytree(folder, Path(keep) / folder.name, dirs_exist_ok=True)
                shutil.copytree(pbx.home / "log", Path(keep) / folder.name / "pbx", dirs_exist_ok=True)


@contextlib.asynccontextmanager
async def busy(house: House, pace: float = 1.0) -> AsyncIterator[None]:
    async with Crowd(house.pbx, house.random, pace).calling():
        yield


async def onlookers(daemon: Daemon, count: int) -> list[Desk]:
    """Agents without a phone who are logged in: on record before the service starts, as so many log-ins would take a minute."""
    await schema.upgrade(daemon.database)
    database = Database(daemon.database)
    people, names = SqlPeople(database), [f"onlooker{number}" for number in range(count)]
    for name in names:
        await people.add(Agent(id=AgentId(name), name=name, queues=(QUEUE,)), "")
        await people.open_session(Session(hash_token(name), AgentId(name), datetime.now(UTC) + timedelta(hours=1)))
    await database.close()
    return [Desk(name, daemon.door, token=name) for name in names]


def can_mount() -> bool:
    with tempfile.TemporaryDirectory(prefix="cti-chaos-") as folder, small_disk(Path(folder) / "disk") as disk:
        return disk.is_mount()


@contextlib.contextmanager
def small_disk(at: Path) -> Iterator[Path]:
    """A file system that can be filled without harm, where we may mount one; else just a folder."""
    at.mkdir()
    is_mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "cti-chaos", at], check=False, capture_output=True
    ).returncode == 0  # fmt: skip
    try:
        yield at
    finally:
        if is_mounted:
            subprocess.run(["umount", "-l", at], check=False)
