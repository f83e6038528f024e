"""Databases for the benches of the record: a SQLite file and a PostgreSQL server of one's own, both as safe as in production,
both made with the tables of this program.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cti.store import schema
from tests.postgres_server import PostgresServer

KINDS = ("SQLite", "PostgreSQL")


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
