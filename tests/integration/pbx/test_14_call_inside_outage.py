"""Calls that began or ended while we were away are on record afterwards: read in what Asterisk wrote itself, once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from cti import settings
from cti.app.backfilling import places_of
from cti.calls.call import Outcome, PbxName
from cti.errors import StoreError
from cti.reconcile.backfill import Backfill
from cti.reconcile.compare import compare
from cti.reconcile.reading import RecordsPlaces, calls_ended
from cti.store.backfills import SqlBackfills
from cti.store.database import Database
from cti.store.interactions import Filter, Interaction
from cti.store.sql import SqlInteractionLog
from tests.integration.cli.conftest import CTI
from tests.integration.cli.conftest import settings as written
from tests.integration.pbx.service import LIMIT_S, Service, Site, on_22, serving, until_pbx
from tests.testbed.asterisk import Asterisk
from tests.testbed.proxy import TcpProxy
from tests.testbed.story import Stage, connect, hang_up, open_stage, settle

pytestmark = [pytest.mark.chaos, pytest.mark.usefixtures("written_there")]


class Recording(Site):
    """A site that has told us where its PBX writes."""

    def _pbx(self, name: str, pbx: Asterisk) -> settings.Pbx:
        written = {"queue_log": SecretStr(str(pbx.queue_log)), "cdr": SecretStr(str(pbx.cdr_custom))}
        return super()._pbx(name, pbx).model_copy(update=written)


class InWholeSeconds(Site):
    """One whose CDR is the file that every Asterisk has."""

    def _pbx(self, name: str, pbx: Asterisk) -> settings.Pbx:
        written = {"queue_log": SecretStr(str(pbx.queue_log)), "cdr": SecretStr(str(pbx.cdr_csv))}
        return super()._pbx(name, pbx).model_copy(update=written)


@pytest.fixture
def proxied(asterisk: Asterisk, ami_proxy: TcpProxy, tmp_path: Path) -> Site:
    return Recording({"main": asterisk}, tmp_path, {"main": ami_proxy.port})


@contextlib.asynccontextmanager
async def away(service: Service, *proxies: TcpProxy) -> AsyncIterator[None]:
    for proxy in proxies:
        proxy.refuse = True
        proxy.cut()
    await service.until(lambda: all(link.status.state == "lost" for link in service.links.values()), "lost")
    yield
    for proxy in proxies:
        proxy.refuse = False
    await service.until_connected()


async def backfilled(service: Service, count: int = 1) -> tuple[Interaction, ...]:
    """The calls that were filled in, oldest first, once there are that many."""
    found: tuple[Interaction, ...] = ()
    async with asyncio.timeout(LIMIT_S):
        while len(found) < count:
            await asyncio.sleep(0.05)
            found = (await service.log.between(Filter(backfilled=True), limit=500)).items
    return tuple(sorted(found, key=lambda row: row.offered_at))


async def listened_to(service: Service) -> None:
    """It is on record up to when nothing is missing."""
    database = Database(service.site.url)
    async with asyncio.timeout(LIMIT_S):
        while any([await SqlBackfills(database).complete_until(PbxName(name)) is None for name in service.links]):  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.05)
    await database.close()


async def again(service: Service, since: datetime) -> int:
    """How many calls of the time since would be filled in now."""
    database = Database(service.site.url)
    until, todo = datetime.now(UTC) + timedelta(hours=1), 0
    for places in places_of(service.site.given()).values():
        backfill = Backfill(places, service.log, SqlBackfills(database))
        plan = await backfill.plan(since, until, service.calls)
        await backfill.carry_out(plan, service.log.append)
        todo += len(plan.missing) + len(plan.partly)
    await database.close()
    return todo


async def differences(service: Service, since: datetime) -> list[str]:
    """Our record beside the PBX's."""
    rows = (await service.log.between(Filter(since=since), limit=500)).items
    found = []
    for name, places in places_of(service.site.given()).items():
        recorded = await calls_ended(places, since, datetime.now(UTC))
        found += compare(recorded, [row for row in rows if row.pbx == name]).differences
    return [difference.words for difference in found]


async def test_14_call_inside_outage(stage: Stage, proxied: Site, ami_proxy: TcpProxy) -> None:
    await a_call_inside_the_outage(stage, proxied, ami_proxy)


