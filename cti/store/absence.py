"""Is the database there, and when is it tried again? As whoever writes the record has found it. By the clock that only goes on."""

import random
import time
from pathlib import Path

import structlog

log = structlog.get_logger()


def pause_s(failures: int, *, first_s: float, cap_s: float) -> float:
    """Before the next try; half of it to all of it is waited, by chance."""
    return min(cap_s, first_s * 2.0 ** min(failures, 16))


class Absence:
    """Said once when it begins, and once when it is over. ``beside``: where facts go meanwhile."""

    def __init__(self, *, first_s: float, cap_s: float, beside: Path) -> None:
        self.reason = ""
        """In words; empty while it is there."""
        self._first_s, self._cap_s, self._beside = first_s, cap_s, beside
        self._failures = 0
        self._retry_at_s = 0.0
        self._since_s: float | None = None

    @property
    def is_on(self) -> bool:
        return self._since_s is not None

    @property
    def retry_in_s(self) -> float:
        """0: now."""
        return max(0.0, self._retry_at_s - time.monotonic())

    def begins(self, reason: str) -> None:
        """Or goes on: the next try comes later than after the last."""
        now_s = time.monotonic()
        share = random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, keeps no secret
        self._retry_at_s = now_s + share * pause_s(self._failures, first_s=self._first_s, cap_s=self._cap_s)
        self._failures += 1
        self.reason = reason
        if self._since_s is None:
            self._since_s = now_s
            log.error("store_unavailable", reason=reason, facts_go_to=str(self._beside))

    def ends(self, spooled: int) -> None:
        if self._since_s is not None:
            log.warning("store_back", away_s=round(time.monotonic() - self._since_s, 1), spooled=spooled)
        self._failures, self.reason, self._retry_at_s, self._since_s = 0, "", 0.0, None
