"""The bus between processes: a protocol with two keepers, ``redis_bus.py`` and ``memory_bus.py``.

It is never the record: what is lost here is asked for again (``Gap``), and what must not be lost is in the database.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from cti.fanout.entry import Entry


@dataclass(frozen=True, slots=True)
class Gap:
    """Something may have been missed: the bus was away, was emptied, or we were too slow. Ask for the picture."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request to the process that reads the PBXs. Taken once; after ``until`` (epoch seconds) it must not be carried out."""

    id: str
    kind: str
    body: bytes
    sender: str
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    ask: str
    is_done: bool
    body: bytes
    """What was asked for; else the error: ``{"error": "NotNow", "words": ..., ...}``."""


class Bus(Protocol):
    """All methods belong to one event loop. ``run`` owns the connection and ends by being cancelled."""

    async def run(self) -> None: ...

    @property
    def is_up(self) -> bool: ...

    @property
    def reason(self) -> str:
        """Why it is away, in words; empty while it is up."""
        ...

    def publish(self, stream: str, entry: Entry) -> None:
        """Never waits, never raises. What cannot be delivered is dropped, and readers and writers hear of a ``Gap``."""
        ...

    def read(self, stream: str) -> AsyncIterator[Entry | Gap]:
        """From now on; the first is always a ``Gap``."""
        ...

    async def ask(self, ask: Ask) -> Answer:
        """Raises ``PbxUnavailable`` when the bus is away or nobody answers in time."""
        ...

    async def serve(self, carry_out: Callable[[Ask], Awaitable[Answer]]) -> None:
        """Take asks until cancelled. One that another process took and did not finish is taken over after a while."""
        ...
