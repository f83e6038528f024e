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


def order_digits(order: str) -> str:
    """What of an order number can be keyed: ``A-88301`` is 88301."""
    return numbers.dialled_digits(order).lstrip("+")


def by_order(contact: Contact, digits: str) -> Match:
    """The contact has the order. Its number as it stands there, if that order is among those shown."""
    known = (order.id for order in contact.orders if order_digits(order.id) == digits)
    return Match(contact, MatchedBy.ORDER, next(known, digits))


def read_numbers(contact: Contact, country: str) -> Contact:
    """The same contact, each number with what it means: to be shown, not to be matched, for a field may hold several."""
    if all(known.e164 for known in contact.numbers):
        return contact
    read = (replace(known, e164=next(iter(meanings(known, country)), "")) for known in contact.numbers)
    return replace(contact, numbers=tuple(read))


def meanings(known: ContactNumber, country: str) -> tuple[str, ...]:
    """Every number that a field means, in E.164. Where the customer system itself says so, that one."""
    return (known.e164,) if known.e164 else tuple(read.e164 for _, read in _readings(known.typed, country))


def how_matched(known: ContactNumber, number: Number, country: str) -> MatchedBy | None:
    """None: this is another number."""
    if number.e164 not in meanings(known, country):
        return None
    ways = (_how(typed, read) for typed, read in _readings(known.typed, country) if read.e164 == number.e164)
    return next(ways, MatchedBy.NUMBER)


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
    if re.sub(r"\D", "", typed).lstrip("0").startswith(read.e164.lstrip("+")):
        return True
    return numbers.parse(typed, country=_NO_COUNTRY) is not None
