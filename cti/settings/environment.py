"""The environment over the file: ``CTI_WEB__PORT=8090`` is ``port`` in ``[web]``."""

from collections.abc import Mapping
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from cti.settings.keys import NAMED_BY, KeyPath, Tree
from cti.settings.model import PREFIX, Settings
from cti.settings.spelling import did_you_mean, folded, same_key


class Environment(EnvSettingsSource):
    """pydantic-settings' reading of nested variables, from a mapping handed in; lists may be written ``a, b``."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = {key.lower(): value for key, value in environ.items() if key.upper().startswith(PREFIX)}
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._environ

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return [part.strip() for part in str(value).split(",") if part.strip()]


def overlay(tree: Tree, over: Tree, path: KeyPath = ()) -> dict[KeyPath, str]:
    """Lay ``over`` upon ``tree``, in place; return which paths came from which variable."""
    variables: dict[KeyPath, str] = {}
    for key, value in over.items():
        name = same_key(tree, key)
        if isinstance(value, dict) and isinstance(tree.get(name), list):
            variables |= _overlay_named(tree[name], value, (*path, name))
        elif isinstance(value, dict) and not (path == () and name in NAMED_BY):
            tree.setdefault(name, {})
            variables |= overlay(tree[name], value, (*path, name)) if isinstance(tree[name], dict) else {}
        elif isinstance(value, dict):
            variables |= _overlay_named(tree.setdefault(name, []), value, (*path, name))
        else:
            tree[name] = value
            variables[*path, name] = PREFIX + "__".join(str(p) for p in (*path, key)).upper()
    return variables


def _overlay_named(entries: list[Tree], over: Tree, path: KeyPath) -> dict[KeyPath, str]:
    """The same for tables that stand several times: found by their name, made where there is none of that name."""
    variables: dict[KeyPath, str] = {}
    key = NAMED_BY.get(str(path[0]), "name")
    for name, value in over.items():
        index = next((i for i, entry in enumerate(entries) if _is_named(entry, key, name)), len(entries))
        if index == len(entries):
            entries.append({key: name})
        found = overlay(entries[index], value if isinstance(value, dict) else {}, (*path, index))
        variables |= {where: f"{PREFIX}{path[0]}__{name}__{where[-1]}".upper() for where in found}
    return variables


def _is_named(entry: object, key: str, name: str) -> bool:
    return isinstance(entry, dict) and folded(entry.get(key, "")) == folded(name)


def stray_variables(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like ours and mean nothing: a misspelt one must not be passed over in silence."""
    ours = ((name, name[len(PREFIX) :].lower()) for name in environ if name.upper().startswith(PREFIX))
    return [f"{name}: {words}" for name, key in ours if (words := _stray(key))]


def _stray(key: str) -> str:
    """What is wrong with it. Nothing with a word that is like none of ours: others, too, begin their variables with CTI."""
    known = Settings.model_fields
    section, parted, _ = key.partition("__")
    if section in known:
        return ""
    if parted:
        return f"no such section{did_you_mean(section, known)}"
    if key.partition("_")[0] in known:
        return "no such key; two underscores part a section from its key, as in CTI_WEB__PORT"
    near = did_you_mean(key, known, likeness=0.8)
    return f"no such key{near}" if near else ""
