"""What the record knows of journeys through the IVR, beside the calls: who asked to be called back, who left a message, and
the counts that reports are made of. ``trail.py`` derives it from the facts; ``JourneyLog`` is the seam.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from cti.calls.call import CallId, PbxName
from cti.calls.journey import IvrOutcome, LeftBy
from cti.envelope import Envelope

T = TypeVar("T")


class CallbackState(StrEnum):
    """What has become of a wish to be called back; facts that come later lead from one to the next (``callbacks.py``)."""

    OPEN = "open"
    CLAIMED = "claimed"
    """Somebody sees to it."""
    DONE = "done"
    FAILED = "failed"
    """They were not reached; anybody may try again."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Callback:
    """Somebody wants to be called back."""

    id: str
    """Made of the fact's source and id, so that it stays the same; holds nothing but letters and digits."""
    pbx: PbxName
    call: CallId
    number: str
    queue: str
    reason: str
    entered_at: datetime
    """Since when they have been with us: what their place in the queue goes by."""
    requested_at: datetime
    contact: str
    """Who the call was with, as the interaction has it."""
    contact_name: str
    state: CallbackState
    claimed_by: str = ""
    """Who sees to it, or did last; empty once it was given back."""
    claimed_at: datetime | None = None
    tries: int = 0
    """How often they were not reached."""
    note: str = ""
    """The latest."""
    changed_by: str = ""
    changed_at: datetime | None = None
    last_call: str = ""
    """The latest call to them that was placed for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voicemail:
    id: str
    """As a callback's."""
    pbx: PbxName
    call: CallId
    queue: str
    file: str
    """Below the folder of recordings."""
    length_s: float
    number: str
    """The calling number, as the PBX gave it; empty when withheld."""
    contact: str
    contact_name: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Every field narrows. ``queues`` None: those of all queues; empty: of none. Messages have neither state nor claim."""

    queues: frozenset[str] | None = None
    state: CallbackState | None = None
    claimed_by: str | None = None

    def is_met(self, *, queue: str, state: CallbackState | None = None, claimed_by: str = "") -> bool:
        is_of_queue = self.queues is None or queue in self.queues
        return is_of_queue and self.state in {None, state} and self.claimed_by in {None, claimed_by}


@dataclass(frozen=True, slots=True)
class PageOf(Generic[T]):
    """``cursor`` opens the next page; None on the last. A page stays right while new ones come in."""

    items: tuple[T, ...]
    cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Journeys that were entered in it: from inclusive, until exclusive."""

    since: datetime
    until: datetime

    def holds(self, at: datetime) -> bool:
        return self.since <= at < self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyCount:
    """So many journeys of one flow that are alike in all this."""

    flow: str
    label: str
    outcome: IvrOutcome | None
    """None: in the IVR still."""
    reason: str
    at_step: str
    spent_s: float | None
    """In the IVR, rounded (``trail.countable``); None: not known, for nobody saw them leave."""
    journeys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCount:
    """So many visits to one step that are alike in all this."""

    step: str
    kind: str
    label: str
    how: LeftBy
    to: str
    spent_s: float
    """At each visit, rounded alike."""
    visits: int
    journeys: int
    """Of the visits, those that were a journey's first to this step: added up, the journeys that came here."""
    failures: int
    place: int
    """The earliest place in a journey that it was taken at, from 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkCount:
    """So many journeys whose caller gave these marks: the last one of each scale counts."""

    satisfaction: int | None
    """1 to 5."""
    recommendation: int | None
    """0 to 10."""
    journeys: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowCounts:
    """One flow's journeys in a period, counted; ``steps`` are those of journeys that are over."""

    journeys: tuple[JourneyCount, ...]
    steps: tuple[StepCount, ...]
    marks: tuple[MarkCount, ...]


class JourneyLog(Protocol):
    """Who calls it: web handlers, reports, and the IVR at its start. Every method raises ``StoreUnavailable``."""

    async def facts_of(self, kind: str, *, since: datetime) -> tuple[Envelope, ...]:
        """The facts of one type (``cti.ivr.pin_tried.v1``) of all calls since then, in the order they were recorded."""
        ...

    async def callbacks(self, sought: Sought, *, cursor: str | None = None, limit: int = 50) -> PageOf[Callback]:
        """Who has been with us longest comes first. Raises ``RequestError`` as ``InteractionLog.between`` does."""
        ...

    async def callback(self, callback: str) -> Callback | None: ...

    async def voicemails(self, sought: Sought, *, cursor: str | None = None, limit: int = 50) -> PageOf[Voicemail]:
        """The newest first."""
        ...

    async def voicemail(self, voicemail: str) -> Voicemail | None: ...

    async def flow_counts(self, flow: str, period: Period) -> FlowCounts: ...

    async def journey_counts(self, period: Period) -> tuple[JourneyCount, ...]:
        """Of all flows; without ``at_step`` and ``reason``, which are empty."""
        ...
