"""What was before with a caller, as the card of their next call shows it."""

from dataclasses import dataclass
from datetime import datetime

from cti.calls.call import CallId, Direction, Outcome, PbxName


@dataclass(frozen=True, slots=True, kw_only=True)
class PastCall:
    """Of an ``Interaction`` what a card needs: it is read while a phone rings."""

    pbx: PbxName
    call: CallId
    direction: Direction
    ani: str
    dnis: str
    queue: str
    offered_at: datetime
    ended_at: datetime
    talk_s: float
    outcome: Outcome
    agent: str
    note: str
    result: str
    result_label: str
    ivr_outcome: str
    """Empty: no journey, or none that is known to have ended."""
