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

    def seen(self, call: Call) -> tuple[QueueFigures, ...]:
        """A call rings for its place in the queue, and waits until somebody answers."""
        waits_in = call.queue if call.is_live and call.is_waiting else None
        changed = [queue for queue, waiting in self._waiting.items() if call.id in waiting and queue != waits_in]
        for queue in changed:
            del self._waiting[queue][call.id]
        if waits_in is not None and call.id not in self._waiting.setdefault(waits_in, {}):
            self._waiting[waits_in][call.id] = call.queued_at or call.since
            changed.append(waits_in)
        return tuple(self.figures(queue) for queue in changed)

    def figures(self, queue: str) -> QueueFigures:
        waiting = self._waiting.get(queue, {})
        return QueueFigures(queue, len(waiting), min(waiting.values(), default=None))
