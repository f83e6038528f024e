"""The customer systems there are connectors for: to add one, write a file here and a line in ``CONNECTORS``."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cti.crm import mapping, shipped
from cti.crm.connector import CrmConnector
from cti.crm.connectors.memory import MemoryConnector
from cti.crm.connectors.own import OwnConnector
from cti.crm.connectors.sql import SqlConnector
from cti.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a connector may need to begin."""

    country: str
    """ISO 3166-1, two letters: where numbers without country code belong."""
    own_url: str = ""
    """Our own database."""
    mapping: Path | None = None
    url: str = ""
    """Stronger than the one in the mapping file."""
    open_url: str = ""
    """Where records are opened, unless the customer system itself says; see ``cti/crm/open_url.py``."""


def _own(setup: Setup) -> CrmConnector:
    """Our own tables, by the mapping file that comes with the program, or by another."""
    path = setup.mapping or shipped.config_file("crm/own.toml")
    return OwnConnector(mapping.load(path), country=setup.country, url=setup.own_url, open_url=setup.open_url)


def _sql(setup: Setup) -> CrmConnector:
    if setup.mapping is None:
        raise ConfigError("crm: the connector sql needs a mapping file; see config/crm/example-sql.toml")
    return SqlConnector(mapping.load(setup.mapping), country=setup.country, url=setup.url, open_url=setup.open_url)


def _memory(setup: Setup) -> CrmConnector:
    return MemoryConnector(country=setup.country, open_url=setup.open_url)


CONNECTORS: Final[Mapping[str, Callable[[Setup], CrmConnector]]] = {
    "own": _own,
    "sql": _sql,
    "memory": _memory,
}


def connect(name: str, setup: Setup) -> CrmConnector:
    """Raises ``ConfigError`` for a connector or a mapping that cannot be used; asks nothing yet."""
    if name not in CONNECTORS:
        raise ConfigError(f"crm: there is no connector {name}; there are {', '.join(sorted(CONNECTORS))}")
    return CONNECTORS[name](setup)
