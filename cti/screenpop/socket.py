"""One desktop's socket. What waits for it goes out together, in one write, as soon as the events at hand are dealt with: those
whose phone rings first, and a few sockets at a time, so that news for everybody holds up nobody's pop. Whether a desktop is
still there is asked of all sockets in their turn, by one task. What comes in is counted while it is read, and who says too much is
heard no more.

The library does both for each message and each socket by itself, with locks, tasks and timers that cost five times the write
(benchmarks/bench_pop.py). What it keeps is all that comes in, the handshakes and closing.
"""

import asyncio
import contextlib
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import Event, State

from cti.agents.agent import AgentId
from cti.log import logger
from cti.screenpop.desktops import AT_ONCE
from cti.screenpop.limits import Bucket
from cti.screenpop.tickets import Ticket

if TYPE_CHECKING:
    from cti.screenpop.hub import Hub

log: Final = logger("desktops")

CLOSE_S: Final = 1.0
IN_A_TURN: Final = 20
"""Sockets written before others have their turn at the loop: about 1 ms."""
NOT_THERE: Final = 1011
OUR_MISTAKE: Final = 1011
TOO_MANY: Final = 4429
FRAMES_PER_S: Final = 20.0
FRAMES_AT_ONCE: Final = 60
"""Of all kinds. An empty ping costs as much as a message, and thousands of them come in one read."""
_PIECE: Final = 512
"""Bytes read at a time: 85 of the smallest frames, 3 ms."""
_PING: Final = b"\x89\x00"
_TEXT: Final = 0x81
_SHORT, _MIDDLE = 126, 65_536


class DesktopConnection(ServerConnection):
    """Notes when something came last, stops listening to who says too much, and says when there is room to write again."""

    address = "gone"
    """The browser's."""
    heard_at_s = 0.0
    socket: "Socket | None" = None
    _allowed: Bucket | None = None
    _said_too_much = False

    def data_received(self, data: bytes) -> None:
        """In pieces, so that what is too much is found out before all of it is read."""
        self.heard_at_s = self.loop.time()
        for start in range(0, len(data), _PIECE):
            if not self._said_too_much:
                super().data_received(data[start : start + _PIECE])

    def process_event(self, event: Event) -> None:
        super().process_event(event)
        if self._allowed is None:
            self._allowed = Bucket(per_s=FRAMES_PER_S, burst=FRAMES_AT_ONCE, now=self.heard_at_s)
        if not self._said_too_much and not self._allowed.allows(self.heard_at_s):
            self._said_too_much = True
            self._break_off()

    def _break_off(self) -> None:
        if self.state is State.OPEN:
            self.protocol.fail(TOO_MANY, "too many messages")
            self.send_data()
            self.loop.call_later(CLOSE_S, self.transport.abort)
        else:
            self.transport.abort()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self.socket:
            self.socket.wake(is_urgent=True)


class Socket:
    """As the hub sees it."""

    def __init__(self, ws: DesktopConnection, ticket: Ticket, hub: "Hub", writer: "Writer") -> None:
        self.agent: AgentId = ticket.agent
        self.session = ticket.session
        self.session_ends_at = ticket.session_ends_at
        self.ws = ws
        self._hub = hub
        self._writer = writer
        self._closing: tuple[int, str, bytes] | None = None
        self._is_to_close = asyncio.Event()
        ws.socket = self

    @property
    def is_open(self) -> bool:
        return self._closing is None and self.ws.state is State.OPEN

    def greet(self, frames: list[bytes]) -> None:
        """The first that is written; a page may have said hello and gone since."""
        if self.is_open:
            self.ws.transport.write(b"".join(map(text_frame, frames)))
            self.wake()

    def wake(self, *, is_urgent: bool = False) -> None:
        self._writer.wants(self, is_urgent=is_urgent)

    def write(self) -> None:
        """What waits; of much of it the rest comes in another turn, or when a desktop that reads too slowly has room again."""
        if self.ws.paused or not self.is_open:
            return
        frames = self._hub.desktops.take(self.agent, self)
        if frames:
            self.ws.transport.write(b"".join(map(text_frame, frames)))
        if sum(map(len, frames)) >= AT_ONCE:
            self.wake()

    def ping(self) -> None:
        if self.is_open:
            self.ws.transport.write(_PING)

    def cut_soon(self) -> None:
        """Whoever began to close, a second is enough for it."""
        self.ws.loop.call_later(CLOSE_S, self.ws.transport.abort)

    def close(self, code: int, reason: str, *, last: bytes = b"") -> None:
        """Close soon; a socket that is not read from is cut after a second."""
        self._closing = (code, reason, last)
        self._is_to_close.set()
        self.cut_soon()

    async def closed_when_told(self) -> None:
        await self._is_to_close.wait()
        if self._closing:
            await close(self.ws, *self._closing)


class Writer:
    """Whose turn it is to be written: who was woken first, and before them whose phone rings."""

    def __init__(self, soon: Callable[[Callable[[], None]], object]) -> None:
        """``soon``: when the events at hand are dealt with (the loop's ``call_soon``)."""
        self._soon = soon
        self._urgent: OrderedDict[Socket, None] = OrderedDict()
        self._others: OrderedDict[Socket, None] = OrderedDict()
        self._is_due = False

    def wants(self, socket: Socket, *, is_urgent: bool) -> None:
        if is_urgent:
            self._others.pop(socket, None)
            self._urgent[socket] = None
        elif socket not in self._urgent:
            self._others[socket] = None
        self._call_again()

    def _call_again(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._soon(self._turn)

    def _turn(self) -> None:
        self._is_due = False
        for _ in range(IN_A_TURN):
            waiting = self._urgent or self._others
            if not waiting:
                return
            socket, _ = waiting.popitem(last=False)
            try:
                socket.write()
            except Exception:  # one desktop's trouble is nobody else's
                log.exception("desktop_not_written", agent=socket.agent)
                socket.close(OUR_MISTAKE, "our mistake")
        if self._urgent or self._others:
            self._call_again()


class Pulse:
    """Asks each socket in its turn whether it is there: one that has said nothing for two turns is not."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._due: deque[tuple[float, Socket]] = deque()

    def begin(self, socket: Socket, now_s: float) -> None:
        self._due.append((now_s + self._every_s, socket))

    def feel(self, now_s: float) -> None:
        while self._due and self._due[0][0] <= now_s:
            socket = self._due.popleft()[1]
            if not socket.is_open:
                socket.cut_soon()
                continue
            if now_s - socket.ws.heard_at_s >= 2 * self._every_s:
                socket.close(NOT_THERE, "keepalive ping timeout")
                continue
            socket.ping()
            self._due.append((now_s + self._every_s, socket))


def text_frame(payload: bytes) -> bytes:
    """RFC 6455, 5.2: one frame, a whole message of text, from a server."""
    size = len(payload)
    if size < _SHORT:
        return bytes((_TEXT, size)) + payload
    if size < _MIDDLE:
        return bytes((_TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((_TEXT, 127)) + size.to_bytes(8, "big") + payload


async def close(ws: ServerConnection, code: int, reason: str, last: bytes = b"") -> None:
    """Say why, close, and cut what does not close within a second."""
    with contextlib.suppress(ConnectionClosed, TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            if last:
                await ws.send(last, text=True)
            await ws.close(code, reason)
    ws.transport.abort()
