"""Reading by the drivers themselves: how parameters are written, and what a row of questions comes to."""

from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import make_url

from cti.quick_sql import ERRORS, Question, Reader, Reading, Row, Together, quick_reader
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


def asked(*questions: Question) -> Reading[list[list[Row]]]:
    rows: list[list[Row]] = yield Together(questions)
    return rows


async def test_questions_together_are_answered_each_by_its_rows(reader: Reader) -> None:
    letters = (
        "SELECT v FROM (SELECT 'a' AS v UNION ALL SELECT 'b' UNION ALL SELECT 'c') AS t WHERE v IN :some ORDER BY v"
    )
    nobody = "SELECT 1 AS one, 'x' AS two WHERE 1 = 0"
    some = {"some": ["c", "a"]}
    assert await reader.read(asked(Question(letters, some), Question(nobody, {}))) == [[{"v": "a"}, {"v": "c"}], []]


async def test_sums_of_money_stay_exact(reader: Reader) -> None:
    """What PostgreSQL has as 1140.50 is read out to a customer."""
    ((row,),) = await reader.read(
        asked(Question("SELECT CAST(1140.50 AS NUMERIC(9,2)) AS owed, CAST(7 AS INTEGER) AS n", {}))
    )
    assert (Decimal(str(row["owed"])), row["n"]) == (Decimal("1140.5"), 7)


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
    assert await reader.read(asked(Question("SELECT 1 AS one", {}))) == [[{"one": 1}]]


async def test_nothing_can_be_written(reader: Reader) -> None:
    def written() -> Reading[list[Row]]:
        rows: list[Row] = yield Question("CREATE TABLE canary (a INTEGER)", {})
        return rows

    with pytest.raises(ERRORS):
        await reader.read(written())
