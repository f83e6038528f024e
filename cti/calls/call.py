"""What a call is: frozen values, all times in UTC, all durations in seconds.

A **call** is one customer's conversation from first ring to last hang-up, through queues, transfers, consultations and
parking. A **leg** is one channel of it. A **party** is who is on a leg. The call's id never changes; what the PBX calls
its channels are the legs' ids.
"""

from datetime import datetime
from enum import StrEnum
from typing import NewType

from msgspec import Struct

from cti.calls.frozen import changed

CallId = NewType("CallId", str)
"""Ours, unique over all PBXs, made of the PBX's name and the first channel's id: ``main-1763754000.12``."""
LegId = NewType("LegId", str)
"""The PBX's id of a channel, unique within one PBX: Asterisk's Uniqueid."""
PbxName = NewType("PbxName", str)


class Direction(StrEnum):
    """Where the call came in, not who rang first."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class Role(StrEnum):
    CUSTOMER = "customer"
    AGENT = "agent"
    EXTERNAL = "external"
    """A third party outside: someone the call was transferred to, or who was consulted, beyond the site's phones."""


class CallState(StrEnum):
    """Where the customer is. ``transitions.py`` has the table."""

    OFFERED = "offered"
    """In the PBX, with nobody's phone ringing: a menu, an announcement."""
    QUEUED = "queued"
    RINGING = "ringing"
    TALKING = "talking"
    HELD = "held"
    PARKED = "parked"
    ENDED = "ended"


class LegState(StrEnum):
    INITIATED = "initiated"
    """Calling, or being called before it rings."""
    RINGING = "ringing"
    CONNECTED = "connected"
    HELD = "held"
    """Connected, and has put the other side on hold."""
    GONE = "gone"


class Recording(StrEnum):
    OFF = "off"
    ON = "on"
    PAUSED = "paused"


class Outcome(StrEnum):
    ANSWERED = "answered"
    """Customer and a person were connected."""
    ABANDONED = "abandoned"
    """The customer hung up while waiting for a person."""
    QUEUE_TIMEOUT = "queue_timeout"
    QUEUE_EXIT = "queue_exit"
    """Left the queue by a key, or because it was empty, full or closed, and nobody answered afterwards."""
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELLED = "cancelled"
    """An agent called and gave up before anyone answered."""
    UNATTENDED = "unattended"
    """The caller was never put through to a person, and did not ask for one: a menu, an announcement."""
    UNKNOWN = "unknown"
    """It ended unanswered as far as we saw, while we were not connected to the PBX."""
    MERGED = "merged"
    """It went on as part of another call."""


class TransferKind(StrEnum):
    BLIND = "blind"
    ATTENDED = "attended"
    BLONDE = "blonde"
    """Handed over while the target was still ringing."""


class Party(Struct, frozen=True, kw_only=True):
    """Who is on one leg."""

    leg: LegId
    role: Role
    number: str = ""
    """An extension, or a number as the PBX gave it, of digits and ``+`` only; empty when withheld."""
    name: str = ""
    """Written by strangers: text to show, never to believe."""
    channel: str = ""
    """The PBX's name of the channel: ``PJSIP/1001-0000002a``."""
    device: str = ""
    """The phone: ``PJSIP/1001``."""
    member: str = ""
    """The queue's name for the agent who was offered the call; empty when no queue offered it."""


class Leg(Struct, frozen=True, kw_only=True):
    """A party's part in a call so far."""

    party: Party
    state: LegState
    consult: bool = False
    """Spoken to by an agent, not (yet) by the customer."""
    rang_at: datetime | None = None
    connected_at: datetime | None = None
    cleared_at: datetime | None = None
    cause: str = ""
    """Why it is gone."""

    @property
    def is_live(self) -> bool:
        return self.state is not LegState.GONE


class Transfer(Struct, frozen=True, kw_only=True):
    kind: TransferKind
    by: LegId
    to: str
    """The extension or number it was handed to."""
    at: datetime


class Call(Struct, frozen=True, kw_only=True):
    """One customer's conversation, as known now."""

    id: CallId
    pbx: PbxName
    direction: Direction
    ani: str
    """The calling number, digits and ``+`` only; empty when withheld."""
    ani_name: str = ""
    dnis: str = ""
    """The number dialled."""
    keys: tuple[tuple[str, str], ...] = ()
    """What the PBX's dialplan or IVR says about the caller, by name: ``customer_code``."""
    state: CallState = CallState.OFFERED
    since: datetime
    """When ``state`` began."""
    sequence: int = 0
    """How many events this call has had."""
    queue: str = ""
    """The queue it waits in, or was answered from; empty when none so far."""
    position: int = 0
    is_waiting: bool = False
    """In the queue still, also while a phone rings for it."""
    legs: tuple[Leg, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    offered_at: datetime
    queued_at: datetime | None = None
    answered_at: datetime | None = None
    """When customer and person were first connected."""
    ended_at: datetime | None = None
    ring_s: float = 0.0
    talk_s: float = 0.0
    """Customer and a person connected, holds excluded."""
    hold_s: float = 0.0
    recording: Recording = Recording.OFF
    parked_in: str = ""
    """The parking space, while it is parked."""
    left_queue: str = ""
    """Why it left its queue without an agent: ``timeout``, ``key``, ``empty``...; empty otherwise."""
    outcome: Outcome | None = None
    cause: str = ""
    ended_by: str = ""
    """The role of the party who hung up, or ``system``; empty when not known."""

    @property
    def is_live(self) -> bool:
        return self.state is not CallState.ENDED

    @property
    def wait_s(self) -> float | None:
        """From entering the queue (without one: from the first ring) to a person, or to the end; None while waiting."""
        until = self.answered_at or self.ended_at
        return None if until is None else max(0.0, (until - (self.queued_at or self.offered_at)).total_seconds())

    @property
    def customer_number(self) -> str:
        """The number to look the customer up by: whose it is depends on who called."""
        return self.dnis if self.direction is Direction.OUTBOUND else self.ani

    def leg(self, leg: LegId) -> Leg | None:
        for known in self.legs:
            if known.party.leg == leg:
                return known
        return None

    def live_legs(self) -> tuple[Leg, ...]:
        gone = LegState.GONE
        return tuple([leg for leg in self.legs if leg.state is not gone])

    def with_leg(self, leg: Leg) -> "Call":
        """The same call with this leg put in, or in the place of what was known of it."""
        if self.leg(leg.party.leg) is None:
            return changed(self, legs=(*self.legs, leg))
        others = [leg if known.party.leg == leg.party.leg else known for known in self.legs]
        return changed(self, legs=tuple(others))


class Anomaly(Struct, frozen=True):
    """An event the call could not have had. Counted and logged, never raised: a PBX may surprise us."""

    call: CallId
    state: str
    event: str
    detail: str = ""
