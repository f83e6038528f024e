"""How long to wait before asking a PBX again."""

from typing import Final

FIRST_S: Final = 0.5
MOST_S: Final = 30.0


def backoff_s(failures: int, chance: float, *, first_s: float = FIRST_S, most_s: float = MOST_S) -> float:
    """After so many failures in a row: doubling up to ``most_s``, of which ``chance`` (0 to 1, drawn anew each time) decides
    the upper half, so that many who lost the same PBX do not come back at once."""
    whole_s: float = min(most_s, first_s * 2.0 ** min(max(failures - 1, 0), 16))
    return whole_s * (0.5 + 0.5 * chance)
