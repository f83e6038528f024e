"""What a prompt may hold beside its text. The languages say them; what all languages share about them is here."""

import re
from dataclasses import dataclass
from datetime import date, time
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from math import floor
from typing import Final

MOST: Final = 10**15
"""From here on a number is no count of anything: it is said figure by figure."""


@dataclass(frozen=True, slots=True)
class Digits:
    """A code, said one by one: ``88301``, ``SO-2291``, ``+49 30 5551234``. Groups that are written stay groups."""

    text: str


@dataclass(frozen=True, slots=True)
class Count:
    """So many of something: in Mandarin a measure word follows (兩位)."""

    number: int


@dataclass(frozen=True, slots=True)
class Money:
    """``currency`` as in ISO 4217. Raises ``ValueError`` for what is no number, or more than anybody owes."""

    amount: Decimal
    currency: str

    def __post_init__(self) -> None:
        if not self.amount.is_finite() or abs(self.amount) >= MOST:
            raise ValueError(f"{self.amount} is no amount of money")


@dataclass(frozen=True, slots=True)
class Day:
    date: date
    says_year: bool = True


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day where the caller is. Seconds are not said."""

    time: time


@dataclass(frozen=True, slots=True)
class Span:
    """A duration nobody needs to the second: "about four minutes"."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Plain:
    """Text as it is, but for what cannot be said."""

    text: str


@dataclass(frozen=True, slots=True)
class MaskedName:
    """Somebody's name, so that who bears it knows it is meant, and who does not learns little: never the whole name."""

    name: str


Value = Digits | Count | Money | Day | Clock | Span | Plain | MaskedName

_WHOLE_ONLY: Final = frozenset({"JPY", "KRW", "VND"})
_GROUP: Final = 4
_UNSAYABLE: Final = re.compile(r"[^\w\s.,;:!?'%、。\uff0c\uff1b\uff1a\uff01\uff1f’…-]|_")  # noqa: RUF001 - an apostrophe


def groups(code: str) -> list[str]:
    """A code's signs as people say them: figures two to four at a time, the rest one by one. SO-88301 -> S O 88 301."""
    runs = re.findall(r"\d+|[^\W_]|[+*#]", code)
    return [part for run in runs for part in (_split(run) if run.isdecimal() else [run])]


def _split(digits: str) -> list[str]:
    """Into even groups, the shorter ones first."""
    parts = -(-len(digits) // _GROUP)
    ends = [len(digits) * nr // parts for nr in range(parts + 1)]
    return [digits[start:end] for start, end in pairwise(ends)]


def minor_units(money: Money) -> tuple[bool, int, int]:
    """Is it below zero, and how many of the currency and of its hundredths, rounded as a cashier does."""
    places = Decimal(1) if money.currency.upper() in _WHOLE_ONLY else Decimal("0.01")
    rounded = abs(money.amount).quantize(places, ROUND_HALF_UP)
    return money.amount < 0 and rounded > 0, int(rounded), int(rounded * 100 % 100)


def minutes_about(seconds: float) -> int:
    """To the minute below ten, to five below one hour and a half, then to half hours; halves up."""
    minutes = floor(seconds / 60 + 0.5)
    step = 1 if minutes < 10 else 5 if minutes < 90 else 30  # noqa: PLR2004
    return floor(minutes / step + 0.5) * step


def sayable(text: str) -> str:
    """Without the signs a speech program would name or take for a command; one space between words."""
    return " ".join(_UNSAYABLE.sub(" ", text).split())
