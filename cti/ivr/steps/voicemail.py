from typing import Annotated, Literal

from pydantic import Field

from cti.calls.journey import LeftBy
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, line, record, say
from cti.ivr.step import Caller, End, Next, QueueName, Step, StepId


class Voicemail(Step):
    """Let the caller leave a message for a queue's people.

    ::

        [steps.message]
        kind = "voicemail"
        queue = "support"
        max_s = 90
        next = "goodbye"
    """

    kind: Literal["voicemail"]
    queue: QueueName
    """Whose message it is."""
    prompt: Prompt = Prompt("std_voicemail")
    """Said before the beep."""
    thanks: Prompt = Prompt("std_voicemail_thanks")
    """Said after the message."""
    max_s: Annotated[float, Field(ge=5, le=600)] = 120.0
    """The longest message."""
    silence_s: Annotated[float, Field(ge=1, le=30)] = 5.0
    """So much silence ends it."""
    next: StepId
    """Also for callers who say nothing."""

    def run(self, caller: Caller) -> Doing[Next | End]:  # noqa: ARG002 - the same for everybody
        yield from say(line(self.prompt))
        recorded = yield from record(queue=self.queue, max_s=self.max_s, silence_s=self.silence_s)
        if recorded is None:
            return Next(to=self.next, how=LeftBy.NO_INPUT)
        if recorded.how != "hung_up":
            yield from say(line(self.thanks))
        return Next(to=self.next)
