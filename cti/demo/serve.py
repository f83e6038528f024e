"""The demo's shell: its folder, its database, its people, and the service around a PBX that plays recordings."""

import asyncio
import contextlib
import os
import socket
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from importlib import resources
from itertools import islice
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from cti import app as service
from cti import log as logs
from cti import settings
from cti.calls.call import PbxName
from cti.crm.contact import Contact
from cti.demo.day import TRACES, Day
from cti.demo.journeys import (
    IMPATIENT_S,
    ON_THEIR_OWN,
    TO_A_PERSON,
    Rehearsals,
    Script,
    contact_of,
    flow_of_the_demo,
    has_something_to_tell,
    scripts_for,
)
from cti.demo.past import DAYS, Company, past
from cti.demo.pbx import DemoPbx
from cti.demo.people import (
    AGENTS,
    COMPLAINT,
    COUNTRY,
    STAFF,
    SUPERVISOR,
    Caller,
    callers_of,
    named_customers,
    password_of,
)
from cti.demo.shifts import WRAP_UP_S, Shifts
from cti.envelope import Envelope
from cti.errors import ConfigError, RequestError, StoreSchema
from cti.store.customers import Customer, count_customers, put_customers
from cti.store.database import Database
from cti.store.demo_customers import demo_customers
from cti.store.interactions import Filter
from cti.store.sql import SqlInteractionLog
from cti.store.sql_people import SqlPeople
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.replay.player import Player
from cti.telephony.replay.score import Score, score_of
from cti.telephony.replay.trace import load
from cti.web.passwords import hash_password
from cti.web.schemas import DemoLogin

Say = Callable[[str], None]

PBX: Final = PbxName("demo")
DEFAULT_PORT: Final = 8088
LAST_PORT: Final = 65_534
FAMILIAR: Final = 300
"""So many of the customers call, some of them again."""
LONGEST_MENU_S: Final = 20.0
"""A live caller takes no longer in the menu; there are those who key nothing at all."""
CALLS_AT_ONCE: Final = 50
STALE: Final = timedelta(hours=6)
"""When the last call on record is older, the time since is filled in."""


async def serve_demo(*, port: int, customers: int, speed: float, is_fresh: bool, say: Say) -> None:
    """Serve until cancelled. Raises ConfigError where a port is taken."""
    if port > LAST_PORT:
        raise RequestError(f"--port: at most {LAST_PORT}, for the sockets take the next one")
    folder = _folder(port)
    given = _settings(folder, port, speed)
    _check_ports(given)
    if is_fresh:
        _forget(folder)
    logs.configure(level="warning", form=given.log.format)
    scores, callers = _scores(), tuple(callers_of(demo_customers(min(customers, FAMILIAR))))
    flow = flow_of_the_demo(_shipped("data/config/ivr", "config/ivr"))
    contacts = _contacts(customers)
    served = (COMPLAINT, *(one for one in callers if has_something_to_tell(contacts.get(one.code))))
    company = Company(callers=callers, served=served, scores=scores, rehearsals=Rehearsals(flow, contacts))
    pbx = await _pbx(company, Rehearsals(flow, contacts, listens_s=IMPATIENT_S), speed)

    async def prepare(database: Database) -> None:
        await _prepare(database, customers, company, say)

    logins = tuple(DemoLogin(agent=one.id, password=password_of(one), name=one.name) for one in STAFF)
    try:
        await service.run(
            given, started=lambda what: _greet(what, folder, say), links=[pbx], prepare=prepare, demo=logins,
            flow=lambda name: flow if name == flow.name else None,
        )  # fmt: skip
    except StoreSchema as error:
        raise StoreSchema(
            f"the demo's database is of another version of cti: cti demo --fresh starts anew ({error})"
        ) from error


async def _pbx(company: Company, rehearsals: Rehearsals, speed: float) -> DemoPbx:
    menu_s = await _menu_s(rehearsals, company.served)
    day = Day(AGENTS, company.callers, company.scores, menu_s=menu_s, served=company.served)
    return DemoPbx(Player(PBX, day, dialplan=Dialplan(country=COUNTRY), speed=speed), day, rehearsals, speed=speed)


async def _menu_s(rehearsals: Rehearsals, served: Sequence[Caller]) -> dict[Script, float]:
    """How long each script takes that a live caller has the time for."""
    found: dict[Script, float] = {}
    for caller in (Caller(number=""), COMPLAINT, *served):
        for script in scripts_for(caller, (*TO_A_PERSON, *ON_THEIR_OWN)):
            if script not in found:
                found[script] = (await rehearsals.rehearse(script, caller)).spent_s
    return {script: length_s for script, length_s in found.items() if length_s < LONGEST_MENU_S}


def _contacts(customers: int) -> dict[str, Contact]:
    """Those who call, by the code they key."""
    known = (*named_customers(datetime.now(UTC)), *demo_customers(min(customers, FAMILIAR)))
    return {one.code: contact_of(one) for one in known if one.code}


