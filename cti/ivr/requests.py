"""What a step may ask for, and what it gets back. A step is a generator: it yields a request, and is sent the answer.

Steps use the small functions below (``heard = yield from ask(...)``), which give each answer its type. Who carries requests
out: ``runner.py`` for a real caller, tests and ``cti ivr try`` for a scripted one.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import NoneType
from typing import Any, Final, Literal, TypeVar

from cti.calls.journey import KnownBy
from cti.crm.contact import Answer as CrmAnswer
from cti.crm.contact import ContactId, Found, Unavailable, Unknown
from cti.errors import StateMisuse
from cti.ivr.prompts import Prompt
from cti.ivr.spoken import Value
from cti.telephony.voice import Recorded

T = TypeVar("T")
Values = Mapping[str, Value]
NOTHING: Final[Values] = {}


@dataclass(frozen=True, slots=True)
class Line:
    """A prompt to be said, with what stands for its ``{placeholders}``."""

    prompt: Prompt
    values: Values = field(default_factory=dict)
    language: str = ""
    """In that language; empty: in the caller's."""


@dataclass(frozen=True, slots=True)
class Say:
    """Any key stops it, and counts as the first key of what is asked next."""

    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    lines: tuple[Line, ...]
    most: int
    """So many keys, and the answer is complete."""
    first_s: float
    """How long to wait for the first key, from the end of what is said."""
    between_s: float
    end: str = "#"
    """The key that ends the answer early; empty: none does."""
    alone: frozenset[str] = frozenset()
    """Keys that are a whole answer when they come first: star for a person."""
    is_secret: bool = False
    """What is keyed is shown nowhere, and kept nowhere."""


@dataclass(frozen=True, slots=True)
class Heard:
    keys: str = field(repr=False)
    """Without the key that ended it. It may be secret, so it has no place in a log."""
    ended: Literal["full", "end", "silence"]

    @property
    def is_nothing(self) -> bool:
        return not self.keys


@dataclass(frozen=True, slots=True)
class FindCustomer:
    by: KnownBy
    value: str


@dataclass(frozen=True, slots=True)
class CheckPin:
    """``pin`` has no place in a log, so it has none in the repr."""

    contact: ContactId
    pin: str = field(repr=False)


class PinResult(StrEnum):
    OK = "ok"
    WRONG = "wrong"
    """Also: this customer has no PIN. Nobody is told which."""
    LOCKED = "locked"
    """Too many tries, for this customer, this caller or all together."""
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Ask an outside service. ``url`` may hold ``{placeholders}``, filled by ``values``, each encoded."""

    url: str
    method: Literal["GET", "POST"]
    values: Mapping[str, str] = field(repr=False)
    body: Mapping[str, str] = field(repr=False)
    budget_s: float


@dataclass(frozen=True, slots=True)
class Fetched:
    """The answer's JSON object, flat: ``{"order.status": "sent"}``."""

    values: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Unreachable:
    reason: str


@dataclass(frozen=True, slots=True)
class AskQueue:
    queue: str


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """How it stands now. Nobody knows of a queue that no call has been in: it is empty."""

    waiting: int
    oldest_since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    queue: str
    max_s: float
    silence_s: float


@dataclass(frozen=True, slots=True)
class Rate:
    question: str
    score: int
    scale: int


@dataclass(frozen=True, slots=True)
class RequestCallback:
    number: str
    queue: str


Request = Say | Ask | FindCustomer | CheckPin | Fetch | AskQueue | Record | Rate | RequestCallback
Doing = Generator[Request, Any, T]


def line(prompt: Prompt, **values: Value) -> Line:
    return Line(prompt, values)


def say(*lines: Line) -> Doing[None]:
    yield Say(lines)


def ask(
    *lines: Line, most: int, first_s: float = 5.0, between_s: float = 3.0, end: str = "#",
    alone: frozenset[str] = frozenset(), is_secret: bool = False,
) -> Doing[Heard]:  # fmt: skip
    request = Ask(
        lines=lines, most=most, first_s=first_s, between_s=between_s, end=end, alone=alone, is_secret=is_secret
    )
    heard: Heard = _of((Heard,), (yield request))
    return heard


def find_customer(by: KnownBy, value: str) -> Doing[CrmAnswer]:
    answer: CrmAnswer = _of((Found, Unknown, Unavailable), (yield FindCustomer(by, value)))
    return answer


def check_pin(contact: ContactId, pin: str) -> Doing[PinResult]:
    result: PinResult = _of((PinResult,), (yield CheckPin(contact, pin)))
    return result


def fetch(request: Fetch) -> Doing[Fetched | Unreachable]:
    answer: Fetched | Unreachable = _of((Fetched, Unreachable), (yield request))
    return answer


def ask_queue(queue: str) -> Doing[QueueLoad]:
    load: QueueLoad = _of((QueueLoad,), (yield AskQueue(queue)))
    return load


def record(*, queue: str, max_s: float, silence_s: float) -> Doing[Recorded | None]:
    """None: nothing was said, or nothing could be kept."""
    answer: Recorded | None = _of((Recorded, NoneType), (yield Record(queue=queue, max_s=max_s, silence_s=silence_s)))
    return answer


def rate(question: str, score: int, scale: int) -> Doing[None]:
    yield Rate(question, score, scale)


def request_callback(number: str, queue: str) -> Doing[None]:
    yield RequestCallback(number, queue)


def _of(kinds: tuple[type, ...], answer: object) -> Any:
    if not isinstance(answer, kinds):
        wanted = " or ".join(kind.__name__ for kind in kinds)
        raise StateMisuse(f"a step was answered with {type(answer).__name__} instead of {wanted}")
    return answer
