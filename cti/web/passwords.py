"""Passwords: argon2id, away from the event loop, two at a time."""

import asyncio
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from cti.errors import RequestError, TooMany

_T = TypeVar("_T")
MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 200
_WAITING_LIMIT: Final = 32
_hasher: Final = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""The second of the parameter sets in OWASP's Password Storage Cheat Sheet: 19 MiB, two passes."""


def hash_password(password: str) -> str:
    """Raises ``RequestError`` for one too short to be of use."""
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise RequestError(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters")
    return _hasher.hash(password)


def is_right(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


class PasswordBooth:
    """Checks passwords in two threads. Of those who do not exist it checks one that nobody knows, so that both take as long."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")
        self._waiting = 0
        self._nobodys = _hasher.hash(secrets.token_urlsafe())

    async def is_right(self, password_hash: str | None, password: str) -> bool:
        """Raises ``TooMany`` when too many wait already."""
        right = await self._run(is_right, password_hash or self._nobodys, password[:MAX_LENGTH])
        return right and bool(password_hash)

    async def hash(self, password: str) -> str:
        return await self._run(hash_password, password)

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[..., _T], *args: str) -> _T:
        if self._waiting >= _WAITING_LIMIT:
            raise TooMany(1.0)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work, *args)
        finally:
            self._waiting -= 1
