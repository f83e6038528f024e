from typing import Annotated, Literal

from pydantic import Field

from cti.ivr.asking import Asking, Question, keyed
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, line, rate, say
from cti.ivr.step import Caller, End, Next, StepId, Tries

NPS: Literal[10] = 10


class Survey(Asking):
    """Ask how it was: 1 to 5, or 0 to 10 (NPS). Meant for ``after``: the caller stays on the line when the agent hangs up.

    ::

        [steps.how_was_it]
        kind = "survey"
        question = "satisfaction"
        scale = 5
        next = "goodbye"
    """

    kind: Literal["survey"]
    question: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")] = "satisfaction"
    """Under which name the marks are counted; do not change it once there are some."""
    scale: Literal[5, 10] = 5
    """The best mark: 5, from 1 on; or 10, from 0 on."""
    prompt: Annotated[Prompt, Field(default_factory=lambda given: Prompt(f"std_survey_{given['scale']}"))]
    """Without it, words that fit the scale."""
    thanks: Prompt = Prompt("std_thanks")
    """Said after a mark."""
    tries: Tries = 2
    next: StepId
    """Also for callers who give no mark."""

    def run(self, caller: Caller) -> Doing[Next | End]:  # noqa: ARG002 - the same for everybody
        got = yield from keyed(
            Question(
                lines=(line(self.prompt),), most=len(str(self.scale)), tries=self.tries, is_right=self._is_mark,
                no_input=self.no_input, not_valid=self.not_valid,
            )
        )  # fmt: skip
        if got.is_good:
            yield from rate(self.question, int(got.keys), self.scale)
            yield from say(line(self.thanks))
        return Next(to=self.next, how=got.how, keyed=got.keys, failures=got.failures)

    def _is_mark(self, keys: str) -> bool:
        return (0 if self.scale == NPS else 1) <= int(keys) <= self.scale
