"""What REST takes and gives, as JSON. OpenAPI is written from these. Additive changes only within v1."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from cti.screenpop.messages import (
    CallView,
    ContactView,
    CustomerCard,
    HistoryItem,
    JourneyView,
    MeView,
    ParkedView,
    PresenceView,
    StateName,
)

# Python's $ lets a line break stand behind it; (?!\n) does not.
AgentName = Annotated[str, Meta(pattern=r"^(?!me$)[A-Za-z0-9_.@-]{1,64}$(?!\n)")]
"""In paths ``me`` is whoever asks."""
CommandId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{8,64}$(?!\n)")]
Password = Annotated[str, Meta(min_length=1, max_length=200)]
Text = Annotated[str, Meta(max_length=20_000)]
Short = Annotated[str, Meta(max_length=200)]
Moment = Annotated[datetime, Meta(tz=True)]
"""With its zone: what a time without one means is anybody's guess."""
Limit = Annotated[int, Meta(ge=1, le=500)]
Direction = Literal["inbound", "outbound", "internal"]
RoleName = Literal["agent", "supervisor", "admin"]
Cursor = Annotated[str, Meta(max_length=500)]
CallbackStateName = Literal["open", "claimed", "done", "failed", "cancelled"]
Penalty = Annotated[int, Meta(ge=0, le=1000)]
Penalties = dict[Short, Penalty]
"""By queue, where it is not 0: agents with a higher one are called when nobody with a lower one is free."""
Extension = Annotated[str, Meta(pattern=r"^[0-9*#]{0,20}$(?!\n)")]
Device = Annotated[str, Meta(pattern=r"^([A-Za-z0-9]+/[A-Za-z0-9_.-]{1,80})?$(?!\n)")]
Language = Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{0,20}$(?!\n)")]
PersonName = Annotated[str, Meta(min_length=1, max_length=200)]


