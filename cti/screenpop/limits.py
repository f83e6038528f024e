"""How much one client may ask for, and by which address it is known."""

from collections.abc import Sequence


def browser_address(remote: str, forwarded: Sequence[str], proxies: frozenset[str]) -> str:
    """The socket's other end; where that is a proxy of ours, whom it says it speaks for. ``forwarded``: each ``X-Forwarded-For``;
    the last entry of the last is the proxy's own, what stands before it anybody can write."""
    if remote not in proxies or not forwarded:
        return remote
    return forwarded[-1].rpartition(",")[2].strip()[:64] or remote


class Bucket:
    """A token bucket: ``burst`` at once, ``per_s`` in the long run. Time is handed in, monotonic, in seconds."""

    __slots__ = ("_burst", "_left", "_per_s", "_since")

    def __init__(self, *, per_s: float, burst: int, now: float) -> None:
        self._per_s = per_s
        self._burst = burst
        self._left = float(burst)
        self._since = now

    def allows(self, now: float) -> bool:
        """Take one; False when there is none left."""
        self._left = min(self._burst, self._left + (now - self._since) * self._per_s)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