def _greet(what: service.Started, folder: Path, say: Say) -> None:
    say("")
    say(f"  Open  {what.url}  and log in as one of these:")
    for one in STAFF:
        role = ", supervisor: see Reports" if one is SUPERVISOR else ""
        say(f"        {one.id:<5} {password_of(one):<13} {one.name}{role}")
    say("")
    say(
        "  Real calls, recorded on Asterisk 22, come through the menu of config/ivr/bank.toml and ring their phones from now"
    )
    say("  on: a pop within half a minute, for each of them.")
    say(f"  More: --speed 4 is busier, --fresh starts anew, --help has the rest. Kept in {folder}.")
    say("  Ctrl-C stops.")
    say("")


# ---- where


def _folder(port: int) -> Path:
    """Below ./var, or in a place for temporary files where that cannot be written. Each port has its own."""
    name = "demo" if port == DEFAULT_PORT else f"demo-{port}"
    for folder in (Path("var") / name, Path(tempfile.gettempdir()) / f"cti-{os.getuid()}-{name}"):
        with contextlib.suppress(OSError):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid():
                return folder.resolve()
    return Path(tempfile.mkdtemp(prefix="cti-demo-"))


def _forget(folder: Path) -> None:
    for file in (*folder.glob("cti.db*"), *folder.glob("spool/facts.spool*")):
        file.unlink()


def _settings(folder: Path, port: int, speed: float) -> settings.Settings:
    """The shipped ones, with places and a pace of the demo's own."""
    given = settings.load(_shipped("data/config/cti.toml", "config/cti.toml"))
    url = SecretStr(f"sqlite:///{folder / 'cti.db'}")
    return given.model_copy(
        update={
            "site": given.site.model_copy(update={"name": "Demo", "country": COUNTRY}),
            "web": given.web.model_copy(update={"port": port, "public_origins": ()}),
            "push": given.push.model_copy(update={"port": port + 1, "allowed_origins": ()}),
            "database": given.database.model_copy(update={"url": url}),
            "spool": given.spool.model_copy(update={"dir": folder / "spool"}),
            "crm": settings.Crm(),
            "queues": {
                name: queue.model_copy(update={"wrap_up_s": WRAP_UP_S / speed}) for name, queue in given.queues.items()
            },
            "desk": given.desk.model_copy(update={"is_ready_at_login": True}),
            "agents": (),
            "pbx": (),
        }
    )


def _shipped(in_wheel: str, in_checkout: str) -> Path:
    package = Path(str(resources.files("cti")))
    return next(
        (place for place in (package / in_wheel, package.parent / in_checkout) if place.exists()), package / in_wheel
    )


def _scores() -> dict[str, Score]:
    return {
        name: score_of(load(_shipped(f"data/demo/{name}.ami", f"tests/traces/asterisk/22/{name}.ami")))
        for name in TRACES
    }


def _check_ports(given: settings.Settings) -> None:
    """Before anything is written: another demo may be at work here."""
    for section, host, port in (("web", given.web.host, given.web.port), ("push", given.push.host, given.push.port)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError as error:
                raise ConfigError(
                    f"{section}.port: {host}:{port} {error.strerror}; choose another with --port"
                ) from error


# ---- what is on record before the first call


async def _prepare(database: Database, customers: int, company: Company, say: Say) -> None:
    now = datetime.now(UTC)
    await _people(SqlPeople(database))
    await _customers(database, customers, now, say)
    await _past(SqlInteractionLog(database), now, company, say)


async def _people(people: SqlPeople) -> None:
    known = {agent.id for agent in await people.agents()}
    for agent in STAFF:
        if agent.id not in known:
            await people.add(agent, await asyncio.to_thread(hash_password, password_of(agent)))


async def _customers(database: Database, wanted: int, now: datetime, say: Say) -> None:
    named = named_customers(now)
    known = max(0, await count_customers(database) - len(named))
    await put_customers(database, named, country=COUNTRY)
    if known >= wanted:
        return
    began = time.monotonic()
    some = _counted(islice(demo_customers(wanted), known, None), wanted - known, say)
    done = await put_customers(database, some, country=COUNTRY)
    say(f"{done:,} customers in {time.monotonic() - began:.1f} s")


def _counted(customers: Iterable[Customer], count: int, say: Say) -> Iterator[Customer]:
    """Says how far it is, at each fifth of the way."""
    say(f"making {count:,} customers, once")
    for number, customer in enumerate(customers):
        if number and number % max(1, count // 5) == 0:
            say(f"  {number:,}")
        yield customer


async def _past(log: SqlInteractionLog, now: datetime, company: Company, say: Say) -> None:
    newest = (await log.between(Filter(), limit=1)).items
    since = (
        max(newest[0].ended_at if newest else now, now - timedelta(days=DAYS)) if newest else now - timedelta(days=DAYS)
    )
    if now - since < STALE:
        return
    began, count = time.monotonic(), 0
    some: list[tuple[Envelope, ...]] = []
    shifts = Shifts(AGENTS)
    async for call in past(since, now, pbx=PBX, agents=AGENTS, company=company, shifts=shifts):
        some.append(call)
        count += 1
        if len(some) == CALLS_AT_ONCE:
            await log.append(_all(some))
            some.clear()
    await log.append((*_all(some), *shifts.facts()))
    say(f"{count} calls of the last {(now - since).days or 1} days in {time.monotonic() - began:.1f} s")


def _all(some: Iterable[tuple[Envelope, ...]]) -> Iterator[Envelope]:
    return (fact for facts in some for fact in facts)
