"""What a word was probably meant to be: the nearest known one, and names that differ by case and dashes only."""

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str], *, likeness: float = 0.6) -> str:
    """``likeness``: 0 to 1, of which it needs so much."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=likeness)
    return f"; did you mean {near[0]}?" if near else ""


def same_key(known: Iterable[str], key: str) -> str:
    """The key of the file that a variable means: variables come without case and dashes."""
    return next((name for name in known if folded(name) == folded(key)), key)


def folded(text: object) -> str:
    return str(text).lower().replace("-", "_")
