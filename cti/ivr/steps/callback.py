from typing import Final, Literal

from cti.calls.journey import LeftBy
from cti.ivr import spoken
from cti.ivr.asking import Asking, Keyed, Question, keyed
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, ask, line, request_callback, say
from cti.ivr.step import Caller, End, Next, QueueName, StepId, WaitSeconds

YES: Final = "1"
ANOTHER: Final = "2"
WAIT: Final = "3"
SHORTEST: Final = 6
LONGEST: Final = 18


class Callback(Asking):
    """Offer to call back instead of waiting: at the number the caller calls from, or at another one they key.

    The number is only written down. Whether it may be dialled is decided when it is (``toll``).

    ::

        [steps.callback]
        kind = "callback"
        queue = "support"
        next = "goodbye"
        otherwise = "support"
    """

    kind: Literal["callback"]
    queue: QueueName
    """Whose people call back."""
    prompt: Prompt = Prompt("std_callback_offer")
    """The offer: 1 for ``{number}``, 2 for another one, 3 to go on waiting."""
    number_prompt: Prompt = Prompt("std_callback_number")
    """Asks for that other number."""
    thanks: Prompt = Prompt("std_callback_thanks")
    """Said when the callback is noted."""
    wait_s: WaitSeconds = 6.0
    next: StepId
    """A callback is noted."""
    otherwise: StepId
    """The caller goes on waiting."""

    def run(self, caller: Caller) -> Doing[Next | End]:
        ani = caller.asked.ani
        choice = (yield from self._offer(ani)) if ani else ""
        if ani and choice not in {YES, ANOTHER}:
            return Next(to=self.otherwise, how=_how(choice), keyed=choice)
        got = Keyed(keys=ani, how=LeftBy.DONE, failures=0) if choice == YES else (yield from self._another())
        if not got.is_good:
            return Next(to=self.otherwise, how=got.how, keyed=choice, failures=got.failures)
        yield from request_callback(got.keys, self.queue)
        yield from say(line(self.thanks))
        return Next(to=self.next, choice="callback", keyed=choice, failures=got.failures)

    def fills(self) -> frozenset[str]:
        return frozenset({"number"})

    def _offer(self, ani: str) -> Doing[str]:
        heard = yield from ask(line(self.prompt, number=spoken.Digits(ani)), most=1, first_s=self.wait_s, end="")
        return heard.keys

    def _another(self) -> Doing[Keyed]:
        question = Question(
            lines=(line(self.number_prompt),),
            least=SHORTEST,
            most=LONGEST,
            tries=2,
            first_s=self.wait_s,
            no_input=self.no_input,
            not_valid=self.not_valid,
        )
        return (yield from keyed(question))


def _how(choice: str) -> LeftBy:
    """Waiting on is an answer as good as any; a key that is none counts as that, and the caller waits on as well."""
    return LeftBy.DONE if choice == WAIT else LeftBy.NO_MATCH if choice else LeftBy.NO_INPUT