@on_22
async def test_14_call_inside_outage_by_the_cdr_that_every_asterisk_has(
    stage: Stage, asterisk: Asterisk, ami_proxy: TcpProxy, tmp_path: Path
) -> None:
    await a_call_inside_the_outage(
        stage, InWholeSeconds({"main": asterisk}, tmp_path, {"main": ami_proxy.port}), ami_proxy
    )


async def a_call_inside_the_outage(stage: Stage, site: Site, ami_proxy: TcpProxy) -> None:
    async with serving(site) as service:
        await listened_to(service)
        async with away(service, ami_proxy):
            began = datetime.now(UTC)
            caller, agent = await connect(stage, name="Wang")
            answered = datetime.now(UTC) - timedelta(seconds=1)
            await hang_up(caller, agent, after_s=0.5)
            ended = datetime.now(UTC)
            await settle(stage.pbx)
        (row,) = await backfilled(service)
        assert (row.outcome, row.agent, row.ended_by, row.cause) == (Outcome.ANSWERED, "ann", "customer", "normal")
        assert (row.ani, row.ani_name, row.dnis, row.queue) == ("0912345678", "Wang", "0800100100", "support")
        second = timedelta(seconds=1.1)
        assert began - second <= row.offered_at <= began + second
        assert row.answered_at
        assert answered - second <= row.answered_at <= answered + second
        assert ended - second <= row.ended_at <= ended + second
        assert (await service.row()).call == row.call
        assert await differences(service, began) == []
        assert await again(service, began) == 0
        assert await service.log.rebuild() == 1
        assert await service.log.get(row.call) == row
        assert await service.broken() == []


async def test_14_a_call_that_ended_inside_the_outage_gets_its_true_end(
    stage: Stage, proxied: Site, ami_proxy: TcpProxy
) -> None:
    async with serving(proxied) as service:
        await listened_to(service)
        began = datetime.now(UTC) - timedelta(seconds=1)
        caller, agent = await connect(stage)
        await service.until(lambda: service.calls and service.calls[0].state == "talking", "talking")
        (live,) = service.calls
        async with away(service, ami_proxy):
            await hang_up(caller, agent, after_s=0.5)
            ended = datetime.now(UTC)
            await settle(stage.pbx)
            await asyncio.sleep(1.5)  # so that the end we infer is another than the true one
        (row,) = await backfilled(service)
        assert (row.call, row.outcome, row.agent) == (live.id, Outcome.ANSWERED, "ann")
        assert (row.cause, row.ended_by) == ("normal", "customer")
        assert row.answered_at == live.answered_at
        assert abs(row.ended_at - ended) <= timedelta(seconds=1.1)
        assert row.talk_s == pytest.approx((row.ended_at - row.answered_at).total_seconds(), abs=0.01)
        assert await again(service, began) == 0


@on_22
async def test_14_a_live_call_is_left_alone(
    stage: Stage, asterisk: Asterisk, ami_proxy: TcpProxy, tmp_path: Path
) -> None:
    async with serving(Recording({"main": asterisk}, tmp_path, {"main": ami_proxy.port})) as service:
        await listened_to(service)
        caller, agent = await connect(stage)
        async with away(service, ami_proxy):
            gone = stage.caller("0800100440", number="0944444444")  # gives up in a queue without agents
            await gone.until_answered()
            await asyncio.sleep(0.5)
            gone.hang_up()
            await gone.until_over()
        (row,) = await backfilled(service)
        assert (row.outcome, row.queue, row.ani) == (Outcome.ABANDONED, "empty", "0944444444")
        assert [call.state for call in service.calls] == ["talking"]
        await hang_up(caller, agent, after_s=0)
        rows = await service.rows(2)
        assert [(one.cause, one.is_backfilled) for one in rows] == [("normal", False), ("normal", True)]


