"""Asking for digits, again and again until they can be right: what several kinds of steps do."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cti.calls.journey import DOT, LeftBy
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, Heard, Line, ask, line, say
from cti.ivr.step import Step

SILENCE: Final = Prompt("")
HINT: Final = 2


class Asking(Step):
    """A step that asks for digits, and says what was wrong before it asks again."""

    no_input: Prompt = Prompt("std_no_input")
    """Said when nothing was keyed."""
    not_valid: Prompt = Prompt("std_not_valid")
    """Said when what was keyed cannot be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    lines: tuple[Line, ...]
    least: int = 1
    most: int
    tries: int
    first_s: float = 6.0
    between_s: float = 4.0
    end: str = "#"
    is_secret: bool = False
    is_right: Callable[[str], bool] = lambda _: True
    way_out: str = ""
    """A key that, keyed first, is the whole answer, whatever the rest says: star for a person."""
    no_input: Prompt = SILENCE
    not_valid: Prompt = SILENCE
    """Both are said between tries only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keyed:
    keys: str = field(repr=False)
    how: LeftBy
    """``DONE``: it can be right."""
    failures: int

    @property
    def is_good(self) -> bool:
        return self.how is LeftBy.DONE


def keyed(question: Question) -> Doing[Keyed]:
    heard = Heard("", "silence")
    for failures in range(question.tries):
        heard = yield from ask(
            *question.lines, most=question.most, first_s=question.first_s, between_s=question.between_s, end=question.end,
            alone=frozenset(question.way_out), is_secret=question.is_secret,
        )  # fmt: skip
        if _is_good(question, heard.keys):
            return Keyed(keys=heard.keys, how=LeftBy.DONE, failures=failures)
        if failures < question.tries - 1:
            yield from say(line(question.no_input if heard.is_nothing else question.not_valid))
    how = LeftBy.NO_INPUT if heard.is_nothing else LeftBy.NO_MATCH
    return Keyed(keys=heard.keys, how=how, failures=question.tries)


def hinted(keys: str) -> str:
    """Of what is nobody's code, the first two digits and dots: it may be anything, also a PIN that was keyed too early."""
    return keys[:HINT] + DOT * len(keys[HINT:])


def shown(keys: str, *, is_secret: bool) -> str:
    """As it may stand on a screen and on record; dots say how many keys there were, which is no secret worth having."""
    return DOT * len(keys) if is_secret else keys


def _is_good(question: Question, keys: str) -> bool:
    if question.way_out and keys == question.way_out:
        return True
    return len(keys) >= question.least and keys.isdigit() and question.is_right(keys)
