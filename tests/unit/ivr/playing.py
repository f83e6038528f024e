"""A caller by script, and a world by script: a flow is played through in no time, and everything said and told is kept."""
# ruff: noqa: ARG002 - a telephone is asked for more than a script needs

import tomllib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Final, TypeVar

from cti.calls.call import CallId, LegId, PbxName
from cti.calls.journey import IvrLeft, Journey, JourneyEvent, StepLeft, fold
from cti.crm.contact import Answer, Contact, ContactId, Found, Match, MatchedBy, Unknown
from cti.ivr.flow import Flow
from cti.ivr.flow_file import parse
from cti.ivr.hearing import Ear
from cti.ivr.prompts import Played, Said
from cti.ivr.requests import (
    Ask,
    AskQueue,
    CheckPin,
    Fetch,
    Fetched,
    FindCustomer,
    PinResult,
    QueueLoad,
    Record,
    Request,
    Say,
    Unreachable,
)
from cti.ivr.requests import Line as Words
from cti.ivr.session import Over, Session
from cti.ivr.step import Caller
from cti.ivr.steps import KINDS
from cti.telephony.voice import KEYS, Asked, CallerGone, Keys, Recorded, Sound

T = TypeVar("T")
NOON: Final = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
"""A Monday."""
GONE: Final = "hangs up"
"""In a script: the caller hangs up instead of answering."""
ANI: Final = "+886912345678"
AMY: Final = Contact(id=ContactId("7"), code="88301", name="Amy Lin")


@dataclass(slots=True)
class World:
    """What comes of what a flow asks for. ``customers``: key -> who is found."""

    customers: Mapping[str, Answer] = field(default_factory=dict)
    pins: Mapping[str, str] = field(default_factory=dict)
    pin_results: list[PinResult] = field(default_factory=list)
    """Instead of ``pins``: one after another."""
    services: Fetched | Unreachable = field(default_factory=lambda: Unreachable("nobody there"))
    load: QueueLoad = field(default_factory=lambda: QueueLoad(0))
    message: Recorded | None = None
    asked: list[Request] = field(default_factory=list)

    def answer(self, request: Request) -> object:
        self.asked.append(request)
        match request:
            case FindCustomer(_, value):
                return self.customers.get(value, Unknown("nobody has it"))
            case CheckPin(contact, pin):
                if self.pin_results:
                    return self.pin_results.pop(0)
                return PinResult.OK if self.pins.get(contact) == pin else PinResult.WRONG
            case Fetch():
                return self.services
            case AskQueue():
                return self.load
            case Record():
                return self.message
        raise AssertionError(request)


