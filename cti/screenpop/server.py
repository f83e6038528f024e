"""The shell over `websockets`: Origin, hello, then one task that reads and one that writes for each desktop.

What a desktop may cost is bounded: no compression, small frames, few of them (``socket.py``), few seconds for the hello, one
bounded outbox (``hub.py``). Nothing a desktop sends is logged, tickets least of all.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, NoReturn

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from cti.agents.agent import AgentId
from cti.calls.call import CallId
from cti.clock import now
from cti.errors import Forbidden, RequestError
from cti.log import logger
from cti.screenpop.access import Deed, may
from cti.screenpop.desk import DISPLACED, NOT_GOOD
from cti.screenpop.desktops import Taken
from cti.screenpop.hub import Hub
from cti.screenpop.limits import browser_address
from cti.screenpop.messages import Focus, FromDesktop, Hello, Occupied, Problem, Receipt, Welcome
from cti.screenpop.outbox import encoder
from cti.screenpop.socket import CLOSE_S, OUR_MISTAKE, TOO_MANY, DesktopConnection, Pulse, Socket, Writer, close
from cti.screenpop.tickets import Tickets
from cti.screenpop.views import me_view

NOT_OURS: Final = 4400
NO_HELLO: Final = 4408
_PATHS: Final = frozenset({"/", "/desktop"})
"""On its own port, and below the console's address where a proxy serves both."""
_TICK_S: Final = 0.25
_decoder: Final = msgspec.json.Decoder(FromDesktop)
log: Final = logger("desktops")


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketSettings:
    host: str = "127.0.0.1"
    port: int = 8089
    origins: frozenset[str]
    """Where the console may be loaded from, exactly as browsers say it: ``https://cti.example.org``."""
    version: str
    proxies: frozenset[str] = frozenset()
    """Whose ``X-Forwarded-For`` is believed, to count by the browser's own address."""
    hello_s: float = 5.0
    ping_s: float = 10.0
    max_message_bytes: int = 4096
    unknown_per_address: int = 256
    """Sockets of one address that have not said hello; a whole site behind one address comes back within this."""


class Refused(Exception):  # noqa: N818 - never leaves this file
    """The socket is to be closed with this code."""

    def __init__(self, code: int, reason: str, *, last: bytes = b"") -> None:
        super().__init__(code, reason)
        self.code, self.reason, self.last = code, reason, last


