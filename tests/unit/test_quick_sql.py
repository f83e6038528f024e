"""Reading by the drivers themselves: how parameters are written, and what a row of questions comes to."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from cti.quick_sql import ERRORS, Detailed, Details, Question, Reader, Reading, Row, quick_reader
from cti.quick_sql.parameters import named, numbered
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
