"""A caller's way through the IVR: what happened there, and what it adds up to. Frozen values, times in UTC.

A **journey** is one caller's way through one flow, from the first prompt to the queue, the agent or the hang-up. It is made
of **steps**. Journey events are facts as call events are; ``fold`` makes the journey of them, live and from the record alike.
What a caller keyed stands here as it may be shown: secrets are dots before they come here.
"""

from datetime import datetime
from enum import StrEnum
from functools import singledispatch
from typing import Final

from msgspec import Struct

from cti.calls.call import CallId, PbxName
from cti.calls.frozen import changed

DOT: Final = "•"


class IvrOutcome(StrEnum):
    """What became of the caller, as the IVR sees it. What the queue made of them afterwards is the call's outcome."""

    SELF_SERVED = "self_served"
    """The flow told what was wanted, and the call ended there: contained."""
    TO_AGENT = "to_agent"
    """Handed to a queue, a person or an outside number."""
    ABANDONED = "abandoned"
    """Hung up in mid-flow; ``Journey.at_step`` says where."""
    FAILED = "failed"
    """The flow could not go on (``Journey.reason`` says why); the caller took the dialplan's safe path."""
    AFTER_HOURS = "after_hours"
    """Told that nobody is there, and let go."""


class LeftBy(StrEnum):
    """How a step was left."""

    DONE = "done"
    """It did what it is for, and the flow went on."""
    NO_INPUT = "no_input"
    """The caller said nothing, as often as was asked."""
    NO_MATCH = "no_match"
    """What was keyed fits nothing, as often as was asked."""
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    """A wrong or locked PIN; a number that may not be called."""
    UNAVAILABLE = "unavailable"
    """What the step needed did not answer: customer system, outside service, speech."""
    HUNG_UP = "hung_up"
    FAILED = "failed"


class KnownBy(StrEnum):
    """By what the caller said who they are."""

    CODE = "code"
    NUMBER = "number"
    ORDER = "order"


class JourneyEvent(Struct, frozen=True, kw_only=True):
    """``session`` and ``nr`` name the event: the session is unique for the call, its events count from 1."""

    call: CallId
    pbx: PbxName
    at: datetime
    session: str
    nr: int


class IvrEntered(JourneyEvent, frozen=True, kw_only=True):
    flow: str
    """The flow's name: its file's."""
    label: str = ""
    language: str = ""
    """BCP 47."""
    is_after: bool = False
    """After the conversation: the question how it was. Its steps are no part of how the caller came to the agent."""


class StepLeft(JourneyEvent, frozen=True, kw_only=True):
    """``at`` is when it was left."""

    step: str
    kind: str
    label: str = ""
    entered_at: datetime
    how: LeftBy
    to: str = ""
    """The step that follows; empty at the end of the flow."""
    choice: str = ""
    """What was chosen, in words: ``Billing``."""
    keyed: str = ""
    """What was keyed last; dots where it is secret."""
    failures: int = 0
    """How often the caller was asked again."""


class Identified(JourneyEvent, frozen=True, kw_only=True):
    """The caller said who they are, and the customer system knows them."""

    contact: str
    name: str = ""
    code: str = ""
    by: KnownBy = KnownBy.CODE
    value: str = ""
    """What was keyed: the code, the number, the order."""


class PinTried(JourneyEvent, frozen=True, kw_only=True):
    """``result``: ok, wrong, locked, unavailable. The PIN itself is nowhere."""

    contact: str
    caller: str
    """The calling number, as the PBX gave it."""
    result: str


class Noted(JourneyEvent, frozen=True, kw_only=True):
    """Something the flow wants known: ``name`` language, intent, skills, or a name of the flow's own."""

    name: str
    value: str


class Rated(JourneyEvent, frozen=True, kw_only=True):
    """The answer to a question how it was. ``scale`` is the best mark there is: 5, or 10 for NPS."""

    question: str
    score: int
    scale: int


class CallbackRequested(JourneyEvent, frozen=True, kw_only=True):
    number: str
    """Digits, as the caller keyed or called; checked when it is dialled."""
    queue: str
    reason: str = ""
    """The intent, as far as known."""
    entered_at: datetime
    """Since when they have been with us: what their place in the queue goes by."""


class VoicemailLeft(JourneyEvent, frozen=True, kw_only=True):
    queue: str
    file: str
    """Below the folder of recordings."""
    length_s: float


class IvrLeft(JourneyEvent, frozen=True, kw_only=True):
    outcome: IvrOutcome
    step: str = ""
    """Where: the last step."""
    reason: str = ""
    """Why, of ``failed`` and ``after_hours``."""
    to: str = ""
    """Where to, of ``to_agent``: ``queue support``, ``agent 2001``."""


class StepTaken(Struct, frozen=True, kw_only=True):
    step: str
    kind: str
    label: str
    entered_at: datetime
    spent_s: float
    how: LeftBy
    to: str = ""
    choice: str = ""
    keyed: str = ""
    failures: int = 0


