"""What every kind of step has in common. A kind is one file in ``steps/`` and one line in its table.

A step is data, as it stands in the flow's file, and one generator, ``run``, which asks for things (``requests.py``) and ends
with ``Next`` or ``End``. It holds no channel, no clock and no state of its own: the same step serves all callers at once.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, Final, NewType, get_args

from pydantic import BaseModel, ConfigDict, Field

from cti.calls.journey import IvrOutcome, KnownBy, LeftBy
from cti.crm.contact import Contact
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing
from cti.settings.keys import KeyPath
from cti.telephony.voice import Asked, Destination

StepId = NewType("StepId", str)
"""A step's name in its flow. A field of this type is where a step may lead; that is how check and picture know."""
ID: Final = r"^[a-z][a-z0-9_]{0,39}$"
Tries = Annotated[int, Field(ge=1, le=9, description="How often it is asked at most.")]
WaitSeconds = Annotated[
    float,
    Field(
        gt=0,
        le=60,
        description="How long to wait for the first key, from the end of what is said; each further one has four seconds.",
    ),
]
KEY: Final = r"^[0-9*#]$"
QUEUE: Final = r"^[A-Za-z0-9_-]{1,60}$"
Key = Annotated[str, Field(pattern=KEY)]
QueueName = Annotated[str, Field(pattern=QUEUE)]
ValueName = Annotated[str, Field(pattern=ID)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """What is known of the caller now; what steps read. Steps change it through ``Learned`` only."""

    asked: Asked
    language: str
    now: datetime
    """When the step began."""
    zone: str
    """IANA name: the site's."""
    entered_at: datetime
    customer: Contact | None = None
    """Who they say they are: identified, not verified."""
    known_by: KnownBy | None = None
    known_value: str = ""
    is_verified: bool = False
    intent: str = ""
    skills: tuple[str, ...] = ()
    priority: int = 0
    is_served: bool = False
    """Has been told what they wanted to know: who hangs up now has served themselves."""
    is_after_hours: bool = False
    passed_on: str = ""
    """``callback``, ``voicemail``: a person will take it up."""
    values: Mapping[str, str] = field(default_factory=dict, repr=False)
    """What was collected, fetched and set, by name. Secrets are among it, so it has no place in a log."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a step found out; None and empty: nothing about that."""

    language: str = ""
    customer: Contact | None = None
    known_by: KnownBy | None = None
    known_value: str = ""
    is_verified: bool | None = None
    intent: str = ""
    skills: tuple[str, ...] | None = None
    priority: int | None = None
    is_served: bool | None = None
    is_after_hours: bool | None = None
    values: Mapping[str, str] = field(default_factory=dict, repr=False)

    def told(self, caller: Caller) -> Caller:
        """Another customer than before is not verified, whatever the one before was, and hears nothing of theirs."""
        if self.customer is not None and caller.customer is not None and caller.customer.id != self.customer.id:
            caller = replace(caller, is_verified=False, is_served=False, values={})
        known = {name: getattr(self, name) for name in _PLAIN if getattr(self, name) not in {None, ""}}
        if self.customer is not None:
            known["customer"] = self.customer
        return replace(caller, **known, values={**caller.values, **self.values})


_PLAIN: Final = (
    "language", "known_by", "known_value", "is_verified", "intent", "skills", "priority", "is_served", "is_after_hours",
)  # fmt: skip
NOTHING_NEW: Final = Learned()


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """How a step was left; the journey's ``StepLeft`` in the step's own words."""

    how: LeftBy = LeftBy.DONE
    choice: str = ""
    keyed: str = ""
    """As it may be shown: dots where it is secret."""
    failures: int = 0
    learned: Learned = NOTHING_NEW


@dataclass(frozen=True, slots=True, kw_only=True)
class Next(Left):
    to: StepId


@dataclass(frozen=True, slots=True, kw_only=True)
class End(Left):
    """The flow is over: where the caller goes, and what that makes of the whole."""

    to: Destination
    outcome: IvrOutcome
    where: str = ""
    """In words: ``queue support``."""
    reason: str = ""


def outcome_of(caller: Caller, *, otherwise: IvrOutcome) -> IvrOutcome:
    """What it was when the call ends here: whoever has been told what they wanted has not given up by hanging up."""
    if caller.is_served:
        return IvrOutcome.SELF_SERVED
    if caller.passed_on:
        return IvrOutcome.TO_AGENT
    return IvrOutcome.AFTER_HOURS if caller.is_after_hours else otherwise


@dataclass(frozen=True, slots=True)
class Lead:
    """A way out of a step."""

    to: StepId
    at: KeyPath
    """Where it stands in the step's table."""
    label: str = ""
    """For pictures; empty: the ordinary way on."""


class Step(BaseModel):
    """One step of a flow, as it stands in the file."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: str
    label: Annotated[str, Field(max_length=60)] = ""
    """What people read of it, in pictures and on the agent's screen; empty: its name."""

    def run(self, caller: Caller) -> Doing[Next | End]:
        raise NotImplementedError

    def leads(self) -> Iterator[Lead]:
        """Where it may lead: each field of type ``StepId``."""
        for name in self._fields_of(StepId):
            if target := getattr(self, name):
                yield Lead(target, (name,), "" if name == "next" else name)

    def prompts(self) -> Iterator[tuple[str, Prompt]]:
        """What it may say, by the field's name."""
        for name in self._fields_of(Prompt):
            if isinstance(value := getattr(self, name), Prompt):
                yield name, value

    def fills(self) -> frozenset[str]:
        """The values it puts into its own prompts."""
        return frozenset()

    def names(self) -> Iterator[str]:
        """The values that later steps and prompts may use because this step was there."""
        return iter(())

    def secrets(self) -> Iterator[str]:
        """Those of ``names`` that may be sent and compared, but neither said nor shown."""
        return iter(())

    def uses(self) -> Iterator[tuple[KeyPath, str]]:
        """The values it needs of earlier steps, and where in its table it says so."""
        return iter(())

    def dials(self) -> Iterator[tuple[KeyPath, str]]:
        """The numbers outside it sends callers to."""
        return iter(())

    def languages(self) -> Iterator[tuple[KeyPath, str]]:
        """Those it lets callers choose, and where in its table it says so."""
        return iter(())

    def shows(self) -> Iterator[tuple[KeyPath, str]]:
        """Of these, the ones it puts where others can read them; prompts are looked at anyway."""
        return iter(())

    @classmethod
    def _fields_of(cls, kind: object) -> Iterator[str]:
        return (name for name, info in cls.model_fields.items() if _holds(info.annotation, kind))


def _holds(annotation: Any, kind: object) -> bool:
    """Also as a part of a union."""
    return annotation is kind or any(_holds(part, kind) for part in get_args(annotation))
