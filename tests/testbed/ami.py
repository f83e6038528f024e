"""A bare AMI client for the test bed: sends actions, keeps every byte that came. It parses nothing but ends of
blocks.
"""

import asyncio
import contextlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from tests.testbed.asterisk import Asterisk

ANSWER_LIMIT_S: Final = 10.0
LISTS: Final = {
    "CoreShowChannels": "CoreShowChannelsComplete",
    "BridgeList": "BridgeListComplete",
    "QueueStatus": "QueueStatusComplete",
    "DeviceStateList": "DeviceStateListComplete",
}


@dataclass(slots=True)
class AmiWire:
    """One AMI connection. ``received``: all bytes from the banner on, exactly as they came."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    received: bytearray = field(default_factory=bytearray)
    _grown: asyncio.Event = field(default_factory=asyncio.Event)
    _task: "asyncio.Task[None] | None" = None
    _ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    @classmethod
    async def open(cls, port: int) -> Self:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        wire = cls(reader, writer)
        wire._task = asyncio.create_task(wire._read())
        return wire

    async def login(self, user: str, secret: str, *, events: bool) -> str:
        """Log in and return the answer block. With events, waits for FullyBooted too."""
        answer = await self.action("Login", {"Username": user, "Secret": secret, "Events": "on" if events else "off"})
        if events and "Success" in answer:
            await self.until(b"Event: FullyBooted")
        return answer

    async def action(self, name: str, headers: Mapping[str, str] | None = None) -> str:
        """Send one action, return its response block (without the events that belong to it)."""
        action_id = f"t{next(self._ids)}"
        start = len(self.received)
        lines = [
            f"Action: {name}",
            f"ActionID: {action_id}",
            *(f"{key}: {value}" for key, value in (headers or {}).items()),
        ]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        await self.until(f"ActionID: {action_id}\r\n".encode(), start)
        marker = self.received.index(f"ActionID: {action_id}\r\n".encode(), start)
        await self.until(b"\r\n\r\n", marker)
        first = self.received.rfind(b"Response: ", start, marker)
        return self.received[first : self.received.index(b"\r\n\r\n", marker)].decode("utf-8", "replace")

    async def lists(self) -> None:
        """Ask for the four lists a newcomer needs, one after the other."""
        for name, last in LISTS.items():
            start = len(self.received)
            await self.action(name)
            await self.until(f"Event: {last}".encode(), start)
            await self.until(b"\r\n\r\n", self.received.index(f"Event: {last}".encode(), start))

    async def until(self, text: bytes, start: int = 0, within_s: float = ANSWER_LIMIT_S) -> None:
        """Wait until ``text`` has come at or after byte ``start``. Raises TimeoutError."""
        async with asyncio.timeout(within_s):
            while self.received.find(text, start) < 0:
                self._grown.clear()
                await self._grown.wait()

    async def until_closed(self, within_s: float | None = ANSWER_LIMIT_S) -> None:
        """By the other end. ``within_s`` None: however long that takes."""
        if self._task is not None:
            await asyncio.wait_for(asyncio.shield(self._task), within_s)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self.writer.close()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    async def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := await self.reader.read(65536):
                self.received += data
                self._grown.set()


async def events_account(pbx: Asterisk) -> AmiWire:
    """Logged in as the product's listening account, lists asked for."""
    wire = await AmiWire.open(pbx.ports.ami)
    await wire.login(pbx.options.events_user, pbx.options.events_secret, events=True)
    await wire.lists()
    return wire


async def commands_account(pbx: Asterisk) -> AmiWire:
    """Logged in as the product's acting account."""
    wire = await AmiWire.open(pbx.ports.ami)
    await wire.login(pbx.options.commands_user, pbx.options.commands_secret, events=False)
    return wire
