"""Facts of one call -> the caller's trail through the IVR: journeys, steps, callbacks, voicemails. Pure, as ``derive.py``.

A journey that nobody saw the end of (we were killed, or cut off) counts as ``failed`` for the reason ``interrupted``, as soon
as it must be over: its call has ended, or the caller has entered the IVR anew. Until then, it stands as it was begun.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from cti.calls.frozen import changed
from cti.calls.journey import (
    CallbackRequested,
    IvrEntered,
    IvrLeft,
    IvrOutcome,
    Journey,
    JourneyEvent,
    Rated,
    StepTaken,
    VoicemailLeft,
    fold,
)
from cti.envelope import Envelope
from cti.journeys import JOURNEY_TYPES, TYPE_OF, journey_event_of
from cti.store import callbacks
from cti.store.journeys import Callback, CallbackState, Voicemail

INTERRUPTED: Final = "interrupted"
SATISFACTION: Final = 5
RECOMMENDATION: Final = 10
"""Scales: the best mark there is."""
BEHIND: Final = 1001
"""Where the steps after the conversation begin to be counted: a report has them behind those that led there."""
EXACT_S: Final = 10.0
TELLING: Final = frozenset(
    {TYPE_OF[kind] for kind in (IvrEntered, IvrLeft, Rated, CallbackRequested, VoicemailLeft)} | {callbacks.CHANGED}
)
"""What shows at once, while the call goes on; the rest shows when the journey is over."""


@dataclass(frozen=True, slots=True)
class Step:
    """A step taken; ``visit`` counts the times the journey came there, from 1."""

    journey: Journey
    nr: int
    visit: int
    taken: StepTaken

    @property
    def spent_s(self) -> float:
        return countable(self.taken.spent_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    journeys: tuple[Journey, ...] = ()
    """One for each time the caller entered the IVR, the question after the conversation included."""
    steps: tuple[Step, ...] = ()
    """Of the journeys that are over."""
    callbacks: tuple[Callback, ...] = ()
    voicemails: tuple[Voicemail, ...] = ()


NOTHING: Final = Trail()


def trail_is_told(types: Iterable[str]) -> bool:
    """Does the record have it all, from when the last of these facts that tell was written? Callbacks and messages say who the
    call was with, which may change later."""
    seen = [kind for kind in types if kind in JOURNEY_TYPES]
    count = Counter(seen)
    is_left = count[TYPE_OF[IvrEntered]] == count[TYPE_OF[IvrLeft]] and (not seen or seen[-1] in TELLING)
    return is_left and not count[TYPE_OF[CallbackRequested]] and not count[TYPE_OF[VoicemailLeft]]


def trail_of(facts: Iterable[Envelope], *, is_over: bool, who: Mapping[str, str], number: str) -> Trail:
    """``who`` the call is with, and the customer's ``number``: what ``derive.py`` makes of the same facts."""
    facts = tuple(facts)
    told = list(_told(facts))
    journeys = tuple(_journeys((event for _, event in told), is_over=is_over))
    wished = (_callback(name, event, who) for name, event in told if isinstance(event, CallbackRequested))
    return Trail(
        journeys=journeys,
        steps=tuple(step for journey in journeys for step in _steps(journey)),
        callbacks=tuple(callbacks.changed(one, facts) for one in wished),
        voicemails=tuple(_voicemail(name, event, who, number) for name, event in told if isinstance(event, VoicemailLeft)),
    )  # fmt: skip


def over(journey: Journey) -> Journey:
    """The journey, known to be over."""
    return journey if journey.outcome else changed(journey, outcome=IvrOutcome.FAILED, reason=INTERRUPTED)


def spent_s(journey: Journey) -> float | None:
    """In the IVR, as it is counted; None where nobody saw them leave."""
    return countable(journey.spent_s) if journey.left_at else None


def countable(seconds: float) -> float:
    """Rounded, to a tenth below ten seconds and to a second above: a database counts equal ones together, so that a report
    on a hundred thousand journeys reads a few thousand rows.
    """
    return round(seconds, 1) if seconds < EXACT_S else float(round(seconds))


def last_mark(journey: Journey, scale: int) -> int | None:
    return next((score for _, score, best in reversed(journey.ratings) if best == scale), None)


def _told(facts: Iterable[Envelope]) -> Iterator[tuple[str, JourneyEvent]]:
    """Each event with the name that what follows from it goes by."""
    for fact in facts:
        event = journey_event_of(fact) if fact.type in JOURNEY_TYPES else None
        if event:
            yield blake2b(f"{fact.source}\n{fact.id}".encode(), digest_size=10).hexdigest(), event


@dataclass(slots=True)
class _Sessions:
    """The call's journeys so far, in the order they began; the call's own journey (``journey_of``) is made of them all."""

    begun: dict[str, Journey] = field(default_factory=dict)
    now: dict[str, Journey] = field(default_factory=dict)

    def hear(self, event: JourneyEvent) -> None:
        if isinstance(event, IvrEntered):
            self._begin(event)
            return
        self._put(event.session, event)

    def _begin(self, event: IvrEntered) -> None:
        """Who they are and what they want is known from the journey before; the marks stay with that one."""
        journey = fold(None if event.is_after else self.now.get(self._way()), event)
        if journey:
            self.begun[event.session] = self.now[event.session] = changed(journey, ratings=())

    def _way(self) -> str:
        """The last that led, or leads, to a conversation."""
        return next((name for name in reversed(self.now) if not self.now[name].is_after), "")

    def _put(self, session: str, event: JourneyEvent) -> None:
        journey = fold(self.now.get(session), event)
        if journey:
            self.now[session] = journey


def _journeys(events: Iterable[JourneyEvent], *, is_over: bool) -> Iterator[Journey]:
    sessions = _Sessions()
    for event in events:
        sessions.hear(event)
    last = next(reversed(sessions.now), None)
    for session, journey in sessions.now.items():
        is_gone = is_over or session != last or journey.outcome
        yield over(journey) if is_gone else changed(sessions.begun[session], ratings=journey.ratings)


def _steps(journey: Journey) -> Iterator[Step]:
    visits: Counter[str] = Counter()
    for nr, taken in enumerate(journey.steps, start=BEHIND if journey.is_after else 1):
        visits[taken.step] += 1
        yield Step(journey, nr, visits[taken.step], taken)


def _callback(name: str, event: CallbackRequested, who: Mapping[str, str]) -> Callback:
    return Callback(
        id=name, pbx=event.pbx, call=event.call, number=event.number, queue=event.queue, reason=event.reason,
        entered_at=event.entered_at, requested_at=event.at, contact=who.get("contact", ""), contact_name=who.get("name", ""),
        state=CallbackState.OPEN,
    )  # fmt: skip


def _voicemail(name: str, event: VoicemailLeft, who: Mapping[str, str], number: str) -> Voicemail:
    return Voicemail(
        id=name, pbx=event.pbx, call=event.call, queue=event.queue, file=event.file, length_s=event.length_s, number=number,
        contact=who.get("contact", ""), contact_name=who.get("name", ""), at=event.at,
    )  # fmt: skip
