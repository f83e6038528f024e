"""How a process without a PBX is: what it hears, what it keeps."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cti.app.health import database_health, spool_health
from cti.app.outward import bus_health
from cti.fanout.feeder import Feeder
from cti.web.ports import PartHealth

if TYPE_CHECKING:
    from cti.app.front import Front


async def front_health(front: "Front") -> Sequence[PartHealth]:
    """None of it takes the process out of a load balancer but the database: without news, lists and notes still work."""
    return [
        PartHealth("roles", "ok", ", ".join(front.given.roles)),
        bus_health(front.bus),
        _news_health(front.feeder),
        *(
            PartHealth(f"pbx:{one.name}", "ok" if one.state == "connected" else "degraded", one.reason)
            for one in front.hub.pbxs
        ),
        await database_health(front.journal, front.people),
        spool_health(front.journal),
    ]


def _news_health(feeder: Feeder) -> PartHealth:
    if feeder.is_silent:
        return PartHealth("news", "degraded", "nobody reads the PBXs")
    if not feeder.is_whole:
        return PartHealth("news", "degraded", "waiting for the whole picture")
    return PartHealth("news", "ok", f"epoch {feeder.epoch}")