@dataclass(slots=True)
class Line:
    """The caller's telephone. Nothing here ever waits: time is a number."""

    asked: Asked
    now: datetime = NOON
    ahead: str = ""
    """Keyed while the first thing is said."""
    gone_when: str = ""
    """Words upon which the caller hangs up."""
    keys: str = ""
    """What they will key now."""
    said: list[str] = field(default_factory=list)

    async def play(self, sounds: Sequence[Sound], *, until: Keys = KEYS) -> str:
        self.said.append(" ".join(sound.text for sound in sounds))
        if self.gone_when and self.gone_when in self.said[-1]:
            raise CallerGone
        self.now += timedelta(seconds=2)
        while self.ahead:
            key, self.ahead = self.ahead[0], self.ahead[1:]
            if key in until:
                return key
        return ""

    async def key(self, *, within_s: float) -> str:
        if self.ahead:
            key, self.ahead = self.ahead[0], self.ahead[1:]
            return key
        if self.keys == GONE:
            raise CallerGone
        self.now += timedelta(seconds=0.5 if self.keys else within_s)
        key, self.keys = self.keys[:1], self.keys[1:]
        return key

    async def record(self, file: PurePosixPath, *, max_s: float, silence_s: float, until: Keys = KEYS) -> Recorded:
        raise AssertionError("the world records")

    async def note(self, name: str, value: str) -> None:
        raise AssertionError("nobody notes here")

    async def leave(self, to: object) -> None:
        raise AssertionError("nobody leaves here")


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of it."""

    session: Session
    events: tuple[JourneyEvent, ...]
    said: tuple[str, ...]
    pieces: tuple[Said | Played, ...]
    """What there was to say, also what a caller who keyed ahead did not hear."""
    over: Over | None
    """None: the caller has hung up."""

    @property
    def steps(self) -> list[StepLeft]:
        return [event for event in self.events if isinstance(event, StepLeft)]

    @property
    def first(self) -> StepLeft:
        return self.steps[0]

    @property
    def path(self) -> list[str]:
        return [step.step for step in self.steps]

    @property
    def left(self) -> IvrLeft:
        last = self.events[-1]
        assert isinstance(last, IvrLeft)
        return last

    @property
    def journey(self) -> Journey:
        journey: Journey | None = None
        for event in self.events:
            journey = fold(journey, event)
        assert journey
        return journey

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.events if isinstance(event, kind)]


def play(
    flow: Flow | str, *keys: str, world: World | None = None, ahead: str = "", gone_when: str = "",
    caller: Callable[[Caller], Caller] = lambda caller: caller, ani: str = ANI, is_after: bool = False, at: datetime = NOON,
) -> Told:  # fmt: skip
    """``keys``: one entry for each question, in order; silence when there are no more."""
    flow = flow_of(flow) if isinstance(flow, str) else flow
    name = "n2" if is_after else "n1"
    asked = Asked(pbx=PbxName("main"), leg=LegId("1.1"), ani=ani, dnis="0800", is_after=is_after, nonce=name)
    line = Line(asked, now=at, ahead=ahead, gone_when=gone_when)
    who = caller(Caller(asked=asked, language=flow.languages[0], now=at, zone="Asia/Taipei", entered_at=at))
    session = Session(flow, who, call=CallId("main-1"), name=name)
    played = _Play(session, line, Ear(line), list(keys), world or World())
    over = played.to_the_end()
    return Told(session=session, events=session.drain(), said=tuple(line.said), pieces=tuple(played.pieces), over=over)


@dataclass(slots=True)
class _Play:
    session: Session
    line: Line
    ear: Ear
    script: list[str]
    world: World
    pieces: list[Said | Played] = field(default_factory=list)

    def to_the_end(self) -> Over | None:
        doing = self.session.begin(self.line.now)
        while not isinstance(doing, Over):
            try:
                answer = self._answer(doing)
            except CallerGone:
                self.session.hung_up(self.line.now)
                return None
            doing = self.session.answered(answer, self.line.now)
        return doing

    def _answer(self, request: Request) -> object:
        match request:
            case Say(lines):
                return at_once(self.ear.say(self._sounds(lines)))
            case Ask(lines=lines):
                self.line.keys = self.script.pop(0) if self.script else ""
                return at_once(self.ear.hear(self._sounds(lines), request))
        return self.world.answer(request)

    def _sounds(self, lines: tuple[Words, ...]) -> list[Sound]:
        utterance = self.session.utterance(lines)
        self.pieces += utterance
        return [
            Sound("-", one.text) if isinstance(one, Said) else Sound(one.sound, f"[{one.sound}]") for one in utterance
        ]


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never has to wait."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    raise AssertionError("it waits")


def flow_of(text: str) -> Flow:
    return parse(text, file=Path("flow.toml"))


def one(body: str, *, languages: tuple[str, ...] = ("en",), more: str = "") -> Flow:
    """A flow of one step, ``it``; every step it leads to hangs up without a word. ``more``: the file's other tables."""
    head = f'languages = {list(languages)}\nstart = "it"\n{more}\n[steps.it]\n{body}\n'
    return flow_of(head + ends(body))


def ends(body: str, *, but: frozenset[str] = frozenset()) -> str:
    """A step that hangs up for each step that ``body``, the table of one step, leads to."""
    table = tomllib.loads(body)
    targets = dict.fromkeys(lead.to for lead in KINDS[table["kind"]].model_validate(table).leads())
    return "".join(f'[steps.{to}]\nkind = "hang_up"\nprompt = ""\n' for to in targets if to not in but)


def found(*contacts: Contact, by: MatchedBy = MatchedBy.CODE) -> Found:
    return Found(tuple(Match(contact, by, contact.code) for contact in contacts), "own", NOON)
