"""What is said to callers: texts and sounds by language, with places for values; and the utterance made of them.

In a flow's file a prompt is a name from ``[prompts]``, or a text where the flow has one language, or a text for each::

    prompt = "welcome"
    prompt = "Good day, this is the shop."
    prompt = { en = "Good day.", zh-Hant = "您好。" }
    prompt = { sound = "custom/welcome" }                    # a file of the PBX, for every language
    prompt = { en = { sound = "en/welcome" }, zh-Hant = "您好。" }
    prompt = ""                                              # nothing, where something would be said

``{order}`` in a text stands for a value. What stands between two values is one piece, so it is spoken once, at load time.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    RootModel,
    ValidationError,
    model_validator,
)

from cti.ivr import spoken
from cti.ivr.spoken import Value

PromptName = str
LANGUAGE: Final = r"^[a-z]{2,3}(-[A-Z][a-z]{3})?(-[A-Z]{2})?$"
Language = Annotated[str, Field(pattern=LANGUAGE)]
"""BCP 47: ``en``, ``zh-Hant``."""
_NO_PROMPT: Final = 'no prompt: a name of [prompts], a text, { sound = "..." }, or one of these for each language'
NAME: Final = re.compile(r"[a-z0-9_]+")
PLACEHOLDER: Final = re.compile(r"\{([a-z][a-z0-9_.]*)\}")
_STRAY: Final = re.compile(r"[{}]")
SOUND: Final = r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$"


@dataclass(frozen=True, slots=True)
class Said:
    """Words for the speech program. ``is_passing``: a value, of this caller only; not to be kept for long."""

    text: str
    language: str
    is_passing: bool = False


@dataclass(frozen=True, slots=True)
class Played:
    """A file of the PBX, without its ending."""

    sound: str


Utterance = tuple[Said | Played, ...]


class SoundFile(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")
    sound: Annotated[str, Field(pattern=SOUND)]


Wording = str | SoundFile


class Prompt(RootModel[str | SoundFile | dict[Language, Wording]]):
    """As it stands in the file; ``Phrasebook`` knows what the names mean."""

    model_config = ConfigDict(frozen=True)

    @model_validator(mode="wrap")
    @classmethod
    def _in_our_words(cls, value: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            prompt = read(value)
        except ValidationError:
            raise ValueError(_why_none(value)) from None
        if any(_STRAY.search(PLACEHOLDER.sub("", text)) for text in prompt.texts()):
            raise ValueError("holds a brace that belongs to no {name}; names are small letters, figures and _")
        return prompt

    @property
    def name(self) -> PromptName:
        """Of ``[prompts]``; empty for one that stands here itself."""
        return self.root if isinstance(self.root, str) and NAME.fullmatch(self.root) else ""

    def texts(self) -> Iterator[str]:
        """As they stand here, in whatever language."""
        wordings = self.root.values() if isinstance(self.root, dict) else (self.root,)
        return (one for one in wordings if isinstance(one, str))

    def wordings(self, languages: tuple[str, ...]) -> Mapping[str, Wording]:
        """By language; a plain text is in the first one, a sound and silence in all."""
        if isinstance(self.root, SoundFile) or self.root == "":
            return dict.fromkeys(languages, self.root)
        return {languages[0]: self.root} if isinstance(self.root, str) else self.root


def _why_none(value: Any) -> str:
    """A sound with its ending is the likeliest slip; that one is told how to write it."""
    for one in (value, *value.values()) if isinstance(value, dict) else ():
        sound = one.get("sound") if isinstance(one, dict) else None
        if isinstance(sound, str) and (name := _without_ending(sound)):
            return f"a sound of the PBX is named without its ending: {name}"
    return _NO_PROMPT


def _without_ending(sound: str) -> str:
    """The sound's name, where only an ending is too much; else empty."""
    name, dot, _ = sound.rpartition(".")
    return name if dot and re.fullmatch(SOUND, name) else ""


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """The prompts of one flow, by name and language. The first language is the one to fall back on."""

    languages: tuple[str, ...]
    prompts: Mapping[PromptName, Prompt] = field(default_factory=dict)

    def wordings(self, prompt: Prompt) -> Mapping[str, Wording]:
        """Empty where there is no such prompt."""
        found = self.prompts.get(prompt.name) if prompt.name else prompt
        return {} if found is None else found.wordings(self.languages)

    def missing(self, prompt: Prompt) -> tuple[str, ...]:
        """The languages it has no words in."""
        there = self.wordings(prompt)
        return tuple(language for language in self.languages if language not in there)

    def placeholders(self, prompt: Prompt) -> frozenset[str]:
        texts = (one for one in self.wordings(prompt).values() if isinstance(one, str))
        return frozenset(name for text in texts for name in PLACEHOLDER.findall(text))

    def utterance(self, prompt: Prompt, language: str, values: Mapping[str, Value]) -> Utterance:
        wordings = self.wordings(prompt)
        spoken_in = language if language in wordings else next(iter(wordings), "")
        wording = wordings.get(spoken_in, "")
        if isinstance(wording, SoundFile):
            return (Played(wording.sound),)
        return tuple(_pieces(wording, spoken_in, values))

    def texts(self, prompt: Prompt) -> Iterator[Said]:
        """All that can be spoken beforehand."""
        for language, wording in self.wordings(prompt).items():
            if isinstance(wording, str) and language in self.languages:
                yield from (piece for piece in _pieces(wording, language, {}) if isinstance(piece, Said))

    def sounds(self, prompt: Prompt) -> Iterator[str]:
        yield from (one.sound for one in self.wordings(prompt).values() if isinstance(one, SoundFile))


def _pieces(text: str, language: str, values: Mapping[str, Value]) -> Iterator[Said | Played]:
    """A place whose value is not known is passed over in silence."""
    for number, part in enumerate(PLACEHOLDER.split(text)):
        if number % 2:
            words = spoken.words(values[part], language) if part in values else ""
            yield from (Said(words, language, is_passing=True),) if words else ()
        elif part.strip(" \t\n,.;:!?，。、；：！？"):  # noqa: RUF001 - Chinese marks are meant
            yield Said(part.strip(), language)
