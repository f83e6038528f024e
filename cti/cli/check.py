"""``cti check``: the doctor. Looks at everything the service will need, says what is missing and what to do about it."""

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cti.agents.agent import Agent, AgentId
from cti.calls.call import PbxName
from cti.cli import DONE, FAILED, AsJson, Config, app, run, say
from cti.cli.check_ivr import of_ivr, ports
from cti.cli.check_records import of_records
from cti.cli.findings import Finding
from cti.errors import CtiError, PbxError
from cti.settings import Pbx, Settings

if TYPE_CHECKING:
    from cti.cli.check_desk import Desk
    from cti.telephony.asterisk.ami_link import AmiLink
    from cti.telephony.link import MemberChanged


MARKS = {"ok": "ok      ", "warning": "warning ", "failed": "FAILED  "}
CLOCK_S = 2.0
STAMP_S = 3.0
"""So long we wait for the first stamped event: that of our own login, which Asterisk may send after all the lists."""
LITTLE_BYTES = 1_000_000_000


@app.command()
def check(json: AsJson = False, config: Config = None) -> None:
    """Is everything there that the service needs? Exit code 1 when something is not."""
    run(lambda: _check(json, config))


async def _check(json: bool, config: Path | None) -> int:
    import msgspec

    from cti import settings

    file = settings.find(config)
    given = settings.load(config)
    failed = False
    async for finding in _findings(given, file):
        failed = failed or finding.state == "failed"
        say(
            msgspec.json.encode(asdict(finding)).decode()
            if json
            else f"{MARKS[finding.state]} {finding.what}{': ' + finding.words if finding.words else ''}"
        )
    return FAILED if failed else DONE


async def _findings(given: Settings, file: Path) -> AsyncIterator[Finding]:
    yield Finding("settings", "ok", str(file))
    for section, host, port in ports(given):
        yield _port(section, host, port)
    yield _spool(given)
    yield await _database(given)
    if given.redis.url.get_secret_value():
        yield await _redis(given)
    yield await _crm(given)
    yield _console()
    async for finding in of_ivr(given):
        yield finding
    if "pbx" not in given.roles:
        yield Finding("pbx", "ok", "read by another process")
        return
    if not given.pbx:
        yield Finding(
            "pbx", "warning", "none is configured; `cti init asterisk` says what Asterisk needs, [[pbx]] what cti needs"
        )
    agents = await _agents(given) if given.pbx else ()
    for pbx in given.pbx:
        async for finding in _pbx(given, pbx, agents):
            yield finding


def _port(section: str, host: str, port: int) -> Finding:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return Finding(
                f"{section} port {port}",
                "failed",
                f"{error.strerror}; choose another {section}.port, or stop what listens there (cti itself, perhaps)",
            )
    return Finding(f"{section} port {port}", "ok")


def _spool(given: Settings) -> Finding:
    folder = Path(given.spool.dir)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".probe").write_bytes(b"")
        (folder / ".probe").unlink()
    except OSError as error:
        return Finding("spool", "failed", f"{folder} cannot be written: {error.strerror}")
    free = shutil.disk_usage(folder).free
    enough = free > min(LITTLE_BYTES, given.spool.max_bytes)
    return Finding("spool", "ok" if enough else "warning", f"{folder}, {free // 1_000_000} MB free")


async def _database(given: Settings) -> Finding:
    from cti.store import schema
    from cti.store.database import Database

    url = given.database.url.get_secret_value()
    try:
        await schema.make_ready(url)
        database = Database(url)
        try:
            await schema.check(database)
        finally:
            await database.close()
    except CtiError as error:
        return Finding("database", "failed", str(error))
    return Finding("database", "ok", url.partition(":")[0])


async def _redis(given: Settings) -> Finding:
    """Does it answer, and may we write?"""
    from cti.fanout.redis_door import BusAway, RedisDoor

    door = RedisDoor(given.redis.url.get_secret_value())
    try:
        await door.ping()
        await door.put("check", b"-", kept_s=1)
    except BusAway as away:
        return Finding("redis", "failed", str(away))
    finally:
        await door.close()
    return Finding("redis", "ok")


async def _crm(given: Settings) -> Finding:
    from cti.crm.connectors import Setup, connect
    from cti.crm.connectors.sql import SqlConnector

    try:
        connector = connect(
            given.crm.connector,
            Setup(country=given.site.country, own_url=given.database.url.get_secret_value(), mapping=given.crm.mapping),
        )
        try:
            async with asyncio.timeout(10):
                wrong = await connector.check() if isinstance(connector, SqlConnector) else ()
        finally:
            await connector.close()
    except (CtiError, TimeoutError) as error:
        return Finding(f"crm {given.crm.connector}", "failed", str(error) or "no answer within 10 s")
    return Finding(f"crm {given.crm.connector}", "warning" if wrong else "ok", "; ".join(wrong))


