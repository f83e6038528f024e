"""The desktop protocol, version 1: what goes over the websocket on port 8089, as JSON text frames.

::

    desktop                                    server
      hello {ticket, resume?}           ->
                                        <-     welcome {stream, ...}
                                        <-     snapshot {seq, ...}   or the missed deltas, where ``resume`` fits
                                        <-     delta {seq: n+1, ...}
      receipt {pop, step}               ->

The ticket comes from ``POST /api/v1/session/ticket``, is good once and for 30 s. ``seq`` counts the messages of one
``stream`` from 1, without gaps; a desktop that finds a gap says hello again. Deltas say the new state of one thing, never
a difference: the last one about a thing is enough. Unknown kinds and fields are to be ignored. Times are RFC 3339 in
UTC, durations seconds. Everything a caller or a CRM wrote is text to show as it stands, never markup.

Close codes: 4400 not this protocol, 4401 ticket not good, 4403 not allowed, 4408 no hello within 5 s, 4409 displaced by
another desktop of the same agent, 4413 fell too far behind (or was given another phone), 4429 too many messages,
1001 the server stops. ``docs/reference/desktop-protocol.md`` has the whole story.
"""

from datetime import datetime
from typing import Literal

import msgspec

PROTOCOL = 1


class _Tagged(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    pass


# ---- what desktops say


class Resume(msgspec.Struct, frozen=True, kw_only=True):
    stream: str
    seq: int
    """The last one seen."""


class Hello(_Tagged, frozen=True, kw_only=True, tag="hello"):
    """The first message, within 5 s of connecting."""

    ticket: str
    resume: Resume | None = None
    take_over: bool = False
    """Close this agent's other desktop. Without it, a second desktop gets ``occupied`` and 4409."""


class Receipt(_Tagged, frozen=True, kw_only=True, tag="receipt"):
    """How far a pop has come. ``shown`` is said after the browser has painted it."""

    pop: str
    step: Literal["received", "shown"]


class Focus(_Tagged, frozen=True, kw_only=True, tag="focus"):
    """The agent looks at this call now (None: at none); told to integrators."""

    call: str | None = None


FromDesktop = Hello | Receipt | Focus

# ---- the things that messages speak of


class PartyView(msgspec.Struct, frozen=True, kw_only=True):
    leg: str
    role: Literal["customer", "agent", "external"]
    number: str
    name: str
    state: Literal["initiated", "ringing", "connected", "held", "gone"]
    is_me: bool = False
    consult: bool = False


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Something a button may do now. A button that may not be pressed stays where it is and shows ``why_not``."""

    name: str
    """Of a call: ``answer``, ``hold``, ``retrieve``, ``keys``, ``transfer``, ``consult``, ``complete``, ``conference``,
    ``reconnect``, ``alternate``, ``park``, ``record``, ``record_pause``, ``record_resume``, ``record_stop``, ``hangup``: also the
    last word of the address it is asked at. Of an agent: the state asked for, and ``extend``, ``end``. More may come."""
    allowed: bool
    why_not: str = ""
    """A message key of the console: ``not_your_call``, ``pbx_lost``, ``phone_cannot``, ``not_connected``, ``not_held``...
    ``cti/screenpop/actions.py`` has those of a call."""


class JourneyStep(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the caller's way through the IVR, in the order taken."""

    step: str
    kind: str
    """``menu``, ``identify``, ``pin``; what kinds there are is the service's business, more may come."""
    label: str
    choice: str = ""
    """What was chosen, in words."""
    keyed: str = ""
    """What was keyed, with dots where it is secret."""
    spent_s: float
    failures: int = 0
    """How often the caller was asked again."""
    how: Literal["done", "no_input", "no_match", "not_found", "refused", "unavailable", "hung_up", "failed"] = "done"


class JourneyView(msgspec.Struct, frozen=True, kw_only=True):
    """How the caller came through the IVR: what they wanted, who they said they are, where it was hard."""

    flow: str
    label: str
    """What the site calls the flow."""
    entered_at: datetime
    spent_s: float
    outcome: Literal["self_served", "to_agent", "abandoned", "failed", "after_hours"] | None = None
    """Null while the caller is in the IVR."""
    language: str = ""
    """BCP 47."""
    intent: str = ""
    contact: str = ""
    """Who they said they are, as the customer system's key; the rest about them goes with this contact and no other."""
    contact_name: str = ""
    contact_code: str = ""
    known_by: Literal["code", "number", "order"] | None = None
    known_value: str = ""
    """What was keyed for it."""
    is_verified: bool = False
    """By PIN. A calling number alone never is."""
    callback_number: str = ""
    """They asked to be called back there."""
    has_voicemail: bool = False
    steps: tuple[JourneyStep, ...] = ()


class CallView(msgspec.Struct, frozen=True, kw_only=True):
    """One of my calls as it is now, from where I sit: ``ringing`` while my phone rings, ``ended`` once my leg is gone,
    though the call may go on with others (``outcome`` is null then).
    """

    call: str
    pbx: str
    direction: Literal["inbound", "outbound", "internal"]
    state: Literal["offered", "queued", "ringing", "talking", "held", "parked", "ended"]
    since: datetime
    """When ``state`` began."""
    offered_at: datetime
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    number: str
    """The customer's, as the PBX gave it; empty when withheld."""
    number_shown: str
    """The same, spaced for reading; empty when withheld."""
    region: str = ""
    """Where the number belongs, ISO 3166-1: ``DE``."""
    name: str = ""
    """The caller's name as the network gave it. Anybody can write anything there."""
    dnis: str = ""
    dnis_label: str = ""
    """What the site calls that line: ``Billing UK``."""
    queue: str = ""
    waited_s: float | None = None
    keys: dict[str, str] = {}
    """What dialplan or IVR said about the caller."""
    journey: JourneyView | None = None
    """Null: they came through no IVR of ours."""
    parties: tuple[PartyView, ...] = ()
    actions: tuple[Action, ...] = ()
    outcome: str | None = None
    talk_s: float = 0.0
    hold_s: float = 0.0
    has_spoken: bool = False
    """This agent has been connected on it: once it is ``ended``, a result is due. False for a ring that went unanswered."""
    recording: Literal["off", "on", "paused"] = "off"
    recording_resumes_at: datetime | None = None
    """A paused recording goes on by itself then."""
    parked_in: str = ""
    """The space to fetch it from, while it is parked."""


class NumberView(msgspec.Struct, frozen=True, kw_only=True):
    typed: str
    e164: str = ""
    label: str = ""


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: str
    status: str = ""
    opened_at: datetime | None = None


class OrderView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    title: str
    status: str = ""
    ordered_on: str = ""
    amount: str = ""


class HistoryItem(msgspec.Struct, frozen=True, kw_only=True):
    """One earlier interaction with this customer or number."""

    call: str
    at: datetime
    direction: Literal["inbound", "outbound", "internal"]
    outcome: str
    queue: str = ""
    agent: str = ""
    talk_s: float = 0.0
    result: str = ""
    note: str = ""
    number: str = ""
    """Whom a click on the line would call."""
    ivr: str = ""
    """What became of them in the IVR: ``self_served``, ``to_agent`` and the other outcomes of a journey; empty: no IVR."""


class ContactView(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    code: str = ""
    name: str = ""
    company: str = ""
    language: str = ""
    segment: str = ""
    tier: str = ""
    email: str = ""
    numbers: tuple[NumberView, ...] = ()
    preferences: dict[str, str] = {}
    flags: tuple[str, ...] = ()
    """``do_not_call``, ``recording_refused``, ``complaint_open``, ``deletion_requested``."""
    balance: str = ""
    """What the customer owes, with its currency, ready to be read: ``1,140.50 EUR``; with a minus, what is owed to them.
    Empty where the CRM says nothing about it."""
    cases: tuple[CaseView, ...] = ()
    orders: tuple[OrderView, ...] = ()
    fields: dict[str, str] = {}
    url: str = ""
    matched_by: Literal["ivr", "code", "order", "number", "extension", "national"] = "number"
    """``ivr``: the caller said so there; the call's journey says by what."""
    matched_value: str = ""


class CustomerCard(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to "who is this?" for one call."""

    call: str
    state: Literal["asking", "slow", "found", "several", "unknown", "unavailable", "withheld"]
    """``asking`` up to 1.5 s, then ``slow`` if the CRM has still not answered; ``several``: nobody chooses for the agent."""
    contacts: tuple[ContactView, ...] = ()
    """The one, or the several to choose from, the most likely first; contacts ruled out by an agent are not in it."""
    chosen: str | None = None
    """The contact an agent picked for this call, or the only one found."""
    number_says: tuple[ContactView, ...] = ()
    """Whom the calling number belongs to, where the caller identified as somebody else in the IVR. What they said wins;
    a family's phone is no fraud, but the agent should know."""
    reason: str = ""
    """Why there is none, in words for people."""
    source: str = ""
    as_of: datetime | None = None
    history: tuple[HistoryItem, ...] = ()
    """Earlier interactions with this number or contact, newest first, 50 at most; ours, so also there when the CRM is not."""
    calls_24h: int = 0
    """How many times this number called within 24 h, this call included."""


class PopView(msgspec.Struct, frozen=True, kw_only=True):
    """A phone rings, and this desktop's agent is to know who it is."""

    pop: str
    call: CallView
    card: CustomerCard
    at: datetime
    """When the phone began to ring."""
    expires_at: datetime
    """The desktop takes it away by then, whatever else it heard."""


class PbxView(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    state: Literal["connected", "connecting", "lost"]
    since: datetime
    reason: str = ""
    """Of ``lost``: ``reader_away`` where it is not the PBX that is lost, but our process that reads it."""


class QueueView(msgspec.Struct, frozen=True, kw_only=True):
    """A queue of this agent."""

    name: str
    waiting: int
    oldest_since: datetime | None = None


class PendingView(msgspec.Struct, frozen=True, kw_only=True):
    """What follows the call or wrap-up, where that is not simply READY. Asking for READY takes it back."""

    state: Literal["NOT_READY", "LOGOUT"]
    reason_code: int | None = None
    reason: str = ""
    cause: str = ""
    by: str = ""


class WrapUpView(msgspec.Struct, frozen=True, kw_only=True):
    call: str
    queue: str
    kind: Literal["optional", "required"]
    began_at: datetime
    deadline: datetime | None = None
    """Then it ends by itself; null: no limit."""
    has_result: bool = False


StateName = Literal[
    "LOGOUT", "NOT_READY", "READY", "RESERVED", "TALKING", "HOLD", "WORK", "WORK_READY", "RESERVED_OUTBOUND"
]


class PresenceView(msgspec.Struct, frozen=True, kw_only=True):
    """Where an agent is. States are Finesse's; ``docs/reference/agent-states.md`` has the table."""

    agent: str
    state: StateName
    since: datetime
    reason_code: int | None = None
    reason: str = ""
    """The site's words; of a system reason (900 and above) its name, for the console to translate: ``missed_call``."""
    cause: str = ""
    """Of NOT_READY: ``chosen``, ``forced``, ``logged_in``, ``missed_call``, ``declined``, ``connection_lost``, ``elsewhere``, ``pbx``."""
    made_by: Literal["agent", "supervisor", "system", "pbx"] = "system"
    by: str = ""
    """That person's name; empty for PBX and system."""
    pending: PendingView | None = None
    wrap_up: WrapUpView | None = None
    is_confirmed: bool = True
    """False: the PBX does not have it so yet, or not any more; it is being mended."""
    trouble: str = ""
    """Why it could not be mended so far, in the PBX's words."""
    queues: tuple[str, ...] = ()
    """Those the PBX has the agent in, now."""
    calls: int = 0
    """How many the agent has a part in."""
    actions: tuple[Action, ...] = ()
    """``READY``, ``NOT_READY``, ``LOGOUT``, and of a wrap-up ``extend`` and ``end``: what whoever is told this may ask for."""


class ParkedView(msgspec.Struct, frozen=True, kw_only=True):
    """A call that waits in a parking space for whoever fetches it."""

    call: str
    pbx: str
    space: str
    since: datetime
    queue: str = ""
    number_shown: str = ""
    name: str = ""
    """The customer's, where known."""
    by: str = ""
    """Who parked it, by name."""


class MeView(msgspec.Struct, frozen=True, kw_only=True):
    agent: str
    name: str
    role: Literal["agent", "supervisor", "admin"]
    extension: str = ""
    queues: tuple[str, ...] = ()
    language: str = ""


# ---- what the server says


class Welcome(_Tagged, frozen=True, kw_only=True, tag="welcome"):
    protocol: int = PROTOCOL
    server: str
    """The program's version; a desktop that finds a new one reloads when its agent is free."""
    stream: str
    resumed: bool = False
    """The stream goes on: the missed deltas follow, or, where it was another process', a snapshot with the next number."""
    now: datetime
    """For timers: the desktop counts from its own monotonic clock, set by this."""
    me: MeView
    ping_s: float = 10.0


class Occupied(_Tagged, frozen=True, kw_only=True, tag="occupied"):
    """This agent has another desktop open, since then; close 4409 follows."""

    since: datetime


class Snapshot(_Tagged, frozen=True, kw_only=True, tag="snapshot"):
    seq: int
    calls: tuple[CallView, ...] = ()
    cards: tuple[CustomerCard, ...] = ()
    """One for each of ``calls``."""
    pops: tuple[PopView, ...] = ()
    pbxs: tuple[PbxView, ...] = ()
    queues: tuple[QueueView, ...] = ()
    presence: PresenceView | None = None
    """Mine; null for people without a phone."""
    parked: tuple[ParkedView, ...] = ()


class Pop(_Tagged, frozen=True, kw_only=True, tag="pop"):
    seq: int
    pop: PopView


class PopWithdrawn(_Tagged, frozen=True, kw_only=True, tag="pop_withdrawn"):
    seq: int
    pop: str
    call: str
    reason: Literal["answered", "answered_elsewhere", "no_answer", "declined", "caller_gone", "expired"]
    """``answered``: by this agent; the call goes on in ``calls``."""


class CallDelta(_Tagged, frozen=True, kw_only=True, tag="call"):
    """The new state of one of my calls. One in state ``ended`` is mine no longer after this."""

    seq: int
    call: CallView


class CardDelta(_Tagged, frozen=True, kw_only=True, tag="card"):
    seq: int
    card: CustomerCard


class PbxDelta(_Tagged, frozen=True, kw_only=True, tag="pbx"):
    seq: int
    pbx: PbxView


class QueueDelta(_Tagged, frozen=True, kw_only=True, tag="queue"):
    seq: int
    queue: QueueView


class CommandDelta(_Tagged, frozen=True, kw_only=True, tag="command"):
    """What became of a command given over REST: one ``done`` or one ``failed``, never both, never none."""

    seq: int
    command: str
    status: Literal["done", "failed"]
    reason: str = ""
    """The PBX's own words, or a message key of ours."""


class PresenceDelta(_Tagged, frozen=True, kw_only=True, tag="presence"):
    """My own state."""

    seq: int
    presence: PresenceView


class ParkedDelta(_Tagged, frozen=True, kw_only=True, tag="parked"):
    """All calls that are parked now."""

    seq: int
    parked: tuple[ParkedView, ...]


NoticeKind = Literal["not_classified", "missed_call", "connection_lost", "refused_number"]


class NoticeDelta(_Tagged, frozen=True, kw_only=True, tag="notice"):
    """Something supervisors are to know."""

    seq: int
    kind: NoticeKind
    at: datetime
    agent: str
    agent_name: str
    call: str = ""
    text: str = ""


class Displaced(_Tagged, frozen=True, kw_only=True, tag="displaced"):
    """Another desktop of this agent took over; close 4409 follows."""

    seq: int


class Problem(_Tagged, frozen=True, kw_only=True, tag="problem"):
    """The last message was refused; the socket stays open unless a close code follows."""

    code: str
    text: str


Delta = (
    Pop | PopWithdrawn | CallDelta | CardDelta | PbxDelta | QueueDelta | CommandDelta | PresenceDelta | ParkedDelta
    | NoticeDelta | Displaced
)  # fmt: skip
FromServer = Welcome | Occupied | Snapshot | Delta | Problem


def json_schema() -> dict[str, object]:
    """JSON Schema (2020-12) of both directions, for ``docs/reference/desktop-protocol.schema.json``."""
    schemas, components = msgspec.json.schema_components([FromDesktop, FromServer], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cti desktop protocol, version 1",
        "$defs": {**components, "FromDesktop": schemas[0], "FromServer": schemas[1]},
    }