class Journey(Struct, frozen=True, kw_only=True):
    """As far as it has come. ``outcome`` None: the caller is in the IVR still, or we were killed meanwhile."""

    call: CallId
    pbx: PbxName
    session: str
    flow: str
    label: str = ""
    is_after: bool = False
    """Only the question how it was, after the conversation."""
    entered_at: datetime
    left_at: datetime | None = None
    language: str = ""
    steps: tuple[StepTaken, ...] = ()
    outcome: IvrOutcome | None = None
    reason: str = ""
    at_step: str = ""
    """Where the caller is, or was last."""
    to: str = ""
    intent: str = ""
    skills: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    """Further things the flow noted, by name."""
    contact: str = ""
    """Who they say they are, as the customer system's key; empty when they said nothing that it knows."""
    contact_name: str = ""
    contact_code: str = ""
    known_by: KnownBy | None = None
    known_value: str = ""
    is_verified: bool = False
    """By PIN."""
    callback_number: str = ""
    voicemail: str = ""
    ratings: tuple[tuple[str, int, int], ...] = ()
    """(question, score, scale), also those given after the conversation."""

    @property
    def spent_s(self) -> float:
        """In the IVR, as far as the record goes."""
        last = self.left_at or (self.steps[-1].entered_at if self.steps else self.entered_at)
        return max(0.0, (last - self.entered_at).total_seconds())


def fold(journey: Journey | None, event: JourneyEvent) -> Journey | None:
    """The journey after ``event``. A second flow in the same call (after a transfer) begins a new one; what is asked after
    the conversation adds its marks and nothing else. An event without a beginning is passed over.
    """
    if isinstance(event, IvrEntered):
        return journey if event.is_after and journey else _begun(event, journey)
    if journey is None:
        return None
    if event.session != journey.session and not isinstance(event, Rated):
        return journey
    return _told(event, journey)


def _begun(event: IvrEntered, before: Journey | None) -> Journey:
    """Who they say they are does not change with the flow; that they have proved it is for each flow to ask."""
    begun = Journey(
        call=event.call, pbx=event.pbx, session=event.session, flow=event.flow, label=event.label,
        entered_at=event.at, language=event.language, is_after=event.is_after,
    )  # fmt: skip
    if before is None:
        return begun
    return changed(
        begun, contact=before.contact, contact_name=before.contact_name, contact_code=before.contact_code,
        known_by=before.known_by, known_value=before.known_value, intent=before.intent, ratings=before.ratings,
    )  # fmt: skip


@singledispatch
def _told(event: JourneyEvent, journey: Journey) -> Journey:  # noqa: ARG001 - one that changes nothing here
    return journey


@_told.register
def _(event: StepLeft, journey: Journey) -> Journey:
    return changed(journey, steps=(*journey.steps, _taken(event)), at_step=event.to or event.step)


@_told.register
def _(event: Identified, journey: Journey) -> Journey:
    return changed(
        journey, contact=event.contact, contact_name=event.name, contact_code=event.code, known_by=event.by,
        known_value=event.value, is_verified=journey.is_verified and journey.contact == event.contact,
    )  # fmt: skip


@_told.register
def _(event: PinTried, journey: Journey) -> Journey:
    is_theirs = event.result == "ok" and event.contact == journey.contact
    return changed(journey, is_verified=True) if is_theirs else journey


@_told.register
def _(event: Rated, journey: Journey) -> Journey:
    return changed(journey, ratings=(*journey.ratings, (event.question, event.score, event.scale)))


@_told.register
def _(event: CallbackRequested, journey: Journey) -> Journey:
    return changed(journey, callback_number=event.number)


@_told.register
def _(event: VoicemailLeft, journey: Journey) -> Journey:
    return changed(journey, voicemail=event.file)


@_told.register
def _(event: IvrLeft, journey: Journey) -> Journey:
    return changed(
        journey, left_at=event.at, outcome=event.outcome, reason=event.reason, to=event.to,
        at_step=event.step or journey.at_step,
    )  # fmt: skip


@_told.register
def _(event: Noted, journey: Journey) -> Journey:
    match event.name:
        case "language":
            return changed(journey, language=event.value)
        case "intent":
            return changed(journey, intent=event.value)
        case "skills":
            return changed(journey, skills=tuple(event.value.split(",")) if event.value else ())
        case _:
            return changed(journey, notes=tuple({**dict(journey.notes), event.name: event.value}.items()))


def _taken(event: StepLeft) -> StepTaken:
    return StepTaken(
        step=event.step, kind=event.kind, label=event.label or event.step, entered_at=event.entered_at,
        spent_s=max(0.0, (event.at - event.entered_at).total_seconds()), how=event.how, to=event.to, choice=event.choice,
        keyed=event.keyed, failures=event.failures,
    )  # fmt: skip
