"""What ``run`` was asked for."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from cti import settings
from cti.app import values
from cti.calls.call import PbxName
from cti.store.database import Database
from cti.telephony.link import PbxLink
from cti.web.ports import FlowNamed
from cti.web.schemas import DemoLogin


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Told once everything listens; by a reader of the PBXs each time it has taken over."""

    url: str
    """Where the console is; empty where this process serves none."""
    pbxs: tuple[PbxName, ...]


Prepare = Callable[[Database], Awaitable[None]]


def _tell_nobody(_: Started) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    given: settings.Settings
    started: Callable[[Started], None] = _tell_nobody
    links: Sequence[PbxLink] | None = None
    """They stand in for the configured PBXs."""
    prepare: Prepare | None = None
    """Fills the database first."""
    demo: tuple[DemoLogin, ...] = ()
    flow: FlowNamed | None = None
    """Stands in for the IVR's."""

    @property
    def is_whole(self) -> bool:
        """One process does everything."""
        return values.is_whole(self.given)
