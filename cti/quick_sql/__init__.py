"""Reading from a database while a phone rings: the driver's own prepared statements, without SQLAlchemy in between, which
takes five times as long for each (docs/performance.md). For SQLite and PostgreSQL; everything else goes through SQLAlchemy.

What is read may take several questions, the later ones made of earlier answers. That is written as a generator, which yields
a ``Question`` and is sent its rows, and knows nothing of threads and awaits::

    def customer_with_orders(key: str) -> Reading[tuple[Row, list[Row]]]:
        (customer,) = yield Question("SELECT * FROM customer WHERE id = :key", {"key": key})
        return customer, (yield Question("SELECT * FROM orders WHERE customer IN :keys", {"keys": [key]}))

    await reader.read(customer_with_orders("C000001"))

A question and what belongs to its answer, a customer and what is kept of them in other tables, are yielded as ``Detailed``, and
are one statement: a round trip takes PostgreSQL longer than the answer, and SQLite's thread waits at each of its steps for the
one that serves the desktops.

Drivers' errors are raised where the question was yielded, as they are: ``ERRORS``. Connections cannot write.
"""

import sqlite3
from typing import Final

import asyncpg
import msgspec
from sqlalchemy.engine import URL

from cti.quick_sql.detailed import NotAsOne
from cti.quick_sql.postgres import PostgresReader
from cti.quick_sql.reading import Asked, Detailed, Details, Question, Reader, Reading, Row, answered, one_by_one
from cti.quick_sql.sqlite import SqliteReader

__all__ = [
    "AWAY",
    "BACKENDS",
    "ERRORS",
    "Asked",
    "Detailed",
    "Details",
    "Question",
    "Reader",
    "Reading",
    "Row",
    "answered",
    "one_by_one",
    "quick_reader",
]

BACKENDS: Final = frozenset({"sqlite", "postgresql"})
ERRORS: Final = (
    sqlite3.Error, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, UnicodeError,
    msgspec.DecodeError, NotAsOne,
)  # fmt: skip
AWAY: Final = (OSError, asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.InternalClientError)
"""Those that speak of no question: another one fares no better. TimeoutError is an OSError."""


def quick_reader(url: URL) -> Reader:
    """``url`` is of one of the ``BACKENDS``, whichever driver it names. Opens nothing yet."""
    return SqliteReader(url) if url.get_backend_name() == "sqlite" else PostgresReader(url)
