"""Reading by the drivers themselves: how parameters are written, and what a row of questions comes to."""

import asyncio
import gc
import sqlite3
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url

from cti.errors import StoreError
from cti.quick_sql import ERRORS, Detailed, Details, Question, Reader, Reading, Row, quick_reader
from cti.quick_sql.parameters import named, numbered
from cti.store.database import Database
from tests.databases import BOTH

TEXT = "SELECT a::text FROM t WHERE x = :x AND i IN :ids AND y <> :x AND z = '12\\:30'"


def test_sqlite_gets_names() -> None:
    sql, values = named(TEXT, {"x": 1, "ids": ["p", "q"]})
    assert sql == "SELECT a::text FROM t WHERE x = :x AND i IN (:ids0, :ids1) AND y <> :x AND z = '12:30'"
    assert values == {"x": 1, "ids0": "p", "ids1": "q"}


def test_postgresql_gets_places() -> None:
    sql, values = numbered(TEXT, {"x": 1, "ids": ["p", "q"]})
    assert sql == "SELECT a::text FROM t WHERE x = $1 AND i IN ($2, $3) AND y <> $1 AND z = '12:30'"
    assert values == [1, "p", "q"]


def test_nothing_is_in_an_empty_list() -> None:
    assert named("i IN :ids", {"ids": []})[0] == numbered("i IN :ids", {"ids": []})[0] == "i IN (NULL)"


@pytest.fixture(params=BOTH)
async def reader(
    request: pytest.FixtureRequest, new_url: Callable[[str], str], tmp_path: Path
) -> AsyncIterator[Reader]:
    made = quick_reader(make_url(new_url(request.param)))
    yield made
    await made.close()


PEOPLE = (
    "SELECT * FROM (SELECT CAST('a' AS TEXT) AS id, 'Ada' AS name UNION ALL SELECT 'b', 'Bell' UNION ALL SELECT 'c', 'Carter')"
    " AS t WHERE name IN :names ORDER BY name DESC"
)
PETS = (
    "SELECT owner, kind FROM (SELECT CAST('b' AS TEXT) AS owner, 'cat' AS kind UNION ALL SELECT 'b', 'dog' UNION ALL SELECT 'c', 'owl')"
    " AS t WHERE owner IN :ids ORDER BY kind"
)
DEBTS = "SELECT 'b' AS owner, CAST(1140.50 AS NUMERIC(9,2)) AS owed, CAST(7 AS INTEGER) AS n WHERE 'b' IN :ids"


def people(*names: str, most: int = 5) -> Reading[Details]:
    details: Details = yield Detailed(Question(PEOPLE, {"names": list(names)}), "id", (PETS, DEBTS), most)
    return details


