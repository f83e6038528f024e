"""When a queue's figures are told: at once, and then no more often than every so many seconds."""

from datetime import datetime, timedelta

from cti.screenpop.messages import QueueView


class QueueNews:
    def __init__(self, every_s: float) -> None:
        self._every = timedelta(seconds=every_s)
        self._views: dict[str, QueueView] = {}
        self._due: dict[str, datetime] = {}
        """When each queue may be told of again."""
        self._waiting: set[str] = set()
        """Those with something to tell."""

    @property
    def views(self) -> tuple[QueueView, ...]:
        """As last heard, told or not."""
        return tuple(self._views.values())

    def heard(self, view: QueueView, now: datetime) -> tuple[QueueView, ...]:
        """What is to be told now: this, or nothing until the queue's turn has come again."""
        self._views[view.name] = view
        due = self._due.get(view.name)
        if due is None or due <= now:
            return (self._told(view.name, now),)
        self._waiting.add(view.name)
        return ()

    def expire(self, now: datetime) -> tuple[QueueView, ...]:
        """Those whose turn has come."""
        return tuple(self._told(queue, now) for queue in tuple(self._waiting) if self._due[queue] <= now)

    def next_deadline(self) -> datetime | None:
        return min((self._due[queue] for queue in self._waiting), default=None)

    def _told(self, queue: str, now: datetime) -> QueueView:
        self._waiting.discard(queue)
        self._due[queue] = now + self._every
        return self._views[queue]
