"""A call as the PBX's own records have it. Pure values; made of queue_log and CDR, matched with our interactions by ids."""

from dataclasses import dataclass
from datetime import datetime

from cti.calls.call import Direction, Outcome, PbxName


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedPart:
    """One agent's part: rang, answered or not."""

    device: str
    """``PJSIP/2001``, or the member's name where queue_log has that."""
    rang_at: datetime | None
    connected_at: datetime | None
    cleared_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    pbx: PbxName
    ids: frozenset[str]
    """Every Uniqueid and Linkedid it is known by; the oldest is that of its first channel."""
    first_id: str
    direction: Direction
    ani: str
    ani_name: str
    dnis: str
    queue: str
    offered_at: datetime
    queued_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime
    ring_s: float
    talk_s: float
    outcome: Outcome
    ended_by: str
    """``customer``, ``agent``, or empty where the records do not say."""
    parts: tuple[RecordedPart, ...]
