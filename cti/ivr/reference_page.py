"""``docs/reference/ivr.md``, made of the steps' classes and their docstrings, so that it is never out of date."""

import inspect
from collections.abc import Iterator
from typing import Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from cti.ivr.flow_file import Head, standard_prompts
from cti.ivr.prompts import Prompt
from cti.ivr.step import Step
from cti.ivr.steps import KINDS
from cti.ivr.steps.branch import Case
from cti.ivr.steps.http import OF_THE_CALL
from cti.ivr.steps.menu import Choice

COMMON: Final = {"next": "The step that follows.", "prompt": "What is said."}
"""What a field of that name is, where its step does not say more."""
_OF_ALL: Final = ("kind", "label")
_TABLES: Final[dict[str, tuple[str, type[BaseModel]]]] = {
    "menu": ("A choice that is a table may hold:", Choice),
    "branch": ("A case may hold these; all that it holds must be so, and of a list, one of it:", Case),
}
_HEAD: Final = """\
# Flows of the IVR

Made from the package `cti/ivr/steps/` by `python -m cti.ivr > docs/reference/ivr.md`. How to write one:
[Write an IVR flow](../how-to/write-an-ivr-flow.md).

A flow is a file, `config/ivr/NAME.toml`. It is checked whole when it is loaded, and again whenever it changes; with a mistake in it the
flow stays in use as it was before. `cti ivr check` tells every mistake as `file:line: key: what is wrong`.
"""
_PROMPTS: Final = """
## Prompts

Wherever a step says something, there may stand:

| | |
|---|---|
| `"Good day, this is the shop."` | a text, where the flow has one language |
| `"welcome"` | a name of `[prompts]`: one word in small letters |
| `{ en = "Good day.", zh-Hant = "您好。" }` | a text for each language |
| `{ sound = "custom/welcome" }` | a sound of the PBX, below its sounds, without ending |
| `{ en = { sound = "en/welcome" }, zh-Hant = "您好。" }` | each language as it has it |
| `""` | nothing, where something would be said |

Texts are spoken by espeak-ng when the flow is loaded, so callers wait for nothing. A text may hold values: `{order}` is what a step before
it collected, fetched or set under that name, or what the step itself brings. Numbers, dates, amounts and names are put into words in
English and Mandarin (`en`, `zh-Hant`, `zh-Hans`); in other languages a flow can use texts and sounds without values.

A key stops what is said, and counts for the next question, whose words are then not said: whoever knows the menu need not wait.
"""
_STANDARD: Final = """
## Standard prompts

They come in English and in both Chinese scripts. A flow that has other words under the same name in its `[prompts]` uses those; a flow in
another language needs words of its own for those it uses, and `cti ivr check` says which.

| name | English |
|---|---|
"""


def reference() -> str:
    """The page's text: ``python -m cti.ivr`` writes it."""
    parts = [
        _HEAD,
        "\n## At the top of the file\n\n" + _table(Head),
        _PROMPTS,
        "\n## Kinds of steps\n\n" + _overview(),
        "\nEvery step has a `kind`, and may have a `label`: what people read of it, in pictures and on the agent's screen.\n",
        *(_kind(name, kind) for name, kind in KINDS.items()),
        _STANDARD + "".join(f"| `{name}` | {_cell(str(_english(prompt)))} |\n" for name, prompt in _standard()),
    ]
    return "".join(parts)


def example_of(kind: type[Step]) -> str:
    """The TOML of its docstring."""
    return inspect.cleandoc((inspect.getdoc(kind) or "").partition("::\n")[2]) + "\n"


def about(kind: type[Step]) -> str:
    return (inspect.getdoc(kind) or "").partition("::\n")[0].strip()


def _overview() -> str:
    rows = (f"| [`{name}`](#{name}) | {_cell(_sentence(about(kind)))} |\n" for name, kind in KINDS.items())
    return "| kind | |\n|---|---|\n" + "".join(rows)


def _kind(name: str, kind: type[Step]) -> str:
    more = f"\n{_TABLES[name][0]}\n\n{_table(_TABLES[name][1])}" if name in _TABLES else ""
    known = (
        f"\nKnown of every call: {', '.join(f'`{one}`' for one in sorted(OF_THE_CALL))}.\n" if name == "http" else ""
    )
    return f"\n### {name}\n\n{_prose(about(kind))}\n\n{_table(kind)}{more}{known}\n```toml\n{example_of(kind)}```\n"


def _table(model: type[BaseModel]) -> str:
    own = model.__annotations__
    fields = sorted(model.model_fields.items(), key=lambda one: one[0] not in own)
    rows = (
        f"| `{name}` | {_default(field)} | {_cell(field.description or COMMON.get(name, ''))} |\n"
        for name, field in fields
        if not (issubclass(model, Step) and name in _OF_ALL)
    )
    return "| key | default | |\n|---|---|---|\n" + "".join(rows)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*must be given*"
    if field.default_factory is not None:
        return "words that fit"
    value = field.default.root if isinstance(field.default, Prompt) else field.default
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if value is None or value in ("", (), {}):
        return "empty"
    return f"`{', '.join(value)}`" if isinstance(value, tuple) else f"`{value}`"


def _standard() -> Iterator[tuple[str, Prompt]]:
    return iter(standard_prompts().items())


def _english(prompt: Prompt) -> object:
    return prompt.wordings(("en",))["en"]


def _sentence(text: str) -> str:
    return text.partition("\n\n")[0].replace("\n", " ").partition(". ")[0].rstrip(".") + "."


def _prose(text: str) -> str:
    return text.replace("``", "`")


def _cell(text: str) -> str:
    return " ".join(_prose(text).split()).replace("|", "&#124;")
