from typing import Final, Literal

from cti.calls.journey import LeftBy
from cti.ivr import spoken
from cti.ivr.asking import Question, keyed
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, ask, line, request_callback, say
from cti.ivr.step import Caller, End, Learned, Next, QueueName, Step, StepId, WaitSeconds

YES: Final = "1"
ANOTHER: Final = "2"
SHORTEST: Final = 6


class Callback(Step):
    """Offer to call back instead of waiting: at the number the caller calls from, or at another one they key.

    The number is only written down. Whether it may be dialled is decided when it is (``toll``).
    """

    kind: Literal["callback"]
    provides = frozenset({"number"})
    queue: QueueName
    """Whose people call back."""
    prompt: Prompt = Prompt("std_callback_offer")
    number_prompt: Prompt = Prompt("std_callback_number")
    thanks: Prompt = Prompt("std_callback_thanks")
    wait_s: WaitSeconds = 6.0
    next: StepId
    """A callback is noted."""
    otherwise: StepId
    """The caller goes on waiting."""

    def run(self, caller: Caller) -> Doing[Next | End]:
        ani = caller.asked.ani
        choice = (yield from self._offer(ani)) if ani else ANOTHER
        if choice not in {YES, ANOTHER}:
            return Next(to=self.otherwise, how=LeftBy.DONE if choice else LeftBy.NO_INPUT, keyed=choice)
        number = ani if choice == YES else (yield from self._another())
        if not number:
            return Next(to=self.otherwise, how=LeftBy.NO_INPUT, keyed=choice)
        yield from request_callback(number, self.queue)
        yield from say(line(self.thanks))
        return Next(to=self.next, choice="callback", keyed=choice, learned=Learned(passed_on="callback"))

    def _offer(self, ani: str) -> Doing[str]:
        heard = yield from ask(line(self.prompt, number=spoken.Digits(ani)), most=1, first_s=self.wait_s, end="")
        return heard.keys

    def _another(self) -> Doing[str]:
        got = yield from keyed(Question(lines=(line(self.number_prompt),), least=SHORTEST, most=18, tries=2))
        return got.keys if got.is_good else ""
