"""What is wrong, as a person would say it: findings of TOML and of pydantic, without any secret in them."""

import re
from pathlib import Path
from typing import Final

from pydantic_core import ErrorDetails

from cti.settings.keys import KeyPath, Tree, is_secret, keys_at, variable_of
from cti.settings.spelling import did_you_mean

_PLAIN: Final = {
    "missing": "is missing",
    "tuple_type": "should be a list",
    "model_type": "should be a table",
    "dict_type": "should be a table",
}
_TOML_PLACE: Final = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)")


def syntax_finding(file: Path, text: str, message: str) -> str:
    found = _TOML_PLACE.fullmatch(message)
    words, line = (found[1], found[2]) if found else (message, None)
    return f"{file}:{line or len(text.splitlines())}: {words}"


def words_of(error: ErrorDetails) -> str:
    """A finding of pydantic's as a person would say it."""
    path = error["loc"]
    match error["type"]:
        case "extra_forbidden":
            return f"no such key{did_you_mean(str(path[-1]), keys_at(path[:-1]))}"
        case kind if kind in _PLAIN:
            return _PLAIN[kind]
        case "value_error":
            return f"{error['msg'].removeprefix('Value error, ')}{_given(error)}"
        case "string_pattern_mismatch":
            return f"should match {error['ctx']['pattern']}{_given(error)}"
        case _:
            words = error["msg"].removeprefix("Input ").removeprefix("String ")
            return f"{words.replace('should be a valid', 'should be a')}{_given(error)}"


def _given(error: ErrorDetails) -> str:
    """The value as it stands there, unless it is a secret."""
    value = error["input"]
    return f"; it is {value!r}" if isinstance(value, str | int | float) and not _may_be_secret(error["loc"]) else ""


def _may_be_secret(path: KeyPath) -> bool:
    """By its type; in other files than the settings', by its name."""
    return is_secret(path) or any(word in str(part) for part in path for word in ("secret", "password", "url"))


def missing_secret(path: KeyPath, tree: Tree) -> str:
    return f"is missing: set {variable_of(path, tree)}, or name a file that holds it in {path[-1]}_file"
