from typing import Annotated, Final, Literal

from pydantic import Field

from cti.calls.journey import KnownBy, LeftBy
from cti.crm.contact import Contact, Found, Unavailable
from cti.ivr import spoken
from cti.ivr.asking import Question, keyed
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, ask, find_customer, line, say
from cti.ivr.step import Caller, End, Learned, Next, Step, StepId, Tries, WaitSeconds

YES: Final = "1"
_ASKED: Final = {
    KnownBy.CODE: Prompt("std_enter_code"),
    KnownBy.NUMBER: Prompt("std_enter_number"),
    KnownBy.ORDER: Prompt("std_enter_order"),
}


class Identify(Step):
    """Ask the caller who they are: a customer code, a telephone number or an order number, looked up in the customer system.

    Saying who one is proves nothing; ``authenticate`` does.
    """

    kind: Literal["identify"]
    provides = frozenset({"name"})
    by: KnownBy = KnownBy.CODE
    prompt: Prompt | None = None
    """Without it, words that fit ``by``."""
    min: Annotated[int, Field(ge=1, le=20)] = 1
    max: Annotated[int, Field(ge=1, le=20)] = 15
    confirm: bool = True
    """Say the name, masked, and ask whether that is right."""
    tries: Tries = 3
    wait_s: WaitSeconds = 6.0
    found: StepId
    unknown: StepId
    """For callers who key nothing, or nothing the customer system knows."""
    unavailable: StepId | None = None
    """Where the customer system does not answer; without it as ``unknown``."""
    confirm_prompt: Prompt = Prompt("std_confirm_name")
    not_found: Prompt = Prompt("std_unknown_customer")

    def run(self, caller: Caller) -> Doing[Next | End]:  # noqa: ARG002 - the same for everybody
        how, keys, failures = LeftBy.NO_INPUT, "", 0
        for failures in range(self.tries):
            got = yield from keyed(self._question())
            how, keys = got.how, got.keys
            if not got.is_good:
                continue
            answer = yield from find_customer(self.by, keys)
            if isinstance(answer, Unavailable):
                return Next(to=self.unavailable or self.unknown, how=LeftBy.UNAVAILABLE, keyed=keys, failures=failures)
            who = answer.matches[0].contact if isinstance(answer, Found) and len(answer.matches) == 1 else None
            if who and (yield from self._is_confirmed(who)):
                return self._known(who, keys, failures)
            how = LeftBy.NOT_FOUND
            yield from say(line(self.not_found))
        return Next(to=self.unknown, how=how, keyed=keys, failures=failures + 1)

    def _question(self) -> Question:
        prompt = self.prompt or _ASKED[self.by]
        return Question(lines=(line(prompt),), least=self.min, most=self.max, tries=1, first_s=self.wait_s)

    def _is_confirmed(self, who: Contact) -> Doing[bool]:
        """Only a clear no is a no: whoever keys nothing has heard the name and let it stand."""
        if not self.confirm:
            return True
        name = spoken.MaskedName(who.name or who.company)
        heard = yield from ask(line(self.confirm_prompt, name=name), most=1, first_s=self.wait_s, end="")
        return heard.keys in {YES, ""}

    def _known(self, who: Contact, keys: str, failures: int) -> Next:
        learned = Learned(customer=who, known_by=self.by, known_value=keys)
        return Next(to=self.found, keyed=keys, failures=failures, learned=learned)
