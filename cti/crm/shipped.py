"""The configuration files that come with the program: in the wheel beside the code, in a checkout in ``config/``."""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).parents[1]


def config_file(name: str) -> Path:
    """``crm/own.toml`` -> where it stands."""
    inside = _PACKAGE / "data" / "config" / name
    return inside if inside.exists() else _PACKAGE.parent / "config" / name
