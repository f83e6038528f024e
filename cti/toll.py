"""Which numbers agents may have dialled: the wall against toll fraud. Pure; default is no.

What is typed is read as a number and written anew from its digits; nothing typed ever reaches the PBX as text. Emergency
numbers pass before anything else is asked, and are never counted.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

import phonenumbers

from cti import numbers
from cti.numbers import E164, Number

PER: Final = timedelta(hours=1)
_BETWEEN_DIGITS: Final = re.compile(r"[ \u00a0\u202f().\u2010-\u2013-]")
"""Blanks, brackets, dots and dashes, also the ones that word processors make."""
_AREA_CODE_SLASH: Final = re.compile(r"^(?=[(+0])([^/]*)/([^/]*)$")
"""``030/5551234`` is how numbers are written in some countries; a slash in anything else is no way of writing one."""
_DIGITS: Final = re.compile(r"\+?[0-9]+")
_COSTS_EXTRA: Final = frozenset({phonenumbers.PhoneNumberType.PREMIUM_RATE, phonenumbers.PhoneNumberType.SHARED_COST})


class Kind(StrEnum):
    EMERGENCY = "emergency"
    INTERNAL = "internal"
    OUTSIDE = "outside"
    """Only these are counted."""


class Why(StrEnum):
    """Why not; message keys of the console."""

    NO_NUMBER = "not_a_number"
    COUNTRY = "country_not_allowed"
    PREMIUM = "premium"
    BLOCKED = "number_not_allowed"
    TOO_MANY = "too_many"


@dataclass(frozen=True, slots=True)
class Allowed:
    to: E164 | str
    """E.164 outside, digits of an extension or emergency number."""
    kind: Kind


@dataclass(frozen=True, slots=True)
class Refused:
    why: Why
    words: str
    """For whoever asked."""


Verdict = Allowed | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class TollRules:
    country: str
    """ISO 3166-1: how a number without a country code is read."""
    allowed_countries: frozenset[str] = frozenset()
    """Empty: ``country`` only."""
    premium: bool = False
    blocked: tuple[re.Pattern[str], ...] = ()
    """Numbers in E.164, as whole matches."""
    calls_per_hour: int = 60
    emergency_numbers: frozenset[str] = frozenset()
    internal: re.Pattern[str] = field(default=re.compile(r"\d{2,6}"))
    """What the site's own extensions look like, as a whole match."""


def decide(typed: str, rules: TollRules, *, recent: Iterable[datetime] = (), now: datetime) -> Verdict:
    """May ``typed`` be called? ``recent``: when this agent called outside lately."""
    digits = plain(typed)
    if digits is None:
        return Refused(Why.NO_NUMBER, "that is no number")
    if digits in rules.emergency_numbers:
        return Allowed(digits, Kind.EMERGENCY)
    if rules.internal.fullmatch(digits):
        return Allowed(digits, Kind.INTERNAL)
    number = numbers.parse(digits, country=rules.country)
    if number is None:
        return Refused(Why.NO_NUMBER, "that is no telephone number")
    refused = forbidden(number, rules) or _too_many(rules, recent, now)
    return refused or Allowed(number.e164, Kind.OUTSIDE)


def plain(typed: str) -> str | None:
    """The digits, with one leading ``+`` at most; None where anything stands in it that people do not write between digits:
    left out, it would make another number of it (``&``, ``,``, ``;`` are how dial strings are forged)."""
    if len(typed) > numbers.MAX_TYPED:
        return None
    text = _AREA_CODE_SLASH.sub(r"\1\2", numbers.ascii_digits(typed).strip())
    digits = _BETWEEN_DIGITS.sub("", text)
    return digits if _DIGITS.fullmatch(digits) else None


def forbidden(number: Number, rules: TollRules) -> Refused | None:
    """Where calls may not go, whoever asks and however seldom."""
    if number.region not in (rules.allowed_countries or {rules.country}):
        where = number.region if number.region.isalpha() else "numbers of no country"  # 001: satellites and the like
        return Refused(Why.COUNTRY, f"calls to {where} are not allowed")
    parsed = phonenumbers.parse(number.e164)
    if not phonenumbers.is_valid_number(parsed):
        # Nobody's range: behind it hide prefixes that choose another carrier, and numbers sold to fraudsters.
        return Refused(Why.NO_NUMBER, "there is no such telephone number")
    if not rules.premium and phonenumbers.number_type(parsed) in _COSTS_EXTRA:
        return Refused(Why.PREMIUM, "numbers that cost extra are not allowed")
    if any(pattern.fullmatch(number.e164) for pattern in rules.blocked):
        return Refused(Why.BLOCKED, "this number is blocked")
    return None


def _too_many(rules: TollRules, recent: Iterable[datetime], now: datetime) -> Refused | None:
    count = sum(now - PER < at <= now for at in recent)
    if count < rules.calls_per_hour:
        return None
    return Refused(Why.TOO_MANY, f"{count} calls outside within an hour; more is not allowed")