class DesktopServer:
    def __init__(
        self,
        settings: SocketSettings,
        hub: Hub,
        tickets: Tickets,
        *,
        clock: Callable[[], datetime] = now,
        wall: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """``wall``: by which tickets are good, for another process may have issued them."""
        self._settings = settings
        self._hub = hub
        self._tickets = tickets
        self._clock, self._wall = clock, wall
        self._unknown: Counter[str] = Counter()
        self._pulse = Pulse(settings.ping_s)
        self._writer = Writer(lambda turn: asyncio.get_running_loop().call_soon(turn))
        self.left = asyncio.Event()
        """Set whenever a desktop's socket is gone."""

    async def run(self, started: Callable[[int], None] = lambda _: None) -> NoReturn:
        """Serve until cancelled; ``started`` is told the port. Also plays the hub's clock."""
        async with self._listen() as server:
            started(next(iter(server.sockets)).getsockname()[1])
            while True:
                self._hub.expire(self._clock())
                self._pulse.feel(asyncio.get_running_loop().time())
                await asyncio.sleep(_TICK_S)

    def _listen(self) -> AbstractAsyncContextManager[Server]:
        settings = self._settings
        return serve(
            self._serve, settings.host, settings.port, process_request=self._check, compression=None,
            max_size=settings.max_message_bytes, max_queue=8, open_timeout=settings.hello_s, close_timeout=CLOSE_S,
            ping_interval=None, server_header=None, logger=_quiet_logger(), create_connection=DesktopConnection,
        )  # fmt: skip

    # ---- before the upgrade

    def _check(self, ws: ServerConnection, request: Request) -> Response | None:
        """Cross-site pages, and whoever puts things into the address, get no socket."""
        self._note_address(ws, request)
        if self._settings.origins.isdisjoint(origins := request.headers.get_all("Origin")) or len(origins) != 1:
            return self._refuse(ws, HTTPStatus.FORBIDDEN, "origin")
        if request.path not in _PATHS:
            return self._refuse(ws, HTTPStatus.NOT_FOUND, "path")
        if self._unknown[_address(ws)] >= self._settings.unknown_per_address:
            return self._refuse(ws, HTTPStatus.SERVICE_UNAVAILABLE, "too_many_unknown")
        return None

    def _note_address(self, ws: ServerConnection, request: Request) -> None:
        if isinstance(ws, DesktopConnection) and ws.remote_address:
            forwarded = request.headers.get_all("X-Forwarded-For")
            ws.address = browser_address(str(ws.remote_address[0]), forwarded, self._settings.proxies)

    def _refuse(self, ws: ServerConnection, status: HTTPStatus, reason: str) -> Response:
        self._hub.refused[reason] += 1
        log.warning("desktop_refused", reason=reason, address=_address(ws))
        return ws.respond(status, f"{status.phrase}\n")

    # ---- after it

    async def _serve(self, ws: ServerConnection) -> None:
        """One socket from hello to close. Nothing it does ends more than itself."""
        try:
            await self._attend(ws)
        except Refused as no:
            self._note(ws, no.code, no.reason)
            await close(ws, no.code, no.reason, no.last)
        except ConnectionClosed as over:
            if over.sent and over.sent.code == TOO_MANY:
                self._note(ws, over.sent.code, over.sent.reason)
        except Exception:
            log.exception("desktop_failed")
            await close(ws, OUR_MISTAKE, "our mistake")

    def _note(self, ws: ServerConnection, code: int, reason: str) -> None:
        self._hub.refused[str(code)] += 1
        log.warning("desktop_closed", code=code, reason=reason, address=_address(ws))

    async def _attend(self, ws: ServerConnection) -> None:
        if not isinstance(ws, DesktopConnection):
            raise TypeError(ws)
        hello = await self._hello(ws)
        ticket = await self._tickets.redeem(hello.ticket, self._wall())
        if ticket is None:
            raise Refused(NOT_GOOD, "ticket not good")
        socket = Socket(ws, ticket, self._hub, self._writer)
        async with self._attached(socket, hello):
            await self._read(socket)

    async def _hello(self, ws: ServerConnection) -> Hello:
        address = _address(ws)
        self._unknown[address] += 1
        try:
            async with asyncio.timeout(self._settings.hello_s):
                said = _decoded(await ws.recv(decode=False))
        except TimeoutError:
            raise Refused(NO_HELLO, "no hello") from None
        except msgspec.DecodeError:
            raise Refused(NOT_OURS, "not this protocol") from None
        finally:
            self._unknown[address] -= 1
            self._unknown += Counter()  # forget those at zero
        if not isinstance(said, Hello):
            raise Refused(NOT_OURS, "hello comes first")
        return said

    @contextlib.asynccontextmanager
    async def _attached(self, socket: Socket, hello: Hello) -> AsyncIterator[None]:
        welcome = self._welcome(socket, hello)
        closing = asyncio.create_task(socket.closed_when_told())
        try:
            socket.greet(welcome)
            self._pulse.begin(socket, socket.ws.loop.time())
            yield
        finally:
            self._hub.desktops.detach(socket.agent, socket)
            closing.cancel()
            await asyncio.gather(closing, return_exceptions=True)
            self.left.set()

    def _welcome(self, socket: Socket, hello: Hello) -> list[bytes]:
        """Attaches it, unless it raises ``Refused``."""
        agent = self._hub.agent(socket.agent)
        if agent is None:
            raise Refused(NOT_GOOD, "no such agent")
        attached = self._hub.desktops.attach(socket.agent, socket, resume=hello.resume, take_over=hello.take_over)
        if isinstance(attached, Taken):
            raise Refused(DISPLACED, "open elsewhere", last=encoder.encode(Occupied(since=attached.since)))
        welcome = Welcome(
            server=self._settings.version, stream=attached.stream, resumed=attached.resumed, now=self._clock(),
            me=me_view(agent), ping_s=self._settings.ping_s,
        )  # fmt: skip
        return [encoder.encode(welcome), *attached.frames]

    async def _read(self, socket: Socket) -> None:
        while True:
            problem = self._heard(socket.agent, await socket.ws.recv(decode=False))
            if problem:
                await socket.ws.send(encoder.encode(problem), text=True)

    def _heard(self, agent: AgentId, data: bytes) -> Problem | None:
        try:
            self._act(agent, _decoded(data))
        except msgspec.DecodeError:
            return Problem(code="not_understood", text="not a message of this protocol")
        except RequestError as no:
            code = "forbidden" if isinstance(no, Forbidden) else "refused"
            log.warning("desktop_denied", agent=agent, reason=str(no))
            return Problem(code=code, text=str(no))
        return None

    def _act(self, agent_id: AgentId, said: FromDesktop) -> None:
        """Each message is allowed, or not, by itself."""
        agent = self._hub.agent(agent_id)
        if agent is None:
            raise Forbidden("no such agent")
        match said:
            case Receipt(pop=pop, step=step):
                _require(may(agent.role, Deed.RECEIPT, own=True))
                self._hub.desktops.receipt(agent_id, pop, step)
            case Focus(call=call):
                _require(may(agent.role, Deed.FOCUS, own=True))
                self._hub.desktops.focus(agent_id, CallId(call) if call else None)
            case Hello():
                raise RequestError("hello was said before")


def _decoded(data: bytes) -> FromDesktop:
    try:
        said: FromDesktop = _decoder.decode(data)
    except UnicodeDecodeError:
        raise msgspec.DecodeError("not UTF-8") from None
    return said


def _require(is_allowed: bool) -> None:  # noqa: FBT001
    if not is_allowed:
        raise Forbidden("not allowed")


def _address(ws: ServerConnection) -> str:
    return ws.address if isinstance(ws, DesktopConnection) else "gone"


def _quiet_logger() -> logging.Logger:
    """The library writes a trace of every failed handshake, which anybody can cause; what matters we log ourselves."""
    quiet = logging.getLogger("cti.desktops.websockets")
    quiet.setLevel(logging.CRITICAL)
    return quiet
