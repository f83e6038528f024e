from typing import Literal

from cti.calls.journey import IvrOutcome
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, line, say
from cti.ivr.step import Caller, End, Step, outcome_of
from cti.telephony.voice import HangUp


class HangUpStep(Step):
    """The call is over.

    ::

        [steps.goodbye]
        kind = "hang_up"
        prompt = "Thank you. Goodbye."
    """

    kind: Literal["hang_up"]
    prompt: Prompt = Prompt("std_goodbye")
    outcome: Literal["self_served", "after_hours", "failed"] | None = None
    """What that was; without it: ``to_agent`` where a message or a callback was left, ``after_hours`` behind an ``hours`` step
    that was closed, else ``self_served``."""

    def run(self, caller: Caller) -> Doing[End]:
        yield from say(line(self.prompt))
        given = IvrOutcome(self.outcome) if self.outcome else outcome_of(caller, otherwise=IvrOutcome.SELF_SERVED)
        return End(to=HangUp(), outcome=given, where=caller.passed_on)
