"""The command line as a stranger has it: a process, its words and its exit code."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.ports import free_port

CTI = Path(sys.executable).with_name("cti")


@dataclass(frozen=True, slots=True)
class Said:
    code: int
    out: str
    err: str


Run = Callable[..., Coroutine[Any, Any, Said]]


@pytest.fixture
def cti(tmp_path: Path) -> Run:
    """Its verbs and arguments in, its words out: in an empty folder, with nothing of this machine's configuration."""

    async def run(*arguments: str, **environment: str) -> Said:
        process = await asyncio.create_subprocess_exec(
            CTI, *arguments, cwd=tmp_path, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), **environment},
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):
            out, err = await process.communicate()
        return Said(process.returncode or 0, out.decode(), err.decode())

    return run


def settings(folder: Path, text: str = "", *, web: int = 0, push: int = 0) -> str:
    """A settings file that listens on free ports; its path."""
    path = folder / "cti.toml"
    path.touch(mode=0o600)
    path.write_text(f"[web]\nport = {web or free_port()}\n[push]\nport = {push or free_port()}\n{text}")
    return str(path)
