"""One caller's way through one flow: answers in, requests out, and what happened as journey events. No I/O, no clock.

::

    request = session.begin(now)
    while not isinstance(request, Over):
        request = session.answered(<what came of it>, now)

At any point instead: ``hung_up`` when the caller has gone, ``failed`` when the flow cannot go on. ``drain`` gives the events
since the last time, in order.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

from cti.calls.call import CallId
from cti.calls.frozen import changed
from cti.calls.journey import (
    CallbackRequested,
    Identified,
    IvrEntered,
    IvrLeft,
    IvrOutcome,
    JourneyEvent,
    LeftBy,
    Noted,
    PinTried,
    Rated,
    StepLeft,
    VoicemailLeft,
)
from cti.crm.contact import Unknown
from cti.ivr.flow import Flow
from cti.ivr.prompts import Utterance
from cti.ivr.requests import Ask, CheckPin, Doing, FindCustomer, Line, PinResult, Rate, Record, Request, RequestCallback
from cti.ivr.spoken import Digits, Plain, Value
from cti.ivr.step import Caller, End, Learned, Left, Next, StepId, outcome_of
from cti.telephony.voice import Destination, HangUp, Recorded, SafePath

MOST_STEPS: Final = 300
"""In one session. A caller who wants to hear the menu for the fiftieth time is no caller."""
MOST_OF: Final[Mapping[type[Record | FindCustomer], int]] = {Record: 3, FindCustomer: 10}
"""Messages, and codes of nobody, in one session."""
MOST_CALLBACKS: Final = 3
LONGEST: Final = timedelta(hours=1)
"""Nor is one who has been silent in menus for so long: a receiver beside the telephone, a line that nobody closed."""


@dataclass(frozen=True, slots=True)
class Over:
    """The flow has ended; the caller goes there."""

    to: Destination


class Session:
    """``name`` is unique for the call: the PBX's nonce, say. ``caller`` is as known before the first step."""

    def __init__(self, flow: Flow, caller: Caller, *, call: CallId, name: str) -> None:
        self.flow = flow
        self.caller = caller
        self.call = call
        self.name = name
        self.step: StepId = flow.start if not caller.asked.is_after else flow.after or flow.start
        self._entered_at = caller.now
        self._doing: Doing[Next | End] | None = None
        self._request: Request | None = None
        self._steps = 0
        self._over: Over | None = None
        self._asked_for: Counter[str] = Counter()
        """Messages and callbacks, and customers nobody knows."""
        self._events: list[JourneyEvent] = []
        self._nr = 0

    def begin(self, now: datetime) -> Request | Over:
        self._tell(
            IvrEntered, now, flow=self.flow.name, label=self.flow.label, language=self.caller.language,
            is_after=self.caller.asked.is_after,
        )  # fmt: skip
        return self._enter(self.step, now) or self._go_on(None, now)

    def answered(self, answer: object, now: datetime) -> Request | Over:
        """``answer`` as the request's own function in ``requests.py`` wants it."""
        self._note_answer(answer, now)
        return self._go_on(answer, now)

    def utterance(self, lines: tuple[Line, ...]) -> Utterance:
        """What to say, in the caller's language. What was collected may be said too, where the flow says so."""
        book = self.flow.book
        known = {name: _plain(value) for name, value in self.caller.values.items()}
        return tuple(
            piece
            for one in lines
            for piece in book.utterance(one.prompt, one.language or self.caller.language, {**known, **one.values})
        )

    @property
    def is_asking_secret(self) -> bool:
        """For who shows keys as they are pressed."""
        return isinstance(self._request, Ask) and self._request.is_secret

    @property
    def pending(self) -> tuple[JourneyEvent, ...]:
        """What ``drain`` would give."""
        return tuple(self._events)

    def may(self, request: Record | FindCustomer) -> bool:
        """Has the caller not asked for it too often? Who leaves a fourth message, or tries the eleventh code, is no caller."""
        return self._asked_for[type(request).__name__] < MOST_OF[type(request)]

    def hung_up(self, now: datetime) -> None:
        """Also in the moment of being sent on: then they did not come there."""
        outcome = outcome_of(self.caller, otherwise=IvrOutcome.ABANDONED)
        if self._over is None:
            self._leave_step(Left(how=LeftBy.HUNG_UP), "", now)
            self._end(now, Over(SafePath()), outcome, to=self.caller.passed_on)
        elif not isinstance(self._over.to, HangUp):
            self._instead(outcome=outcome, to=self.caller.passed_on)

    def failed(self, reason: str, now: datetime) -> Over:
        """The caller takes the dialplan's safe path; to the caller it is as if nobody had been asked."""
        safe = Over(SafePath())
        if self._over is None:
            self._leave_step(Left(how=LeftBy.FAILED), "", now)
            self._end(now, safe, IvrOutcome.FAILED, reason=reason)
        else:
            self._instead(outcome=IvrOutcome.FAILED, reason=reason, to="")
        return safe

    def drain(self) -> tuple[JourneyEvent, ...]:
        events, self._events = tuple(self._events), []
        return events

    # ---- from step to step

    def _enter(self, step: StepId, now: datetime) -> Over | None:
        self._steps += 1
        self.step, self._entered_at = step, now
        if self._steps > MOST_STEPS:
            return self.failed(f"{MOST_STEPS} steps", now)
        if now - self.caller.entered_at > LONGEST:
            return self.failed(f"{LONGEST} in the IVR", now)
        self.caller = replace(self.caller, now=now)
        self._doing = self.flow.steps[step].run(self.caller)
        return None

    def _go_on(self, answer: object, now: datetime) -> Request | Over:
        """Steps that need nothing of the world follow one another at once."""
        assert self._doing is not None  # noqa: S101 - begin comes first
        while True:
            try:
                request = self._doing.send(answer)
            except StopIteration as stopped:
                if over := self._left(stopped.value, now):
                    return over
            else:
                if not self._is_ours(request, now):
                    self._request = request
                    return request
            answer = None

    def _left(self, left: Next | End, now: datetime) -> Over | None:
        """None: the next step has been entered."""
        self._learn(left.learned, now)
        if isinstance(left, Next):
            self._leave_step(left, left.to, now)
            return self._enter(left.to, now)
        self._leave_step(left, "", now)
        return self._end(now, Over(left.to), left.outcome, to=left.where, reason=left.reason)

    # ---- what is told of it

    def _is_ours(self, request: Request, now: datetime) -> bool:
        """Requests that only have to be written down."""
        match request:
            case Rate(question, score, scale):
                self._tell(Rated, now, question=question, score=score, scale=scale)
            case RequestCallback(number, queue):
                self._pass_on("callback")
                self._asked_for["RequestCallback"] += 1
                if self._asked_for["RequestCallback"] > MOST_CALLBACKS:
                    return True
                self._tell(
                    CallbackRequested, now, number=number, queue=queue, reason=self.caller.intent,
                    entered_at=self.caller.entered_at,
                )  # fmt: skip
            case _:
                return False
        return True

    def _note_answer(self, answer: object, now: datetime) -> None:
        match self._request, answer:
            case CheckPin(contact), PinResult():
                self._tell(PinTried, now, contact=contact, caller=self.caller.asked.ani, result=answer.value)
            case FindCustomer(), Unknown():
                self._asked_for["FindCustomer"] += 1
            case Record(queue=queue), Recorded():
                self._asked_for["Record"] += 1
                self._pass_on("voicemail")
                self._tell(VoicemailLeft, now, queue=queue, file=str(answer.file), length_s=answer.length_s)
            case _:
                pass

    def _pass_on(self, to: str) -> None:
        """At once, not when the step is left: whoever hangs up during the thanks has been taken up."""
        self.caller = replace(self.caller, passed_on=to)

    def _learn(self, learned: Learned, now: datetime) -> None:
        before, self.caller = self.caller, learned.told(self.caller)
        if learned.customer is not None and learned.known_by is not None:
            who = learned.customer
            self._tell(
                Identified, now, contact=who.id, name=who.name or who.company, code=who.code, by=learned.known_by,
                value=learned.known_value,
            )  # fmt: skip
        for name, value in _notes(before, self.caller):
            self._tell(Noted, now, name=name, value=value)

    def _leave_step(self, left: Left, to: str, now: datetime) -> None:
        step = self.flow.steps[self.step]
        self._tell(
            StepLeft, now, step=self.step, kind=step.kind, label=self.flow.label_of(self.step), entered_at=self._entered_at,
            how=left.how, to=to, choice=left.choice, keyed=left.keyed, failures=left.failures,
        )  # fmt: skip

    def _end(self, now: datetime, over: Over, outcome: IvrOutcome, *, to: str = "", reason: str = "") -> Over:
        self._over = over
        self._tell(IvrLeft, now, outcome=outcome, step=self.step, to=to, reason=reason)
        return over

    def _instead(self, **changes: Any) -> None:
        """It ended otherwise than was said, and nobody has been told yet."""
        if self._events and isinstance(self._events[-1], IvrLeft):
            self._events[-1] = changed(self._events[-1], **changes)

    def _tell(self, event: type[JourneyEvent], at: datetime, /, **fields: Any) -> None:
        self._nr += 1
        pbx = self.caller.asked.pbx
        self._events.append(event(call=self.call, pbx=pbx, at=at, session=self.name, nr=self._nr, **fields))


def _notes(before: Caller, after: Caller) -> list[tuple[str, str]]:
    """What the agent is to know of what changed. What was collected or fetched is the flow's own affair."""
    told = {
        "language": (before.language, after.language),
        "intent": (before.intent, after.intent),
        "skills": (",".join(before.skills), ",".join(after.skills)),
    }
    return [(name, new) for name, (old, new) in told.items() if new != old]


def _plain(value: str) -> Value:
    return Digits(value) if value.isdigit() else Plain(value)
