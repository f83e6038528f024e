"""What one agent's desktop has yet to read, and what it has read lately.

A message waits **without a number** until the socket takes it; a later one about the same thing takes its place, at the
end of the line. It is numbered when it is taken. So a slow desktop skips what is out of date, and the numbers it sees
still have no gaps. What was taken is kept a while, as sent, for a desktop that lost its connection and resumes.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple, TypeVar

import msgspec

from cti.screenpop.messages import Delta, Snapshot

Numbered = Delta | Snapshot
_N = TypeVar("_N", bound=Numbered)
Key = tuple[str, str]
"""Kind and name of the thing a message is about: ``("call", "main-1763754000.12")``."""

encoder: Final = msgspec.json.Encoder()


class Outbox:
    """Waiting messages, one for each thing. Bounded: who has more than ``limit`` things unread is not reading."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: OrderedDict[Key, Numbered] = OrderedDict()

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, key: Key, message: Numbered) -> bool:
        """False: the desktop has fallen too far behind and is to be dropped."""
        self._waiting.pop(key, None)
        self._waiting[key] = message
        return len(self._waiting) <= self._limit

    def take(self) -> Numbered | None:
        return self._waiting.popitem(last=False)[1] if self._waiting else None


class Sent(NamedTuple):
    seq: int
    at: datetime
    frame: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    waiting: int = 256
    """Things one desktop may have unread."""
    kept: int = 256
    """Sent messages kept for resuming, by number, size and age, whichever is least."""
    kept_bytes: int = 256 * 1024
    kept_s: float = 60.0
    """Longer than it takes the ping to notice a dead socket (20 s). Nothing ages while the desktop is away."""


class Stream:
    """One numbered row of messages to one agent, from a snapshot on. ``id`` is a secret of that desktop."""

    def __init__(self, stream_id: str, limits: Limits, *, seq: int = 0) -> None:
        """``seq``: the last number its desktop has, where it goes on from another process."""
        self.id = stream_id
        self.seq = seq
        self._limits = limits
        self._kept = timedelta(seconds=limits.kept_s)
        self._outbox = Outbox(limits.waiting)
        self._sent: deque[Sent] = deque()
        self._sent_bytes = 0

    @property
    def is_waiting(self) -> bool:
        return bool(self._outbox)

    def put(self, key: Key, message: Numbered) -> bool:
        return self._outbox.put(key, message)

    def take(self, now: datetime) -> tuple[bytes, Numbered] | None:
        """The next message, numbered, as text to send; None when there is none."""
        message = self._outbox.take()
        return (self.number(message, now), message) if message else None

    def number(self, message: _N, now: datetime) -> bytes:
        """Encode ``message`` as the next of the stream, ahead of whatever waits. The one place where that is done."""
        self.seq += 1
        frame = encoder.encode(msgspec.structs.replace(message, seq=self.seq))
        self._keep(Sent(self.seq, now, frame))
        return frame

    def after(self, seq: int) -> list[bytes] | None:
        """What was sent after ``seq``; None where that is no longer known, or never was."""
        if seq == self.seq:
            return []
        if seq > self.seq or not self._sent or self._sent[0].seq > seq + 1:
            return None
        return [sent.frame for sent in self._sent if sent.seq > seq]

    def _keep(self, sent: Sent) -> None:
        self._sent.append(sent)
        self._sent_bytes += len(sent.frame)
        oldest = sent.at - self._kept
        while self._is_too_much(oldest):
            self._sent_bytes -= len(self._sent.popleft().frame)

    def _is_too_much(self, oldest: datetime) -> bool:
        limits = self._limits
        too_many = len(self._sent) > limits.kept or self._sent_bytes > limits.kept_bytes
        return len(self._sent) > 1 and (too_many or self._sent[0].at < oldest)
