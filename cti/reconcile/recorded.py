"""A call as the PBX's own records have it. Pure values; made of queue_log and CDR, matched with our interactions by ids."""

from dataclasses import dataclass
from datetime import datetime

from cti.calls.call import Direction, Outcome, PbxName


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPart:
    """One person's part: rang, answered or not."""

    device: str
    """``PJSIP/2001``, or the member's name where queue_log has that and there is no CDR to say whose it is."""
    rang_at: datetime | None
    connected_at: datetime | None
    cleared_at: datetime | None
    member: str = ""
    """The queue's name for the agent, where a queue rang."""
    leg: str = ""
    """The Uniqueid of that channel, or its name, as far as the records say."""
    number: str = ""
    is_agent: bool = True
    """False: somebody outside."""
    is_consulted: bool = False
    """Spoken to by an agent, and never by the customer."""
    cause: str = ""
    """Why it stopped ringing: busy, no_answer..."""

    @property
    def spoke(self) -> bool:
        return self.connected_at is not None and not self.is_consulted


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """A call that is over."""

    pbx: PbxName
    ids: frozenset[str]
    """Every Uniqueid and Linkedid it is known by; the oldest is that of its first channel."""
    first_id: str
    channels: frozenset[str] = frozenset()
    """By name, as far as the CDR says."""
    direction: Direction
    ani: str
    ani_name: str
    dnis: str
    queue: str
    offered_at: datetime
    queued_at: datetime | None
    """When it came into its first queue; ``queue`` is its last."""
    answered_at: datetime | None
    ended_at: datetime
    ring_s: float
    talk_s: float
    outcome: Outcome
    ended_by: str
    """``customer``, ``agent``, or empty where the records do not say."""
    parts: tuple[RecordedPart, ...]
    queues: tuple[tuple[datetime, str], ...] = ()
    """Every queue it came into, and when."""
    device: str = ""
    """The phone or trunk that began it; empty where only queue_log knows of it."""
    left_queue: str = ""
    """Why it left its last queue without an agent: timeout, key, empty; empty otherwise."""
    left_queue_at: datetime | None = None
    cause: str = "normal"
    """``normal``, busy, no_answer, congestion; ``pbx_restart`` where the PBX was gone before the call was."""
    knows_end: bool = True
    """False: it was handed over or left its queue then, and what came after only a CDR would tell."""
    has_cdr: bool = False
    has_queue_log: bool = False
    is_whole: bool = True
    """False: where there is a CDR, not all of this call may be written yet."""
