"""A flow: what an integrator wrote in ``config/ivr/NAME.toml``, checked whole, or one error with every finding and its line.

Pure: text in, ``Flow`` out. Two things are asked of the world, and handed in: whether the PBX has a sound, and whether texts
can be spoken (``Hearing``). What may stand in a file: ``docs/how-to/write-an-ivr-flow.md`` and ``docs/reference/ivr.md``.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from cti.errors import ConfigError
from cti.ivr import check
from cti.ivr.check import ANYTHING, Findings, Hearing
from cti.ivr.flow import Flow
from cti.ivr.prompts import Language, Phrasebook, Prompt, PromptName
from cti.ivr.step import ID, Step, StepId
from cti.ivr.steps import KINDS
from cti.settings.keys import KeyPath
from cti.settings.places import Source, lines_of
from cti.settings.spelling import did_you_mean
from cti.settings.words import syntax_finding, words_of

M = TypeVar("M", bound=BaseModel)

Name = Annotated[str, Field(pattern=ID)]
STANDARD_NAMES: Final = "std_"
"""What the shipped prompts' names begin with; a flow may have its own words under the same name."""


class _Head(BaseModel):
    """The file but for its steps."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    label: str = ""
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=8)] = ("en",)
    start: StepId
    after: StepId | None = None
    prompts: dict[Name, Prompt] = {}
    steps: Annotated[dict[Name, dict[str, Any]], Field(min_length=1, max_length=500)]


class _Kind(BaseModel):
    kind: Literal[tuple(KINDS)]  # type: ignore[valid-type]


def load(path: Path, hearing: Hearing = ANYTHING) -> Flow:
    """Raises ``ConfigError`` with every finding, each with its place."""
    try:
        return parse(path.read_text(encoding="utf-8"), file=path, hearing=hearing)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def parse(text: str, *, file: Path, hearing: Hearing = ANYTHING) -> Flow:
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(syntax_finding(file, text, str(error))) from error
    source = Source(str(file), lines_of(text), is_private=False)
    findings: Findings = []
    head = _read(_Head, tree, (), findings)
    steps = dict(_steps(tree.get("steps"), findings))
    if head is None:
        raise ConfigError(*_told(findings, source, tree))
    flow = _flow(file.stem, head, steps)
    findings += check.of_steps(flow, head.steps)
    findings += check.unheard(flow, hearing)
    findings = findings or [*check.of_whole(flow)]
    if findings:
        raise ConfigError(*_told(findings, source, tree))
    return flow


def _told(findings: Findings, source: Source, tree: Mapping[str, Any]) -> Iterator[str]:
    for path, words in sorted(findings, key=lambda one: source.lines.get(one[0][:2], 0)):
        yield f"{source.place(path, {}, dict(tree))}: {words}"


# ---- reading


def _flow(name: str, head: _Head, steps: Mapping[StepId, Step]) -> Flow:
    prompts: dict[PromptName, Prompt] = {**standard_prompts(), **head.prompts}
    return Flow(
        name=name, label=head.label or name, start=head.start, after=head.after, languages=head.languages, steps=steps,
        book=Phrasebook(head.languages, prompts),
    )  # fmt: skip


@cache
def standard_prompts() -> Mapping[PromptName, Prompt]:
    """Those that come with the program: what every menu has to say now and then."""
    text = resources.files("cti.ivr").joinpath("standard_prompts.toml").read_text(encoding="utf-8")
    return {name: Prompt.model_validate(value) for name, value in tomllib.loads(text).items()}


def _steps(tables: object, findings: Findings) -> Iterator[tuple[StepId, Step]]:
    for name, table in tables.items() if isinstance(tables, dict) else ():
        if not isinstance(table, dict):
            continue  # the head's finding
        path = ("steps", name)
        kind = _read(_Kind, {"kind": table.get("kind")}, path, findings)
        step = _read(KINDS[kind.kind], table, path, findings) if kind else None
        if step:
            yield StepId(name), step


def _read(model: type[M], table: object, path: KeyPath, findings: Findings) -> M | None:
    try:
        return model.model_validate(table)
    except ValidationError as error:
        findings += [((*path, *one["loc"]), _words(one, model)) for one in error.errors()]
        return None


def _words(error: ErrorDetails, model: type[BaseModel]) -> str:
    """What pydantic found, as a person would say it; a key nobody knows is compared with those there are."""
    if error["type"] == "extra_forbidden":
        return f"no such key{did_you_mean(str(error['loc'][-1]), list(model.model_fields))}"
    if error["type"] == "literal_error" and error["loc"] == ("kind",):
        given = error["input"]
        return (
            f"no such kind{did_you_mean(str(given), list(KINDS))}"
            if given
            else f"is missing: one of {', '.join(KINDS)}"
        )
    return words_of(error, {})
