from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from cti.calls.journey import IvrOutcome
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, line, say
from cti.ivr.step import Caller, End, Step
from cti.settings.keys import KeyPath
from cti.telephony.voice import ToNumber


class ToNumberStep(Step):
    """A number outside, from the file only: no caller can choose what we dial. Countries are checked when the file is read (``toll.allowed_countries``).

    ::

        [steps.locksmith]
        kind = "to_number"
        number = "+886912345678"
    """

    kind: Literal["to_number"]
    number: Annotated[str, Field(pattern=r"^\+?\d{3,15}$")]
    """Digits, or + and digits."""
    prompt: Prompt = Prompt("std_to_agent")

    def run(self, caller: Caller) -> Doing[End]:  # noqa: ARG002 - the same for everybody
        yield from say(line(self.prompt))
        return End(to=ToNumber(number=self.number), outcome=IvrOutcome.TO_AGENT, where=f"number {self.number}")

    def dials(self) -> Iterator[tuple[KeyPath, str]]:
        return iter(((("number",), self.number),))
