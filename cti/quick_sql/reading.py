"""Questions and how a row of them is asked, whatever answers."""

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    sql: str
    """With parameters as ``:name``; ``IN :ids`` takes a list. ``::`` is a cast, and ``\\:`` a colon."""
    values: Mapping[str, Any]
    is_at_once: bool = False
    """Of many rows SQLite's would each be a turn at Python: its columns come as JSON has them, then."""


@dataclass(frozen=True, slots=True)
class Detailed:
    """A question, and what belongs to those whom it finds: one statement, and answered by ``Details``."""

    question: Question
    key: str
    """The column whose values are the ``:ids`` of the ``details``."""
    details: tuple[str, ...]
    most: int
    """Of more rows than this only the rows themselves are read."""


@dataclass(frozen=True, slots=True)
class Details:
    rows: Sequence[Row]
    belonging: Sequence[Sequence[Row]]
    """For each of the details its rows; empty where there are too many, or none. Columns come as JSON has them: times as text,
    numbers as int or, exactly, Decimal."""


Asked = Question | Detailed
Reading = Generator[Asked, Any, T]


class Reader(Protocol):
    """Asked from one event loop."""

    async def read(self, reading: Reading[T]) -> T: ...

    async def close(self) -> None: ...


def answered(reading: Reading[T], ask: Callable[[Asked], object]) -> T:
    try:
        asked = next(reading)
        while True:
            try:
                answer = ask(asked)
            except Exception as exc:  # noqa: BLE001 - the generator has the word for it
                asked = reading.throw(exc)
            else:
                asked = reading.send(answer)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


def one_by_one(asked: Asked, ask: Callable[[Question], list[Row]]) -> object:
    """Where one statement is no quicker."""
    if isinstance(asked, Question):
        return ask(asked)
    rows = ask(asked.question)
    if not 0 < len(rows) <= asked.most:
        return Details(rows, ())
    ids = [row[asked.key] for row in rows]
    return Details(rows, [ask(Question(sql, {"ids": ids})) for sql in asked.details])
