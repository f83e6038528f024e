"""A TCP proxy between us and Asterisk that can misbehave: cut, stall, go silent (half-open), slow down, change what is said,
and go on.
"""

import asyncio
import contextlib
import enum
import socket
import struct
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final, Self

LOOPBACK: Final = "127.0.0.1"
CHUNK: Final = 4096
ROOM: Final = 1 << 20


class Mode(enum.Enum):
    FORWARD = "forward"
    STALL = "stall"
    SILENT = "silent"


@dataclass(slots=True)
class TcpProxy:
    """``async with TcpProxy(pbx.ports.ami) as proxy:`` then connect to ``proxy.port``.

    ``delay_s``: how much later each piece arrives. ``refuse``: new connections are closed at once, as by a PBX that
    is down. ``rewrite``: changes whole lines that Asterisk sends.
    """

    target_port: int
    delay_s: float = 0.0
    refuse: bool = False
    rewrite: Callable[[bytes], bytes] | None = None
    port: int = 0
    connections: int = 0
    _mode: Mode = Mode.FORWARD
    _flows: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _open: list[asyncio.StreamWriter] = field(default_factory=list)
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._flows.set()
        self._server = await asyncio.start_server(self._accept, LOOPBACK, 0, limit=CHUNK)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Reset every connection, as when a cable is pulled behind a firewall that says so. New ones are accepted."""
        for writer in self._open:
            _reset(writer)
        self._open.clear()

    def stall(self) -> None:
        """Read nothing from either side: the sender's buffers fill up until it blocks or gives up."""
        self._mode = Mode.STALL
        self._flows.clear()
        self._give_room(CHUNK)

    def go_silent(self) -> None:
        """Half-open: swallow everything, close nothing. Only a timeout can tell."""
        self._mode = Mode.SILENT
        self._flows.set()

    def go_on(self) -> None:
        """Forward again what comes from now on (and what a stall held back)."""
        self._mode = Mode.FORWARD
        self._flows.set()
        self._give_room(ROOM)

    def _give_room(self, size: int) -> None:
        """Of the receive buffers: little while nothing is read, so that a stall is felt after kilobytes and not megabytes. Else
        enough: with less than a segment of room, TCP hands a burst on in pieces, 200 ms apart."""
        for writer in self._open:
            sock: socket.socket | None = writer.get_extra_info("socket")
            if sock is not None:
                with contextlib.suppress(OSError):  # closed by its peer already
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self.refuse:
            writer.transport.abort()
            return
        try:
            there_reader, there_writer = await asyncio.open_connection(LOOPBACK, self.target_port, limit=CHUNK)
        except OSError:
            writer.transport.abort()
            return
        self._open += [writer, there_writer]
        self._spawn(self._pump(reader, there_writer))
        self._spawn(self._pump(there_reader, writer, is_theirs=True))

    def _spawn(self, pump: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(pump)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_theirs: bool = False
    ) -> None:
        rest = b""
        with contextlib.suppress(OSError):
            while True:
                await self._flows.wait()
                data = await reader.read(CHUNK)
                await self._flows.wait()
                if not data:
                    break
                if is_theirs:
                    data, rest = self._rewritten(rest + data)
                await self._deliver(data, writer)
        if self._mode is Mode.FORWARD:
            writer.close()

    def _rewritten(self, data: bytes) -> tuple[bytes, bytes]:
        """What can go, and what waits for the end of its line."""
        if self.rewrite is None:
            return data, b""
        lines, end, rest = data.rpartition(b"\n")
        return self.rewrite(lines + end), rest

    async def _deliver(self, data: bytes, writer: asyncio.StreamWriter) -> None:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self._mode is not Mode.SILENT:
            writer.write(data)
            await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with RST and not FIN: the other end gets an error, not an orderly end."""
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):  # closed by its peer already
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
