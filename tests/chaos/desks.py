"""Agents' desktops: sockets that keep what a console would show, and come back when they are dropped."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

import aiohttp
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from tests.chaos.daemon import PASSWORD
from tests.running import Running

AGAIN_S: Final = 0.3
ON_ITS_WAY_S: Final = 0.1
"""So long may a message take that two hundred desktops wait beside."""
BUSY: Final = ("RESERVED", "TALKING", "HOLD")


@dataclass(slots=True)
class Desk:
    """One agent's. ``pops`` and ``calls``: ids of what it shows now."""

    agent: str
    door: Running
    token: str = ""
    """Of a session that is on record; without one, it logs in."""
    pops: dict[str, str] = field(default_factory=dict)
    """Pop -> its call."""
    calls: set[str] = field(default_factory=set)
    presence: str = ""
    popped: list[str] = field(default_factory=list)
    """The calls it was shown a pop of, in order, each as often as it was."""
    shown: set[str] = field(default_factory=set)
    """The calls it was ever told of, ended ones among them."""
    carded: set[str] = field(default_factory=set)
    """Those it was told of who calls."""
    gaps: list[tuple[float, float]] = field(default_factory=list)
    """From when to when it was cut off, epoch seconds."""
    puzzles: list[str] = field(default_factory=list)
    """Answers no console could read."""
    is_there: bool = False
    comebacks: int = 0
    resumed: int = 0
    _stream: str = ""
    _seq: int = 0
    _left_at: float = 0.0
    _web: aiohttp.ClientSession | None = None
    _socket: Any = None

    async def live(self) -> None:
        """Until cancelled. Whatever ends its socket, it tries again, as a console does."""
        said = {"Origin": self.door.origin} | ({"Authorization": f"Bearer {self.token}"} if self.token else {})
        async with aiohttp.ClientSession(
            base_url=self.door.origin, cookie_jar=aiohttp.CookieJar(unsafe=True), headers=said
        ) as web:
            self._web = web
            while True:
                with contextlib.suppress(aiohttp.ClientError, WebSocketException, OSError, TimeoutError, KeyError):
                    await self._attend()
                self._leave()
                await asyncio.sleep(AGAIN_S)

    def drop(self) -> None:
        """As when the cable is pulled: no goodbye."""
        if self._socket is not None:
            self._socket.transport.abort()
            self._leave()

    def was_cut_off(self, since: float, until: float) -> bool:
        """All that time, but for what is on its way."""
        return any(left - ON_ITS_WAY_S <= since and until <= back + ON_ITS_WAY_S for left, back in self.gaps)

    def _leave(self) -> None:
        if self.is_there:
            self.is_there, self._left_at = False, time.time()

    async def _attend(self) -> None:
        ticket = await self._ticket()
        hello: dict[str, Any] = {"type": "hello", "ticket": ticket, "take_over": True}
        if self._stream:
            hello["resume"] = {"stream": self._stream, "seq": self._seq}
        async with connect(self.door.ws_url, origin=self.door.origin, compression=None, ping_interval=None) as ws:  # type: ignore[arg-type]
            self._socket = ws
            await ws.send(json.dumps(hello))
            async for text in ws:
                self._hear(json.loads(text))

    async def _ticket(self) -> str:
        status, answer = await self._ask("/api/v1/session/ticket")
        if status != 201 and not self.token:
            await self._ask("/api/v1/session", {"agent": self.agent, "password": PASSWORD})
            status, answer = await self._ask("/api/v1/session/ticket")
        return str(answer["ticket"])

    async def _ask(self, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        assert self._web is not None
        async with self._web.post(path, json=body) as answer:
            said = await answer.read() or b"{}"
        try:
            return answer.status, json.loads(said)
        except ValueError:
            self.puzzles.append(f"{answer.status} {said[:60]!r}")
            return answer.status, {}

    def _hear(self, message: dict[str, Any]) -> None:
        self._seq = message.get("seq", self._seq)
        match message["type"]:
            case "welcome":
                self.comebacks += bool(self._stream)
                self.resumed += message["resumed"]
                self.gaps += [(self._left_at, time.time())] if self._left_at else []
                self._stream, self.is_there = message["stream"], True
            case "snapshot":
                self.pops = {pop["pop"]: pop["call"]["call"] for pop in message["pops"]}
                self.popped += self.pops.values()
                self.calls = {call["call"] for call in message["calls"]}
                self.shown |= self.calls
                self.carded |= {card["call"] for card in message["cards"]}
                self.presence = (message["presence"] or {}).get("state", "")
            case "pop":
                self.pops[message["pop"]["pop"]] = message["pop"]["call"]["call"]
                self.popped.append(message["pop"]["call"]["call"])
                if message["pop"]["card"]["state"] != "asking":  # no other follows
                    self.carded.add(message["pop"]["call"]["call"])
            case "pop_withdrawn":
                self.pops.pop(message["pop"], None)
            case "call":
                call, has_ended = message["call"]["call"], message["call"]["state"] == "ended"
                self.shown.add(call)
                (self.calls.discard if has_ended else self.calls.add)(call)
            case "card":
                self.carded.add(message["card"]["call"])
            case "presence" if message["presence"]["agent"] == self.agent:
                self.presence = message["presence"]["state"]


@dataclass(slots=True)
class Desks:
    """``async with opened(desks)``: all there, until the end."""

    each: list[Desk]

    async def until_there(self, within_s: float = 40.0) -> None:
        async with asyncio.timeout(within_s):
            while not all(desk.is_there for desk in self.each):  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.05)

    async def left_over(self, within_s: float = 5.0) -> list[str]:
        """What they still show when no call is left; given a moment to hear of it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                while self._shown():  # noqa: ASYNC110 - nothing announces it
                    await asyncio.sleep(0.05)
        return self._shown()

    def _shown(self) -> list[str]:
        return [
            *(
                f"{desk.agent}'s desktop still shows a pop of {call}"
                for desk in self.each
                for call in desk.pops.values()
            ),
            *(f"{desk.agent}'s desktop still shows {call}" for desk in self.each for call in sorted(desk.calls)),
            *(f"{desk.agent}'s desktop was answered {puzzle}" for desk in self.each for puzzle in desk.puzzles),
            *(f"{desk.agent} is still {desk.presence}" for desk in self.each if desk.presence in BUSY),
        ]


@contextlib.asynccontextmanager
async def opened(each: Iterable[Desk]) -> AsyncIterator[Desks]:
    desks = Desks(list(each))
    living = [asyncio.create_task(desk.live()) for desk in desks.each]
    try:
        await desks.until_there()
        yield desks
    finally:
        for task in living:
            task.cancel()
        ends = await asyncio.gather(*living, return_exceptions=True)
    for end in ends:
        if isinstance(end, Exception):  # a desktop that gave up would miss all that came after
            raise end