@on_22
async def test_14_the_whole_service_is_killed_in_mid_call_and_the_call_ends(stage: Stage, tmp_path: Path) -> None:
    """And another comes and goes before it is back. Afterwards both are there, and a third start doubles nothing."""
    config, database = configured(tmp_path, stage.pbx), Database(f"sqlite:///{tmp_path}/cti.db")
    log, known = SqlInteractionLog(database), SqlBackfills(database)

    async def filled() -> bool:
        return len((await log.between(Filter(backfilled=True))).items) == 2

    async def listens() -> bool:
        return await known.complete_until(PbxName("main")) is not None

    async def talks() -> bool:
        return any(fact.type == "cti.call.established.v1" for fact in await log.open_facts())

    async with killed_afterwards(config, tmp_path):
        await until(listens)
        caller, agent = await connect(stage)
        await until(talks)
    await hang_up(caller, agent, after_s=0)
    other, second = await connect(stage, number="0933333333")
    await hang_up(other, second, after_s=0)
    await settle(stage.pbx)
    async with killed_afterwards(config, tmp_path):
        await until(filled)
    rows = (await log.between(Filter())).items
    assert [(row.ani, row.outcome, row.agent, row.cause, row.ended_by) for row in rows] == [
        ("0933333333", Outcome.ANSWERED, "ann", "normal", "customer"), ("0912345678", Outcome.ANSWERED, "ann", "normal", "customer"),
    ]  # fmt: skip
    places = RecordsPlaces(pbx=PbxName("main"), queue_log=str(stage.pbx.queue_log), cdr=str(stage.pbx.cdr_custom))
    plan = await Backfill(places, log, known).plan(rows[-1].offered_at, datetime.now(UTC))
    assert (plan.recorded, plan.known) == (2, 2)
    await database.close()


def configured(folder: Path, pbx: Asterisk) -> str:
    """The same site in a file, for ``cti run``."""
    return written(
        folder,
        f"""
[database]
url = "sqlite:///{folder}/cti.db"
[[pbx]]
name = "main"
port = {pbx.ports.ami}
events_secret = "{pbx.options.events_secret}"
commands_secret = "{pbx.options.commands_secret}"
queue_log = "{pbx.queue_log}"
cdr = "{pbx.cdr_custom}"
[[agents]]
id = "ann"
name = "Ann"
extension = "2001"
device = "PJSIP/2001"
""",
    )


@contextlib.asynccontextmanager
async def killed_afterwards(config: str, folder: Path) -> AsyncIterator[None]:
    """``cti run``, ended by SIGKILL."""
    process = await asyncio.create_subprocess_exec(
        CTI, "run", "--config", config, cwd=folder, env={"PATH": "/usr/bin", "HOME": str(folder)},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def until(reached: Callable[[], Awaitable[bool]]) -> None:
    """Ask the record until it is so; it may not have been made yet."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(StoreError):
                if await reached():
                    return
            await asyncio.sleep(0.1)


async def test_14_two_pbxs(asterisk_22: Asterisk, asterisk_16: Asterisk, tmp_path: Path) -> None:
    async with (
        TcpProxy(asterisk_22.ports.ami) as north, TcpProxy(asterisk_16.ports.ami) as south,
        open_stage(asterisk_22) as in_the_north, open_stage(asterisk_16) as in_the_south,
        serving(Recording({"north": asterisk_22, "south": asterisk_16}, tmp_path, {"north": north.port, "south": south.port})) as service,
    ):  # fmt: skip
        await listened_to(service)
        began = datetime.now(UTC) - timedelta(seconds=1)
        async with away(service, north, south):
            for stage, number in ((in_the_north, "0911111111"), (in_the_south, "0922222222")):
                caller, agent = await connect(stage, number=number)
                await hang_up(caller, agent, after_s=0)
                await settle(stage.pbx)
        rows = await backfilled(service, 2)
        assert [(row.pbx, row.ani, row.agent) for row in rows] == [
            ("north", "0911111111", "ann"),
            ("south", "0922222222", "ann"),
        ]
        assert await again(service, began) == 0


@on_22
async def test_14_the_pbx_dies_with_a_call_of_the_outage(
    stage: Stage, asterisk: Asterisk, ami_proxy: TcpProxy, tmp_path: Path
) -> None:
    """No CDR was ever written of it: its queue's lines, and the start of the PBX after them, are all there is."""
    async with serving(Recording({"main": asterisk}, tmp_path, {"main": ami_proxy.port})) as service:
        await listened_to(service)
        async with away(service, ami_proxy):
            await connect(stage)
            await asyncio.to_thread(asterisk.kill)
            await asyncio.to_thread(asterisk.start)
            await until_pbx(asterisk, Asterisk.is_idle)
        (row,) = await backfilled(service)
        assert (row.outcome, row.cause, row.ani, row.ended_by) == (
            Outcome.ANSWERED,
            "pbx_restart",
            "0912345678",
            "system",
        )
