"""Databases for the benches of the record: a SQLite file and a PostgreSQL server of one's own, both as safe as in production,
both made with the tables of this program.
"""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from harness import need

from cti.store import schema
from tests.ports import free_port
from tests.postgres_server import BIN, PostgresServer

KINDS = ("SQLite", "PostgreSQL")


def wanted_kinds(asked: Sequence[str] | None) -> Sequence[str]:
    """Both where none is asked for. Leaves, loudly, where one of them is not on this machine."""
    kinds = asked or KINDS
    if "PostgreSQL" in kinds:
        need("postgres")
    return kinds


@contextmanager
def new_url(kind: str) -> Iterator[str]:
    """A database with all tables, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="cti-bench-"))
    try:
        with _made(kind, folder) as url:
            asyncio.run(schema.upgrade(url))
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _made(kind: str, folder: Path) -> Iterator[str]:
    if kind == "SQLite":
        yield f"sqlite:///{folder}/cti.db"
        return
    server = PostgresServer(folder, is_durable=True)
    server.start()
    try:
        yield server.new_database()
    finally:
        server.stop()


def postgres_cpu_s() -> float:
    """Of all PostgreSQL's processes on this machine that we started, those that are gone included."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, fields = stat.read_text().rpartition(")")[::2]
        except OSError:
            continue
        if name.endswith("(postgres"):
            ticks += sum(map(int, fields.split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def postgres_at(home: Path) -> Iterator[str]:
    """A server whose data stays in ``home``, with one database in it."""
    is_new = not (home / "data").exists()
    server = PostgresServer.__new__(PostgresServer)
    if is_new:
        server = PostgresServer(home, is_durable=True)
    else:
        server.data, server.port, server._is_durable = home / "data", free_port(), True  # noqa: SLF001
    server.start()
    try:
        yield server.new_database() if is_new else server.url(_only(server))
    finally:
        server.stop()


def _only(server: PostgresServer) -> str:
    asked = [str(BIN / "psql"), "-At", "-c", "SELECT datname FROM pg_database WHERE datname ~ '^t[0-9a-f]{12}$'"]
    found = subprocess.run([*asked, server.url("postgres")], check=True, capture_output=True, text=True)
    return found.stdout.split()[0]
