"""Telephone numbers: what digits mean in the site's country, how they are shown, and how they are masked.

A number from a caller is text written by a stranger; only what parses is a ``Number``. Rendering to a PBX goes from
digits only.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NewType

import phonenumbers

E164 = NewType("E164", str)
"""``+`` and 7 to 15 digits: ``+49301234567`` (ITU-T E.164)."""

MAX_TYPED: Final = 64
KEPT: Final = 4096
"""Numbers whose meaning is kept in mind: to find it takes a tenth of a millisecond, and a call asks for it ten times."""
_NOT_DIALLED: Final = re.compile(r"[^0-9+]")
_WITHHELD: Final = frozenset(
    {"", "anonymous", "unknown", "unavailable", "private", "restricted", "withheld", "<unknown>", "s"}
)


@dataclass(frozen=True, slots=True)
class Number:
    """A telephone number understood in the site's country. ``extension`` holds digits noted behind it, if any."""

    e164: E164
    region: str
    """ISO 3166-1, two letters: where the number belongs; empty for numbers of no country."""
    extension: str = ""

    @property
    def international(self) -> str:
        """Spaced for reading: ``+49 30 1234567``."""
        return phonenumbers.format_number(self._parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)

    @property
    def national(self) -> str:
        """As people of its own country write it: ``030 1234567``."""
        return phonenumbers.format_number(self._parsed, phonenumbers.PhoneNumberFormat.NATIONAL)

    @property
    def national_digits(self) -> str:
        """Without country code and trunk prefix: ``301234567``. The last digits of every way of writing the number."""
        return phonenumbers.national_significant_number(self._parsed)

    @property
    def _parsed(self) -> phonenumbers.PhoneNumber:
        return _parsed(self.e164)


@lru_cache(maxsize=KEPT)
def _parsed(e164: str) -> phonenumbers.PhoneNumber:
    return phonenumbers.parse(e164)


@lru_cache(maxsize=KEPT)
def parse(typed: str, *, country: str) -> Number | None:
    """What ``typed`` means in ``country`` (ISO 3166-1, two letters); None for what is no telephone number there.

    Takes national and international forms, spaces, brackets, dashes, ``00`` and ``+``, full-width digits, and a
    trailing extension (``ext. 12``, ``x12``, ``#12``, ``;ext=12``). Extensions of the PBX itself are not telephone numbers.
    """
    if not typed or len(typed) > MAX_TYPED:
        return None
    try:
        parsed = phonenumbers.parse(typed, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return Number(
        e164=E164(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)),
        region=phonenumbers.region_code_for_number(parsed) or "",
        extension=parsed.extension or "",
    )


def ascii_digits(text: str) -> str:
    """Digits of any script as 0 to 9, as people type full-width ones; everything else as it is."""
    return "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in text)


def dialled_digits(text: str) -> str:
    """``text`` reduced to digits and one leading ``+``; what a PBX may be given to dial."""
    digits = _NOT_DIALLED.sub("", text)
    return ("+" if digits.startswith("+") else "") + digits.replace("+", "")


def is_withheld(text: str) -> bool:
    """Did the caller keep the number back? The words PBXs and carriers use for it count as such."""
    return text.strip().lower() in _WITHHELD


def masked(number: str) -> str:
    """For logs: the last three digits, and how many there were before: ``•••••••234``."""
    digits = dialled_digits(number)
    return "•" * max(0, len(digits) - 3) + digits[-3:] if len(digits) > 4 else "•" * len(digits)  # noqa: PLR2004
