from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cti.calls.journey import LeftBy
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, Heard, ask, line, say
from cti.ivr.step import Caller, End, Key, Lead, Learned, Next, Step, StepId, Tries, WaitSeconds


class Choice(BaseModel):
    """One key of a menu, where its step's name does not say it all."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    to: StepId
    """The step it leads to."""
    label: Annotated[str, Field(max_length=60)] = ""
    """What the agent reads; empty: the step's name."""
    intent: Annotated[str, Field(max_length=60)] = ""
    """What the caller wants, as the agent reads it and routing goes by."""

    @model_validator(mode="before")
    @classmethod
    def _of_step(cls, given: Any) -> Any:
        if not isinstance(given, str | dict):
            raise ValueError('leads nowhere: it is a step, "billing", or { to = "billing", label = "Billing" }')  # noqa: TRY004 - for pydantic
        return {"to": given} if isinstance(given, str) else given


class Menu(Step):
    """Ask for one key and branch on it.

    ::

        [steps.main_menu]
        kind = "menu"
        prompt = "For your bills, press 1. For a repair, press 2. To speak to a person, press 0."
        choices.1 = "billing"
        choices.2 = { to = "repairs", label = "Repairs", intent = "repair" }
        choices.0 = "people"
        otherwise = "people"
    """

    kind: Literal["menu"]
    prompt: Prompt
    """Every choice and its key."""
    choices: Annotated[Mapping[Key, Choice], Field(min_length=1)]
    """Key -> step, or ``{ to = "billing", label = "Billing", intent = "billing" }``."""
    tries: Tries = 3
    wait_s: WaitSeconds = 5.0
    otherwise: StepId
    """For callers who key nothing, or nothing that is there."""
    no_input: Prompt = Prompt("std_no_input")
    """Said when nothing was keyed, before the menu is said again."""
    no_match: Prompt = Prompt("std_no_match")
    """Said when the key is none of the choices."""

    def run(self, caller: Caller) -> Doing[Next | End]:  # noqa: ARG002 - the same for everybody
        heard = Heard("", "silence")
        for failures in range(self.tries):
            heard = yield from ask(line(self.prompt), most=1, first_s=self.wait_s, end="")
            chosen = self.choices.get(heard.keys)
            if chosen is not None:
                return Next(
                    to=chosen.to, choice=chosen.label or chosen.to.replace("_", " "), keyed=heard.keys, failures=failures,
                    learned=Learned(intent=chosen.intent),
                )  # fmt: skip
            if failures < self.tries - 1:
                yield from say(line(self.no_input if heard.is_nothing else self.no_match))
        how = LeftBy.NO_INPUT if heard.is_nothing else LeftBy.NO_MATCH
        return Next(to=self.otherwise, how=how, keyed=heard.keys, failures=self.tries)

    def leads(self) -> Iterator[Lead]:
        for key, choice in self.choices.items():
            yield Lead(choice.to, ("choices", key), f"{key} {choice.label}".rstrip())
        yield from super().leads()
