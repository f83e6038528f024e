"""A flow as the service runs it: steps by name, and the words they say. ``flow_file.py`` reads and checks one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cti.ivr.prompts import Phrasebook, Prompt, Said
from cti.ivr.step import Step, StepId


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    name: str
    """Its file's, without the ending."""
    label: str
    start: StepId
    after: StepId | None
    """Where a caller begins who stayed on the line after the conversation."""
    languages: tuple[str, ...]
    steps: Mapping[StepId, Step]
    book: Phrasebook

    def label_of(self, step: str) -> str:
        known = self.steps.get(StepId(step))
        return (known.label if known else "") or step.replace("_", " ")

    def texts(self) -> tuple[Said, ...]:
        """Each text that must be spoken, once."""
        found = (
            said for step in self.steps.values() for _, prompt in step.prompts() for said in self.book.texts(prompt)
        )
        return tuple(dict.fromkeys(found))

    def prompts(self) -> Iterator[tuple[StepId, str, Prompt]]:
        """Step, field and prompt, of all that may be said."""
        return ((name, field, prompt) for name, step in self.steps.items() for field, prompt in step.prompts())
