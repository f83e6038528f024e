"""Which of the configured PBXs a verb is about."""

from cti.errors import ConfigError
from cti.settings import Pbx, Settings


def pbxs_named(given: Settings, name: str) -> tuple[Pbx, ...]:
    """All of them for an empty name. Raises ``ConfigError`` where there is none."""
    found = tuple(one for one in given.pbx if name in {"", one.name})
    if found:
        return found
    if not given.pbx:
        raise ConfigError("no PBX is configured; `cti init asterisk` says what Asterisk needs, [[pbx]] what cti needs")
    raise ConfigError(f"no PBX {name} is configured; known: {', '.join(one.name for one in given.pbx)}")
