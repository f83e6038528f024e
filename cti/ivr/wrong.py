"""What pydantic found in a flow's file, as a person would say it to whoever wrote the file."""

from collections.abc import Iterator, Mapping
from typing import Final

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from cti.ivr.prompts import LANGUAGE
from cti.ivr.step import ID, KEY, QUEUE
from cti.settings.keys import KeyPath, model_of
from cti.settings.spelling import did_you_mean
from cti.settings.words import words_of

_OF_A_KEY: Final = "[key]"
"""Where pydantic speaks of a table's key and not of what stands there."""
_SHAPES: Final[Mapping[str, str]] = {
    "tuple_type": "should be a list: [...]",
    "dict_type": "should be a table: { ... }",
    "mapping_type": "should be a table: { ... }",
    "model_type": "should be a table: { ... }",
    "bool_type": "should be true or false",
    "bool_parsing": "should be true or false",
    "string_type": "should be a text",
    "too_short": "is empty",
}
_PATTERNS: Final[Mapping[str, str]] = {
    ID: "is no name: small letters, figures and _, a letter first, 40 at most",
    KEY: "is no telephone key: 0 to 9, * and #",
    QUEUE: "is no queue's name: letters, figures, _ and -",
    LANGUAGE: "is no language, such as en, de or zh-Hant",
}


def findings_of(error: ErrorDetails, model: type[BaseModel]) -> Iterator[tuple[KeyPath, str]]:
    """Where, and in words; several where one value has several mistakes."""
    if _follows_from_another(error):
        return
    at = tuple(part for part in error["loc"] if part != _OF_A_KEY)
    for words in _words(error, model).splitlines():
        yield at, words


def _follows_from_another(error: ErrorDetails) -> bool:
    """A default that depends on a key with a finding of its own; a list that is empty but for entries that have theirs."""
    return error["type"] == "default_factory_not_called" or (error["type"] == "too_short" and bool(error["input"]))


def _words(error: ErrorDetails, model: type[BaseModel]) -> str:
    kind, given = error["type"], error["input"]
    if kind == "extra_forbidden":
        return f"no such key{did_you_mean(str(error['loc'][-1]), _keys(model, error['loc'][:-1]))}"
    if kind == "string_pattern_mismatch" and (meant := _PATTERNS.get(error["ctx"]["pattern"])):
        return f"{given!r} {meant}"
    return _SHAPES.get(kind) or words_of(error)


def _keys(model: type[BaseModel], path: KeyPath) -> list[str]:
    """Those that the table at ``path`` may have; tables in lists and tables are all alike."""
    for part in path:
        field = model.model_fields.get(str(part))
        model = (field and model_of(field.annotation)) or model
    return list(model.model_fields)
