"""What is wrong, as a person would say it: findings of TOML and of pydantic, without any secret in them."""

import re
from pathlib import Path
from typing import Final

from pydantic_core import ErrorDetails

from cti.settings.keys import KeyPath, Tree, keys_at, variable_of
from cti.settings.spelling import did_you_mean

_TOML_PLACE: Final = re.compile(r"(.*) \(at (?:line (\d+), column \d+|end of document)\)")


def syntax_finding(file: Path, text: str, message: str) -> str:
    found = _TOML_PLACE.fullmatch(message)
    words, line = (found[1], found[2]) if found else (message, None)
    return f"{file}:{line or len(text.splitlines())}: {words}"


def words_of(error: ErrorDetails, tree: Tree) -> str:
    """A finding of pydantic's as a person would say it."""
    path = error["loc"]
    match error["type"]:
        case "extra_forbidden":
            return f"no such key{did_you_mean(str(path[-1]), keys_at(path[:-1]))}"
        case "missing":
            return f"is missing{_how_to_give(path, tree)}"
        case "value_error":
            return f"{error['msg'].removeprefix('Value error, ')}{_given(error)}"
        case "string_pattern_mismatch":
            return f"should match {error['ctx']['pattern']}{_given(error)}"
        case _:
            words = error["msg"].removeprefix("Input ").removeprefix("String ")
            return f"{words.replace('should be a valid', 'should be a')}{_given(error)}"


def _given(error: ErrorDetails) -> str:
    """The value as it stands there, unless it may be a secret."""
    value = error["input"]
    return f"; it is {value!r}" if isinstance(value, str | int | float) and not _is_secret(error["loc"]) else ""


def _is_secret(path: KeyPath) -> bool:
    return any(word in str(part) for part in path for word in ("secret", "password", "url"))


def _how_to_give(path: KeyPath, tree: Tree) -> str:
    if not _is_secret(path):
        return ""
    return f": set {variable_of(path, tree)}, or name a file that holds it in {path[-1]}_file"
