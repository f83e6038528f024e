"""Ways through the IVR told as facts, for tests of the record and of reports."""

from typing import Any

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
from cti.envelope import Envelope
from cti.journeys import of_journey
from tests.unit.store.call_stories import CALLER, NINE, Story, facts_of


class Way:
    """One session of the IVR in a call. Times are seconds after the call began; steps follow one another without a gap."""

    def __init__(self, call: Story, session: str = "s1", flow: str = "bank") -> None:
        self.call, self.session, self.flow = call, session, flow
        self.nr, self.last_s = 0, 0.0

    def tell(self, kind: type[JourneyEvent], seconds: float | None = None, /, **more: Any) -> Envelope:
        self.nr += 1
        at = self.call.at(self.last_s if seconds is None else seconds)
        return of_journey(kind(call=self.call.call, pbx=self.call.pbx, at=at, session=self.session, nr=self.nr, **more))

    def entered(self, seconds: float = 0, *, is_after: bool = False, language: str = "en") -> Envelope:
        self.last_s = seconds
        return self.tell(IvrEntered, flow=self.flow, label=self.flow.title(), language=language, is_after=is_after)

    def step(self, name: str, until: float, *, to: str = "", how: LeftBy = LeftBy.DONE, **more: Any) -> Envelope:
        begun, self.last_s = self.call.at(self.last_s), until
        known = {"kind": "menu", "label": name.title()} | more
        return self.tell(StepLeft, step=name, entered_at=begun, how=how, to=to, **known)

    def identified(self, contact: str = "20118", name: str = "Anna Berg") -> Envelope:
        return self.tell(Identified, contact=contact, name=name, code=contact, value=contact)

    def pin(self, result: str = "ok", contact: str = "20118", seconds: float | None = None) -> Envelope:
        return self.tell(PinTried, seconds, contact=contact, caller=CALLER, result=result)

    def noted(self, name: str, value: str) -> Envelope:
        return self.tell(Noted, name=name, value=value)

    def rated(self, score: int, scale: int = 5, question: str = "how_was_it") -> Envelope:
        return self.tell(Rated, question=question, score=score, scale=scale)

    def wants_a_callback(self, queue: str = "support", number: str = CALLER) -> Envelope:
        return self.tell(CallbackRequested, number=number, queue=queue, reason="orders", entered_at=self.call.at(0))

    def leaves_a_message(self, queue: str = "support", file: str = "main-1.1/1.wav") -> Envelope:
        return self.tell(VoicemailLeft, queue=queue, file=file, length_s=12.5)

    def left(self, outcome: IvrOutcome, step: str = "", *, to: str = "", reason: str = "") -> Envelope:
        return self.tell(IvrLeft, outcome=outcome, step=step, to=to, reason=reason)


def self_served(name: str = "1.1", *, begins: Any = NINE, flow: str = "bank") -> list[Envelope]:
    """Menu 4 s, keyed wrong once; the code 10 s; the order's status 6 s; goodbye, and hung up at 20 s."""
    call = Story(name, begins=begins)
    way = Way(call, flow=flow)
    told = [
        way.entered(),
        way.step("menu", 4, to="code", choice="Orders", keyed="1", failures=1),
        way.identified(),
        way.step("code", 14, to="status", kind="identify", keyed="20118"),
        way.step("status", 20, kind="order_status"),
        way.left(IvrOutcome.SELF_SERVED, "status"),
    ]
    begin, end = facts_of([call.offered(), call.cleared(20)])
    return [begin, *told, end]


def gave_up(name: str = "2.1", *, begins: Any = NINE, at_s: float = 9, flow: str = "bank") -> list[Envelope]:
    """Past the menu in 3 s, and hung up while asked for the code."""
    call = Story(name, begins=begins)
    way = Way(call, flow=flow)
    told = [
        way.entered(),
        way.step("menu", 3, to="code"),
        way.step("code", at_s, how=LeftBy.HUNG_UP, kind="identify", failures=2),
        way.left(IvrOutcome.ABANDONED, "code"),
    ]
    begin, end = facts_of([call.offered(), call.cleared(at_s)])
    return [begin, *told, end]
