"""How long a command takes until it is answered, and until it is done, with a quiet event plane and with one flooded by 5,000
events a second.

``python benchmarks/bench_commands.py``. The link with both its planes runs on one core, a PBX on the other: it answers a
``QueuePause`` at once and tells of it among its other events, which are recorded calls, under new ids. Quiet and
flooded seconds take turns, as the machine is never quiet itself; what counts are the ratios. Beside them stands the bare floor
of the same seconds: a socket that asks that PBX for the same and waits for its answer only.
"""

import argparse
import asyncio
import itertools
import multiprocessing
import os
import random
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event

from harness import Aim, Table, is_quick, percentile, save
from streams import recorded

from cti import log
from cti.calls.call import PbxName
from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.ami_link import AmiLink
from cti.telephony.asterisk.control import Control
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.kinds.kind import Action
from cti.telephony.commands import Done, PauseMember
from tests.ports import free_port

FLOOD_PER_S = 5000
TICK_S = 0.005
TURNS = 10
THINKS_S = (0.0, 0.01)
"""Between two commands, so that they do not keep step with the flood's ticks."""
SETTLE_S = 0.3
"""Of each turn, not counted."""
MAIN = PbxName("main")
LISTS = {"QueueStatus", "BridgeList", "DeviceStateList", "CoreShowChannels"}


# ---- the PBX


def block(*headers: tuple[str, str]) -> bytes:
    return "".join(f"{key}: {value}\r\n" for key, value in headers).encode() + b"\r\n"


def events() -> Iterator[bytes]:
    """Recorded calls without end."""
    return itertools.chain.from_iterable(recorded(1000, first=lap * 1000) for lap in itertools.count())


@dataclass
class Pbx:
    flood: Event
    listeners: list[asyncio.StreamWriter] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        try:
            while asked := await reader.readuntil(b"\r\n\r\n"):
                self.answer(dict(line.split(": ", 1) for line in asked.decode().strip().split("\r\n")), writer)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    def answer(self, action: dict[str, str], writer: asyncio.StreamWriter) -> None:
        name, its_id = action["Action"], ("ActionID", action["ActionID"])
        writer.write(block(("Response", "Success"), its_id, ("Message", "ok")))
        if name == "Login" and action.get("Events") != "off":
            writer.write(block(("Event", "FullyBooted"), ("Privilege", "system,all"), ("Uptime", "1000")))
            self.listeners.append(writer)
        elif name in LISTS:
            writer.write(block(("Event", f"{name}Complete"), its_id, ("EventList", "Complete"), ("ListItems", "0")))
        elif name == "QueuePause":
            self.tell(paused(action))

    def tell(self, data: bytes) -> None:
        for listener in self.listeners:
            if not listener.is_closing():
                listener.write(data)

    async def happen(self) -> None:
        """The flood, while it is on: what is due since the last tick."""
        source, sent, began = events(), 0, 0.0
        while True:
            await asyncio.sleep(TICK_S)
            if not self.flood.is_set():
                began = 0.0
                continue
            if not began:
                sent, began = 0, time.perf_counter()
            due = int((time.perf_counter() - began) * FLOOD_PER_S) - sent
            self.tell(b"".join(itertools.islice(source, due)))
            sent += due


def paused(action: dict[str, str]) -> bytes:
    return block(
        ("Event", "QueueMemberPause"), ("Privilege", "agent,all"), ("Queue", action["Queue"]), ("MemberName", "ann"),
        ("Interface", action["Interface"]), ("StateInterface", action["Interface"]), ("Membership", "dynamic"), ("Penalty", "0"),
        ("CallsTaken", "0"), ("LastCall", "0"), ("LastPause", "0"), ("LoginTime", "0"), ("InCall", "0"), ("Status", "1"),
        ("Paused", "1" if action["Paused"] == "true" else "0"), ("PausedReason", ""), ("Ringinuse", "0"), ("Wrapuptime", "2"),
    )  # fmt: skip


def be_pbx(port: int, up: Event, flood: Event) -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

    async def run() -> None:
        pbx = Pbx(flood)
        server = await asyncio.start_server(pbx.serve, "127.0.0.1", port)
        up.set()
        await asyncio.gather(server.serve_forever(), pbx.happen())

    asyncio.run(run())


# ---- those who ask


@dataclass
class Times:
    """Milliseconds."""

    answered: list[float] = field(default_factory=list)
    done: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)


