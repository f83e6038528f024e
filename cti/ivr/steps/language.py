from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import Field

from cti.calls.journey import LeftBy
from cti.ivr.prompts import Language, Prompt
from cti.ivr.requests import Doing, Heard, Line, ask
from cti.ivr.step import Caller, End, Key, Learned, Next, Step, StepId, Tries, WaitSeconds
from cti.settings.keys import KeyPath


class LanguageStep(Step):
    """Ask which language to go on in. Each language's own words are said, one after another.

    ::

        [steps.language]
        kind = "language"
        prompt = { en = "For English, press 1.", zh-Hant = "中文服務請按 2。" }
        choices = { 1 = "en", 2 = "zh-Hant" }
        next = "welcome"
    """

    kind: Literal["language"]
    prompt: Prompt
    """One sentence in each language: ``{ en = "For English, press 1.", zh-Hant = "中文請按 2。" }``."""
    choices: Annotated[Mapping[Key, Language], Field(min_length=1)]
    """Key -> one of the flow's languages."""
    tries: Tries = 2
    wait_s: WaitSeconds = 4.0
    next: StepId
    """Also for callers who choose nothing: they go on in the flow's first language."""

    def run(self, caller: Caller) -> Doing[Next | End]:  # noqa: ARG002 - the same for everybody
        heard = Heard("", "silence")
        for failures in range(self.tries):
            lines = (Line(self.prompt, language=language) for language in self.choices.values())
            heard = yield from ask(*lines, most=1, first_s=self.wait_s, end="")
            if language := self.choices.get(heard.keys):
                learned = Learned(language=language)
                return Next(to=self.next, choice=language, keyed=heard.keys, failures=failures, learned=learned)
        how = LeftBy.NO_INPUT if heard.is_nothing else LeftBy.NO_MATCH
        return Next(to=self.next, how=how, keyed=heard.keys, failures=self.tries)

    def languages(self) -> Iterator[tuple[KeyPath, Language]]:
        return ((("choices", key), language) for key, language in self.choices.items())