class Taken(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A body or query; a field we do not know is a mistake that is told."""


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """An answer."""


# ---- errors


class ProblemBody(Given, frozen=True, kw_only=True):
    """RFC 9457, as application/problem+json."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str = ""
    code: str
    """For programs: ``not_found``, ``too_many``."""


# ---- log-in


class LogIn(Taken, frozen=True, kw_only=True):
    agent: Annotated[str, Meta(max_length=200)]
    password: Password


class NewPassword(Taken, frozen=True, kw_only=True):
    old: Password
    new: Annotated[str, Meta(min_length=10, max_length=200)]


class ResultField(Given, frozen=True, kw_only=True):
    """Something more that is asked with a result."""

    name: str
    label: str
    kind: Literal["text", "number", "date", "choice"] = "text"
    """All are sent as text: ``129.50``, ``2026-12-24``."""
    is_required: bool = False
    choices: tuple[str, ...] = ()
    """Of kind ``choice``."""


class ResultChoice(Given, frozen=True, kw_only=True):
    code: str
    label: str
    queues: tuple[str, ...] = ()
    """Empty: for every queue."""
    fields: tuple[ResultField, ...] = ()


class ReasonChoice(Given, frozen=True, kw_only=True):
    """Why an agent may be not ready."""

    code: int
    label: str


class DemoLogin(Given, frozen=True, kw_only=True):
    agent: str
    password: str
    name: str


class SiteView(Given, frozen=True, kw_only=True):
    """What the console needs to know before and after log-in."""

    name: str
    version: str
    country: str
    language: str
    ws_url: str
    demo: tuple[DemoLogin, ...] = ()
    results: tuple[ResultChoice, ...] = ()
    """Empty before log-in."""
    reasons: tuple[ReasonChoice, ...] = ()
    """As of results."""
    wrap_up_extend_s: float = 30.0
    """How much longer a wrap-up takes when an agent asks for more."""
    crm_writes: bool = False
    """Contacts can be created and corrected from here; otherwise in the customer system itself only."""


class SessionView(Given, frozen=True, kw_only=True):
    me: MeView
    site: SiteView
    ends_at: datetime


class LoggedIn(Given, frozen=True, kw_only=True):
    """``token`` is for programs (``Authorization: Bearer``); browsers use the cookie that comes with it."""

    token: str
    ends_at: datetime


class TicketView(Given, frozen=True, kw_only=True):
    ticket: str
    expires_s: float
    ws_url: str


# ---- calls


class Dial(Taken, frozen=True, kw_only=True):
    to: Annotated[str, Meta(min_length=1, max_length=64)]
    """A number as people write it, or an extension."""
    id: CommandId
    """Made by whoever asks; the same id again is the same command, done once."""
    contact: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    """Whose number it is: their card is up before anybody's phone rings."""


class ActionBody(Taken, frozen=True, kw_only=True):
    id: CommandId
    to: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    """Of ``transfer`` and ``consult``: a number as people write it, or an extension."""
    keys: Annotated[str, Meta(pattern=r"^[0-9*#]{1,32}$(?!\n)")] | None = None
    """Of ``keys``."""


class CommandBody(Taken, frozen=True, kw_only=True):
    id: CommandId


class Accepted(Given, frozen=True, kw_only=True):
    """The PBX was asked; what became of it comes over the socket as a ``command`` message with this id."""

    command: str


class ContactBody(Taken, frozen=True, kw_only=True):
    contact: Annotated[str, Meta(min_length=1, max_length=200)]


class LiveCall(Given, frozen=True, kw_only=True):
    call: CallView
    card: CustomerCard


class LiveCalls(Given, frozen=True, kw_only=True):
    items: tuple[LiveCall, ...]


class ParkedCalls(Given, frozen=True, kw_only=True):
    """Who has waited longest comes first."""

    items: tuple[ParkedView, ...]


# ---- whom a call can be handed to


class DirectoryQuery(Taken, frozen=True, kw_only=True):
    q: Annotated[str, Meta(max_length=64)] = ""
    """The beginning of a name or an extension, or a number; empty: everybody."""


class DirectoryAgent(Given, frozen=True, kw_only=True):
    id: str
    name: str
    extension: str
    state: StateName
    since: datetime | None
    """Null: never heard of."""
    reason: str
    is_me: bool


class DirectoryQueue(Given, frozen=True, kw_only=True):
    name: str
    label: str
    extension: str
    waiting: int
    ready: int
    """Agents that are ready for it now."""


class DirectoryNumber(Given, frozen=True, kw_only=True):
    """What was typed, read as a number."""

    number: str
    """In E.164, or an extension's digits."""
    shown: str
    allowed: bool
    why_not: str = ""
    """A message key of the console: ``country_not_allowed``, ``premium``, ``number_not_allowed``, ``too_many``."""


class DirectoryView(Given, frozen=True, kw_only=True):
    agents: tuple[DirectoryAgent, ...]
    queues: tuple[DirectoryQueue, ...]
    number: DirectoryNumber | None
    """Null where what was typed cannot be read as one."""


# ---- interactions


class InteractionQuery(Taken, frozen=True, kw_only=True):
    since: Moment | None = None
    until: Moment | None = None
    agent: Short | None = None
    """An id, or ``me``. Agents see their own, whatever they ask."""
    queue: Short | None = None
    direction: Direction | None = None
    outcome: Short | None = None
    number: Annotated[str, Meta(max_length=64)] | None = None
    contact: Short | None = None
    text: Short | None = None
    flow: Short | None = None
    """Which flow of the IVR the caller came through last; empty: none at all."""
    ivr_outcome: Literal["self_served", "to_agent", "abandoned", "failed", "after_hours"] | None = None
    classified: bool | None = None
    """True: with a result; false: the wrap-up ran out without one. Calls nobody had to classify are neither."""
    backfilled: bool | None = None
    """True: only calls that were read in the PBX's own records; false: only those that were seen."""
    cursor: Cursor | None = None
    limit: Limit = 50


class HandledView(Given, frozen=True, kw_only=True):
    agent: str
    number: str
    name: str
    rang_at: datetime | None
    connected_at: datetime | None
    cleared_at: datetime | None
    consult: bool
    cause: str


class InteractionView(Given, frozen=True, kw_only=True):
    call: str
    pbx: str
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
    outcome: str
    cause: str
    ended_by: str
    agent: str
    handled_by: tuple[HandledView, ...]
    transfers: tuple[dict[str, str], ...]
    contact: str
    contact_name: str
    note: str
    result: str
    result_label: str
    result_fields: dict[str, str] = {}
    is_not_classified: bool = False
    """The agent's wrap-up ran out, and nobody has given a result since."""
    is_backfilled: bool = False
    """Some of the call was not seen: read in the PBX's own records afterwards (times may be whole seconds), or found so when the
    connection was back."""
    journey: JourneyView | None = None
    """The caller's way through the IVR; null: they came through none."""
    ratings: tuple["RatingView", ...] = ()
    """How it was, if they were asked and answered."""


class RatingView(Given, frozen=True, kw_only=True):
    question: str
    score: int
    scale: int
    """The best mark there is: 5, or 10."""


class InteractionPage(Given, frozen=True, kw_only=True):
    """Newest first; ``cursor`` opens the next page, null on the last."""

    items: tuple[InteractionView, ...]
    cursor: str | None


class NoteBody(Taken, frozen=True, kw_only=True):
    text: Text


class DraftView(Given, frozen=True, kw_only=True):
    text: str
    at: datetime | None = None
    """When it was saved; null when there is none."""


class ResultBody(Taken, frozen=True, kw_only=True):
    code: Short
    fields: dict[str, Annotated[str, Meta(max_length=500)]] = {}
    """As the result asks for them, by name; an empty text is none."""
    note: Text | None = None
    """Saved with it; the note stays as it is where this is left out."""


# ---- callbacks, voicemails, reports


class CallbackQuery(Taken, frozen=True, kw_only=True):
    queue: Short | None = None
    """Agents see those of their own queues, whatever they ask."""
    state: CallbackStateName | None = None
    mine: bool = False
    """Those that the asker sees to, or did last, of whichever queue."""
    cursor: Cursor | None = None
    limit: Limit = 50


class CallbackView(Given, frozen=True, kw_only=True):
    id: str
    pbx: str
    call: str
    number: str
    """As it was keyed, or called from; checked when it is dialled."""
    queue: str
    reason: str
    """What the caller wanted, as far as the IVR knows."""
    entered_at: datetime
    """Since when they have been with us: what their place in the queue goes by."""
    requested_at: datetime
    contact: str
    contact_name: str
    state: CallbackStateName
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


class CallbackEnd(Taken, frozen=True, kw_only=True):
    state: Literal["done", "failed", "cancelled"]
    """``failed``: they were not reached; anybody may try again."""
    note: Annotated[str, Meta(max_length=2000)] = ""


class CallbackPage(Given, frozen=True, kw_only=True):
    """Who has been with us longest comes first; ``cursor`` opens the next page, null on the last."""

    items: tuple[CallbackView, ...]
    cursor: str | None


class VoicemailQuery(Taken, frozen=True, kw_only=True):
    queue: Short | None = None
    """As of callbacks."""
    cursor: Cursor | None = None
    limit: Limit = 50


class VoicemailView(Given, frozen=True, kw_only=True):
    id: str
    pbx: str
    call: str
    queue: str
    file: str
    length_s: float
    number: str
    """The calling number; empty when withheld."""
    contact: str
    contact_name: str
    at: datetime


class VoicemailPage(Given, frozen=True, kw_only=True):
    """Newest first; ``cursor`` opens the next page, null on the last."""

    items: tuple[VoicemailView, ...]
    cursor: str | None


class PeriodQuery(Taken, frozen=True, kw_only=True):
    since: Moment | None = None
    """Inclusive; a week before ``until`` if not said."""
    until: Moment | None = None
    """Exclusive; now if not said. A report covers 366 days at most."""


class PictureQuery(PeriodQuery, frozen=True, kw_only=True):
    lang: Literal["en", "zh-Hant", "zh-Hans"] = "en"
    standalone: bool = False
    """With a style of its own, for whoever keeps it as a file."""


class ReportQuery(PeriodQuery, frozen=True, kw_only=True):
    format: Literal["json", "csv", "xlsx"] = "json"


# ---- customers


class CustomerQuery(Taken, frozen=True, kw_only=True):
    q: str = ""
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class CustomerList(Given, frozen=True, kw_only=True):
    items: tuple[ContactView, ...]


class ChangeView(Given, frozen=True, kw_only=True):
    """What somebody here made of a customer."""

    at: datetime
    by: str
    """Their name."""
    fields: tuple[str, ...]
    """Which changed: ``name``, ``company``, ``language``, ``numbers``, ``flags``."""
    is_new: bool = False
    """They created the customer."""


class CustomerView(Given, frozen=True, kw_only=True):
    contact: ContactView
    history: tuple[HistoryItem, ...]
    changes: tuple[ChangeView, ...] = ()
    """The last ones made here, newest first; what changed in the customer system itself is not among them."""


class NumberBody(Taken, frozen=True, kw_only=True):
    typed: Annotated[str, Meta(min_length=1, max_length=64)]
    """As people write it in the site's country."""
    label: Annotated[str, Meta(max_length=40)] = ""
    """mobile, office, ..."""


FlagName = Literal["do_not_call", "recording_refused", "complaint_open", "deletion_requested"]
Numbers = Annotated[tuple[NumberBody, ...], Meta(max_length=20)]


class CustomerChange(Taken, frozen=True, kw_only=True):
    """What is left out stays as it is; ``numbers`` and ``flags`` are given whole."""

    name: Short | None = None
    company: Short | None = None
    language: Language | None = None
    numbers: Numbers | None = None
    flags: tuple[FlagName, ...] | None = None
    call: Short | None = None
    """The call that this is the customer of."""


# ---- agents


class DayQuery(Taken, frozen=True, kw_only=True):
    since: Moment | None = None
    """The site's midnight if not said; a week ago at most."""


class DayView(Given, frozen=True, kw_only=True):
    """One's own work since then."""

    since: datetime
    until: datetime
    logged_in_s: float
    """The sum of all states'."""
    seconds: dict[str, float]
    """By state: ``{"READY": 3600.0, "TALKING": 812.4}``."""
    handled: int
    """Calls in which a customer was talked to."""
    talk_s: float
    hold_s: float
    wrap_up_s: float
    missed: int
    average_handle_s: float | None
    """Talk, hold and wrap-up by calls handled; null without calls."""


class AgentView(Given, frozen=True, kw_only=True):
    id: str
    name: str
    role: RoleName
    extension: str
    device: str
    queues: tuple[str, ...]
    penalties: dict[str, int]
    language: str
    is_enabled: bool


class AgentList(Given, frozen=True, kw_only=True):
    items: tuple[AgentView, ...]


class StateBody(Taken, frozen=True, kw_only=True):
    id: CommandId
    state: Literal["READY", "NOT_READY", "LOGOUT"]
    reason_code: Annotated[int, Meta(ge=1, le=899)] | None = None
    """One of the site's; an agent's own NOT_READY has one, a supervisor's need not."""


class AgentStates(Given, frozen=True, kw_only=True):
    """Everybody with a phone, by agent; ``actions`` are what the asker may ask of each."""

    items: tuple[PresenceView, ...]


class NewAgent(Taken, frozen=True, kw_only=True):
    id: AgentName
    name: PersonName
    password: Annotated[str, Meta(min_length=10, max_length=200)]
    role: RoleName = "agent"
    extension: Extension = ""
    device: Device = ""
    queues: tuple[Short, ...] = ()
    penalties: Penalties = {}
    language: Language = ""


class AgentChange(Taken, frozen=True, kw_only=True):
    """What is left out stays as it is."""

    name: PersonName | None = None
    role: RoleName | None = None
    extension: Extension | None = None
    device: Device | None = None
    queues: tuple[Short, ...] | None = None
    penalties: Penalties | None = None
    language: Language | None = None
    is_enabled: bool | None = None
    password: Annotated[str, Meta(min_length=10, max_length=200)] | None = None


# ---- pops, health


class StepFigures(Given, frozen=True, kw_only=True):
    """Milliseconds from the decision to show a pop; quantiles of the last thousand, null without any."""

    step: Literal["decided", "sent", "received", "shown"]
    count: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class PopFigures(Given, frozen=True, kw_only=True):
    steps: tuple[StepFigures, ...]


class PartView(Given, frozen=True, kw_only=True):
    name: str
    state: Literal["ok", "degraded", "failed", "standby"]
    detail: str = ""


class ReadyView(Given, frozen=True, kw_only=True):
    """503 when a part has failed; ``degraded`` parts are named, and the service goes on."""

    ready: bool
    parts: tuple[PartView, ...]


class AliveView(Given, frozen=True, kw_only=True):
    alive: bool = True
    version: str
