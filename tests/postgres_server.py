"""A PostgreSQL server for tests."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from uuid import uuid4

import pytest

from cti.store.database import Database
from cti.store.tables import metadata
from tests.ports import free_port
from tests.testbed import parts

MakeDatabase = Callable[[str], AbstractAsyncContextManager[Database]]
"""``sqlite`` or ``postgresql`` -> a database with all tables, empty; closed at the end of its ``async with``."""

BIN = parts.postgres_bin() or Path("/usr/lib/postgresql")
MISSING = f"PostgreSQL's server programs are not here: the PostgreSQL tests did not run; {parts.PREPARE}"


class PostgresServer:
    """On a free port of loopback, in a directory of its own, without fsync unless ``is_durable``; any name gets in."""

    def __init__(self, home: Path, *, is_durable: bool = False) -> None:
        self.data = home / "data"
        self.port = free_port()
        self.used: list[str] = []
        """Databases with all tables, emptied after use: a new one is a thousand files."""
        self._is_durable = is_durable
        home.chmod(0o777)
        self._run("initdb", "-D", self.data, "-U", "cti", "-A", "trust", "-E", "UTF8", "--no-sync")

    def start(self) -> None:
        speed = "" if self._is_durable else "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c max_connections=200 {speed}"
        )
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "30", "-l", self.data / "log", "-o", options, "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def kill(self) -> None:
        """As the kernel kills: the postmaster gets SIGKILL; its children notice and go."""
        pid = self.pid
        os.kill(pid, signal.SIGKILL)
        deadline_s = time.monotonic() + 10
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline_s:
            time.sleep(0.01)

    @property
    def pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().split("\n", maxsplit=1)[0])

    def url(self, name: str) -> str:
        return f"postgresql://cti@127.0.0.1:{self.port}/{name}"

    def new_database(self, template: str = "template0") -> str:
        """Its URL; empty, or as the template is."""
        name = f"t{uuid4().hex[:12]}"
        command = [BIN / "createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", "cti", "-T", template, name]
        subprocess.run(command, check=True, timeout=60)
        return self.url(name)

    def empty(self, url: str) -> None:
        """Truncate all tables and keep the database for the next test; one that is still in use is left alone."""
        tables = ", ".join(table.name for table in metadata.sorted_tables)
        statement = f"SET lock_timeout = '1s'; TRUNCATE {tables} RESTART IDENTITY"
        command = [str(BIN / "psql"), "-q", "-v", "ON_ERROR_STOP=1", "-c", statement, url]
        if subprocess.run(command, check=False, timeout=60, capture_output=True).returncode == 0:
            self.used.append(url)

    def _run(self, program: str, *arguments: object) -> None:
        as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
        command = [*as_postgres, str(BIN / program), *map(str, arguments)]
        subprocess.run(command, check=True, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/")


def running_server(*, is_durable: bool = False) -> Iterator[PostgresServer]:
    if not parts.postgres_bin():
        pytest.skip(MISSING)
    home = Path(tempfile.mkdtemp(prefix="cti-pg-"))
    server = PostgresServer(home, is_durable=is_durable)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        shutil.rmtree(home, ignore_errors=True)
