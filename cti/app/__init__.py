"""The whole service, put together from Settings: started from the bottom up, stopped from the top down.

What a room is given, it is given as values; what may fail at start raises ``CtiError`` with words that say what to do.

::

    run --all roles, SQLite------> reading.py                  one process, nobody else
        --all roles, PostgreSQL--> reign.py --> reading.py    a second one stands by
        --pbx--------------------> reign.py --> reading.py    the same, without console and desktops
        --push, web--------------> front.py                   desktops and browsers, told by the one that reads
"""

from collections.abc import Callable, Sequence

from cti import settings
from cti.app import garbage
from cti.app.front import front_and_serve
from cti.app.reading import read_and_serve
from cti.app.reign import reign
from cti.app.wanted import Prepare, Started, Wanted
from cti.telephony.link import PbxLink
from cti.web.ports import FlowNamed
from cti.web.schemas import DemoLogin

__all__ = ["Started", "run"]


async def run(
    given: settings.Settings,
    *,
    started: Callable[[Started], None] = lambda _: None,
    links: Sequence[PbxLink] | None = None,
    prepare: Prepare | None = None,
    demo: tuple[DemoLogin, ...] = (),
    flow: FlowNamed | None = None,
) -> None:
    """Serve until cancelled. ``links`` stand in for the configured PBXs, ``prepare`` fills the database first, ``flow`` stands
    in for the IVR's: the demo.

    Raises ConfigError (a port taken, a folder that cannot be written), StoreSchema.
    """
    wanted = Wanted(given=given, started=started, links=links, prepare=prepare, demo=demo, flow=flow)
    with garbage.rarely_looked_for():
        if "pbx" not in given.roles:
            await front_and_serve(wanted)
        elif _others_may_read(wanted):
            await reign(wanted, read_and_serve)
        else:
            await read_and_serve(wanted)


def _others_may_read(wanted: Wanted) -> bool:
    """An embedded database has one process; PBXs that are played are nobody else's."""
    is_shared = not wanted.given.database.url.get_secret_value().startswith("sqlite")
    return is_shared and bool(wanted.given.pbx) and wanted.links is None
