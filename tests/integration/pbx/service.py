"""The whole service before a real Asterisk: settings as a site has them, SQLite in a folder, ports of its own.

``async with serving(site) as service:`` runs ``app.run`` as ``cti run`` does. Leaving it stops it; entering again with the
same site is a restart on the same database.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from pydantic import SecretStr

from cti import app, settings
from cti.calls.call import Call
from cti.store.database import Database
from cti.store.interactions import Filter, Interaction
from cti.store.sql import SqlInteractionLog
from cti.store.sql_journeys import SqlJourneyLog
from cti.store.tables import customer, customer_case, customer_number
from cti.telephony.asterisk.ami_link import AmiLink
from cti.telephony.make import make_link
from tests import invariants
from tests.integration.desktop.browser import Browser, Desktop
from tests.integration.desktop.house import PASSWORD
from tests.ports import free_port
from tests.testbed.asterisk import AGENT_NAMES, AGENTS, Asterisk

LIMIT_S: Final = 20.0
CUSTOMER: Final = "Lin Mei-hua"
CUSTOMER_NUMBER: Final = "0912345678"
on_22: Final = pytest.mark.parametrize("asterisk", [pytest.param("22", marks=pytest.mark.real_asterisk)], indirect=True)
"""For stories whose traces of both versions are held already: one version is enough here."""
RESULTS: Final = (
    settings.ResultCode(code="solved", label="Solved"),
    settings.ResultCode(code="callback", label="Call back later"),
)


@dataclass(frozen=True, slots=True)
class Site:
    """What stays over restarts of the service."""

    pbxs: dict[str, Asterisk]
    folder: Path
    ami_ports: dict[str, int] = field(default_factory=dict)
    """Where a PBX's AMI is reached, when through a proxy."""
    web_port: int = field(default_factory=free_port)
    push_port: int = field(default_factory=free_port)
    ivr: settings.Ivr = field(default_factory=settings.Ivr)
    """Without a line that has a flow there is no IVR."""
    desk: settings.Desk = field(default_factory=lambda: settings.Desk(is_ready_at_login=True))
    """Stories of calls open desktops to look at: whoever does is ready, and stays so."""
    queue: settings.Queue = field(default_factory=lambda: settings.Queue(wrap_up="off", missed_limit=0))
    agent_queues: tuple[str, ...] = ("support", "sales")

    @property
    def database(self) -> Path:
        return self.folder / "cti.db"

    @property
    def url(self) -> str:
        return f"sqlite:///{self.database}"

    def given(self) -> settings.Settings:
        return settings.Settings(
            pbx=tuple(self._pbx(name, pbx) for name, pbx in self.pbxs.items()),
            web=settings.Web(port=self.web_port),
            push=settings.Push(port=self.push_port),
            database=settings.Database(url=SecretStr(self.url)),
            spool=settings.Spool(dir=self.folder / "spool"),
            desk=self.desk,
            queues={
                queue.name: self.queue.model_copy(update={"ring_timeout_s": float(queue.ring_timeout_s)})
                for queue in next(iter(self.pbxs.values())).options.queues
            },
            results={"default": RESULTS},
            ivr=self.ivr,
            agents=tuple(self._agent(number) for number in AGENTS),
        )

    def _pbx(self, name: str, pbx: Asterisk) -> settings.Pbx:
        options = pbx.options
        return settings.Pbx(
            name=name, port=self.ami_ports.get(name, pbx.ports.ami), dial_format="national",
            events_secret=SecretStr(options.events_secret), commands_secret=SecretStr(options.commands_secret),
            fastagi_secret=SecretStr(pbx.fastagi.secret if pbx.fastagi else ""),
        )  # fmt: skip

    def _agent(self, number: str) -> settings.AgentAccount:
        name = AGENT_NAMES[number]
        return settings.AgentAccount(
            id=name.lower(), name=name, role="supervisor" if name == "Fay" else "agent", extension=number, device=f"PJSIP/{number}", queues=self.agent_queues, password=SecretStr(PASSWORD),
        )  # fmt: skip


