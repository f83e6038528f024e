"""The circuit breaker: a customer system that keeps failing is left alone for a while, then asked once."""


class Breaker:
    """Closed: ask. Open: do not. Half open: one probe is on its way, and its end decides. Time is handed in, in seconds."""

    def __init__(self, *, failures_to_open: int, retry_after_s: float) -> None:
        self._failures_to_open = failures_to_open
        self._retry_after_s = retry_after_s
        self._failures = 0
        self._retry_at_s = 0.0
        self._is_probing = False

    @property
    def is_open(self) -> bool:
        return self._failures >= self._failures_to_open

    def may_ask(self, now_s: float) -> bool:
        """Answering yes while open makes the asker the probe: it must say how it ended."""
        if not self.is_open:
            return True
        if self._is_probing or now_s < self._retry_at_s:
            return False
        self._is_probing = True
        return True

    def succeeded(self) -> None:
        self._failures = 0
        self._is_probing = False

    def failed(self, now_s: float) -> None:
        self._failures += 1
        self._is_probing = False
        self._retry_at_s = now_s + self._retry_after_s

    def gave_up(self) -> None:
        """The asker was stopped; nothing was learned."""
        self._is_probing = False
