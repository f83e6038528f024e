"""Who waits in which queue, from the changes of calls. No I/O."""

from dataclasses import dataclass, field
from datetime import datetime

from cti.calls.call import Call, CallId


@dataclass(frozen=True, slots=True)
class QueueFigures:
    queue: str
    waiting: int
    oldest_since: datetime | None
    """When the one who waits longest began to; None when nobody waits."""


@dataclass(slots=True)
class WaitingRoom:
    """Feed it each call as it is now; it says which queues' figures have changed."""

    _waiting: dict[str, dict[CallId, datetime]] = field(default_factory=dict)
    _queues: dict[CallId, str] = field(default_factory=dict)
    """Where each of them waits."""

    def seen(self, call: Call) -> tuple[QueueFigures, ...]:
        """A call rings for its place in the queue, and waits until somebody answers."""
        now, before = call.queue if call.is_live and call.is_waiting else None, self._queues.get(call.id)
        if now == before:
            return ()
        if before is not None:
            del self._queues[call.id], self._waiting[before][call.id]
        if now is not None:
            self._queues[call.id] = now
            self._waiting.setdefault(now, {})[call.id] = call.queued_at or call.since
        return tuple(self.figures(queue) for queue in (before, now) if queue is not None)

    def figures(self, queue: str) -> QueueFigures:
        waiting = self._waiting.get(queue, {})
        return QueueFigures(queue, len(waiting), min(waiting.values(), default=None))
