"""PostgreSQL, on a few connections, each question prepared once on each."""

import asyncio
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import asyncpg
import msgspec
from sqlalchemy.dialects.postgresql.asyncpg import dialect as untyped_dialect
from sqlalchemy.engine import URL

from cti.quick_sql.parameters import numbered
from cti.quick_sql.reading import Asked, Question, Reading, T

CONNECTIONS: Final = 6
CONNECT_S: Final = 5.0
ANSWER_S: Final = 15.0
_dialect: Final[Any] = untyped_dialect
_rows: Final = msgspec.json.Decoder(list[dict[str, object]], float_hook=Decimal)


class _Plain(asyncpg.Connection):
    """Given back as it is, for nobody changes anything on it: to reset it would be a round trip more for each answer."""

    def get_reset_query(self) -> str:
        return ""


class PostgresReader:
    def __init__(self, url: URL) -> None:
        _, options = _dialect().create_connect_args(url.set(drivername="postgresql+asyncpg"))
        self._options = {name: value for name, value in options.items() if "prepared_statement" not in name}
        self._pool: asyncpg.Pool[asyncpg.Record] | None = None
        self._opening = asyncio.Lock()

    async def read(self, reading: Reading[T]) -> T:
        pool = self._pool or await self._open()
        async with pool.acquire(timeout=CONNECT_S) as connection:
            try:
                return await _answered(connection, reading)
            except (asyncio.CancelledError, TimeoutError):
                connection.terminate()  # a server that stands still would not confirm that the question is off
                raise

    async def close(self) -> None:
        if self._pool:
            self._pool.terminate()

    async def _open(self) -> "asyncpg.Pool[asyncpg.Record]":
        async with self._opening:
            if self._pool is None:
                self._pool = await asyncpg.create_pool(
                    **self._options, min_size=0, max_size=CONNECTIONS, connection_class=_Plain, timeout=CONNECT_S,
                    command_timeout=ANSWER_S,
                    server_settings={"default_transaction_read_only": "on", "application_name": "cti"},
                )  # fmt: skip
        return self._pool


async def _answered(connection: Any, reading: Reading[T]) -> T:
    try:
        asked = next(reading)
        while True:
            try:
                answer = await _asked(connection, asked)
            except Exception as exc:  # noqa: BLE001 - the generator has the word for it
                asked = reading.throw(exc)
            else:
                asked = reading.send(answer)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


async def _asked(connection: Any, asked: Asked) -> object:
    if isinstance(asked, Question):
        sql, values = numbered(asked.sql, asked.values)
        return [dict(row) for row in await connection.fetch(sql, *values)]
    sql, values = numbered(_as_one(tuple(question.sql for question in asked.questions)), asked.values)
    return [_rows.decode(text) for text in await connection.fetchrow(sql, *values)]


@lru_cache(maxsize=256)
def _as_one(questions: tuple[str, ...]) -> str:
    """One row of JSON lists of objects."""
    parts = (f"(SELECT coalesce(json_agg(t), '[]')::text FROM (\n{sql}\n) AS t)" for sql in questions)  # noqa: S608
    return f"SELECT {', '.join(parts)}"
