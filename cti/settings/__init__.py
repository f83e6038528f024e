"""``config/cti.toml`` and the environment -> one frozen ``Settings``. No other file reads either.

The environment is stronger than the file: ``CTI_WEB__PORT=8090`` is ``port`` in ``[web]``; tables that stand several times
are found by their name, ``CTI_PBX__MAIN__EVENTS_SECRET``. A secret may also be given as the path of a file that holds it,
by the same key with ``_file`` behind it. All mistakes are found at once and told in one ``ConfigError``, each with its place.

To add a key: ``sections.py`` (with its docstring), ``config/cti.toml``, and ``python -m cti.settings`` for the reference page.
"""

from cti.settings.contradictions import MAX_RESULTS
from cti.settings.model import PREFIX, Settings
from cti.settings.reading import find, load, parse
from cti.settings.reference_page import reference
from cti.settings.sections import (
    AgentAccount,
    Crm,
    Database,
    Desk,
    Ivr,
    Log,
    Pbx,
    Process,
    Push,
    Queue,
    Redis,
    ResultCode,
    Section,
    Site,
    Spool,
    Toll,
    Web,
)
from cti.settings.values import (
    Country,
    Device,
    Digits,
    Host,
    Listed,
    Name,
    Origin,
    Pattern,
    Port,
    Role,
    Seconds,
    Secret,
    Variable,
)

__all__ = [
    "MAX_RESULTS",
    "PREFIX",
    "AgentAccount",
    "Country",
    "Crm",
    "Database",
    "Desk",
    "Device",
    "Digits",
    "Host",
    "Ivr",
    "Listed",
    "Log",
    "Name",
    "Origin",
    "Pattern",
    "Pbx",
    "Port",
    "Process",
    "Push",
    "Queue",
    "Redis",
    "ResultCode",
    "Role",
    "Seconds",
    "Secret",
    "Section",
    "Settings",
    "Site",
    "Spool",
    "Toll",
    "Variable",
    "Web",
    "find",
    "load",
    "parse",
    "reference",
]
