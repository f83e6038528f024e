"""``docs/reference/configuration.md``, made of the classes and their docstrings, so that it is never out of date."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from cti.settings.keys import model_of
from cti.settings.model import Settings

_HEAD: Final = """\
# Configuration

Made from the package `cti/settings/` by `python -m cti.settings > docs/reference/configuration.md`.

**Which file:** `--config FILE`, else `$CTI_CONFIG`, else `./config/cti.toml`, else the one in the package. It is TOML, commented, and runs as it is.

**Environment:** stronger than the file. `CTI_SECTION__KEY`: `CTI_WEB__PORT=8090`. Tables that stand several times are found by name:
`CTI_PBX__MAIN__EVENTS_SECRET`. Lists: `CTI_ROLES=push,web`, or JSON. One that begins like a key and is none (`CTI_WEB_PORT`, `CTI_ROLE`) is a mistake
too. Kubernetes makes such ones for a service called `cti-web`: `enableServiceLinks: false`.

**Secrets** (`*_secret`, `password`, `url`) are read from the environment, or from a file named by the same key with `_file` behind it
(`events_secret_file = "/run/secrets/events"`). In the configuration file itself they are taken only where others may not read it (`chmod 600`).
They are never arguments of a command.

**Mistakes** are told all at once, each as `file:line: key: what is wrong`; the exit code is 2.
"""


def reference() -> str:
    """The page's text: ``python -m cti.settings`` writes it."""
    top = [(name, field) for name, field in Settings.model_fields.items() if model_of(field.annotation) is None]
    tables = [(name, field) for name, field in Settings.model_fields.items() if model_of(field.annotation) is not None]
    lines = [
        _HEAD,
        "## At the top of the file",
        "",
        *_rows(top),
        *(line for table in tables for line in _table(*table)),
    ]
    return "\n".join(lines) + "\n"


def _table(name: str, field: FieldInfo) -> list[str]:
    model = model_of(field.annotation)
    kind = get_origin(field.annotation)
    is_named = kind is Mapping and name != "results"
    title = f"[[{name}]]" if kind is tuple else f"[{name}.NAME]" if is_named else f"[{name}]"
    about = [field.description, ""] if field.description else []
    return ["", f"## `{title}`", "", *about, *_rows(list(model.model_fields.items()) if model else [])]


def _rows(fields: list[tuple[str, FieldInfo]]) -> list[str]:
    rows = [
        f"| `{name}` | {_default(field)} | {' '.join((field.description or '').split()).replace('|', '&#124;')} |"
        for name, field in fields
    ]
    return ["| key | default | |", "|---|---|---|", *rows]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "*must be given*"
    value = field.default.get_secret_value() if isinstance(field.default, SecretStr) else field.default
    text = str(value) if isinstance(value, str | Path | int | float) else ", ".join(str(one) for one in value or ())
    return f"`{text}`".replace("|", "&#124;") if text else "empty"
