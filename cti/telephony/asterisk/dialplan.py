"""Where calls are put into the PBX, and which numbers may be dialled there. Pure; dial strings are never joined from text."""

import re
from dataclasses import dataclass
from typing import Final

from cti import numbers

DIALLED: Final = re.compile(r"\+?[0-9]{1,20}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialplan:
    """Where calls are put into the PBX, and how numbers are dialled there."""

    outgoing_context: str = "cti-outbound"
    internal_context: str = "cti-internal"
    transfer_context: str = "cti-transfer"
    parking_context: str = "parkedcalls"
    parking_pattern: str = r"7\d{2}"
    internal_pattern: str = r"\d{2,6}"
    outgoing_trunk: str = ""
    country: str = "TW"
    national: bool = False
    """Dial numbers of ``country`` as people there do, not in E.164."""
    allowed_countries: frozenset[str] = frozenset()
    """Empty: ``country`` only."""
    emergency_numbers: frozenset[str] = frozenset()


def destination(to: str, dialplan: Dialplan) -> tuple[str, str]:
    """Context and digits for ``to``. Raises ValueError for what is no number, or one that may not be called."""
    if not DIALLED.fullmatch(to):
        raise ValueError(f"to: {to[:40]!r} is none")
    if to in dialplan.emergency_numbers:
        return dialplan.outgoing_context, to
    if re.fullmatch(dialplan.internal_pattern, to):
        return dialplan.internal_context, to
    number = numbers.parse(to, country=dialplan.country)
    if number is None:
        raise ValueError("to: no telephone number")
    if number.region not in (dialplan.allowed_countries or {dialplan.country}):
        raise ValueError(f"to: calls to {number.region or 'numbers of no country'} are not allowed")
    as_at_home = dialplan.national and number.region == dialplan.country
    return dialplan.outgoing_context, numbers.dialled_digits(number.national) if as_at_home else number.e164
