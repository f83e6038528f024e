"""Is this the caller's number? Numbers stand in customer systems as somebody once typed them."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from cti import numbers
from cti.crm.contact import Contact, ContactNumber, Match, MatchedBy
from cti.numbers import Number

_SUREST_FIRST: Final = tuple(MatchedBy)
_BETWEEN: Final = re.compile(r"\s*(?:[;,/|\n]|\s(?:or|oder|und|and)\s)\s*")
"""What people put between two numbers in one field."""
_NO_COUNTRY: Final = "ZZ"


def surest_first(match: Match) -> int:
    """A sort key."""
    return _SUREST_FIRST.index(match.by)


def match_of(contact: Contact, number: Number, country: str) -> Match | None:
    """``country``: where the contact's numbers without country code belong."""
    ways = [(by, known) for known in contact.numbers if (by := how_matched(known, number, country))]
    if not ways:
        return None
    by, known = min(ways, key=lambda way: _SUREST_FIRST.index(way[0]))
    return Match(contact, by, known.typed or known.e164)


def read_numbers(contact: Contact, country: str) -> Contact:
    """The same contact, each number with what it means."""
    read = (replace(known, e164=known.e164 or e164_of(known.typed, country)) for known in contact.numbers)
    return replace(contact, numbers=tuple(read))


def how_matched(known: ContactNumber, number: Number, country: str) -> MatchedBy | None:
    if known.e164 == number.e164 and not known.typed:
        return MatchedBy.NUMBER
    for typed, read in _readings(known.typed, country):
        if (known.e164 or read.e164) == number.e164 == read.e164:
            return _how(typed, read)
    return MatchedBy.NUMBER if known.e164 == number.e164 else None


def e164_of(typed: str, country: str) -> str:
    """What a typed number means; empty where it means nothing."""
    return next((str(read.e164) for _, read in _readings(typed, country)), "")


def _how(typed: str, read: Number) -> MatchedBy:
    if not _has_country_code(typed, read):
        return MatchedBy.NATIONAL
    return MatchedBy.EXTENSION if read.extension else MatchedBy.NUMBER


def _readings(typed: str, country: str) -> Iterator[tuple[str, Number]]:
    """The field as one number; and where it holds several, each."""
    pieces = _BETWEEN.split(typed.strip())
    for piece in dict.fromkeys([typed.strip(), *(pieces if len(pieces) > 1 else [])]):
        read = numbers.parse(piece, country=country)
        if read:
            yield piece, read


def _has_country_code(typed: str, read: Number) -> bool:
    if numbers.parse(typed, country=_NO_COUNTRY):
        return True
    return re.sub(r"\D", "", typed).lstrip("0").startswith(read.e164.lstrip("+"))
