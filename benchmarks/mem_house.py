"""The service with its PBX, each a process of its own, to play calls to and to look into."""

import contextlib
import multiprocessing
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from mem_service import Look, be_service
from pop_ground import Agents, customers, prepare
from pop_pbx import Pbx, Round, be_pbx
from pop_service import Ports

from tests.ports import free_port

CUSTOMERS = 2000
CALLS_PER_S = 250.0
BURST = 1000
"""Calls to be played at once, and then the service comes to rest: one that is 50,000 events behind gives up its PBX, as it should, and begins anew."""


@dataclass
class House:
    service: Connection
    pbx: Connection
    ports: Ports

    played: int = 0

    def look(self) -> Look:
        self.service.send(self.played)
        found = self.service.recv()
        match found:
            case Look():
                return found
            case wrong:
                raise RuntimeError(f"the service does not come to rest: {wrong}")

    def play(self, count: int) -> None:
        self.pbx.send(
            Round(target="service", first=self.played, count=count, calls_per_s=CALLS_PER_S, customers=CUSTOMERS)
        )
        self.pbx.recv()
        self.played += count


@contextlib.contextmanager
def housed(agents: Agents, *, calls: int = 0) -> Iterator[House]:
    some, numbers = customers(CUSTOMERS)
    with tempfile.TemporaryDirectory(prefix="bench-memory-") as folder, processes() as running:
        url = f"sqlite:///{folder}/cti.db"
        prepare(url, agents, some)
        with contextlib.closing(sqlite3.connect(f"{folder}/cti.db")) as database, database:
            database.execute("UPDATE agent SET queues = '[]'")  # this PBX keeps no members
        ports = Ports(pbx=free_port(), web=free_port(), push=free_port(), floor=0)
        rang_at = multiprocessing.Array("d", calls + 1, lock=False)
        pbx = started(running, be_pbx, Pbx(agents, numbers, rang_at), ports.pbx)
        service = started(running, be_service, url, ports, Path(folder))
        time.sleep(2)  # it connects to its PBX
        yield House(service, pbx, ports)


@contextlib.contextmanager
def processes() -> Iterator[list[BaseProcess]]:
    running: list[BaseProcess] = []
    try:
        yield running
    finally:
        for process in running:
            process.terminate()
            process.join(20)


def started(running: list[BaseProcess], work: Any, *given: Any, says: str = "up") -> Connection:
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=work, args=(*given, theirs), daemon=True)
    process.start()
    running.append(process)
    if says and not (ours.poll(120) and ours.recv() == says):
        raise RuntimeError(f"{work.__name__} did not come up")
    return ours
