"""Values in Mandarin words, written in Traditional signs (Taiwan) or Simplified ones (mainland).

Composed in Traditional signs and rewritten. What differs beside the signs: the mainland does not say 兆 (there it may mean a
million), and each says no name for its own money, 元. Two is 兩 where so many of something are meant, 二 in codes and dates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
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

_FIGURES: Final = "零一二三四五六七八九"
_SIGNS: Final[Mapping[str, str]] = {"+": "加號", "*": "星號", "#": "井號"}
_UNITS: Final = ((10**8, "億"), (10**4, "萬"), (1000, "千"), (100, "百"), (10, "十"))
_TRILLION: Final = (10**12, "兆")
_MONEY: Final[Mapping[str, tuple[str, str, str]]] = {
    "CNY": ("人民幣", "元", ""),
    "EUR": ("", "歐元", "歐分"),
    "GBP": ("", "英鎊", "便士"),
    "JPY": ("", "日圓", ""),
    "TWD": ("新臺幣", "元", ""),
    "USD": ("", "美元", "美分"),
}
"""What stands before the number, what behind it, and its hundredths; where those have no name, they are 角 and 分."""
_PARTS_OF_DAY: Final = ((5, "凌晨"), (9, "早上"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))
_AS_IT_IS: Final[Mapping[int, int]] = {}
_SIMPLIFIED: Final[Mapping[int, int]] = str.maketrans(
    "兩萬億負點鐘時號圓幣臺歐鎊約縮寫戶記", "两万亿负点钟时号元币台欧镑约缩写户记"
)


@dataclass(frozen=True, slots=True)
class Mandarin:
    home: str
    """The money that needs no name."""
    units: tuple[tuple[int, str], ...]
    """Of counting, the greatest first."""
    signs: Mapping[int, int]

    def say(self, value: Value) -> str:
        """Texts and names keep the signs they are written in."""
        match value:
            case Plain(text):
                return sayable(text)
            case MaskedName(name) if family := names.family_name(name):
                return family + self._written("姓客戶")
            case _:
                return self._written(self._composed(value))

    def _written(self, words: str) -> str:
        return words.translate(self.signs)

    def _composed(  # noqa: PLR0911 - a line each
        self, value: Digits | Count | Money | Day | Clock | Span | MaskedName
    ) -> str:
        match value:
            case Digits(text):
                return _digits(text)
            case Count(number):
                return self._so_many(number)
            case Money():
                return self._money(value)
            case Day(day, says_year):
                return (f"{_digit_by_digit(day.year)}年" if says_year else "") + self._day(day)
            case Clock(at):
                return self._clock(at)
            case Span(seconds):
                return self._span(minutes_about(seconds))
            case MaskedName(name):
                initials = "、".join(names.initials(name))
                return f"姓名縮寫{initials}的客戶" if initials else "登記的客戶"
        assert_never(value)

    def _number(self, number: int, *, is_inside: bool = False) -> str:
        """``is_inside``: something stands before it, so ten is 一十. A gap in the figures is one 零."""
        if number >= MOST:
            return _digit_by_digit(number)
        for size, unit in self.units:
            if number >= size:
                head, rest = divmod(number, size)
                return self._head(head, size, is_inside=is_inside) + unit + self._rest(rest, size)
        return _FIGURES[number]

    def _head(self, head: int, size: int, *, is_inside: bool) -> str:
        if size == 10 and head == 1 and not is_inside:  # noqa: PLR2004
            return ""
        return "兩" if head == 2 and size > 10 else self._number(head, is_inside=is_inside)  # noqa: PLR2004

    def _rest(self, rest: int, size: int) -> str:
        if not rest:
            return ""
        return ("零" if rest < size // 10 else "") + self._number(rest, is_inside=True)

    def _so_many(self, number: int) -> str:
        if number < 0:
            return f"負{self._so_many(-number)}"
        return "兩" if number == 2 else self._number(number)  # noqa: PLR2004

    def _money(self, money: Money) -> str:
        is_below, whole, hundredths = minor_units(money)
        currency = money.currency.upper()
        amount = self._amount(whole, hundredths, currency) if currency in _MONEY else ""
        return ("負" if is_below else "") + (amount or self._unnamed(whole, hundredths, currency))

    def _amount(self, whole: int, hundredths: int, currency: str) -> str:
        before, unit, parts_unit = _MONEY[currency]
        main = self._so_many(whole) + unit if whole or not hundredths else ""
        parts = self._so_many(hundredths) + parts_unit if parts_unit else self._jiao_and_fen(hundredths, main)
        return ("" if currency == self.home else before) + main + (parts if hundredths else "")

    def _jiao_and_fen(self, hundredths: int, main: str) -> str:
        jiao, fen = divmod(hundredths, 10)
        gap = "零" if main and not jiao else ""
        return (f"{self._so_many(jiao)}角" if jiao else gap) + (f"{self._so_many(fen)}分" if fen else "")

    def _unnamed(self, whole: int, hundredths: int, currency: str) -> str:
        point = f"點{_digits(f'{hundredths:02}')}" if hundredths else ""
        return f"{self._number(whole)}{point} {_digits(currency)}".strip()

    def _day(self, day: date) -> str:
        return f"{self._number(day.month)}月{self._number(day.day)}日"

    def _clock(self, at: time) -> str:
        part = next(words for until, words in _PARTS_OF_DAY if at.hour < until)
        hour = at.hour if at.hour <= 12 else at.hour - 12  # noqa: PLR2004
        gap = "零" if at.minute < 10 else ""  # noqa: PLR2004
        return f"{part}{self._so_many(hour)}點" + (f"{gap}{self._number(at.minute)}分" if at.minute else "")

    def _span(self, minutes: int) -> str:
        if minutes <= 0:
            return "不到一分鐘"
        hours, minutes = divmod(minutes, 60)
        return (
            "大約"
            + (f"{self._so_many(hours)}小時" if hours else "")
            + (f"{self._so_many(minutes)}分鐘" if minutes else "")
        )


TRADITIONAL: Final = Mandarin("TWD", (_TRILLION, *_UNITS), _AS_IT_IS)
SIMPLIFIED: Final = Mandarin("CNY", _UNITS, _SIMPLIFIED)


def _digits(code: str) -> str:
    return "、".join(
        "".join(_FIGURES[int(sign)] if sign.isdecimal() else _SIGNS.get(sign, sign.upper()) for sign in group)
        for group in groups(code)
    )


def _digit_by_digit(number: int) -> str:
    return "".join(_FIGURES[int(figure)] for figure in str(number))
