"""Questions and how a row of them is asked, whatever answers."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

Row = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Question:
    sql: str
    """With parameters as ``:name``; ``IN :ids`` takes a list. ``::`` is a cast, and ``\\:`` a colon."""
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Together:
    """Answered by a list of rows for each. A name means the same value in all of them. Their columns come as JSON has them:
    times as text, numbers as int or, exactly, Decimal."""

    questions: tuple[Question, ...]

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for question in self.questions for name, value in question.values.items()}


Asked = Question | Together
Reading = Generator[Asked, Any, T]


class Reader(Protocol):
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
    """Where together is no quicker."""
    return ask(asked) if isinstance(asked, Question) else [ask(question) for question in asked.questions]
