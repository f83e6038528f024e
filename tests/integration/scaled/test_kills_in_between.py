"""Two readers, three processes in front of three hundred desktops, and kills in between: no call and no pop lost or doubled."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from pathlib import Path

import aiohttp
import pytest

from cti.store.database import Database
from cti.store.interactions import Filter
from cti.store.sql import SqlInteractionLog
from cti.store.sql_people import SqlPeople
from tests.integration.scaled.cluster import Cluster, Process
from tests.integration.scaled.desks import Desk, desks_of, put_on_record
from tests.integration.scaled.live_pbx import FIRST_PHONE, LivePbx
from tests.ports import free_port
from tests.redis_server import RedisServer

pytestmark = [pytest.mark.postgres, pytest.mark.redis, pytest.mark.chaos]

PHONES = tuple(range(FIRST_PHONE, FIRST_PHONE + 300))
CALLS_PER_S = 4.0


class Callers:
    """Each phone is rung by one call."""

    def __init__(self, pbx: LivePbx) -> None:
        self._pbx = pbx
        self.calls: dict[str, int] = {}
        """Call -> phone."""
        self._running: set[asyncio.Task[None]] = set()

    async def come(self) -> None:
        for nr, phone in enumerate(PHONES):
            task = asyncio.create_task(self._one(nr * 10, phone))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            await asyncio.sleep(1 / CALLS_PER_S)

    async def _one(self, nr: int, phone: int) -> None:
        linkedid = await self._pbx.call(nr, phone)
        self.calls[f"main-{linkedid}"] = phone

    async def all_over(self) -> None:
        await asyncio.gather(*self._running)


async def until_all_sit(desks: Sequence[Desk], *, not_at: str = "", within_s: float = 60.0) -> None:
    try:
        async with asyncio.timeout(within_s):
            while not all(desk.is_open and desk.at != not_at for desk in desks):  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"{sum(not desk.is_open for desk in desks)} desktops have no process") from None


async def taken_over(by: Process) -> None:
    """How quickly, ``test_33_leader_fencing.py`` measures; with all this on two processors it says nothing."""
    await by.until(lease="ok", pbx="ok")


async def test_kills_in_between(tmp_path: Path, ready_url: Callable[[str], str], own_redis: RedisServer) -> None:
    url = ready_url("postgresql")
    pbx, database = LivePbx(free_port(), PHONES), Database(url)
    serving = await pbx.serve()
    cluster = Cluster(tmp_path, url, own_redis.url, pbx.port)
    one, two = cluster.process("one", "pbx"), cluster.process("two", "pbx")
    fronts = [cluster.process(f"front{nr}", "push,web") for nr in range(3)]
    there = list(fronts)
    desks = desks_of(PHONES, there)
    await put_on_record(SqlPeople(database), PHONES, desks)
    sitting: list[asyncio.Task[None]] = []
    async with aiohttp.ClientSession() as web:
        try:
            await one.start()
            await one.until(pbx="ok")
            await asyncio.gather(two.start(), *(front.start() for front in fronts))
            await asyncio.gather(two.until(lease="standby"), *(front.until(news="ok", pbx="ok") for front in fronts))
            sitting = [asyncio.create_task(desk.run(web)) for desk in desks]
            await until_all_sit(desks)
            callers = Callers(pbx)
            coming = asyncio.create_task(callers.come())
            await mischief(cluster, own_redis, there, desks)
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
            await callers.all_over()
            await until_all_sit(desks)
            rows = await rows_of(database, len(callers.calls))
            assert {row.call: (row.agent, row.outcome) for row in rows} == {
                call: (f"a{phone}", "answered") for call, phone in callers.calls.items()
            }
            assert len(rows) == len(callers.calls) > 50
            shown = {
                (f"main-{call.removeprefix('main-')}", desk.agent): len(ids)
                for desk in desks
                for call, ids in desk.pops.items()
            }
            assert shown == {(call, f"a{phone}"): 1 for call, phone in callers.calls.items()}
            assert [line for process in cluster.processes for line in process.complaints()] == []
        finally:
            for task in sitting:
                task.cancel()
            await asyncio.gather(*sitting, return_exceptions=True)
            await cluster.close()
            serving.close()
            await database.close()


async def mischief(cluster: Cluster, redis: RedisServer, there: list[Process], desks: Sequence[Desk]) -> None:
    one, two, *_ = cluster.processes
    await asyncio.sleep(3)
    await one.kill()
    await taken_over(by=two)
    await one.start()
    victim = there.pop()
    homeless = [desk for desk in desks if desk.at == victim.name]
    await victim.kill()
    await until_all_sit(desks, not_at=victim.name)
    assert homeless
    assert [desk.agent for desk in homeless if not desk.resumed] == []
    active, standby = await settled(one, two)
    active.signal(signal.SIGSTOP)
    await taken_over(by=standby)
    active.signal(signal.SIGCONT)
    redis.kill()
    await asyncio.sleep(1)
    redis.start()
    await settled(one, two)
    await asyncio.gather(*(front.until(bus="ok", news="ok") for front in there))
    await asyncio.sleep(2)


async def settled(one: Process, two: Process) -> tuple[Process, Process]:
    """Who is active, and who stands by: on two processors with eight programs, they may change places by themselves."""
    async with asyncio.timeout(60):
        while True:
            states = {process.name: (await process.parts()).get("lease", "") for process in (one, two)}
            if sorted(states.values()) == ["ok", "standby"]:
                return (one, two) if states[one.name] == "ok" else (two, one)
            await asyncio.sleep(0.1)


async def rows_of(database: Database, count: int) -> list[object]:
    log = SqlInteractionLog(database)
    async with asyncio.timeout(30):
        while True:
            page = await log.between(Filter(), limit=500)
            if len(page.items) >= count:
                return list(page.items)
            await asyncio.sleep(0.1)