class Timed(Control):
    """A command plane that notes how long the PBX's last answer took."""

    answered_ms = 0.0

    async def _respond(self, action: Action) -> Mapping[str, str]:
        began = time.perf_counter()
        try:
            return await super()._respond(action)
        finally:
            self.answered_ms = (time.perf_counter() - began) * 1000


class Floor:
    """A plain socket: action out, response in."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.ask("Login", Events="off")

    def ask(self, name: str, **headers: str) -> float:
        """How long it took, ms."""
        action = block(("Action", name), ("ActionID", "floor"), *headers.items())
        began = time.perf_counter()
        self._socket.sendall(action)
        got = b""
        while not got.endswith(b"\r\n\r\n"):
            got += self._socket.recv(4096)
        return (time.perf_counter() - began) * 1000


@dataclass
class Asker:
    link: AmiLink
    control: Timed
    floor: Floor
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    failed: int = 0
    """Not done within 5 s: this machine is too busy with other things to read the flood at all."""

    async def ask(self, times: Times, seconds: float) -> None:
        """One command after the other, for so long."""
        counts_from, until = time.perf_counter() + SETTLE_S, time.perf_counter() + seconds
        while (began := time.perf_counter()) < until:
            await self.one()
            if began >= counts_from:
                times.done.append((time.perf_counter() - began) * 1000)
                times.answered.append(self.control.answered_ms)
                times.floor.append(self.floor.ask("QueuePause", Queue="floor", Interface="PJSIP/2009", Paused="true"))
            await asyncio.sleep(random.uniform(*THINKS_S))

    async def one(self) -> None:
        number = next(self.numbers)
        command = PauseMember(id=str(number), queue="support", device="PJSIP/2001", paused=bool(number % 2))
        self.failed += not isinstance(await self.link.send(command), Done)


async def measure(port: int, flood: Event, seconds: float) -> tuple[Times, Times, float]:
    """Quiet, flooded, and how many events a second came in the flooded turns."""
    account = Account(port=port, user="bench", secret="bench")  # noqa: S106
    control = Timed(MAIN, account, Dialplan())
    link = AmiLink(MAIN, account, Endpoints(), control=control)
    running = asyncio.create_task(link.run(lambda _news: None))
    while link.status.state != "connected" or not control.is_connected:  # noqa: ASYNC110 - nothing announces both
        await asyncio.sleep(0.01)
    asker, quiet, flooded, heard = Asker(link, control, Floor(port)), Times(), Times(), 0
    await asker.ask(Times(), 2.0)
    for _ in range(TURNS):
        flood.clear()
        await asker.ask(quiet, seconds)
        before = link.figures.events
        flood.set()
        await asker.ask(flooded, seconds)
        heard += link.figures.events - before
    flood.clear()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    if asker.failed:
        print(f"{asker.failed} commands were not done in time: the machine is too busy for figures that mean anything")
    return quiet, flooded, heard / (TURNS * seconds)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=0.8 if is_quick() else 2.0, help="of each turn")
    options = parser.parse_args()
    log.configure(level="error", form="json")
    port, up, flood = free_port(), multiprocessing.Event(), multiprocessing.Event()
    pbx = multiprocessing.Process(target=be_pbx, args=(port, up, flood), daemon=True)
    pbx.start()
    if not up.wait(10):
        raise SystemExit("the PBX did not start")
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    quiet, flooded, per_s = asyncio.run(measure(port, flood, options.seconds))
    pbx.terminate()
    rows = [
        (
            f"{what}, {name}",
            percentile(one, share),
            percentile(other, share),
            percentile(other, share) / percentile(one, share),
        )
        for name, share in (("p50", 0.5), ("p99", 0.99))
        for what, one, other in (
            ("command answered", quiet.answered, flooded.answered),
            ("command done", quiet.done, flooded.done),
            ("bare answer (floor)", quiet.floor, flooded.floor),
        )
    ]
    done_ms = percentile(flooded.done, 0.99)
    save(
        "commands",
        tables=[
            Table(
                title=f"A command, quiet and in {per_s:,.0f} events a second", columns=("", "quiet, ms", "flooded, ms", "ratio"),
                rows=tuple(rows), note=f"{len(quiet.done)} commands quiet, {len(flooded.done)} in the flood; done is when the PBX's event was read.",
            )
        ],
        aims=[Aim(words="a command in the flood is done, p99", wanted="under 100 ms", found=f"{done_ms:.0f} ms", is_met=done_ms < 100)],
    )  # fmt: skip


if __name__ == "__main__":
    main()
