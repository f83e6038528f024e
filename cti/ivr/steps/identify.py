from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from cti.calls.journey import KnownBy, LeftBy
from cti.crm.contact import Answer, Contact, Found, Unavailable
from cti.ivr import spoken
from cti.ivr.asking import Asking, Keyed, Question, hinted, keyed
from cti.ivr.prompts import Prompt
from cti.ivr.requests import Doing, ask, find_customer, line, say
from cti.ivr.step import Caller, End, Learned, Next, StepId, Tries, WaitSeconds

YES: Final = "1"
PERSON: Final = "*"


class Identify(Asking):
    """Ask the caller who they are: a customer code, a telephone number or an order number, looked up in the customer system.

    Saying who one is proves nothing; ``authenticate`` does. Star leads to a person.

    ::

        [steps.customer_code]
        kind = "identify"
        by = "code"
        min = 4
        max = 8
        found = "menu"
        unknown = "menu"
        person = "people"
    """

    kind: Literal["identify"]
    by: KnownBy = KnownBy.CODE
    """What they are asked for: ``code``, ``number`` or ``order``."""
    prompt: Annotated[Prompt, Field(default_factory=lambda given: Prompt(f"std_enter_{given['by']}"))]
    """Without it, words that fit ``by``."""
    min: Annotated[int, Field(ge=1, le=20)] = 1
    """So many digits at least."""
    max: Annotated[int, Field(ge=1, le=20)] = 15
    """So many, and it is complete."""
    confirm: bool = True
    """Say the name, masked, and ask whether that is right."""
    tries: Tries = 3
    wait_s: WaitSeconds = 6.0
    found: StepId
    """The customer system knows them, and they have not said no."""
    unknown: StepId
    """For callers who key nothing, or nothing the customer system knows."""
    unavailable: StepId | None = None
    """Where the customer system does not answer; without it as ``unknown``."""
    person: StepId | None = None
    """For callers who key star; without it as ``unknown``."""
    confirm_prompt: Prompt = Prompt("std_confirm_name")
    """``{name}`` in it is the name, masked: initials, or a family name."""
    not_found: Prompt = Prompt("std_unknown_customer")
    """Said where nobody has it, and also where several have."""

    @model_validator(mode="after")
    def _sane(self) -> Self:
        if self.min > self.max:
            raise ValueError("min is more than max")
        return self

    def run(self, caller: Caller) -> Doing[Next | End]:  # noqa: ARG002 - the same for everybody
        got, how = Keyed(keys="", how=LeftBy.NO_INPUT, failures=0), LeftBy.NO_INPUT
        for failures in range(self.tries):
            got = yield from keyed(self._question())
            if got.keys == PERSON:
                return Next(to=self.person or self.unknown, how=LeftBy.REFUSED, choice="person", failures=failures)
            answer = (yield from find_customer(self.by, got.keys)) if got.is_good else None
            if isinstance(answer, Unavailable):
                to = self.unavailable or self.unknown
                return Next(to=to, how=LeftBy.UNAVAILABLE, keyed=hinted(got.keys), failures=failures)
            who = _only_one(answer)
            if who and (yield from self._is_confirmed(who)):
                return self._known(who, got.keys, failures)
            how = LeftBy.NOT_FOUND if got.is_good else got.how
            if not who:
                yield from say(line(self.not_found if got.is_good else self.not_valid if got.keys else self.no_input))
        return Next(to=self.unknown, how=how, keyed=hinted(got.keys), failures=self.tries)

    def fills(self) -> frozenset[str]:
        return frozenset({"name"})

    def _question(self) -> Question:
        return Question(
            lines=(line(self.prompt),), least=self.min, most=self.max, tries=1, first_s=self.wait_s, way_out=PERSON
        )

    def _is_confirmed(self, who: Contact) -> Doing[bool]:
        """Whoever keys nothing has heard the name and let it stand; every key but 1 is a no."""
        if not self.confirm:
            return True
        name = spoken.MaskedName(who.name or who.company)
        heard = yield from ask(line(self.confirm_prompt, name=name), most=1, first_s=self.wait_s, end="")
        return heard.keys in {YES, ""}

    def _known(self, who: Contact, keys: str, failures: int) -> Next:
        learned = Learned(customer=who, known_by=self.by, known_value=keys)
        return Next(to=self.found, keyed=keys, failures=failures, learned=learned)


def _only_one(answer: Answer | None) -> Contact | None:
    """Of several that share a code or a number, nobody is guessed."""
    return answer.matches[0].contact if isinstance(answer, Found) and len(answer.matches) == 1 else None
