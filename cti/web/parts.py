"""What the web room is made of, put together by ``app.py``."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry

from cti.crm.connector import CrmConnector
from cti.crm.contact import Contact
from cti.screenpop.hub import Hub
from cti.screenpop.tickets import Tickets
from cti.store.interactions import InteractionLog
from cti.store.people import People
from cti.web.passwords import PasswordBooth
from cti.web.ports import Commands, ContactChanged, FlowNamed, Health, Record, Shift
from cti.web.recent import RecentLogins
from cti.web.schemas import DemoLogin, ReasonChoice, ResultChoice
from cti.web.throttle import Throttle

_UTC: Final = ZoneInfo("UTC")


def no_flow(_: str) -> None:
    """Where there is no IVR."""
    return None  # noqa: RET501 - the answer is none


async def nobody_keeps_contacts(_: Contact) -> None:
    """Where nothing is cached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSite:
    """The site, as the console is told it, and what guards it."""

    name: str
    country: str
    version: str
    ws_url: str
    """Where browsers find the desktops' sockets: ``ws://127.0.0.1:8089/``, ``wss://...`` behind a proxy with TLS."""
    origins: frozenset[str]
    """Where the console is loaded from, as browsers say it; unsafe requests from elsewhere are refused."""
    is_https: bool = False
    """The console is only ever reached over TLS: the cookie is marked so."""
    language: str = ""
    time_zone: ZoneInfo = _UTC
    """Where its days begin."""
    results: tuple[ResultChoice, ...] = ()
    reasons: tuple[ReasonChoice, ...] = ()
    wrap_up_extend_s: float = 30.0
    demo: tuple[DemoLogin, ...] = ()
    """Shown on the log-in page; empty outside the demo."""
    session_s: float = 12 * 3600.0
    trusted_proxies: frozenset[str] = frozenset()
    """Addresses whose ``X-Forwarded-For`` is believed, to throttle by the browser's own address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTarget:
    name: str
    label: str
    extension: str
    """Empty: it is shown, and cannot be dialled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    site: WebSite
    people: People
    log: InteractionLog
    hub: Hub
    tickets: Tickets
    customers: CrmConnector
    commands: Commands
    shift: Shift
    record: Record
    health: Health
    throttle: Throttle = field(default_factory=Throttle)
    passwords: PasswordBooth = field(default_factory=PasswordBooth)
    recent: RecentLogins = field(default_factory=RecentLogins)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)
    """Other rooms may add their own figures to it."""
    contact_changed: ContactChanged = nobody_keeps_contacts
    queues: tuple[QueueTarget, ...] = ()
    """Those a call can be handed to."""
    flow: FlowNamed = no_flow
    recordings: Path | None = None
    """Where voicemails lie, as this process sees the folder; None: nowhere, and none can be heard."""
    static: Path = Path(__file__).parent / "static"
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
