"""Thousands of desktops in a process of their own: each says hello, answers pings, and notes when it reads the pop of a call.

The protocol of the socket is spelt out here, for a library would cost this process more than the service spends on sending.
"""

import asyncio
import struct
import time
from collections.abc import MutableSequence
from dataclasses import dataclass, field
from http import HTTPStatus
from multiprocessing.connection import Connection

import aiohttp
import msgspec
from pop_ground import Agents

TRIES = 20
"""For a ticket: thousands come at once."""
AT_ONCE = 50
"""Sockets that have not said hello; the service takes 256 from one address."""
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
CALL_ID = b'"call":"main-'


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to go: ``web`` gives tickets; 0 where nobody asks for any."""

    port: int
    web: int


@dataclass
class Seen:
    """By the number of the call; what was read twice counts the first time."""

    popped_at: MutableSequence[float]
    known_at: MutableSequence[float]
    """When the customer's record was on the desktop, with the pop or after it."""
    frames: int = 0
    lost: int = 0
    """Sockets that were closed."""

    def text(self, frame: bytes, now: float) -> None:
        self.frames += 1
        kind = frame[:15]
        if kind.startswith(b'{"type":"pop",'):
            number = call_of(frame)
            self.popped_at[number] = self.popped_at[number] or now
        elif not kind.startswith(b'{"type":"card"'):
            return
        if b'"state":"found"' in frame:
            number = call_of(frame)
            self.known_at[number] = self.known_at[number] or now


def call_of(frame: bytes) -> int:
    """Calls take their channels' numbers in tens, so that they can be told apart by them."""
    begin = frame.index(b".", frame.index(CALL_ID)) + 1
    return int(frame[begin : frame.index(b'"', begin)]) // 10


@dataclass
class Desktop(asyncio.Protocol):
    seen: Seen
    port: int
    ticket: str
    greeted: "asyncio.Future[None]"
    waiting: bytes = b""
    is_upgraded: bool = False
    transport: asyncio.Transport | None = field(default=None, init=False)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - for the type checker
        self.transport = transport
        transport.write(
            f"GET / HTTP/1.1\r\nHost: localhost:{self.port}\r\nOrigin: http://localhost\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        self.seen.lost += 1
        if not self.greeted.done():
            self.greeted.set_exception(exc or ConnectionError("closed before the welcome"))

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        data = self.waiting + data if self.waiting else data
        if not self.is_upgraded:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self.waiting = head
                return
            self.is_upgraded = True
            self._say(TEXT, msgspec.json.encode({"type": "hello", "ticket": self.ticket}))
        self.waiting = self._frames(data, now)

    def _frames(self, data: bytes, now: float) -> bytes:
        """Handles those that are whole; what is left of the next one."""
        at = 0
        while len(data) - at >= 2:
            begin, size = at + 2, data[at + 1]
            if size == 126:
                if len(data) - at < 4:
                    break
                begin, size = at + 4, int.from_bytes(data[at + 2 : at + 4], "big")
            elif size == 127:
                if len(data) - at < 10:
                    break
                begin, size = at + 10, int.from_bytes(data[at + 2 : at + 10], "big")
            if len(data) < begin + size:
                break
            self._frame(data[at] & 15, data[begin : begin + size], now)
            at = begin + size
        return data[at:]

    def _frame(self, kind: int, payload: bytes, now: float) -> None:
        if kind == TEXT:
            self.seen.text(payload, now)
            if not self.greeted.done():
                self.greeted.set_result(None)
        elif kind == PING:
            self._say(PONG, payload)

    def _say(self, kind: int, payload: bytes) -> None:
        """Masked by zeros, which is a mask."""
        size = struct.pack("!B", 0x80 | len(payload)) if len(payload) < 126 else struct.pack("!BH", 0xFE, len(payload))
        if self.transport:
            self.transport.write(bytes([0x80 | kind]) + size + b"\0\0\0\0" + payload)


async def sit_down(place: Place, agents: Agents, seen: Seen) -> None:
    """All of them, a hundred at a time."""
    turn, loop = asyncio.Semaphore(AT_ONCE), asyncio.get_running_loop()

    async def one(http: aiohttp.ClientSession, index: int) -> None:
        async with turn:
            ticket = await ticket_of(http, place, agents, index)
            greeted = loop.create_future()
            await loop.create_connection(lambda: Desktop(seen, place.port, ticket, greeted), "127.0.0.1", place.port)
            await asyncio.wait_for(greeted, 30)

    async with aiohttp.ClientSession() as http:
        await asyncio.gather(*(one(http, index) for index in range(agents.count)))


async def ticket_of(http: aiohttp.ClientSession, place: Place, agents: Agents, index: int) -> str:
    if not place.web:
        return str(index)
    url = f"http://127.0.0.1:{place.web}/api/v1/session/ticket"
    for _ in range(TRIES):
        async with http.post(url, headers={"Authorization": f"Bearer {agents.token(index)}"}) as answer:
            if answer.status == HTTPStatus.CREATED:
                return str((await answer.json())["ticket"])
        await asyncio.sleep(0.5)
    raise RuntimeError(f"no ticket: {answer.status}")


def be_desktops(agents: Agents, seen: Seen, orders: Connection) -> None:
    """For each ``Place`` all agents sit down there; otherwise the answer is how many sockets were closed. Until told None."""

    async def run() -> None:
        orders.send("up")
        while order := await asyncio.to_thread(orders.recv):
            if isinstance(order, Place):
                await sit_down(order, agents, seen)
            orders.send((seen.frames, seen.lost))

    asyncio.run(run())
