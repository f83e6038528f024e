from typing import Annotated, Literal

from pydantic import Field

from cti.calls.journey import IvrOutcome
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, line, say
from cti.ivr.step import Caller, End, QueueName, Step
from cti.telephony.voice import ToQueue


class ToQueueStep(Step):
    """The caller waits for a person.

    ::

        [steps.people]
        kind = "to_queue"
        queue = "support"
        prompt = "I am putting you through."
    """

    kind: Literal["to_queue"]
    queue: QueueName
    """As the PBX names it."""
    prompt: Prompt = Prompt("")
    """Said before."""
    priority: Annotated[int, Field(ge=0, le=10)] | None = None
    """Higher is served earlier; without it what a ``set`` step said, or 0."""

    def run(self, caller: Caller) -> Doing[End]:
        yield from say(line(self.prompt))
        priority = caller.priority if self.priority is None else self.priority
        return End(
            to=ToQueue(queue=self.queue, priority=priority), outcome=IvrOutcome.TO_AGENT, where=f"queue {self.queue}"
        )
