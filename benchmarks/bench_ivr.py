"""What the IVR adds to each step of a caller: from the PBX's answer to our next command, with 200 callers at once.

``python benchmarks/bench_ivr.py``. The whole service (flow, customers in SQLite, record) runs on one core; the callers' side on
the other, as an Asterisk that answers after a fifth of a second to two seconds. Beside it stands the bare floor of the same run: a
server that answers every line with a fixed one. Memory is what a waiting session adds to the process.
"""

import argparse
import asyncio
import itertools
import multiprocessing
import os
import random
import shlex
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path

from harness import Aim, Cell, Table, cpu_s, is_quick, percentile, rss_kb, save
from pydantic import SecretStr

from cti import app, log, settings
from cti.store import schema
from cti.store.customers import put_customers
from cti.store.database import Database
from cti.store.demo_customers import demo_customers
from cti.telephony.asterisk.agi_server import proof_of
from tests.ports import free_port

SECRET = "a-secret-of-thirty-two-letters-and-more"  # noqa: S105 - of this file only
CUSTOMERS = 5_000 if is_quick() else 50_000
THINKS_S = (0.2, 2.0)
"""How long the PBX takes to answer: a caller who hears half a prompt, and keys fast."""
IDLE = 1000
SAID_LAST = "please-hold"
"""Whoever hears this was served to the end."""
FLOOR_SAYS = (*[b"WAIT FOR DIGIT 5000\n"] * 11, f"STREAM FILE {SAID_LAST}\n".encode())
NUMBERS = itertools.count(1)
"""Of calls. Each comes once: the service turns away whoever repeats a proof."""
COME_S = 3.0 if is_quick() else 10.0
"""Until all callers are there."""
FLOW = """
label = "Bench"
start = "menu"
[steps.menu]
kind = "menu"
prompt = { sound = "menu" }
choices = { 1 = "code" }
otherwise = "people"
[steps.code]
kind = "identify"
prompt = { sound = "enter-code" }
confirm = false
found = "who"
unknown = "people"
[steps.who]
kind = "branch"
cases = [{ tier = ["gold", "platinum"], to = "note" }, { has_case = true, to = "note" }]
otherwise = "note"
[steps.note]
kind = "set"
intent = "orders"
next = "people"
[steps.people]
kind = "to_queue"
queue = "support"
prompt = { sound = "please-hold" }
"""


# ---- the service


def given(folder: Path, port: int) -> settings.Settings:
    (folder / "bench.toml").write_text(FLOW)
    pbx = settings.Pbx(
        name="main", events_secret=SecretStr("x"), commands_secret=SecretStr("x"), fastagi_secret=SecretStr(SECRET)
    )
    return settings.Settings(
        pbx=(pbx,), web=settings.Web(port=port + 1), push=settings.Push(port=port + 2),
        database=settings.Database(url=SecretStr(f"sqlite:///{folder / 'cti.db'}")), spool=settings.Spool(dir=folder / "spool"),
        ivr=settings.Ivr(port=port, flows=folder, flow="bench", sounds=(), prompts=folder / "p", recordings=folder / "r"),
    )  # fmt: skip


def serve(folder: str, port: int, up: Event) -> None:
    os.sched_setaffinity(0, {0})
    log.configure(level="error", form="json")
    asyncio.run(app.run(given(Path(folder), port), started=lambda _: up.set(), links=[]))


async def put_on_record(folder: Path) -> None:
    """By another process than the one that is measured, whose memory it would be."""
    url = f"sqlite:///{folder / 'cti.db'}"
    await schema.make_ready(url)
    database = Database(url)
    await put_customers(database, demo_customers(CUSTOMERS), country="TW")
    await database.close()


def serve_floor(_folder: str, port: int, up: Event) -> None:
    """Reads lines, writes lines."""
    os.sched_setaffinity(0, {0})

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\n\n")
        for line in FLOOR_SAYS:
            writer.write(line)
            await reader.readline()
        writer.close()

    async def run() -> None:
        server = await asyncio.start_server(one, "127.0.0.1", port)
        up.set()
        await server.serve_forever()

    asyncio.run(run())


# ---- the callers


@dataclass(slots=True)
class Figures:
    steps_ms: list[float] = field(default_factory=list)
    sessions: int = 0
    lost: int = 0
    """Cut off, or hung up on before the end."""
    counts_from: float = 0.0
    """What was before belongs to the warm-up."""

    def step(self, began: float) -> None:
        if began >= self.counts_from:
            self.steps_ms.append((time.perf_counter() - began) * 1000)


def environment(number: int) -> bytes:
    uniqueid, nonce = f"1795301646.{number}", f"{number:012d}"
    values = {
        "network": "yes", "network_script": "main", "request": "agi://127.0.0.1/main", "channel": f"PJSIP/trunk-{number:08x}",
        "language": "en", "type": "PJSIP", "uniqueid": uniqueid, "version": "22.10.1", "callerid": "0912345678",
        "calleridname": "unknown", "callingpres": "0", "callingani2": "0", "callington": "0", "callingtns": "0",
        "dnid": "0800100100", "rdnis": "unknown", "context": "cti-inbound", "extension": "0800100100", "priority": "5",
        "enhanced": "0.0", "accountcode": "", "threadid": "1", "arg_1": "ivr", "arg_2": "support", "arg_3": nonce,
        "arg_4": proof_of(SECRET, uniqueid, nonce),
    }  # fmt: skip
    return "".join(f"agi_{key}: {value}\n" for key, value in values.items()).encode() + b"\n"


