"""Values put into words, for a prompt: ``words(Money(Decimal("12.5"), "EUR"), "en")``.

The words hold no figures and no symbols but commas and full stops, so a speech program has nothing to guess. A language is
one file and one line of ``_SAYS``.
"""

from collections.abc import Callable, Mapping
from typing import Final

from cti.ivr.spoken import english, mandarin
from cti.ivr.spoken.values import Clock, Count, Day, Digits, MaskedName, Money, Plain, Span, Value

__all__ = [
    "LANGUAGES", "Clock", "Count", "Day", "Digits", "MaskedName", "Money", "Plain", "Span", "Value", "words",
]  # fmt: skip

_SAYS: Final[Mapping[str, Callable[[Value], str]]] = {
    "en": english.say,
    "zh-Hans": mandarin.SIMPLIFIED.say,
    "zh-Hant": mandarin.TRADITIONAL.say,
}
LANGUAGES: Final = frozenset(_SAYS)


def words(value: Value, language: str) -> str:
    """Raises ``ValueError`` for a language outside ``LANGUAGES``: flows are checked for that when they are loaded."""
    if language not in _SAYS:
        raise ValueError(f"no words for language {language!r}; there are {', '.join(sorted(_SAYS))}")
    return _SAYS[language](value)
