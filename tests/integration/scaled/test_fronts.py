"""What people do at a process without a PBX is done at the one that has it, and seen at every other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from cti.store.database import Database
from cti.store.sql_people import SqlPeople
from tests.integration.scaled.cluster import Cluster, Process
from tests.integration.scaled.desks import Desk, desks_of, put_on_record
from tests.integration.scaled.live_pbx import FIRST_PHONE, LivePbx
from tests.ports import free_port
from tests.redis_server import RedisServer

pytestmark = [pytest.mark.postgres, pytest.mark.redis]

PHONES = (FIRST_PHONE, FIRST_PHONE + 1)


@dataclass
class Site:
    reader: Process
    fronts: list[Process]
    desks: list[Desk]
    web: aiohttp.ClientSession
    pbx: LivePbx

    async def ask(self, desk: Desk, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """At the desk's own front."""
        said = {"Authorization": f"Bearer {desk.token}"}
        url = f"{self.fronts[desk.home].origin}/api/v1{path}"
        async with self.web.request(method, url, json=body, headers=said) as answer:
            return answer.status, await answer.json() if answer.content_length else None

    async def until(self, reached: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not reached():  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.02)


@pytest.fixture
async def site(tmp_path: Path, ready_url: Callable[[str], str], redis_server: RedisServer) -> AsyncIterator[Site]:
    """One reader, two fronts, an agent's desktop at each."""
    url = ready_url("postgresql")
    pbx, database = LivePbx(free_port(), PHONES, ring_s=3.0, talk_s=1.0), Database(url)
    serving = await pbx.serve()
    cluster = Cluster(tmp_path, url, redis_server.url, pbx.port)
    reader = cluster.process("reader", "pbx")
    fronts = [cluster.process(f"front{nr}", "push,web") for nr in range(2)]
    desks = desks_of(PHONES, fronts)
    await put_on_record(SqlPeople(database), PHONES, desks)
    await asyncio.gather(reader.start(), *(front.start() for front in fronts))
    async with aiohttp.ClientSession() as web:
        sitting = [asyncio.create_task(desk.run(web)) for desk in desks]
        try:
            await asyncio.gather(*(front.until(news="ok", pbx="ok", bus="ok") for front in fronts))
            site = Site(reader, fronts, desks, web, pbx)
            await site.until(lambda: all(desk.is_open for desk in desks))
            yield site
            assert [line for process in cluster.processes for line in process.complaints()] == []
        finally:
            for task in sitting:
                task.cancel()
            await asyncio.gather(*sitting, return_exceptions=True)
            await cluster.close()
            serving.close()
            await database.close()


async def test_an_agents_day_at_a_front(site: Site) -> None:
    """One story, for starting three processes takes longer than all of it."""
    ann, bob = site.desks
    await site.until(lambda: ann.state == bob.state == "READY")

    wish = {"state": "NOT_READY", "reason_code": 1, "id": "wish-0001"}
    assert (await site.ask(ann, "POST", "/agents/me/state", wish))[0] == 202
    await site.until(lambda: ann.state == "NOT_READY" and ann.ends.get("wish-0001") == "done")
    status, everybody = await site.ask(bob, "GET", "/agents/states")
    assert (status, {one["agent"]: one["state"] for one in everybody["items"]}) == (
        200,
        {ann.agent: "NOT_READY", bob.agent: "READY"},
    )

    assert (await site.ask(ann, "POST", "/agents/me/wrap-up/end", {"id": "wish-0002"}))[0] == 409
    status, problem = await site.ask(ann, "POST", "/agents/me/state", wish | {"id": "wish-0003", "reason_code": 77})
    assert (status, problem["detail"]) == (400, "no such reason")
    assert (await site.ask(ann, "POST", "/calls", {"to": "+15125550100", "id": "wish-0004"}))[0] in {400, 422}

    assert (await site.reader.figures())["cti_pbx_connected"] == 1
    assert sum([(await front.figures())["cti_ws_clients"] for front in site.fronts]) == 2

    await site.pbx.call(10, PHONES[1])
    assert [len(ids) for ids in bob.pops.values()] == [1]
    assert not ann.pops

    assert (await site.ask(bob, "DELETE", "/session"))[0] == 204
    await site.until(lambda: not bob.is_open)
    await site.until(lambda: site.reader.told_of("agent_state", bob.agent)[-1]["state"] == "LOGOUT")