async def session(port: int, number: int, codes: list[str], figures: Figures, think: Callable[[], float]) -> None:
    """One caller: keys 1, then a code, then waits for an agent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    keys = iter(f"1{random.choice(codes)}#")
    writer.write(environment(number))
    began, is_served = time.perf_counter(), False
    try:
        while line := (await reader.readline()).decode():
            figures.step(began)
            words, is_served = shlex.split(line), is_served or SAID_LAST in line
            is_question = words[:2] == ["STREAM", "FILE"] or words[:3] == ["WAIT", "FOR", "DIGIT"]
            await asyncio.sleep(think() if is_question else 0)
            key = ord(next(keys, "0")) if is_question and not is_served else 0
            writer.write(b"200 result=%d endpos=8000\n" % key)
            began = time.perf_counter()
    except OSError:
        is_served = False
    finally:
        writer.close()
        figures.sessions += is_served
        figures.lost += not is_served


async def crowd(port: int, callers: int, seconds: float, codes: list[str], come_s: float = COME_S) -> Figures:
    """``come_s``: within that time all have come; then it counts. Whoever is served is followed by the next."""
    figures = Figures(counts_from=time.perf_counter() + come_s)
    until = time.perf_counter() + come_s + seconds

    async def one() -> None:
        await asyncio.sleep(random.uniform(0, come_s))
        while time.perf_counter() < until:
            await session(port, next(NUMBERS), codes, figures, lambda: random.uniform(*THINKS_S))

    await asyncio.gather(*(one() for _ in range(callers)))
    return figures


async def idle_kb(port: int, pid: int, sessions: int) -> float:
    """What each of so many callers who key nothing adds."""
    before = rss_kb(pid)
    never = asyncio.Event()

    async def wait(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(environment(number))
        while (await reader.readline()).startswith(b"SET"):
            writer.write(b"200 result=0\n")
        await never.wait()

    waiting = [asyncio.create_task(wait(10_000_000 + number)) for number in range(sessions)]
    await asyncio.sleep(5)
    added = (rss_kb(pid) - before) / sessions
    for task in waiting:
        task.cancel()
    return added


def measured(target: Callable[[str, int, Event], None], work: Callable[[int, int], None]) -> None:
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        if target is serve:
            asyncio.run(put_on_record(Path(folder)))
        up, port = context.Event(), free_port()
        process = context.Process(target=target, args=(folder, port, up))
        process.start()
        try:
            if not up.wait(120):
                raise SystemExit("the server did not start")
            work(port, process.pid or 0)
        finally:
            process.terminate()
            process.join(10)


def told(name: str, figures: Figures, cpu: float, seconds: float) -> tuple[Cell, ...]:
    steps = figures.steps_ms
    return (
        name, len(steps), percentile(steps, 0.5), percentile(steps, 0.99), max(steps, default=None), round(100 * cpu / seconds),
        figures.sessions, figures.lost,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--callers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=5.0 if is_quick() else 20.0)
    asked = parser.parse_args()
    if len(os.sched_getaffinity(0)) > 1:
        os.sched_setaffinity(0, os.sched_getaffinity(0) - {0})
    codes = [customer.code for customer in itertools.islice(demo_customers(2000), 2000) if customer.code]
    p99_ms: dict[str, list[float]] = {"floor": [], "service": []}
    rows: list[tuple[Cell, ...]] = []
    waiting_kb: list[float] = []

    def run(name: str) -> Callable[[int, int], None]:
        def work(port: int, pid: int) -> None:
            asyncio.run(crowd(port, 5, 1.0, codes, come_s=1.0))  # warm-up
            if name == "service":
                waiting_kb.append(asyncio.run(idle_kb(port, pid, IDLE)))
                time.sleep(2)
            before, began = cpu_s(pid), time.perf_counter()
            figures = asyncio.run(crowd(port, asked.callers, asked.seconds, codes))
            p99_ms[name].append(percentile(figures.steps_ms, 0.99))
            rows.append(told(name, figures, cpu_s(pid) - before, time.perf_counter() - began))

        return work

    for name, target in (("floor", serve_floor), ("service", serve), ("floor", serve_floor)):
        measured(target, run(name))
    found, ratio = p99_ms["service"][0], p99_ms["service"][0] / statistics.median(p99_ms["floor"])
    lost = sum(int(str(row[-1])) for row in rows)
    save(
        "ivr",
        tables=[
            Table(
                title=f"{asked.callers} callers at once: from the PBX's answer to our next command",
                columns=("", "steps", "p50, ms", "p99, ms", "max, ms", "CPU % of a core", "sessions", "lost"), rows=tuple(rows),
                note=f"{CUSTOMERS:,} customers in SQLite; the floor answers every line with a fixed one. Lost: cut off, or hung up on before the end. The p99 is {ratio:.1f} times the floor's."
                f" Each of {IDLE} sessions that wait for a key holds {waiting_kb[0]:.0f} KB.",
            )
        ],
        aims=[
            Aim(words="a step of the IVR, p99", wanted="under 20 ms", found=f"{found:.1f} ms", is_met=found < 20),
            Aim(words="sessions of the IVR lost", wanted="0", found=str(lost), is_met=lost == 0),
        ],
    )  # fmt: skip


if __name__ == "__main__":
    main()
