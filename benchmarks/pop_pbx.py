"""A PBX in a process of its own that makes calls at a given rate, and notes by the clock all processes share when each rang.

Everything of a call up to the ring is one write: whoever listens learns of the caller and of the ring at once, and no look-up
can have begun earlier. The answer follows half a second later, the end after a second and a half.
"""

import asyncio
import contextlib
import heapq
import random
import time
from collections.abc import MutableSequence, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from pop_ground import FIRST_CODE, FIRST_EXTENSION, Agents
from streams import Traffic, generated

PARTS_S = (0.0, 0.5, 1.5)
"""When a call's parts are written: up to the ring, up to the conversation, the end."""
RINGS, ENDS = b"\r\nChannelStateDesc: Ringing", b"Event: HangupRequest"
LISTS = {"QueueStatus", "BridgeList", "DeviceStateList", "CoreShowChannels"}
FLOOR_USER = "floor"
EPOCH = 1_763_754_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Calls to be made. ``target`` is who hears of them: ``service`` or ``floor``."""

    target: str
    first: int
    count: int
    calls_per_s: float
    customers: int
    """So many call in turn; 0: all there are, so that nobody calls twice."""


def block(*headers: tuple[str, str]) -> bytes:
    return "".join(f"{key}: {value}\r\n" for key, value in headers).encode() + b"\r\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callers(Traffic):
    """Customers on record, who key their code and reach an agent of ours."""

    desks: Agents
    numbers: Sequence[str]
    calling: int

    def agent(self, call: int) -> str:
        return self.desks.extension(call)

    def caller(self, call: int) -> str:
        return self.numbers[self._customer(call)]

    def code(self, call: int) -> str:
        return str(FIRST_CODE + self._customer(call))

    def _customer(self, call: int) -> int:
        return call * 37 % self.calling


@dataclass
class Pbx:
    agents: Agents
    numbers: Sequence[str]
    rang_at: MutableSequence[float]
    listeners: dict[str, list[asyncio.StreamWriter]] = field(default_factory=dict)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while asked := await reader.readuntil(b"\r\n\r\n"):
                self._answer(dict(line.split(": ", 1) for line in asked.decode().strip().split("\r\n")), writer)
        self.listeners = {name: [one for one in some if one is not writer] for name, some in self.listeners.items()}
        writer.close()

    def _answer(self, action: dict[str, str], writer: asyncio.StreamWriter) -> None:
        name, its_id = action["Action"], ("ActionID", action.get("ActionID", ""))
        writer.write(block(("Response", "Success"), its_id, ("Message", "ok")))
        if name == "Login" and action.get("Events") != "off":
            writer.write(block(("Event", "FullyBooted"), ("Privilege", "system,all"), ("Uptime", "1000")))
            self.listeners.setdefault("floor" if action["Username"] == FLOOR_USER else "service", []).append(writer)
        elif name in LISTS:
            members = range(self.agents.count if name == "QueueStatus" else 0)
            writer.write(b"".join(self._member("QueueMember", index, its_id) for index in members))
            ends = (("EventList", "Complete"), ("ListItems", str(len(members))))
            writer.write(block(("Event", f"{name}Complete"), its_id, *ends))
        elif name == "QueuePause":
            index = int(action["Interface"].partition("/")[2]) - FIRST_EXTENSION
            paused = self._member("QueueMemberPause", index, paused="1" if action["Paused"] == "true" else "0")
            for listener in self.listeners["service"]:
                listener.write(paused)

    def _member(self, event: str, index: int, *more: tuple[str, str], paused: str = "0") -> bytes:
        """All agents are members of their queues, and ready."""
        device = f"PJSIP/{self.agents.extension(index)}"
        name, where = ("Name", "Location") if event == "QueueMember" else ("MemberName", "Interface")
        return block(
            ("Event", event), *more, *(() if more else (("Privilege", "agent,all"),)), ("Queue", self.agents.queue(index)),
            (name, device), (where, device), ("StateInterface", device), ("Membership", "dynamic"), ("Penalty", "0"),
            ("CallsTaken", "0"), ("LastCall", "0"), ("LastPause", "0"), ("LoginTime", "0"), ("InCall", "0"), ("Status", "1"),
            ("Paused", paused), ("PausedReason", ""), ("Ringinuse", "0"), ("Wrapuptime", "0"),
        )  # fmt: skip

    async def play(self, wanted: Round) -> None:
        """All of it, the calls coming by chance as callers do."""
        dice, at = random.Random(wanted.first), time.monotonic()
        due: list[tuple[float, int, list[bytes]]] = []
        for number in range(wanted.first, wanted.first + wanted.count):
            at += dice.expovariate(wanted.calls_per_s)
            heapq.heappush(due, (at, number, []))
        while due:
            at, number, parts = heapq.heappop(due)
            if (left_s := at - time.monotonic()) > 0:
                await asyncio.sleep(left_s)
            begins = not parts
            parts = parts or self._parts(number, wanted)
            if begins:
                self.rang_at[number] = time.monotonic()
            for writer in self.listeners.get(wanted.target, ()):
                writer.write(parts[0])
            if parts[1:]:
                done = len(PARTS_S) - len(parts)
                heapq.heappush(due, (at + PARTS_S[done + 1] - PARTS_S[done], number, parts[1:]))

    def _parts(self, number: int, wanted: Round) -> list[bytes]:
        """What is written of a call, each at its time."""
        traffic = Callers(
            desks=self.agents, numbers=self.numbers, calling=wanted.customers or len(self.numbers), begins_at=EPOCH
        )
        parts, rings = [b""], False
        for event in generated(1, first=number, traffic=traffic):
            if event.startswith(ENDS):
                parts.append(b"")
            parts[-1] += event
            if RINGS in event and not rings:
                rings = True
                parts.append(b"")
        queue = self.agents.queue(number).encode()
        return [part.replace(b"support", queue) for part in parts]


def be_pbx(pbx: Pbx, port: int, orders: Connection) -> None:
    """Serve until told None; each ``Round`` is played and then answered."""

    async def run() -> None:
        server = await asyncio.start_server(pbx.serve, "127.0.0.1", port)
        orders.send("up")
        while wanted := await asyncio.to_thread(orders.recv):
            await pbx.play(wanted)
            orders.send("played")
        server.close()

    asyncio.run(run())
