from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cti.crm.contact import Flag
from cti.ivr.requests import Doing, QueueLoad, ask_queue
from cti.ivr.step import Caller, End, Lead, Next, QueueName, Step, StepId, ValueName
from cti.settings.keys import KeyPath


class Case(BaseModel):
    """All that stands here must be so; of a list, one of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    to: StepId
    """Where it leads."""
    label: Annotated[str, Field(max_length=60)] = ""
    """What people read of it, in pictures and on the agent's screen."""
    known: bool | None = None
    """Has the caller said who they are?"""
    verified: bool | None = None
    """Has their PIN been confirmed?"""
    tier: tuple[str, ...] = ()
    """The customer's; capitals do not count."""
    segment: tuple[str, ...] = ()
    """The customer's; capitals do not count."""
    flag: tuple[Flag, ...] = ()
    """The customer has it: ``do_not_call``, ``recording_refused``, ``complaint_open``, ``deletion_requested``."""
    language: tuple[str, ...] = ()
    """The caller's, as chosen."""
    speaks: tuple[str, ...] = ()
    """The customer's, as their record has it."""
    intent: tuple[str, ...] = ()
    """As a menu or a ``set`` step said."""
    dialled: tuple[str, ...] = ()
    """The line that was called."""
    has_case: bool | None = None
    """Is something open with this customer?"""
    value: dict[ValueName, tuple[str, ...]] = {}
    """A collected, fetched or set value is one of these."""
    waiting_over: Annotated[int, Field(ge=0)] | None = None
    """More callers wait in ``queue`` than this."""
    wait_over_s: Annotated[float, Field(ge=0)] | None = None
    """The first of them has waited longer than this."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set - {"to", "label"}:
            raise ValueError("a case without a condition; what is left belongs into otherwise")
        return self

    @property
    def is_about_queue(self) -> bool:
        return self.waiting_over is not None or self.wait_over_s is not None

    def holds(self, caller: Caller, load: QueueLoad) -> bool:
        return self._holds_of_customer(caller) and self._holds_of_call(caller) and self._holds_of_queue(caller, load)

    def _holds_of_customer(self, caller: Caller) -> bool:
        who = caller.customer
        asked = (
            self.known is None or self.known == (who is not None),
            self.verified is None or self.verified == caller.is_verified,
            not self.tier or (who is not None and who.tier.lower() in _lower(self.tier)),
            not self.segment or (who is not None and who.segment.lower() in _lower(self.segment)),
            not self.flag or (who is not None and not who.flags.isdisjoint(self.flag)),
            not self.speaks or (who is not None and who.language in self.speaks),
            self.has_case is None or self.has_case == bool(who and who.cases),
        )
        return all(asked)

    def _holds_of_call(self, caller: Caller) -> bool:
        asked = (
            not self.language or caller.language in self.language,
            not self.intent or caller.intent in self.intent,
            not self.dialled or caller.asked.dnis in self.dialled,
            *(caller.values.get(name, "") in wanted for name, wanted in self.value.items()),
        )
        return all(asked)

    def _holds_of_queue(self, caller: Caller, load: QueueLoad) -> bool:
        waited_s = (caller.now - load.oldest_since).total_seconds() if load.oldest_since else 0.0
        return (self.waiting_over is None or load.waiting > self.waiting_over) and (
            self.wait_over_s is None or waited_s > self.wait_over_s
        )


class Branch(Step):
    """Go where the first case that holds leads. Says nothing. Times and holidays are the ``hours`` step's.

    ::

        [steps.how_busy]
        kind = "branch"
        queue = "support"
        otherwise = "support"

        [[steps.how_busy.cases]]
        label = "gold waits for nobody"
        tier = ["gold", "platinum"]
        to = "first_in_line"

        [[steps.how_busy.cases]]
        label = "more than five wait"
        waiting_over = 5
        to = "callback"
    """

    kind: Literal["branch"]
    queue: QueueName | None = None
    """Whose load the cases are about."""
    cases: Annotated[tuple[Case, ...], Field(min_length=1)]
    """In order; see below what may stand in one."""
    otherwise: StepId
    """Where no case holds."""

    @model_validator(mode="after")
    def _has_queue(self) -> Self:
        if self.queue is None and any(case.is_about_queue for case in self.cases):
            raise ValueError("a case is about a queue's load: say which, queue = ...")
        return self

    def run(self, caller: Caller) -> Doing[Next | End]:
        load = (yield from ask_queue(self.queue)) if self.queue else QueueLoad(0)
        for case in self.cases:
            if case.holds(caller, load):
                return Next(to=case.to, choice=case.label)
        return Next(to=self.otherwise)

    def leads(self) -> Iterator[Lead]:
        for number, case in enumerate(self.cases):
            yield Lead(case.to, ("cases", number, "to"), case.label or f"case {number + 1}")
        yield from super().leads()

    def uses(self) -> Iterator[tuple[KeyPath, str]]:
        return ((("cases", number, "value"), name) for number, case in enumerate(self.cases) for name in case.value)


def _lower(words: tuple[str, ...]) -> set[str]:
    return {word.lower() for word in words}
