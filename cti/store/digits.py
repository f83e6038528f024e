"""Numbers as the record keeps them: as the PBX gave them, found again by how they end."""

from typing import Final

from cti.numbers import dialled_digits

INDEXED: Final = 24
"""Digits kept for searching; E.164 has 15 at most, what strangers send may have thousands."""
TELLING: Final = 8
"""The last digits that are looked for when a number is written out in full: prefixes differ in how they are written."""


def bare_digits(number: str) -> str:
    """What the ways of writing one number end in alike: no ``+``, no leading zeros."""
    return dialled_digits(number).lstrip("+").lstrip("0")


def reversed_digits(number: str) -> str:
    """For an index: a number that ends in 4567 begins with 7654 here."""
    return dialled_digits(number).lstrip("+")[::-1][:INDEXED]


def ending(number: str) -> str:
    """How the reversed digits of this number, in whatever way it was written, begin; empty for what has no digits."""
    return reversed_digits(bare_digits(number) or number)[:TELLING]


SHORTEST: Final = 7
LONGEST_PREFIX: Final = 3
"""Digits of a country code."""


def same_number(one: str, other: str) -> bool:
    """Do these mean the same subscriber, as far as can be seen without knowing the country?

    Two international numbers only when they are equal; else the same digits, or one with up to a country code more in
    front. Short numbers, extensions, only when equal; what has no digits is no number.
    """
    if one.startswith("+") and other.startswith("+"):
        return one == other
    short, long = sorted((bare_digits(one), bare_digits(other)), key=len)
    if len(short) < SHORTEST:
        return bool(short) and one == other
    return long.endswith(short) and len(long) - len(short) <= LONGEST_PREFIX
