"""Which numbers outside a flow may send callers to. A flow's author need not be who pays for the calls."""

from collections.abc import Callable, Collection

from cti import numbers


def calls_allowed(*, country: str, countries: Collection[str], emergency: Collection[str]) -> Callable[[str], str]:
    """Why a number may not be called, in words; empty: it may. Without ``countries``, those of ``country`` may."""

    def why_not(typed: str) -> str:
        number = numbers.parse(typed, country=country)
        if typed in emergency:
            return ""
        if number is None:
            return "is no telephone number"
        if number.region not in (countries or {country}):
            where = (
                number.region if number.region.isalpha() else "numbers of no country"
            )  # 001: satellites and the like
            return f"calls to {where} are not allowed; see toll.allowed_countries"
        return ""

    return why_not
