"""The only file that sees the Redis library: typed commands over one pool of connections, each of which may say it is away.

Every key begins with ``cti:``, for a Redis may be shared.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, Final

from redis import asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from cti.errors import CtiError

Place = bytes
"""An entry's id in its stream."""
START: Final[Place] = b"0-0"
CLOSE_S: Final = 1.0
_FIELD: Final = b"e"
_MOST_AT_ONCE: Final = 200


class BusAway(CtiError):  # noqa: N818
    """Redis cannot be reached, or does not do as asked; the words say which."""


def is_before(one: Place, other: Place) -> bool:
    return _numbers(one) < _numbers(other)


class RedisDoor:
    """Commands raise ``BusAway``, and try no second time: whoever asks knows what a second time would mean."""

    def __init__(self, url: str, *, answer_s: float = 4.0) -> None:
        """``answer_s``: what a command may take, connecting included; longer than any ``block_ms``.

        The library is given no limit for its sockets: on Python 3.11 it would wait with ``wait_for``, which loses a cancellation
        that comes in the moment it is done, and the service would not stop.
        """
        self._answer_s = answer_s
        self._redis: Any = redis.Redis.from_url(
            url, retry=Retry(NoBackoff(), 0), socket_connect_timeout=None, socket_timeout=None, protocol=2,
            decode_responses=False,
        )  # fmt: skip

    async def close(self) -> None:
        """A connection that is cut while it is used may never say that it is closed."""
        with contextlib.suppress(RedisError, OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_S):
                await self._redis.aclose()

    @contextlib.asynccontextmanager
    async def _told(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._answer_s):
                yield
        except TimeoutError as error:
            raise BusAway(f"Redis: no answer within {self._answer_s:g} s") from error
        except (RedisError, OSError) as error:
            raise BusAway(f"Redis: {error}") from error

    async def ping(self) -> None:
        async with self._told():
            await self._redis.ping()

    # ---- streams

    async def add(self, lines: Mapping[str, bytes], *, keep: int, life_s: int = 0) -> None:
        """One line to each stream; of each stream about the last ``keep`` stay. ``life_s``: it goes when nobody has asked for
        that again for so long."""
        async with self._told():
            pipe = self._redis.pipeline(transaction=False)
            for stream, line in lines.items():
                pipe.xadd(_key(stream), {_FIELD: line}, maxlen=keep, approximate=True)
                if life_s:
                    pipe.expire(_key(stream), life_s)
            await pipe.execute()

    async def last(self, stream: str) -> Place:
        """Where the stream ends now."""
        async with self._told():
            found = await self._redis.xrevrange(_key(stream), count=1)
            return found[0][0] if found else START

    async def after(self, stream: str, place: Place, *, block_ms: int) -> list[tuple[Place, bytes]]:
        """What stands after ``place``; waits for it up to ``block_ms``."""
        async with self._told():
            found = await self._redis.xread({_key(stream): place}, count=_MOST_AT_ONCE, block=block_ms)
            return _lines(found[0][1]) if found else []

    # ---- a stream of which each line is taken by one

    async def take(self, stream: str, taker: str, *, block_ms: int) -> list[tuple[Place, bytes]]:
        """Lines nobody has taken yet."""
        async with self._told():
            group, key = _key(stream), _key(stream)
            try:
                found = await self._redis.xreadgroup(group, taker, {key: ">"}, count=_MOST_AT_ONCE, block=block_ms)
            except ResponseError as error:
                await self._begin(stream, error)
                return []
            return _lines(found[0][1]) if found else []

    async def claim(self, stream: str, taker: str, *, idle_ms: int) -> list[tuple[Place, bytes]]:
        """Lines that were taken so long ago and are not done yet."""
        async with self._told():
            try:
                found = await self._redis.xautoclaim(_key(stream), _key(stream), taker, min_idle_time=idle_ms)
            except ResponseError as error:
                await self._begin(stream, error)
                return []
            return _lines(found[1])

    async def _begin(self, stream: str, error: ResponseError) -> None:
        """The group is made when it is missed: at the first start, and after Redis was emptied."""
        if not str(error).startswith("NOGROUP"):
            raise error
        try:
            await self._redis.xgroup_create(_key(stream), _key(stream), id="0", mkstream=True)
        except ResponseError as other:
            if not str(other).startswith("BUSYGROUP"):
                raise

    async def done(
        self, stream: str, place: Place, *, mark: str = "", kept_s: int = 1, answer: tuple[str, bytes] | None = None
    ) -> None:
        """The line is taken care of, and its answer (a stream, a line) told; all of it or nothing."""
        async with self._told():
            pipe = self._redis.pipeline(transaction=True)
            if answer:
                to, line = _key(answer[0]), answer[1]
                pipe.xadd(to, {_FIELD: line}, maxlen=1000, approximate=True)
                pipe.expire(to, 3600)
                pipe.set(_key(mark), line, ex=kept_s)
            pipe.xack(_key(stream), _key(stream), place)
            pipe.xdel(_key(stream), place)
            await pipe.execute()

    # ---- single values

    async def mark(self, name: str, value: bytes, *, kept_s: int) -> bytes | None:
        """Put it there unless there is one: None, or the one that was there."""
        async with self._told():
            before: bytes | None = await self._redis.set(_key(name), value, nx=True, get=True, ex=kept_s)
            return before

    async def put(self, name: str, value: bytes, *, kept_s: int) -> None:
        async with self._told():
            await self._redis.set(_key(name), value, ex=kept_s)

    async def take_value(self, name: str) -> bytes | None:
        """The value, which is there no more."""
        async with self._told():
            value: bytes | None = await self._redis.getdel(_key(name))
            return value

    async def has(self, name: str) -> bool:
        async with self._told():
            return bool(await self._redis.exists(_key(name)))


def _key(name: str) -> str:
    return f"cti:{name}"


def _lines(found: Iterable[tuple[Place, dict[bytes, bytes] | None]]) -> list[tuple[Place, bytes]]:
    """A line that was trimmed after it was taken has no fields; it comes as an empty one, to be done with."""
    return [(place, (fields or {}).get(_FIELD, b"")) for place, fields in found]


def _numbers(place: Place) -> tuple[int, int]:
    ms, _, nr = place.partition(b"-")
    return int(ms), int(nr)
