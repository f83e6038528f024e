"""How wide text will be, without a font at hand, and how it is broken to fit. A little too wide rather than too narrow."""

import unicodedata
from functools import lru_cache
from typing import Final

_NARROW: Final = frozenset("iljtfrI.,:;'|!()[] -·1")
_BROAD: Final = frozenset("mwMWGOQ@%&…—")
ELLIPSIS: Final = "…"


@lru_cache(maxsize=4096)
def _em(char: str) -> float:
    if unicodedata.east_asian_width(char) in {"W", "F"}:
        return 1.0
    if unicodedata.combining(char):
        return 0.0
    return 0.36 if char in _NARROW else 0.86 if char in _BROAD else 0.7 if char.isupper() else 0.58


def width(text: str, size: float) -> float:
    """In pixels, in a sans-serif font of ``size``."""
    return size * sum(map(_em, text))


def clean(text: str) -> str:
    """Fit for XML and for one line: what does not print, changes direction or breaks lines becomes a space."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def cut(text: str, size: float, most: float) -> str:
    """As much as fits into ``most`` pixels, the rest an ellipsis."""
    if width(text, size) <= most:
        return text
    while text and width(text + ELLIPSIS, size) > most:
        text = text[:-1]
    return text.rstrip() + ELLIPSIS


def wrapped(text: str, size: float, most: float) -> tuple[str, ...]:
    """One line or two."""
    if width(text, size) <= most:
        return (text,)
    end = _break(text, size, most)
    return text[:end].rstrip(), cut(text[end:].lstrip(), size, most)


def _break(text: str, size: float, most: float) -> int:
    """Where the first line ends: between words, or between two characters of a script without spaces; else anywhere."""
    fits = next(end for end in range(len(text), 0, -1) if end == 1 or width(text[:end].rstrip(), size) <= most)
    ends = [
        end for end in range(fits, 0, -1) if text[end : end + 1] == " " or text[end - 1] == " " or _is_wide(text, end)
    ]
    return next((end for end in ends if end > fits // 2), fits)


def _is_wide(text: str, end: int) -> bool:
    return all(unicodedata.category(char) == "Lo" and _em(char) == 1.0 for char in text[end - 1 : end + 1])