def _console() -> Finding:
    import cti.web

    built = (Path(cti.web.__file__).parent / "static" / "index.html").exists()
    return Finding("console", "ok" if built else "failed", "" if built else "not built; `make console` does it")


async def _agents(given: Settings) -> tuple[Agent, ...]:
    """Those on record, and those that the first start will put there."""
    from cti.store.database import Database
    from cti.store.sql_people import SqlPeople

    known: tuple[Agent, ...] = ()
    database = Database(given.database.url.get_secret_value())
    try:
        with contextlib.suppress(CtiError):
            known = await SqlPeople(database).agents()
    finally:
        await database.close()
    new = (
        Agent(id=AgentId(one.id), name=one.name, extension=one.extension, device=one.device, queues=one.queues)
        for one in given.agents
        if one.id not in {agent.id for agent in known}
    )
    return tuple(agent for agent in (*known, *new) if agent.is_enabled)


async def _pbx(given: Settings, pbx: Pbx, agents: Sequence[Agent]) -> AsyncIterator[Finding]:
    from cti.cli.check_desk import desk_of
    from cti.telephony.asterisk.account import Account
    from cti.telephony.asterisk.actions import EVENTS_NEED, excess_privileges
    from cti.telephony.asterisk.ami_wire import listed_actions

    name = f"pbx {pbx.name}"
    members: list[MemberChanged] = []
    yield await _events(pbx, name, members)
    yield await of_records(given, pbx)
    accounts = (
        ("events", pbx.events_user, pbx.events_secret, EVENTS_NEED),
        ("commands", pbx.commands_user, pbx.commands_secret, None),
    )
    for kind, account, secret, needed in accounts:
        try:
            listed = await listed_actions(
                Account(host=pbx.host, port=pbx.port, user=account, secret=secret.get_secret_value())
            )
        except PbxError as error:
            yield Finding(f"{name} {kind} account", "failed", str(error))
            continue
        excess = excess_privileges(listed, needed=needed) if needed else excess_privileges(listed)
        missing = (
            ""
            if kind == "events" or "Originate" in listed
            else "it may not Originate; `cti init asterisk` prints what it needs"
        )
        words = missing or (
            f"may do more than needed: {', '.join(excess)}; `cti init asterisk` prints the least" if excess else ""
        )
        yield Finding(f"{name} {kind} account", "failed" if missing else "warning" if excess else "ok", words)
        if kind == "commands" and not missing:
            for finding in await _desk(desk_of(given, pbx, agents, members)):
                yield finding


async def _desk(desk: "Desk") -> list[Finding]:
    from cti.cli.check_desk import findings, questions
    from cti.telephony.asterisk.account import Account
    from cti.telephony.asterisk.ami_wire import answers

    pbx = desk.pbx
    account = Account(
        host=pbx.host, port=pbx.port, user=pbx.commands_user, secret=pbx.commands_secret.get_secret_value()
    )
    try:
        return list(findings(desk, await answers(account, questions(desk))))
    except PbxError as error:
        return [Finding(f"pbx {pbx.name} desk", "failed", str(error))]


async def clock_offset_s(link: "AmiLink", within_s: float = STAMP_S) -> float | None:
    """How far the PBX's clock is ahead of ours, by the first stamp that comes; None when none comes in time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while (offset_s := link.narrator.clock_offset_s(datetime.now(UTC))) is None:  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.02)
            return offset_s
    return None


async def _events(pbx: Pbx, name: str, members: "list[MemberChanged]") -> Finding:
    """Connect as the service does, and take one snapshot; ``members`` gets those of the queues."""
    from cti.telephony.asterisk.ami_link import AmiLink
    from cti.telephony.link import LinkChanged, MemberChanged, News
    from cti.telephony.make import endpoints, events_account

    told: asyncio.Future[LinkChanged] = asyncio.get_running_loop().create_future()

    def heard(news: News) -> None:
        if isinstance(news, MemberChanged):
            members.append(news)
        if isinstance(news, LinkChanged) and not told.done():
            told.set_result(news)

    link = AmiLink(PbxName(pbx.name), events_account(pbx), endpoints(pbx))
    running = asyncio.create_task(link.run(heard))
    try:
        async with asyncio.timeout(10):
            status = await told
        offset_s = await clock_offset_s(link) if status.state == "connected" else None
    except TimeoutError:
        return Finding(f"{name} events", "failed", f"no answer from {pbx.host}:{pbx.port} within 10 s")
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    if status.state != "connected":
        return Finding(f"{name} events", "failed", f"{pbx.host}:{pbx.port}: {status.reason}")
    if offset_s is None:
        return Finding(
            f"{name} events",
            "warning",
            "no timestamps; set timestampevents = yes in manager.conf, or durations are ours",
        )
    if abs(offset_s) > CLOCK_S:
        return Finding(
            f"{name} events", "warning", f"its clock and ours differ by {offset_s:.0f} s; is NTP running on both?"
        )
    return Finding(f"{name} events", "ok", f"{len(link.calls)} calls now")
