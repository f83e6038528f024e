"""Mean and percentiles of values that were counted, not listed."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Distribution:
    """Values in order, each with how often it was seen. Of nothing everything is None, not 0."""

    counted: tuple[tuple[float, int], ...]

    @classmethod
    def of(cls, counted: Iterable[tuple[float | None, int]]) -> "Distribution":
        """None is no value, and left out."""
        sums: Counter[float] = Counter()
        for value, count in counted:
            if value is not None and count:
                sums[value] += count
        return cls(tuple(sorted(sums.items())))

    @property
    def n(self) -> int:
        return sum(count for _, count in self.counted)

    @property
    def mean(self) -> float | None:
        return sum(value * count for value, count in self.counted) / self.n if self.counted else None

    def percentile(self, share: float) -> float | None:
        """By nearest rank: the least value that ``share`` (0 to 1) of all do not exceed."""
        rank, seen = max(1, math.ceil(share * self.n)), 0
        for value, count in self.counted:
            seen += count
            if seen >= rank:
                return value
        return None
