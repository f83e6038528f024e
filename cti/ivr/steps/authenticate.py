from typing import Final, Literal

from cti.calls.journey import LeftBy
from cti.ivr.asking import Question, keyed, shown
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, PinResult, check_pin, line, say
from cti.ivr.step import Caller, End, Learned, Next, Step, StepId, Tries, WaitSeconds

PERSON: Final = "*"
MOST_DIGITS: Final = 12


class Authenticate(Step):
    """Ask an identified caller for their PIN. What is keyed is shown and kept nowhere.

    Limits hold for each customer, for each calling number and for all together, and over restarts. The words are the same
    whatever was wrong, and star always leads to a person.

    ::

        [steps.pin]
        kind = "authenticate"
        next = "balance"
        otherwise = "people"
    """

    kind: Literal["authenticate"]
    prompt: Prompt = Prompt("std_enter_pin")
    refused: Prompt = Prompt("std_pin_refused")
    """Said whatever was wrong, so let it not tell what."""
    tries: Tries = 3
    wait_s: WaitSeconds = 8.0
    next: StepId
    """The PIN is theirs."""
    otherwise: StepId
    """For callers who cannot be verified, who key star, and who have not said who they are."""

    def run(self, caller: Caller) -> Doing[Next | End]:
        if caller.customer is None:
            return Next(to=self.otherwise, how=LeftBy.NOT_FOUND)
        how, keys, failures = LeftBy.NO_INPUT, "", 0
        for failures in range(1, self.tries + 1):
            got = yield from keyed(self._question())
            if got.keys == PERSON:
                return Next(to=self.otherwise, how=LeftBy.REFUSED, choice="person", failures=failures - 1)
            keys = got.keys
            result = (yield from check_pin(caller.customer.id, keys)) if got.is_good else PinResult.WRONG
            if result is PinResult.OK:
                learned = Learned(is_verified=True)
                return Next(to=self.next, keyed=shown(keys, is_secret=True), failures=failures - 1, learned=learned)
            how = _how(result, keys)
            yield from say(line(self.refused))
            if result is PinResult.UNAVAILABLE:
                break  # locked goes on like wrong: nobody is to learn which it was
        return Next(to=self.otherwise, how=how, keyed=shown(keys, is_secret=True), failures=failures)

    def _question(self) -> Question:
        return Question(
            lines=(line(self.prompt),), most=MOST_DIGITS, tries=1, first_s=self.wait_s, is_secret=True, way_out=PERSON
        )


def _how(result: PinResult, keys: str) -> LeftBy:
    if result is PinResult.UNAVAILABLE:
        return LeftBy.UNAVAILABLE
    return LeftBy.REFUSED if keys else LeftBy.NO_INPUT
