from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from cti.ivr.requests import Doing
from cti.ivr.step import Caller, End, Learned, Next, Step, StepId, ValueName

Word = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


class SetValues(Step):
    """Write down what the caller wants and needs, for routing and for the agent. Says nothing.

    ::

        [steps.repair]
        kind = "set"
        intent = "repair"
        skills = ["technical"]
        priority = 3
        next = "people"
    """

    kind: Literal["set"]
    intent: Annotated[str, Field(max_length=60)] = ""
    """What the caller wants, in a word or two; the agent reads it."""
    skills: tuple[Word, ...] | None = None
    """What the agent must be able to do."""
    priority: Annotated[int, Field(ge=0, le=10)] | None = None
    """In the queue; higher is served earlier."""
    values: Mapping[ValueName, Annotated[str, Field(max_length=200)]] = {}
    """For prompts, ``branch`` and ``http``: name -> text."""
    next: StepId

    def run(self, caller: Caller) -> Doing[Next | End]:  # noqa: ARG002 - the same for everybody
        yield from ()
        learned = Learned(intent=self.intent, skills=self.skills, priority=self.priority, values=self.values)
        return Next(to=self.next, learned=learned)

    def names(self) -> Iterator[str]:
        return iter(self.values)
