"""The record's seam: facts in, interactions out. Two implementations keep it: ``sql.py`` and ``memory.py``.

A **fact** is an envelope: a call event, or something a person added to a call. Facts are appended once each (by id) and
never rewritten. An **interaction** is the logged result of a call, derived from its facts by ``derive.py`` and nothing
else, so that ``cti rebuild`` gets the same rows again.

Facts that people make (``sequence`` 0), with ``data`` as shown:

- ``cti.interaction.customer.v1`` ``{"contact", "name", "by"}``: an agent, or the only match (``by`` empty), says who it
  was; what an agent says undoes the next one for the call's number
- ``cti.interaction.not_customer.v1`` ``{"contact", "number", "by"}``: this contact is not who uses this number, nor who
  this call was with
- ``cti.interaction.note.v1`` ``{"text", "by"}``: the latest one counts
- ``cti.interaction.result.v1`` ``{"code", "label", "by", "fields"}``: the latest one counts; ``fields`` are texts by name
- ``cti.interaction.not_classified.v1`` ``{"by"}``: the agent's wrap-up ran out without a result
- ``cti.pop.receipt.v1`` ``{"pop", "agent", "step", "ms"}``: decided, sent, received, shown; ``ms`` since decided

What happens in the IVR comes as facts of its own (``cti/journeys.py``), and what follows from those is read by ``JourneyLog``;
so do agents' states (``cti/agent_facts.py``, ``ShiftLog``) and what is done about callbacks (``callbacks.py``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import msgspec

from cti.calls.call import CallId, Direction, Outcome, PbxName
from cti.calls.journey import IvrOutcome, Journey
from cti.envelope import Envelope
from cti.store.journeys import JourneyLog
from cti.store.lease import Fence
from cti.store.past import PastCall
from cti.store.shifts import ShiftLog
from cti.store.storable import Line


class Handled(msgspec.Struct, frozen=True, kw_only=True):
    """One person's part in a call, in the order they came."""

    agent: str
    """The agent's id where the phone is known to be an agent's, else empty."""
    device: str
    number: str
    name: str
    rang_at: datetime | None
    connected_at: datetime | None
    """None: it rang and was not answered."""
    cleared_at: datetime | None
    consult: bool
    cause: str


class Interaction(msgspec.Struct, frozen=True, kw_only=True):
    """One finished call, unique by (pbx, call)."""

    pbx: PbxName
    call: CallId
    direction: Direction
    ani: str
    ani_name: str
    dnis: str
    queue: str
    keys: dict[str, str]
    offered_at: datetime
    queued_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime
    wait_s: float
    ring_s: float
    talk_s: float
    hold_s: float
    outcome: Outcome
    cause: str
    ended_by: str
    agent: str
    """Who handled it last, of those who spoke to the customer; of an outgoing call nobody answered, who dialled it."""
    handled_by: tuple[Handled, ...]
    transfers: tuple[dict[str, str], ...]
    contact: str
    """Who it was: as an agent says, else as they said themselves in the IVR, else as the only match says."""
    contact_name: str
    note: str
    result: str
    """The result's code; empty while not classified."""
    result_label: str
    result_fields: dict[str, str] = msgspec.field(default_factory=dict)
    """What else was asked with that result, by name."""
    is_not_classified: bool = False
    """The wrap-up ran out, and no result has come since."""
    is_backfilled: bool = False
    """Some of it was not seen: read in the PBX's own records (times may be whole seconds), or found so on our return."""
    journey: Journey | None = None
    """Their way through the IVR, the last one where there were several; one nobody saw the end of has ``failed``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Every field narrows; times are of ``ended_at``, from inclusive, until exclusive. Text is taken literally."""

    since: datetime | None = None
    until: datetime | None = None
    agent: str | None = None
    """Whose call it was: who spoke in it, to the customer or to a colleague, or dialled it."""
    queue: str | None = None
    direction: Direction | None = None
    outcome: Outcome | None = None
    number: str | None = None
    """E.164, or any digits: matches calling or called number by its last digits."""
    contact: str | None = None
    text: str | None = None
    """In note, caller's name or contact's name. By itself it is looked for in so many calls to a page (``queries.SEARCHED``)."""
    flow: str | None = None
    """Which flow of the IVR the journey went through; empty: none at all."""
    ivr_outcome: IvrOutcome | None = None
    classified: bool | None = None
    """True: with a result; False: the wrap-up ran out without one. Calls nobody had to classify are neither."""
    backfilled: bool | None = None
    """True: only those read in the PBX's own records; False: only those that were seen."""


@dataclass(frozen=True, slots=True)
class Page:
    """Newest first. ``cursor`` opens the next page; None on the last. A page stays right while new calls come in.

    A page of a search in text may hold few or none, and have a cursor all the same: it goes on where this one stopped looking.
    """

    items: tuple[Interaction, ...]
    cursor: str | None


class InteractionLog(JourneyLog, ShiftLog, Protocol):
    """Who calls it: the journal's writer (write), web handlers and the pipeline (reads).

    Every method raises ``StoreUnavailable`` when the database does not answer.
    """

    async def append(self, facts: Iterable[Envelope], fence: Fence | None = None) -> None:
        """Write facts and the interactions that follow from them, in one transaction. A fact known by its id is left.

        Raises ``StaleEpoch``, with nothing written, where ``fence`` is of a lease that another has taken.
        """
        ...

    async def write(self, lines: Sequence[Line], fence: Fence | None = None) -> None:
        """As ``append``, of facts that are encoded already."""
        ...

    async def between(self, wanted: Filter, *, cursor: str | None = None, limit: int = 50) -> Page:
        """Raises ``RequestError`` for a cursor that is none of ours; ``limit`` 1 to 500."""
        ...

    async def get(self, call: CallId) -> Interaction | None: ...

    async def facts(self, call: CallId) -> tuple[Envelope, ...]:
        """A call's facts in the order they were recorded."""
        ...

    async def open_facts(self) -> tuple[Envelope, ...]:
        """The facts of calls not cleared yet, call by call, in order: what a restarted service takes up."""
        ...

    async def history(
        self, *, contacts: Iterable[str], numbers: Iterable[str], limit: int = 50
    ) -> tuple[PastCall, ...]:
        """Finished calls with any of these contacts or numbers (E.164, or as the PBX gave them), newest first."""
        ...

    async def ruled_out(self, number: str) -> frozenset[str]:
        """The contacts that an agent said do not use this number."""
        ...

    async def rebuild(self) -> int:
        """Derive every interaction anew from the facts; how many there are."""
        ...

    async def close(self) -> None: ...
