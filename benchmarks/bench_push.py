"""What each further push process adds: desktops, and messages to them for each CPU-second.

``python benchmarks/bench_push.py`` (2 minutes; ``QUICK=1``: half). One process tells of calls for all agents over a real Redis;
1, 2 and 3 push processes hold their share of the desktops, which read in this process. With each process come as many agents,
queues and calls again, and each queue's agents are spread over all of them, so that a call is as many messages however many
processes there are; the table says how many. What is compared is the CPU time of the push processes together, so that the line
holds on a machine with fewer cores.
"""

import asyncio
import contextlib
import multiprocessing
import statistics
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Final

import msgspec
from harness import Aim, Line, Plot, Table, cpu_s, is_quick, need, pss_kb, save
from push_processes import ORIGIN, Pace, agents, be_push, be_reader
from websockets.asyncio.client import ClientConnection, connect

from tests.redis_server import RedisServer, running_redis

DESKTOPS: Final = 150 if is_quick() else 300
"""Of each process."""
CALLS_PER_S: Final = 50.0
"""For each process' agents."""
WARM_S: Final = 3.0
WINDOW_S: Final = 5.0 if is_quick() else 8.0
LAPS: Final = 2 if is_quick() else 3
MOST: Final = 3
ENOUGH: Final = 0.85
"""Of what one process does for a CPU-second, each of two or three still does."""


Start = Callable[..., tuple[BaseProcess, Connection]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One run with some push processes."""

    messages: int
    cpu_s: float
    reader_cpu_s: float
    redis_cpu_s: float
    seconds: float
    memory_kb: float
    """Of a push process."""

    @property
    def per_cpu_s(self) -> float:
        return self.messages / self.cpu_s


@dataclass(slots=True)
class Desktops:
    """Those of this run: they read, and count."""

    count: int = 0
    tasks: list["asyncio.Task[None]"] = field(default_factory=list)

    async def open(self, agent: str, port: int) -> None:
        socket = await connect(f"ws://127.0.0.1:{port}/", additional_headers={"Origin": ORIGIN}, compression=None)
        await socket.send(msgspec.json.encode({"type": "hello", "ticket": agent}).decode())
        await socket.recv()
        await socket.recv()
        self.tasks.append(asyncio.create_task(self._read(socket)))

    async def _read(self, socket: ClientConnection) -> None:
        async with socket:
            async for _ in socket:
                self.count += 1

    async def close(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)


def main() -> None:
    need("redis")
    found: dict[int, list[Found]] = {number: [] for number in range(1, MOST + 1)}
    with contextlib.contextmanager(running_redis)() as redis:
        for _ in range(LAPS):
            for number, runs in found.items():
                redis.empty()
                runs.append(asyncio.run(_measured(redis, number)))
    _tell(found)


async def _measured(redis: RedisServer, number: int) -> Found:
    people = number * DESKTOPS
    with _processes() as start:
        pushes = [start(be_push, f"push-{nr}", redis.url, people) for nr in range(number)]
        ports = [await asyncio.to_thread(told.recv) for _, told in pushes]
        async with _open(people, ports) as desktops:
            reader, told = start(be_reader, redis.url, Pace(people, number * CALLS_PER_S))
            await asyncio.to_thread(told.recv)
            await asyncio.sleep(WARM_S)
            pids = [process.pid or 0 for process, _ in pushes]
            before = _used(pids), _used([reader.pid or 0]), _used([redis.pid]), desktops.count
            began = asyncio.get_running_loop().time()
            await asyncio.sleep(WINDOW_S)
            after = _used(pids), _used([reader.pid or 0]), _used([redis.pid]), desktops.count
            return Found(
                messages=after[3] - before[3], cpu_s=after[0] - before[0], reader_cpu_s=after[1] - before[1],
                redis_cpu_s=after[2] - before[2], seconds=asyncio.get_running_loop().time() - began,
                memory_kb=statistics.mean(pss_kb(pid) for pid in pids),
            )  # fmt: skip


@contextlib.asynccontextmanager
async def _open(people: int, ports: list[int]) -> AsyncIterator[Desktops]:
    """The agents' desktops, process by process: each has a like share of every queue."""
    desktops = Desktops()
    everybody = [desktops.open(agent.id, ports[nr % len(ports)]) for nr, agent in enumerate(agents(people))]
    for some in range(0, len(everybody), 50):
        await asyncio.gather(*everybody[some : some + 50])
    yield desktops
    await desktops.close()


def _used(pids: list[int]) -> float:
    return sum(cpu_s(pid) for pid in pids)


def _tell(found: dict[int, list[Found]]) -> None:
    rows, alone = [], statistics.median(one.per_cpu_s for one in found[1])
    line: list[tuple[float, float]] = []
    for number, runs in found.items():
        per_cpu_s = statistics.median(one.per_cpu_s for one in runs)
        line.append((float(number), number * per_cpu_s))
        seconds = statistics.median(one.seconds for one in runs)
        against = statistics.median(one.per_cpu_s / other.per_cpu_s for one, other in zip(runs, found[1], strict=True))
        rows.append((
            number, number * DESKTOPS, round(statistics.median(one.messages for one in runs) / seconds),
            round(statistics.median(one.messages for one in runs) / seconds / CALLS_PER_S / number, 1),
            round(per_cpu_s), round(number * per_cpu_s), round(against, 2),
            *(round(statistics.median(part) / seconds * 100, 1) for part in (
                [one.cpu_s / number for one in runs], [one.reader_cpu_s for one in runs],
                [one.redis_cpu_s for one in runs],
            )),
            round(statistics.median(one.memory_kb for one in runs) / 1024),
        ))  # fmt: skip
    least = min(row[6] for row in rows)
    save(
        "push",
        tables=[
            Table(
                title="Push processes",
                columns=(
                    "processes", "desktops", "messages/s sent", "messages a call", "messages per CPU-second",
                    "all, had each a core", "against one", "CPU of each, %", "CPU of the reader, %", "CPU of Redis, %", "MB of each",
                ),
                rows=tuple(rows),
                note=f"With each process come {DESKTOPS} desktops and {CALLS_PER_S:g} calls/s. Every process reads the news of all"
                " calls, and opens those of its own agents.",
            )
        ],
        plots=[
            Plot(
                title="What push processes could send, had each a core of its own", x="push processes", y="messages/s",
                lines=(
                    Line(name="measured", points=tuple(line)),
                    Line(name="a straight line", points=tuple((float(nr), nr * alone) for nr in found)),
                ),
            )
        ],
        aims=[
            Aim(
                words=f"what each of up to {MOST} push processes does for a CPU-second, of what one alone does",
                wanted=f"at least {ENOUGH:.0%}",
                found=f"{least:.0%}", is_met=least >= ENOUGH,
            )
        ],
    )  # fmt: skip


@contextlib.contextmanager
def _processes() -> Iterator[Start]:
    """Starts processes that are told a pipe as their last argument; ends them all."""
    spawning, started = multiprocessing.get_context("spawn"), list[BaseProcess]()

    def start(target: Callable[..., None], *given: object) -> tuple[BaseProcess, Connection]:
        mine, its = spawning.Pipe()
        process = spawning.Process(target=target, args=(*given, its), daemon=True)
        process.start()
        started.append(process)
        return process, mine

    try:
        yield start
    finally:
        for process in started:
            process.kill()
            process.join()


if __name__ == "__main__":
    main()
