import re
from collections.abc import Iterator
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from cti.ivr.asking import Asking, Question, keyed, shown
from cti.ivr.check_digits import CHECKS
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, line
from cti.ivr.step import Caller, End, Learned, Next, StepId, Tries, ValueName, WaitSeconds

Length = Annotated[int, Field(ge=1, le=32)]

MOST_CHOICES: Final = 4
MOST_SIGNS: Final = 100
_LITERAL: Final = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{[0-9]+\}", re.DOTALL)
"""What matches in one way only: a sign, one of a set, a count."""
_CHOICE: Final = re.compile(r"[*+?{(]")


class Collect(Asking):
    """Ask for digits, and keep them under a name for later steps.

    ::

        [steps.meter_number]
        kind = "collect"
        prompt = "Please enter the number of your meter, and then the hash key."
        name = "meter"
        min = 6
        max = 12
        check = "luhn"
        next = "ask_meter"
        otherwise = "people"
    """

    kind: Literal["collect"]
    prompt: Prompt
    name: ValueName
    """Later prompts may say it as ``{name}``, later steps may test and send it."""
    min: Length = 1
    """So many digits at least."""
    max: Length
    """So many, and it is complete; until then the key of ``end``, or silence, completes it."""
    end: Annotated[str, Field(pattern=r"^[*#]?$")] = "#"
    """The key that ends it early; empty: none."""
    pattern: str = ""
    """A regular expression for the whole of it."""
    check: Literal["", "luhn", "mod11", "mod97"] = ""
    """A check digit's rule: ``luhn``, ``mod11`` (ISBN-10) or ``mod97`` (ISO 7064)."""
    secret: bool = False
    """Dots on every screen and on record; no prompt can say it, no URL can hold it."""
    tries: Tries = 3
    wait_s: WaitSeconds = 6.0
    next: StepId
    otherwise: StepId
    """For callers who key nothing, or nothing that can be right."""

    @model_validator(mode="after")
    def _sane(self) -> Self:
        if self.min > self.max:
            raise ValueError("min is more than max")
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern: {error}") from error
        if why := _slow(self.pattern):
            raise ValueError(f"pattern: {why}")
        return self

    def run(self, caller: Caller) -> Doing[Next | End]:  # noqa: ARG002 - the same for everybody
        got = yield from keyed(
            Question(
                lines=(line(self.prompt),), least=self.min, most=self.max, tries=self.tries, first_s=self.wait_s, end=self.end,
                is_secret=self.secret, is_right=self._is_right, no_input=self.no_input, not_valid=self.not_valid,
            )
        )  # fmt: skip
        learned = Learned(values={self.name: got.keys}) if got.is_good else Learned()
        return Next(
            to=self.next if got.is_good else self.otherwise, how=got.how, keyed=shown(got.keys, is_secret=self.secret),
            failures=got.failures, learned=learned,
        )  # fmt: skip

    def names(self) -> Iterator[str]:
        return iter((self.name,))

    def secrets(self) -> Iterator[str]:
        return iter((self.name,) if self.secret else ())

    def _is_right(self, keys: str) -> bool:
        fits = not self.pattern or re.fullmatch(self.pattern, keys) is not None
        return fits and (not self.check or CHECKS[self.check](keys))


def _slow(pattern: str) -> str:
    """Why matching may take for ever, and every caller with it. ``re`` tries all ways to match; those of a repeated group are
    two to the power of the digits, those of a few repeats beside each other some ten thousand."""
    if len(pattern) > MOST_SIGNS:
        return f"is longer than {MOST_SIGNS} signs"
    if re.search(r"\)[*+{]", re.sub(r"\\.", "x", pattern)):
        return "a group is repeated, which may take for ever; write it out, or repeat a single sign"
    plain = pattern.replace("(?:", "(")
    if "(?" in plain:
        return "of what begins with (? only (?: may be used"
    if len(_CHOICE.findall(_LITERAL.sub("", plain))) > MOST_CHOICES:
        return f"has more than {MOST_CHOICES} groups and repeats, which may take for ever"
    return ""