def plain(rows: Sequence[Row], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


async def test_what_belongs_to_whom_is_found_comes_along(reader: Reader) -> None:
    found = await reader.read(people("Ada", "Bell"))
    assert plain(found.rows, "id", "name") == [("b", "Bell"), ("a", "Ada")]
    assert plain(found.belonging[0], "owner", "kind") == [("b", "cat"), ("b", "dog")]


async def test_nothing_belongs_to_nobody(reader: Reader) -> None:
    assert await reader.read(people("Eve")) == Details([], ())


async def test_of_too_many_only_they_themselves_are_read(reader: Reader) -> None:
    found = await reader.read(people("Ada", "Bell", "Carter", most=2))
    assert (plain(found.rows, "id"), found.belonging) == ([("c",), ("b",), ("a",)], ())


async def test_sums_of_money_stay_exact(reader: Reader) -> None:
    """What PostgreSQL has as 1140.50 is read out to a customer."""
    found = await reader.read(people("Bell"))
    ((owed, count),) = plain(found.belonging[1], "owed", "n")
    assert (Decimal(str(owed)), count) == (Decimal("1140.5"), 7)


async def test_one_after_the_other_may_ask_with_what_was_answered(reader: Reader) -> None:
    def twice() -> Reading[int]:
        rows: list[Row] = yield Question("SELECT CAST(20 AS INTEGER) AS n", {})
        rows = yield Question("SELECT CAST(:n AS INTEGER) + 1 AS n", {"n": rows[0]["n"]})
        return int(rows[0]["n"])

    assert await reader.read(twice()) == 21


async def test_errors_are_raised_where_it_was_asked(reader: Reader) -> None:
    def careful() -> Reading[str]:
        try:
            yield Question("SELECT nothing FROM nowhere", {})
        except ERRORS as exc:
            return type(exc).__name__
        return "none"

    assert await reader.read(careful()) != "none"
    assert len((await reader.read(people("Ada"))).rows) == 1


async def test_nothing_can_be_written(reader: Reader) -> None:
    def written() -> Reading[list[Row]]:
        rows: list[Row] = yield Question("CREATE TABLE canary (a INTEGER)", {})
        return rows

    with pytest.raises(ERRORS):
        await reader.read(written())


@pytest.mark.parametrize("among", ["IN (:ids)", "IN :ids AND owner IN (:ids)"])
async def test_what_belongs_to_them_but_is_not_asked_in_ids_can_be_asked_by_itself(reader: Reader, among: str) -> None:
    pets = PETS.replace("IN :ids", among)

    def careful() -> Reading[int]:
        try:
            yield Detailed(Question(PEOPLE, {"names": ["Bell"]}), "id", (pets,), 5)
        except ERRORS:
            rows: list[Row] = yield Question(pets, {"ids": ["b"]})
            return len(rows)
        return -1

    assert await reader.read(careful()) == 2


def asked(question: Question | Detailed) -> Reading[list[Row]]:
    answer = yield question
    return list(answer.rows if isinstance(answer, Details) else answer)


@pytest.fixture
async def sqlite_file(tmp_path: Path) -> AsyncIterator[tuple[Reader, Path]]:
    made = quick_reader(make_url(f"sqlite:///{tmp_path}/quick.db"))
    yield made, tmp_path / "quick.db"
    await made.close()


TWICE = "SELECT 'a' AS id, 7 AS n, 'b' AS id"


@pytest.mark.parametrize(
    "question",
    [
        Question(TWICE, {}),
        Question(TWICE, {}, is_at_once=True),
        Detailed(Question(TWICE, {}), "id", ("SELECT 1 WHERE 'a' IN :ids",), 5),
    ],
)
async def test_of_two_columns_with_one_name_sqlite_gives_the_first(
    sqlite_file: tuple[Reader, Path], question: Question | Detailed
) -> None:
    (row,) = await sqlite_file[0].read(asked(question))
    assert (row["id"], next(iter(row))) == ("a", "id")


PHONES = "SELECT * FROM phones WHERE owner IN :ids"


@pytest.mark.parametrize("is_detail", [True, False])
async def test_a_column_that_has_gone_is_an_error_and_what_is_there_now_is_read_next(
    sqlite_file: tuple[Reader, Path], *, is_detail: bool
) -> None:
    """A word in quotes that names no column is a text to SQLite: everybody's number would be ``number``."""
    reader, path = sqlite_file
    whose = Question("SELECT 'a' AS id", {})

    def phones() -> Reading[Row]:
        if is_detail:
            details: Details = yield Detailed(whose, "id", (PHONES,), 5)
            return details.belonging[0][0]
        rows: list[Row] = yield Question(PHONES, {"ids": ["a"]}, is_at_once=True)
        return rows[0]

    changes = sqlite3.connect(path)
    changes.executescript("CREATE TABLE phones (owner, number); INSERT INTO phones VALUES ('a', '030 1')")
    assert (await reader.read(phones()))["number"] == "030 1"
    changes.execute("ALTER TABLE phones RENAME COLUMN number TO dialled")
    changes.close()
    with pytest.raises(ERRORS):
        await reader.read(phones())
    assert (await reader.read(phones()))["dialled"] == "030 1"


async def test_whoever_asks_a_reader_that_is_closed_is_told_and_not_cancelled(reader: Reader) -> None:
    await reader.read(people("Ada"))
    await reader.close()
    with pytest.raises(ERRORS):
        await reader.read(people("Ada"))


async def test_json_that_cannot_be_read_is_told_in_the_stores_words(tmp_path: Path) -> None:
    """SQLite writes ``Inf``, which is no JSON."""
    database = Database(f"sqlite:///{tmp_path}/inf.db")
    with pytest.raises(StoreError, match="cannot be read"):
        await database.read_quickly(asked(Question("SELECT 9e999 AS n", {}, is_at_once=True)))
    await database.close()


def test_a_server_that_goes_as_it_is_asked_is_an_error_of_the_drivers() -> None:
    assert issubclass(asyncpg.InternalClientError, ERRORS)


def connections() -> Reading[int]:
    words = "SELECT count(*) AS n FROM pg_stat_activity WHERE application_name = 'cti' AND datname = current_database()"
    rows: list[Row] = yield Question(words, {})
    return int(rows[0]["n"])


@pytest.mark.postgres
async def test_whoever_leaves_as_the_connection_is_made_leaves_it_to_the_next(new_url: Callable[[str], str]) -> None:
    """In the very turn: they are woken, and cancelled before they wake."""
    reader = quick_reader(make_url(new_url("postgresql")))
    leaves = asyncio.create_task(reader.read(people("Ada")))
    await asyncio.sleep(0)
    (opening,) = (task for task in asyncio.all_tasks() if "_opened" in str(task.get_coro()))
    opening.add_done_callback(lambda _: leaves.cancel())
    await asyncio.wait((leaves,))
    assert leaves.cancelled()
    assert await reader.read(connections()) == 1
    await reader.close()


@pytest.mark.postgres
async def test_a_connection_whose_answer_did_not_come_in_time_is_not_asked_again(
    new_url: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the one who asked makes of it: the server may be at that question still."""
    monkeypatch.setattr("cti.quick_sql.postgres.ANSWER_S", 0.2)
    reader = quick_reader(make_url(new_url("postgresql")))

    def served_by() -> Reading[int]:
        rows: list[Row] = yield Question("SELECT pg_backend_pid() AS pid", {})
        return int(rows[0]["pid"])

    def impatient() -> Reading[str]:
        try:
            yield Question("SELECT pg_sleep(30)", {})
        except TimeoutError:
            return "late"
        return "in time"

    before = await reader.read(served_by())
    assert await reader.read(impatient()) == "late"
    assert await reader.read(served_by()) != before
    await reader.close()


@pytest.mark.postgres
async def test_whoever_leaves_while_a_connection_is_made_leaves_it_to_the_next(new_url: Callable[[str], str]) -> None:
    """At whichever step: half made, asyncpg would keep an error that nobody asks for."""
    url, unheard = make_url(new_url("postgresql")), list[dict[str, Any]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
    for steps in range(12):
        reader = quick_reader(url)
        leaves = asyncio.create_task(reader.read(people("Ada")))
        for _ in range(steps):
            await asyncio.sleep(0)
        leaves.cancel()
        await asyncio.gather(leaves, return_exceptions=True)
        assert len((await reader.read(people("Bell"))).rows) == 1
        await reader.close()
    gc.collect()
    assert unheard == []
