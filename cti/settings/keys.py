"""Keys as the operator writes them: ``pbx.main.port``, ``CTI_PBX__MAIN__PORT``, and which keys a table knows."""

from collections.abc import Sequence
from typing import Any, Final, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from cti.settings.model import PREFIX, Settings

KeyPath = tuple[str | int, ...]
"""The way to a value: keys of tables, places in lists."""
Tree = dict[str, Any]
"""A TOML file as read, not yet checked."""
NAMED_BY: Final = {"pbx": "name", "agents": "id"}
"""Tables that stand several times, and the key that tells them apart."""


def variable_of(path: KeyPath, tree: Tree) -> str:
    return PREFIX + dotted(path, tree).replace("-", "_").replace(".", "__").upper()


def dotted(path: KeyPath, tree: Tree) -> str:
    """``pbx.main.port``: entries of a list by their name where they have one."""
    words: list[str] = []
    value: Any = tree
    for part in path:
        entry = value[part] if isinstance(value, list) and isinstance(part, int) and part < len(value) else None
        words.append(str(entry.get(NAMED_BY.get(str(path[0]), ""), part)) if isinstance(entry, dict) else str(part))
        value = entry if entry is not None else value.get(part) if isinstance(value, dict) else None
    return ".".join(words)


def keys_at(path: KeyPath) -> Sequence[str]:
    """The keys that exist in the table at ``path``."""
    model, _ = _at(path)
    return list(model.model_fields) if model else []


def is_secret(path: KeyPath) -> bool:
    """Never shown, whatever stands there."""
    _, field = _at(path)
    return field is not None and field.annotation is SecretStr


def _at(path: KeyPath) -> tuple[type[BaseModel] | None, FieldInfo | None]:
    """The table at ``path``, and the key that the path ends in."""
    model: type[BaseModel] | None = Settings
    field = None
    for part in path:
        field = model.model_fields.get(part) if model and isinstance(part, str) else None
        model = model_of(field.annotation) if field else model
    return model, field


def model_of(annotation: object) -> type[BaseModel] | None:
    """The table inside ``Queue``, ``tuple[Pbx, ...]`` or ``Mapping[str, Queue]``."""
    if isinstance(annotation, type) and get_origin(annotation) is None and issubclass(annotation, BaseModel):
        return annotation
    return next((found for inner in get_args(annotation) if (found := model_of(inner))), None)
