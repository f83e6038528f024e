from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from cti.calls.journey import LeftBy
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, Heard, ask, line, say
from cti.ivr.step import Caller, End, Key, Learned, Next, Step, StepId, Tries, WaitSeconds


class Choice(BaseModel):
    """One key of a menu, where its step's name does not say it all."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    to: StepId
    label: Annotated[str, Field(max_length=60)] = ""
    """What the agent reads; empty: the label of the step."""
    intent: Annotated[str, Field(max_length=60)] = ""
    """What the caller wants, as the agent reads it and routing goes by."""


class Menu(Step):
    """Ask for one key and branch on it."""

    kind: Literal["menu"]
    prompt: Prompt
    choices: Annotated[Mapping[Key, StepId | Choice], Field(min_length=1)]
    """Key -> step, or ``{ to = "billing", label = "Billing", intent = "billing" }``."""
    tries: Tries = 3
    """How often the menu is said before the caller goes ``otherwise``."""
    wait_s: WaitSeconds = 5.0
    otherwise: StepId
    """For callers who key nothing, or nothing that is there."""
    no_input: Prompt = Prompt("std_no_input")
    no_match: Prompt = Prompt("std_no_match")

    def run(self, caller: Caller) -> Doing[Next | End]:  # noqa: ARG002 - the same for everybody
        heard = Heard("", "silence")
        for failures in range(self.tries):
            heard = yield from ask(line(self.prompt), most=1, first_s=self.wait_s, end="")
            chosen = self.choices.get(heard.keys)
            if chosen is not None:
                return self._chosen(chosen, heard.keys, failures)
            if failures < self.tries - 1:
                yield from say(line(self.no_input if heard.is_nothing else self.no_match))
        how = LeftBy.NO_INPUT if heard.is_nothing else LeftBy.NO_MATCH
        return Next(to=self.otherwise, how=how, keyed=heard.keys, failures=self.tries)

    def leads(self) -> Iterator[tuple[str, StepId]]:
        for key, choice in self.choices.items():
            yield f"choices.{key}", choice.to if isinstance(choice, Choice) else choice
        yield "otherwise", self.otherwise

    def _chosen(self, choice: StepId | Choice, key: str, failures: int) -> Next:
        if not isinstance(choice, Choice):
            choice = Choice(to=choice)
        learned = Learned(intent=choice.intent)
        return Next(
            to=choice.to,
            choice=choice.label or choice.to.replace("_", " "),
            keyed=key,
            failures=failures,
            learned=learned,
        )
