"""Check digits: is what was keyed a number that can exist? Each rule with its source."""

from collections.abc import Callable, Mapping
from typing import Final


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B: cards, and many customer numbers."""
    doubled = [sum(divmod(int(digit) * (1 + place % 2), 10)) for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10 == 0


def mod11(digits: str) -> bool:
    """ISO 2108, as in ISBN-10: weights 2, 3, 4, ... from the right, the check digit last with weight 1; where it would be 10
    there is no number. (Norwegian account numbers, whose weights begin again after 7, are another rule.)"""
    return sum(int(digit) * (place + 1) for place, digit in enumerate(reversed(digits))) % 11 == 0


def mod97(digits: str) -> bool:
    """ISO/IEC 7064, MOD 97-10: two check digits at the end; the whole leaves 1."""
    return int(digits) % 97 == 1


CHECKS: Final[Mapping[str, Callable[[str], bool]]] = {"luhn": luhn, "mod11": mod11, "mod97": mod97}
