"""PostgreSQL, on a few connections, each question prepared once on each."""

import asyncio
import time
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import asyncpg
import msgspec
from sqlalchemy.dialects.postgresql.asyncpg import dialect as untyped_dialect
from sqlalchemy.engine import URL

from cti.quick_sql.detailed import as_one
from cti.quick_sql.parameters import numbered
from cti.quick_sql.reading import Asked, Details, Question, Reading, T

CONNECTIONS: Final = 6
CONNECT_S: Final = 5.0
"""Also for a connection to become free."""
HALF_MADE_S: Final = 0.1
"""In which a connection under way is made, or waits for the server's word."""
ANSWER_S: Final = 15.0
IDLE_S: Final = 300.0
"""What lies between may have forgotten a connection that was not used for so long."""
_AMONG: Final = "= ANY (ARRAY{})"
"""Of an array PostgreSQL knows that it is short, and uses the index, also without statistics of the table."""
_dialect: Final[Any] = untyped_dialect
_Opening = asyncio.Task[asyncpg.Connection]
_json: Final = msgspec.json.Decoder(list[dict[str, object]], float_hook=Decimal)


class PostgresReader:
    """Connections are its own, for asyncpg's pool makes a task for each taking and giving back, which costs more than to ask.
    Nobody changes anything on them, so they are given back as they are."""

    def __init__(self, url: URL) -> None:
        _, options = _dialect().create_connect_args(url.set(drivername="postgresql+asyncpg"))
        self._options = {name: value for name, value in options.items() if "prepared_statement" not in name}
        self._places = asyncio.Semaphore(CONNECTIONS)
        self._unused: list[tuple[asyncpg.Connection, float]] = []
        self._open: set[asyncpg.Connection] = set()
        self._left = set[_Opening]()
        self._is_closed = False

    async def read(self, reading: Reading[T]) -> T:
        if self._is_closed:
            raise asyncpg.InterfaceError("no more questions are asked")
        async with asyncio.timeout(CONNECT_S):
            await self._places.acquire()
        try:
            connection = self._known() or await self._new()
            try:
                return await _answered(connection, reading)
            except asyncio.CancelledError:
                connection.terminate()  # a server that stands still would not confirm that the question is off
                raise
            finally:
                self._unused.append((connection, time.monotonic()))
        finally:
            self._places.release()

    async def close(self) -> None:
        self._is_closed = True
        for connection in self._open:
            connection.terminate()
        if self._left:
            await asyncio.wait(self._left, timeout=HALF_MADE_S)
            for opening in self._left:
                opening.cancel()

    def _known(self) -> asyncpg.Connection | None:
        while self._unused:
            connection, since_s = self._unused.pop()
            if time.monotonic() - since_s > IDLE_S:
                connection.terminate()
            if not connection.is_closed():
                return connection
            self._open.discard(connection)
        return None

    async def _new(self) -> asyncpg.Connection:
        """Made to its end though whoever asked may leave, and then it is the next one's: a connection cancelled half made leaves
        an error in asyncpg that nobody hears of."""
        opening = self._left.pop() if self._left else asyncio.create_task(self._opened())
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            self._left.add(opening)  # also when it was made in this very turn
            opening.add_done_callback(self._nobody_s)
            raise

    async def _opened(self) -> asyncpg.Connection:
        connection: asyncpg.Connection = await asyncpg.connect(
            **self._options, timeout=CONNECT_S, command_timeout=ANSWER_S,
            server_settings={"default_transaction_read_only": "on", "application_name": "cti"},
        )  # fmt: skip
        self._open.add(connection)
        if self._is_closed:
            connection.terminate()
        return connection

    def _nobody_s(self, opening: _Opening) -> None:
        """Nobody waited for it to the end; its error is nobody's, either."""
        if opening in self._left and not opening.cancelled() and not opening.exception():
            self._unused.append((opening.result(), time.monotonic()))
        self._left.discard(opening)


async def _answered(connection: asyncpg.Connection, reading: Reading[T]) -> T:
    try:
        asked = next(reading)
        while True:
            try:
                answer = await _asked(connection, asked)
            except Exception as exc:  # noqa: BLE001 - the generator has the word for it
                if isinstance(exc, TimeoutError):
                    connection.terminate()  # the server is at it still, whatever the generator makes of this
                asked = reading.throw(exc)
            else:
                asked = reading.send(answer)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


async def _asked(connection: Any, asked: Asked) -> object:
    if isinstance(asked, Question):
        sql, values = numbered(asked.sql, asked.values)
        return await connection.fetch(sql, *values)
    statement = _statement(asked.question.sql, asked.details, key=asked.key, most=asked.most)
    sql, values = numbered(statement, asked.question.values)
    found = await connection.fetch(sql, *values)
    if not 0 < len(found) <= asked.most:
        return Details(found, ())
    return Details(found, [_json.decode(text) for text in tuple(found[0])[-len(asked.details) :]])


@lru_cache(maxsize=256)
def _statement(sql: str, details: tuple[str, ...], *, key: str, most: int) -> str:
    return as_one(sql, map(_as_json, details), key=key, most=most, among=_AMONG)


def _as_json(sql: str) -> str:
    return f"(SELECT coalesce(json_agg(t), '[]')::text FROM (\n{sql}\n) AS t)"  # noqa: S608 - wraps what is asked anyway
