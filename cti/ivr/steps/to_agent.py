from typing import Annotated, Literal

from pydantic import Field

from cti.calls.journey import IvrOutcome
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, line, say
from cti.ivr.step import Caller, End, Step
from cti.telephony.voice import ToAgent


class ToAgentStep(Step):
    """One person's phone rings. Where it is not answered, the caller waits in the dialplan's queue.

    ::

        [steps.manager]
        kind = "to_agent"
        extension = "2001"
    """

    kind: Literal["to_agent"]
    extension: Annotated[str, Field(pattern=r"^\d{2,10}$")]
    """The phone's number in the dialplan."""
    prompt: Prompt = Prompt("std_to_agent")

    def run(self, caller: Caller) -> Doing[End]:  # noqa: ARG002 - the same for everybody
        yield from say(line(self.prompt))
        return End(to=ToAgent(extension=self.extension), outcome=IvrOutcome.TO_AGENT, where=f"agent {self.extension}")