@dataclass(slots=True)
class Service:
    """The service as its users see it, and the links it was given."""

    site: Site
    links: dict[str, AmiLink]
    log: SqlInteractionLog
    journeys: SqlJourneyLog
    task: "asyncio.Task[None]"

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.site.web_port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.site.push_port}/"

    @property
    def link(self) -> AmiLink:
        return next(iter(self.links.values()))

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(call for link in self.links.values() for call in link.calls)

    async def until(self, reached: Callable[[], object], what: str = "", within_s: float = LIMIT_S) -> None:
        """For what nothing announces. A service that ended raises what ended it."""
        try:
            async with asyncio.timeout(within_s):
                while not reached():
                    await asyncio.sleep(0.01)
                    if self.task.done():
                        self.task.result()
        except TimeoutError:
            known = [(call.id, str(call.state), call.queue) for call in self.calls]
            raise AssertionError(
                f"not within {within_s} s: {what or 'what was waited for'}; status {self.link.status}; calls {known}"
            ) from None

    async def until_connected(self, within_s: float = LIMIT_S) -> None:
        await self.until(
            lambda: all(link.status.state == "connected" for link in self.links.values()), "connected", within_s
        )

    async def rows(self, count: int, within_s: float = LIMIT_S) -> tuple[Interaction, ...]:
        """The interactions, oldest first, once there are that many of them and no call is live."""
        found: tuple[Interaction, ...] = ()
        try:
            async with asyncio.timeout(within_s):
                while len(found) < count or self.calls:
                    await asyncio.sleep(0.02)
                    found = (await self.log.between(Filter(), limit=500)).items
        except TimeoutError:
            raise AssertionError(
                f"{len(found)} rows and not {count} within {within_s} s; live: {[call.id for call in self.calls]}"
            ) from None
        assert len(found) == count
        return tuple(sorted(found, key=lambda row: row.offered_at))

    async def row(self, within_s: float = LIMIT_S) -> Interaction:
        return (await self.rows(1, within_s))[0]

    @contextlib.asynccontextmanager
    async def screen(self, agent: str = "ann") -> AsyncIterator["Screen"]:
        """An agent's open desktop, told what there is."""
        async with self.desktop(agent) as browser, browser.socket() as desktop:
            screen = Screen(browser, desktop)
            screen.snapshot = await screen.hears("snapshot")
            yield screen

    @contextlib.asynccontextmanager
    async def desktop(self, agent: str = "ann") -> AsyncIterator[Browser]:
        async with Browser(self) as browser:  # type: ignore[arg-type]
            yield await browser.log_in(agent)

    async def metrics(self) -> str:
        async with Browser(self) as browser:  # type: ignore[arg-type]
            return await (await browser.response("GET", "/metrics")).text()

    async def broken(self) -> list[str]:
        """The invariants; empty is well. What is on its way to disk is given time to get there."""
        wrong = ["not asked"]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                while wrong:
                    wrong = await self._broken_now()
                    await asyncio.sleep(0.2 if wrong else 0)
        return wrong

    async def _broken_now(self) -> list[str]:
        pbxs = [pbx for pbx in self.site.pbxs.values() if pbx.is_running]
        channels = sum([await asyncio.to_thread(channels_of, pbx) for pbx in pbxs])
        waiting = sum([await asyncio.to_thread(waiting_in, pbx) for pbx in pbxs])
        figures = invariants.summed(await self.metrics())
        record = invariants.read_record(self.site.database)
        return invariants.broken(
            record, invariants.Pbx(channels=channels, waiting=waiting), figures, [call.id for call in self.calls]
        )


@dataclass(slots=True)
class Screen:
    browser: Browser
    desktop: Desktop
    snapshot: dict[str, Any] = field(default_factory=dict)

    async def hears(self, kind: str, within_s: float = LIMIT_S, **fields: object) -> dict[str, Any]:
        """The next message of that kind with these fields; others are passed over."""
        passed = []
        try:
            async with asyncio.timeout(within_s):
                while True:
                    message = await self.desktop.hears()
                    inside = message | message.get(kind, {}) if isinstance(message.get(kind), dict) else message
                    if message["type"] == kind and all(inside.get(name) == value for name, value in fields.items()):
                        return inside
                    passed.append(message["type"])
        except TimeoutError:
            raise AssertionError(f"no {kind} {fields} within {within_s} s; passed over {passed}") from None

    async def hears_both(
        self, one: str, other: str, within_s: float = LIMIT_S
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """The next message of each kind, whichever comes first."""
        found: dict[str, dict[str, Any]] = {}
        async with asyncio.timeout(within_s):
            while len(found) < len({one, other}):
                message = await self.desktop.hears_of(one, other)
                found.setdefault(message["type"], message)
        return found[one], found[other]

    async def asks(self, method: str, path: str, body: object = None, *, status: int = 202) -> dict[str, Any]:
        found, answer = await self.browser.ask(method, path, body)
        assert found == status, answer
        return answer or {}


def channels_of(pbx: Asterisk) -> int:
    found = re.search(r"(\d+) active channel", pbx.cli("core show channels count"))
    return int(found[1]) if found else 0


def waiting_in(pbx: Asterisk) -> int:
    """Callers in all queues, as ``queue show`` has them."""
    return sum(int(count) for count in re.findall(r" has (\d+) calls? ", pbx.cli("queue show")))


async def until_pbx(pbx: Asterisk, reached: Callable[[Asterisk], bool], within_s: float = LIMIT_S) -> None:
    """Ask Asterisk until it is so."""
    async with asyncio.timeout(within_s):
        while not await asyncio.to_thread(reached, pbx):  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.05)


@contextlib.asynccontextmanager
async def serving(
    site: Site, *, connected: bool = True, prepare: Callable[[Database], Awaitable[None]] | None = None
) -> AsyncIterator[Service]:
    """``prepare``: puts other customers on record than the usual one."""
    given = site.given()
    links = {pbx.name: make_link(pbx, given.site, given.toll) for pbx in given.pbx}
    up = asyncio.Event()
    running = app.run(given, started=lambda _: up.set(), links=list(links.values()), prepare=prepare or one_customer)
    database = Database(site.url)
    service = Service(
        site, links, SqlInteractionLog(database), SqlJourneyLog(database), asyncio.create_task(running, name="service")
    )
    try:
        await service.until(up.is_set, "started")
        if connected:
            await service.until_connected()
        yield service
    finally:
        service.task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await service.task
        await database.close()


async def one_customer(database: Database) -> None:
    """One customer, once."""
    async with database.writing() as connection:
        if (await connection.execute(customer.select())).first():
            return
        rows: Sequence[tuple[Any, dict[str, Any]]] = (
            (
                customer,
                {
                    "id": "k1",
                    "code": "70012",
                    "name": CUSTOMER,
                    "company": "Dawn Trading",
                    "tier": "Gold",
                    "sought": "lin mei-hua",
                },
            ),
            (customer_number, {"customer": "k1", "typed": "0912-345-678", "e164": "+886912345678", "last7": "2345678"}),
            (customer_case, {"id": "4821", "customer": "k1", "title": "Invoice wrong", "status": "open"}),
        )
        for table, values in rows:
            await connection.execute(table.insert().values(**values))
