"""A Redis server for tests: on a Unix socket, with nothing on disk, so that a killed one comes back empty."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.testbed import parts

READY_S = 10.0


class RedisServer:
    def __init__(self, home: Path, program: Path) -> None:
        self.path = home / "redis.sock"
        self._program = program
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.path}"

    @property
    def pid(self) -> int:
        return self._process.pid if self._process else 0

    def start(self) -> None:
        self._process = subprocess.Popen(
            [self._program, "--port", "0", "--unixsocket", self.path, "--save", "", "--appendonly", "no", "--dir", self._home],
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        until = time.monotonic() + READY_S
        while not self._answers():
            assert time.monotonic() < until, "Redis does not start"
            time.sleep(0.01)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        if self._process:
            self._process.wait()
        self.path.unlink(missing_ok=True)

    def signal(self, number: signal.Signals) -> None:
        if self._process:
            self._process.send_signal(number)

    def empty(self) -> None:
        self.says(b"FLUSHALL")

    def says(self, command: bytes) -> bytes:
        """The answer to an inline command."""
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(5.0)
            asked.connect(str(self.path))
            asked.sendall(command + b"\r\n")
            return asked.recv(65536)

    def _answers(self) -> bool:
        try:
            return self.says(b"PING") == b"+PONG\r\n"
        except OSError:
            return False


def running_redis() -> Iterator[RedisServer]:
    program = parts.redis_server()
    if program is None:
        pytest.skip("NOT AVAILABLE: redis-server")
    home = Path(tempfile.mkdtemp(prefix="cti-redis-"))
    server = RedisServer(home, program)
    server.start()
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(home, ignore_errors=True)
