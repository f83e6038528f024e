"""Secrets: read from files of their own, refused in a file that others may read."""

import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr

from cti.settings.keys import KeyPath, Tree, model_of, variable_of
from cti.settings.model import Settings
from cti.settings.places import Source
from cti.settings.words import missing_secret

_PLACES: Final = frozenset({"queue_log", "cdr"})
_OF_READERS: Final = ("events_secret", "commands_secret")


def _secret_keys(model: type[BaseModel]) -> set[str]:
    return {name for name, field in model.model_fields.items() if field.annotation is SecretStr}


def _holders(tree: Tree) -> Iterator[tuple[KeyPath, Tree, set[str]]]:
    """Every table that may hold a secret: its path, itself, the names of its secrets."""
    for name, field in Settings.model_fields.items():
        model, value = model_of(field.annotation), tree.get(name)
        if model is None or not (secrets := _secret_keys(model)):
            continue
        if isinstance(value, dict):
            yield (name,), value, secrets
        elif isinstance(value, list):
            yield from (((name, i), entry, secrets) for i, entry in enumerate(value) if isinstance(entry, dict))


def open_secrets(tree: Tree, source: Source) -> list[str]:
    """Secrets in a file that others on this machine may read."""
    return [
        f"{source.place((*path, key), {}, tree)}: a secret in a file that others may read: chmod 600 {source.file},"
        f" or set {variable_of((*path, key), tree)}, or name a file of its own in {key}_file"
        for path, table, keys in _holders(tree)
        for key in sorted(keys & table.keys())
        if not source.is_private and _is_telling(key, table[key])
    ]


def _is_telling(key: str, value: object) -> bool:
    """Is there a secret in it? An address without a password has none, nor has a file's path."""
    text = str(value)
    return bool(urlsplit(text).password) if "://" in text or key in _PLACES else bool(text)


def secrets_from_files(tree: Tree, source: Source, variables: dict[KeyPath, str]) -> list[str]:
    """Replace ``X_file = "path"`` by ``X = "what stands there"``, in place."""
    findings = []
    for path, table, keys in list(_holders(tree)):
        for key in sorted(keys):
            if (named := table.pop(f"{key}_file", None)) is None:
                continue
            try:
                table[key] = Path(str(named)).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                place = source.place((*path, f"{key}_file"), variables, tree)
                findings.append(f"{place}: {named}: {getattr(error, 'strerror', None) or error}")
                table[key] = "unread"
    return findings


def missing_secrets(tree: Tree, source: Source, variables: Mapping[KeyPath, str]) -> list[str]:
    """Who reads the PBXs logs in there; whoever is told of the calls by a reader does not."""
    roles, given = tree.get("roles", Settings.model_fields["roles"].default), tree.get("pbx")
    if not isinstance(roles, Sequence) or "pbx" not in roles or not isinstance(given, list):
        return []
    paths = [("pbx", i, key) for i, pbx in enumerate(given) for key in _OF_READERS if not _is_given(pbx, key)]
    return [f"{source.place(path, variables, tree)}: {missing_secret(path, tree)}" for path in paths]


def _is_given(pbx: object, key: str) -> bool:
    """Or there is another mistake there, which is told anyway."""
    return not isinstance(pbx, dict) or bool(pbx.get(key))


def is_private(file: Path) -> bool:
    try:
        return not stat.S_IMODE(file.stat().st_mode) & (stat.S_IRGRP | stat.S_IROTH)
    except OSError:
        return True
