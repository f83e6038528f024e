"""A flow: what an integrator wrote in ``config/ivr/NAME.toml``, checked whole, or one error with every finding and its line.

Pure: text in, ``Flow`` out. Two things are asked of the world, and handed in: whether the PBX has a sound, and whether texts
can be spoken (``Hearing``). What may stand in a file: ``docs/how-to/write-an-ivr-flow.md`` and ``docs/reference/ivr.md``.
"""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cti.errors import ConfigError
from cti.ivr import check
from cti.ivr.check import ANYTHING, Findings, Hearing
from cti.ivr.flow import Flow
from cti.ivr.prompts import Language, Phrasebook, Prompt, PromptName
from cti.ivr.step import ID, Step, StepId
from cti.ivr.steps import KINDS
from cti.ivr.wrong import findings_of
from cti.settings.keys import KeyPath
from cti.settings.places import Source, lines_of
from cti.settings.spelling import did_you_mean
from cti.settings.words import syntax_finding

M = TypeVar("M", bound=BaseModel)

Name = Annotated[str, Field(pattern=ID)]
MOST_SIGNS: Final = 1_000_000


class Head(BaseModel):
    """The file but for its steps."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    label: str = ""
    """What people read of it; empty: the file's name."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=8)] = ("en",)
    """What callers can be spoken to in; the first one where nothing else is known."""
    start: StepId
    """The first step."""
    after: StepId | None = None
    """The first step for callers who stay on the line when the agent has hung up: a ``survey``."""
    prompts: dict[Name, Prompt] = {}
    """Words by name, for several steps, or in several languages."""
    steps: Annotated[dict[Name, dict[str, Any]], Field(min_length=1, max_length=500)]
    """The steps by name, each with its ``kind``."""


def load(path: Path, hearing: Hearing = ANYTHING) -> Flow:
    """Raises ``ConfigError`` with every finding, each with its place."""
    try:
        return parse(path.read_text(encoding="utf-8"), file=path, hearing=hearing)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def parse(text: str, *, file: Path, hearing: Hearing = ANYTHING) -> Flow:
    if len(text) > MOST_SIGNS:
        raise ConfigError(f"{file}: is too large for a flow, more than {MOST_SIGNS} signs")
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(syntax_finding(file, text, str(error))) from error
    except RecursionError as error:
        raise ConfigError(f"{file}: lists or tables stand in one another too deeply") from error
    source = Source(str(file), lines_of(text), is_private=False)
    findings: Findings = []
    head = _read(Head, tree, (), findings)
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
    for path, words in sorted(dict.fromkeys(findings), key=lambda one: _line(one[0], source)):
        yield f"{source.place(path, {}, dict(tree))}: {words}"


def _line(path: KeyPath, source: Source) -> int:
    return next((source.lines[path[:n]] for n in range(len(path), 0, -1) if path[:n] in source.lines), 0)


# ---- reading


def _flow(name: str, head: Head, steps: Mapping[StepId, Step]) -> Flow:
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
        kind = KINDS.get(str(table.get("kind")))
        if kind is None:
            findings.append((("steps", name, "kind"), _no_kind(table)))
        elif step := _read(kind, table, ("steps", name), findings):
            yield StepId(name), step


def _no_kind(table: Mapping[str, object]) -> str:
    if "kind" not in table:
        return f"is missing: one of {', '.join(KINDS)}"
    return f"there is no kind {table['kind']}{did_you_mean(str(table['kind']), KINDS)}"


def _read(model: type[M], table: object, path: KeyPath, findings: Findings) -> M | None:
    try:
        return model.model_validate(table)
    except ValidationError as error:
        findings += [((*path, *at), words) for one in error.errors() for at, words in findings_of(one, model)]
        return None
