from typing import Literal

from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, line, say
from cti.ivr.step import Caller, End, Learned, Next, Step, StepId


class Say(Step):
    """Say something, and go on. A key stops it, and counts for the question that follows.

    ::

        [steps.opening_hours]
        kind = "say"
        prompt = "We are open from Monday to Friday, from nine to six."
        serves = true
        next = "goodbye"
    """

    kind: Literal["say"]
    prompt: Prompt
    next: StepId
    serves: bool = False
    """This is what callers call for: who hangs up from here on has served themselves."""

    def run(self, caller: Caller) -> Doing[Next | End]:  # noqa: ARG002 - the same for everybody
        yield from say(line(self.prompt))
        return Next(to=self.next, learned=Learned(is_served=True if self.serves else None))
