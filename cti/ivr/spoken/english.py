"""Values in English words, as on the telephone: "one thousand one hundred forty euros and fifty cents"."""

from collections.abc import Mapping
from datetime import date, time
from typing import Final, assert_never

from cti.ivr.spoken import names
from cti.ivr.spoken.values import (
    MOST,
    Clock,
    Count,
    Day,
    Digits,
    MaskedName,
    Money,
    Plain,
    Span,
    Value,
    groups,
    minor_units,
    minutes_about,
    sayable,
)

_SMALL: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS: Final = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES: Final = (
    (10**12, "trillion"), (10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"),
)  # fmt: skip
_FIRST_TO_19TH: Final = (
    "first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh",
    "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth",
)  # fmt: skip
_DAYS: Final = [
    *_FIRST_TO_19TH, "twentieth", *(f"twenty-{nth}" for nth in _FIRST_TO_19TH[:9]), "thirtieth", "thirty-first",
]  # fmt: skip
_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip  # strftime would ask the process's locale
_SIGNS: Final[Mapping[str, str]] = {"+": "plus", "*": "star", "#": "hash"}
_MONEY: Final[Mapping[str, tuple[str, str, str, str]]] = {
    "CNY": ("yuan", "yuan", "fen", "fen"),
    "EUR": ("euro", "euros", "cent", "cents"),
    "GBP": ("pound", "pounds", "penny", "pence"),
    "JPY": ("yen", "yen", "", ""),
    "TWD": ("Taiwan dollar", "Taiwan dollars", "cent", "cents"),
    "USD": ("dollar", "dollars", "cent", "cents"),
}
"""One and many of it, one and many of its hundredths."""


def say(value: Value) -> str:  # noqa: PLR0911 - a line each
    match value:
        case Digits(text):
            return _digits(text)
        case Count(number):
            return _number(number)
        case Money():
            return _money(value)
        case Day(day, says_year):
            return _day(day) + (f", {_year(day.year)}" if says_year else "")
        case Clock(at):
            return _clock(at)
        case Span(seconds):
            return _span(minutes_about(seconds))
        case Plain(text):
            return sayable(text)
        case MaskedName(name):
            return (
                ", ".join(names.initials(name)) or names.in_latin(names.family_name(name)) or "the customer on record"
            )
    assert_never(value)


def _number(number: int) -> str:
    if number < 0:
        return f"minus {_number(-number)}"
    if number >= MOST:
        return _digits(str(number))
    for size, scale in _SCALES:
        if number >= size:
            rest = number % size
            return f"{_number(number // size)} {scale}" + (f" {_number(rest)}" if rest else "")
    if number < len(_SMALL):
        return _SMALL[number]
    return _TENS[number // 10] + (f"-{_SMALL[number % 10]}" if number % 10 else "")


def _digits(code: str) -> str:
    """A comma is a short pause; it also keeps the letter A from being read as the article."""
    return ", ".join(
        " ".join(_SMALL[int(sign)] if sign.isdecimal() else _SIGNS.get(sign, sign.upper()) for sign in group)
        for group in groups(code)
    )


def _money(money: Money) -> str:
    is_below, whole, hundredths = minor_units(money)
    amount = _amount(whole, hundredths, money.currency.upper())
    return f"minus {amount}" if is_below else amount


def _amount(whole: int, hundredths: int, currency: str) -> str:
    if currency not in _MONEY:
        point = f" point {_digits(f'{hundredths:02}')}" if hundredths else ""
        return f"{_number(whole)}{point} {_digits(currency)}".strip()
    one, many, one_part, many_parts = _MONEY[currency]
    main = f"{_number(whole)} {one if whole == 1 else many}"
    parts = f"{_number(hundredths)} {one_part if hundredths == 1 else many_parts}"
    return main if not hundredths else f"{main} and {parts}" if whole else parts


def _day(day: date) -> str:
    return f"the {_DAYS[day.day - 1]} of {_MONTHS[day.month - 1]}"


def _year(year: int) -> str:
    """2025 is said in two halves, 2005 and 1066's century are not all alike: two thousand five, nineteen oh five."""
    century, rest = divmod(year, 100)
    if year < 1000 or (century % 10 == 0 and rest < 10):  # noqa: PLR2004
        return _number(year)
    return f"{_number(century)} {'hundred' if not rest else _two_figures(rest)}"


def _two_figures(number: int) -> str:
    return f"oh {_number(number)}" if number < 10 else _number(number)  # noqa: PLR2004


def _clock(at: time) -> str:
    if at.minute == 0 and at.hour % 12 == 0:
        return "noon" if at.hour else "midnight"
    minutes = _two_figures(at.minute) if at.minute else "o'clock"
    return f"{_number(at.hour % 12 or 12)} {minutes} {_part_of_day(at.hour)}"


def _part_of_day(hour: int) -> str:
    parts = ((1, "at night"), (12, "in the morning"), (18, "in the afternoon"), (22, "in the evening"))
    return next((words for until, words in parts if hour < until), "at night")


def _span(minutes: int) -> str:
    if minutes <= 0:
        return "less than a minute"
    hours, minutes = divmod(minutes, 60)
    parts = [_of(hours, "hour")] * bool(hours) + [_of(minutes, "minute")] * bool(minutes)
    return f"about {' and '.join(parts)}"


def _of(number: int, unit: str) -> str:
    return f"{_number(number)} {unit}" if number == 1 else f"{_number(number)} {unit}s"
