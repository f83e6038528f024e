"""The service, put together as ``cti run`` does it, and the bare floor beside it; each in a process of its own.

The floor is the least that does the same: read the PBX's socket, find the ring, look the number up by one prepared statement,
encode, and send to the one desktop by `websockets`.
"""

import asyncio
import contextlib
import re
import signal
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any, cast

import asyncpg
import msgspec
from pop_ground import COUNTRY, FIRST_EXTENSION, QUEUES, Agents
from pop_pbx import FLOOR_USER
from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection, broadcast, serve

from cti import app, log, settings
from cti.app.garbage import rarely_looked_for
from cti.crm import connectors
from cti.crm.connector import CrmConnector
from cti.crm.contact import Match
from cti.numbers import Number

SECRET = SecretStr("bench")
Lookup = Callable[[str], Awaitable[tuple[Any, ...] | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    pbx: int
    web: int
    push: int
    floor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What the service is told, and what it tells."""

    crm_takes_s: "Synchronized[float]"
    """Added to each answer of the customer system; below zero there is none."""
    most_tasks: "Synchronized[int]"


class SlowCrm:
    """The customer system behind a bad line."""

    def __init__(self, crm: CrmConnector, takes_s: "Synchronized[float]") -> None:
        self._crm = crm
        self._takes_s = takes_s

    def __getattr__(self, name: str) -> Any:
        return getattr(self._crm, name)

    async def find_by_number(self, number: Number) -> tuple[Match, ...]:
        await self._line()
        return await self._crm.find_by_number(number)

    async def find_by_code(self, code: str) -> tuple[Match, ...]:
        await self._line()
        return await self._crm.find_by_code(code)

    async def _line(self) -> None:
        takes_s = self._takes_s.value
        if takes_s:
            await asyncio.sleep(takes_s if takes_s > 0 else 3600)


def be_service(url: str, ports: Ports, folder: Path, shared: Shared, orders: Connection) -> None:
    """Serve until terminated."""
    made = dict(connectors.CONNECTORS)
    own = made["own"]
    made["own"] = lambda setup: cast("CrmConnector", SlowCrm(own(setup), shared.crm_takes_s))
    connectors.CONNECTORS = made  # type: ignore[misc]
    log.configure(level="error", form="json")
    given = settings.Settings(
        site=settings.Site(country=COUNTRY),
        pbx=(settings.Pbx(name="main", port=ports.pbx, events_secret=SECRET, commands_secret=SECRET),),
        web=settings.Web(port=ports.web),
        push=settings.Push(port=ports.push, allowed_origins=("http://localhost",)),
        database=settings.Database(url=SecretStr(url)),
        spool=settings.Spool(dir=folder / "spool"),
        desk=settings.Desk(is_ready_at_login=True),
        queues={Agents.queue_of(number): settings.Queue(wrap_up="off") for number in range(QUEUES)},
    )

    async def count_tasks() -> None:
        while True:
            shared.most_tasks.value = max(shared.most_tasks.value, len(asyncio.all_tasks()))
            await asyncio.sleep(1)

    async def run() -> None:
        counting = asyncio.create_task(count_tasks())
        await app.run(given, started=lambda _: orders.send("up"))
        counting.cancel()

    _until_terminated(run)


# ---- the floor

_RING = re.compile(
    rb"DestCallerIDNum: (\d+)\r\nDest.*?DestConnectedLineNum: (\+\d+)\r\n.*?DestLinkedid: ([\d.]+)\r", re.DOTALL
)
_QUESTION = "SELECT c.* FROM customer c JOIN customer_number n ON n.customer = c.id WHERE n.e164 = {} LIMIT 1"


def be_floor(url: str, ports: Ports, orders: Connection) -> None:
    _until_terminated(lambda: _floor(url, ports, lambda: orders.send("up")))


async def _floor(url: str, ports: Ports, started: Callable[[], None]) -> None:
    desktops: dict[int, ServerConnection] = {}

    async def attend(ws: ServerConnection) -> None:
        desktops[int(msgspec.json.decode(await ws.recv())["ticket"])] = ws
        await ws.send('{"type":"welcome"}')
        await ws.wait_closed()

    async with _looking_up(url) as look_up, serve(attend, "127.0.0.1", ports.floor, compression=None, ping_interval=5):
        reader, writer = await asyncio.open_connection("127.0.0.1", ports.pbx, limit=2**22)
        writer.write(b"Action: Login\r\nUsername: %b\r\nActionID: 1\r\n\r\n" % FLOOR_USER.encode())
        started()
        popping = set()
        while True:
            event = await reader.readuntil(b"\r\n\r\n")
            if event.startswith(b"Event: DialBegin") and (found := _RING.search(event)):
                popping.add(task := asyncio.create_task(_pop(look_up, desktops, found)))
                task.add_done_callback(popping.discard)


async def _pop(look_up: Lookup, desktops: dict[int, ServerConnection], ring: "re.Match[bytes]") -> None:
    agent, number, call = (part.decode() for part in ring.groups())
    record = await look_up(number)
    pop = {
        "type": "pop",
        "call": f"main-{call}",
        "number": number,
        "record": record,
        "state": "found" if record else "",
    }
    broadcast((desktops[int(agent) - FIRST_EXTENSION],), msgspec.json.encode(pop).decode())


@contextlib.asynccontextmanager
async def _looking_up(url: str) -> AsyncIterator[Lookup]:
    if url.startswith("postgresql"):
        async with asyncpg.create_pool(url, min_size=10, max_size=10) as pool:
            question = _QUESTION.format("$1")

            async def by_pool(number: str) -> tuple[Any, ...] | None:
                row = await pool.fetchrow(question, number)
                return tuple(row) if row else None

            yield by_pool
        return
    connection = sqlite3.connect(url.removeprefix("sqlite:///"), check_same_thread=False, isolation_level=None)
    thread, loop, question = ThreadPoolExecutor(1), asyncio.get_running_loop(), _QUESTION.format("?")

    async def by_thread(number: str) -> tuple[Any, ...] | None:
        return await loop.run_in_executor(thread, lambda: connection.execute(question, (number,)).fetchone())

    yield by_thread


def _until_terminated(work: Callable[[], Awaitable[None]]) -> None:
    async def run() -> None:
        task = asyncio.ensure_future(work())
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    with rarely_looked_for():  # what the process was born with is none of the service's
        asyncio.run(run())
