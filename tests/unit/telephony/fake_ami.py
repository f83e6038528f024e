"""An AMI of one's own: blocks as Asterisk writes them, and a server that plays byte scripts in pieces of chosen size."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from cti.calls.call import PbxName
from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.ami_link import AmiLink
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.link import News

GREETING: Final = b"Asterisk Call Manager/11.0.0\r\n"
SOON_S: Final = 10.0
STAMP: Final = 1795290264.0
SECRET: Final = "s" * 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Chan:
    """A channel of the PBX, as its events show it."""

    id: str
    name: str = "PJSIP/trunk-00000000"
    state: str = "6"
    number: str = "0912345678"
    caller_name: str = "Wang"
    exten: str = "0800100100"
    linked: str = ""

    def headers(self, prefix: str = "") -> list[tuple[str, str]]:
        words = {"0": "Down", "4": "Ring", "5": "Ringing", "6": "Up"}
        plain = [
            ("Channel", self.name), ("ChannelState", self.state), ("ChannelStateDesc", words[self.state]), ("CallerIDNum", self.number),
            ("CallerIDName", self.caller_name), ("ConnectedLineNum", "<unknown>"), ("ConnectedLineName", "<unknown>"), ("Language", "en"),
            ("AccountCode", ""), ("Context", "cti-inbound"), ("Exten", self.exten), ("Priority", "1"), ("Uniqueid", self.id),
            ("Linkedid", self.linked or self.id),
        ]  # fmt: skip
        return [(prefix + key, value) for key, value in plain]


def block(*headers: tuple[str, str]) -> bytes:
    return "".join(f"{key}: {value}\r\n" for key, value in headers).encode() + b"\r\n"


def event(
    name: str,
    chan: Chan | None = None,
    *more: tuple[str, str],
    at: float = STAMP,
    before: Iterable[tuple[str, str]] = (),
) -> bytes:
    """``before``: headers that stand before the channel's."""
    head = [("Event", name), ("Privilege", "call,all"), ("Timestamp", f"{at:.6f}")]
    return block(*head, *before, *(chan.headers() if chan else []), *more)


def listed(chan: Chan, duration: str = "00:00:05") -> bytes:
    """An item of CoreShowChannels, without the ActionID that the server puts in."""
    return block(
        ("Event", "CoreShowChannel"),
        *chan.headers(),
        ("Application", "Queue"),
        ("ApplicationData", ""),
        ("Duration", duration),
        ("BridgeId", ""),
    )


def queue_entry(chan: Chan, queue: str = "support", wait: int = 3) -> bytes:
    return block(
        ("Event", "QueueEntry"), ("Queue", queue), ("Position", "1"), ("Channel", chan.name), ("Uniqueid", chan.id), ("CallerIDNum", chan.number),
        ("CallerIDName", chan.caller_name), ("ConnectedLineNum", "unknown"), ("ConnectedLineName", "unknown"), ("Wait", str(wait)), ("Priority", "0"),
    )  # fmt: skip


def fully_booted(uptime_s: int = 1000, *more: tuple[str, str]) -> bytes:
    return block(
        ("Event", "FullyBooted"),
        ("Privilege", "system,all"),
        ("Uptime", str(uptime_s)),
        ("LastReload", "10"),
        ("Status", "Fully Booted"),
        *more,
    )


COMPLETE: Final = {
    "CoreShowChannels": "CoreShowChannelsComplete",
    "BridgeList": "BridgeListComplete",
    "QueueStatus": "QueueStatusComplete",
    "DeviceStateList": "DeviceStateListComplete",
}


@dataclass(slots=True)
class FakeAmi:
    """Lets anybody in and answers what the event plane asks. What a test changes in it holds from the next question on."""

    lists: dict[str, list[bytes]] = field(default_factory=dict)
    """List -> its items."""
    chop: int | None = None
    """Send in pieces of that many bytes."""
    uptime_s: int = 1000
    is_booted: bool = True
    is_deaf: bool = False
    """Reads, and answers nothing any more."""
    among: Callable[[str], bytes] = lambda _name: b""
    """What happens while a list is told: events between its start and its end."""
    greeting: bytes = GREETING
    actions: list[str] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _tasks: "set[asyncio.Task[None]]" = field(default_factory=set)

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = int(self._server.sockets[0].getsockname()[1])
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def say(self, *data: bytes) -> None:
        """To whoever is connected."""
        for writer in self._writers:
            await self._send(writer, b"".join(data))

    async def asked(self, name: str, times: int = 1) -> None:
        """Wait until that action has come that often."""
        await self.until(lambda: Counter(self.actions)[name] >= times)

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(SOON_S):
            while not reached():
                self._changed.clear()
                await self._changed.wait()

    async def _send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        size = self.chop or len(data) or 1
        for start in range(0, len(data), size):
            writer.write(data[start : start + size])
            await writer.drain()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task:
            self._tasks.add(task)
        self.connections += 1
        self._writers.append(writer)
        self._changed.set()
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            await self._send(writer, self.greeting)
            while asked := await reader.readuntil(b"\r\n\r\n"):
                headers = dict(line.split(": ", 1) for line in asked.decode().strip().split("\r\n"))
                self.actions.append(headers["Action"])
                self._changed.set()
                if not self.is_deaf:
                    await self._send(writer, self._answer(headers["Action"], headers["ActionID"]))

    def _answer(self, name: str, action_id: str) -> bytes:
        yes = block(("Response", "Success"), ("ActionID", action_id), ("Message", "ok"))
        if name == "Login":
            return yes + (fully_booted(self.uptime_s) if self.is_booted else b"")
        if name not in COMPLETE:
            return yes
        items = [
            re.sub(rb"^(Event: \w+\r\n)", rb"\1ActionID: " + action_id.encode() + rb"\r\n", item)
            for item in self.lists.get(name, [])
        ]
        end = block(
            ("Event", COMPLETE[name]),
            ("ActionID", action_id),
            ("EventList", "Complete"),
            ("ListItems", str(len(items))),
        )
        start = block(("Response", "Success"), ("ActionID", action_id), ("EventList", "start"))
        return start + self.among(name) + b"".join(items) + end


@dataclass(slots=True)
class Watched:
    """A link before the fake, and the news it told."""

    link: AmiLink
    news: list[News] = field(default_factory=list)

    async def until(self, reached: Callable[[], object]) -> None:
        async with asyncio.timeout(SOON_S):
            while not reached():  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.005)

    async def until_connected(self, times: int = 1) -> None:
        await self.until(lambda: self.link.status.state == "connected" and self.link.figures.connects >= times)


@contextlib.asynccontextmanager
async def linked(pbx: FakeAmi, name: str = "main") -> AsyncIterator[Watched]:
    """The real link, connected to the fake."""
    watched = Watched(AmiLink(PbxName(name), Account(port=pbx.port, user="cti-events", secret=SECRET), Endpoints()))
    task = asyncio.create_task(watched.link.run(watched.news.append))
    try:
        yield watched
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
