"""Web and sockets with parts in memory, on ports of their own: for tests and for working on the console."""

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from cti.agents.agent import Agent, AgentId, AgentRole
from cti.calls.call import PbxName
from cti.calls.transitions import CallChanged
from cti.crm.contact import Case, Contact, ContactId, ContactNumber, Flag, Found, Match, MatchedBy, Order, Unknown
from cti.envelope import Envelope, of_change
from cti.floor.floor import Floor, FloorSettings
from cti.numbers import Number
from cti.screenpop import views
from cti.screenpop.hub import Hub, HubSettings
from cti.screenpop.messages import PbxView, QueueView
from cti.screenpop.server import DesktopServer, SocketSettings
from cti.screenpop.tickets import MemoryTickets
from cti.store.memory import MemoryInteractionLog
from cti.store.people import MemoryPeople
from cti.switchboard import Switchboard, TollGuard
from cti.toll import TollRules
from cti.web import server as web_server
from cti.web.metrics import HubFigures
from cti.web.parts import Parts, QueueTarget, WebSite
from cti.web.passwords import hash_password
from cti.web.ports import PartHealth
from cti.web.schemas import DemoLogin, ReasonChoice, ResultChoice
from tests.ports import free_port
from tests.unit.floor.fakes import REASONS, MemberPbx
from tests.unit.switchboard.paper import PaperLink

PASSWORD = "a-demo-password"
MARA = Agent(id=AgentId("mara"), name="Mara Lind", extension="1001", device="PJSIP/1001", queues=("support", "billing"))
JON = Agent(id=AgentId("jon"), name="Jon Ek", extension="1002", device="PJSIP/1002", queues=("billing",))
SUE = Agent(id=AgentId("sue"), name="Sue Park", role=AgentRole.SUPERVISOR, queues=("support", "billing"))
ADA = Agent(id=AgentId("ada"), name="Ada Wong", role=AgentRole.ADMIN)
AGENTS = (MARA, JON, SUE, ADA)
RESULTS = (
    ResultChoice(code="solved", label="Solved"),
    ResultChoice(code="callback", label="Call back"),
    ResultChoice(code="complaint", label="Complaint"),
    ResultChoice(code="sold", label="Sold", queues=("billing",)),
)
QUEUES = (
    QueueTarget(name="billing", label="Billing", extension="6001"),
    QueueTarget(name="support", label="客服", extension=""),
)
CONTACTS = (
    Contact(
        id=ContactId("k1"), code="70012", name="Anna Berg", company="Berg & Söhne GmbH", language="de", segment="Retail",
        tier="Gold", email="anna@berg.example", numbers=(ContactNumber(typed="030 / 555 12 34", e164="+49305551234", label="office"),),
        preferences=(("Greeting", "Frau Berg"), ("Channel", "E-mail")), flags=frozenset({Flag.COMPLAINT_OPEN}),
        cases=(Case(id="4821", title="Invoice wrong", status="open", opened_at=datetime(2026, 11, 19, 9, tzinfo=UTC)),),
        orders=(Order(id="A-77", title="Garden table", status="shipped", amount="129.00 EUR"),),
        fields=(("Contract", "Plus, until 2027-03-31"),), url="https://crm.example/contact/k1",
    ),
    Contact(id=ContactId("k2"), code="70013", name="陳美玲", company="晨光貿易", language="zh-Hant", tier="Silver",
            numbers=(ContactNumber(typed="02-2345-6789", e164="+886223456789"),)),
    Contact(id=ContactId("k3"), code="70014", name="陳志明", company="晨光貿易", language="zh-Hant",
            numbers=(ContactNumber(typed="(02) 2345 6789", e164="+886223456789"),)),
)  # fmt: skip


@dataclass(slots=True)
class MemoryCustomers:
    name: str = "memory"
    contacts: list[Contact] = field(default_factory=lambda: list(CONTACTS))

    async def find_by_number(self, number: Number) -> tuple[Match, ...]:
        return self.matches(number.e164)

    def matches(self, e164: str) -> tuple[Match, ...]:
        found = ((one, number) for one in self.contacts for number in one.numbers if number.e164 == e164)
        return tuple(Match(one, MatchedBy.NUMBER, number.typed) for one, number in found)

    async def find_by_code(self, code: str) -> tuple[Match, ...]:
        return tuple(Match(one, MatchedBy.CODE, code) for one in self.contacts if one.code == code)

    async def get(self, contact: ContactId) -> Contact | None:
        return next((one for one in self.contacts if one.id == contact), None)

    async def search(self, text: str, *, limit: int) -> tuple[Contact, ...]:
        wanted = text.casefold()
        known = (
            (one, " ".join((one.name, one.company, one.code, *(n.typed for n in one.numbers)))) for one in self.contacts
        )
        return tuple(one for one, words in known if wanted in words.casefold())[:limit]

    async def close(self) -> None:
        pass


@dataclass(slots=True)
class House:
    """What ``app.py`` will put together, in memory."""

    parts: Parts
    sockets: DesktopServer
    hub: Hub
    people: MemoryPeople
    log: MemoryInteractionLog
    customers: MemoryCustomers
    link: PaperLink
    """The PBX ``main``: does what it is asked, and nothing comes of it."""
    web_port: int
    ws_port: int
    health: list[PartHealth]
    floor: Floor
    queues: MemberPbx
    """Who is in the queues of ``main``."""

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.ws_port}/"

    async def changed(self, change: CallChanged, *, answer: bool = True) -> None:
        """As the pipeline does it: the pop first, then who it is."""
        self.hub.call_changed(change)
        await self.log.append([of_change(change)])
        if change.before is None and answer:
            await self.look_up(change)

    async def look_up(self, change: CallChanged) -> None:
        call = change.after
        matches = self.customers.matches(call.customer_number)
        found = Found(matches, "memory", datetime.now(UTC)) if matches else Unknown("no record with this number")
        past = await self.log.history(contacts=[one.contact.id for one in matches], numbers=[call.customer_number])
        self.hub.card(views.answered(call, found, history=past, calls_24h=len(past) + 1))


async def build(
    web_port: int = 0,
    ws_port: int = 0,
    *,
    commands: object = None,
    settings: dict[str, object] | None = None,
    origins: Sequence[str] = (),
    hub_settings: dict[str, object] | None = None,
) -> House:
    web_port, ws_port = web_port or free_port(), ws_port or free_port()
    people, customers = MemoryPeople(), MemoryCustomers()
    known = _known_hash()
    for agent in AGENTS:
        await people.add(agent, known)
    log = MemoryInteractionLog(lambda: {agent.device: agent.id for agent in AGENTS if agent.device})
    hub = Hub(HubSettings(site=views.Site("DE", {"4930999": "Billing"}), **(hub_settings or {})))  # type: ignore[arg-type]
    hub.roster(AGENTS)
    hub.pbx(PbxView(name="main", state="connected", since=datetime.now(UTC)))
    hub.queue(QueueView(name="support", waiting=0))
    tickets, health = (
        MemoryTickets(),
        [
            PartHealth("pbx:main", "ok"),
            PartHealth("database", "ok"),
            PartHealth("crm", "ok"),
            PartHealth("spool", "ok"),
        ],
    )
    allowed = frozenset({f"http://127.0.0.1:{web_port}", f"http://localhost:{web_port}", *origins})
    site = WebSite(
        name="Demo", country="DE", version="0.1.0", ws_url=f"ws://127.0.0.1:{ws_port}/", origins=allowed, results=RESULTS,
        reasons=tuple(ReasonChoice(code=one.code, label=one.label) for one in REASONS),
        demo=(DemoLogin(agent="mara", password=PASSWORD, name="Mara Lind"),),
    )  # fmt: skip

    async def record(facts: Sequence[Envelope]) -> None:
        await log.append(facts)

    async def look() -> Sequence[PartHealth]:
        return health

    link = PaperLink(PbxName("main"))
    hub.listeners.abilities = lambda _call, agent: link.abilities(agent.device)
    rules = TollRules(country="DE", emergency_numbers=frozenset({"110", "112"}))
    pbx = MemberPbx(lambda: datetime.now(UTC))
    floor = Floor(FloorSettings(reasons=REASONS), hub=hub, links={pbx.name: pbx}, record=lambda _: None)
    floor.roster(AGENTS)
    pbx.sink = floor.news
    pbx.comes()
    parts = Parts(
        site=site, people=people, log=log, hub=hub, tickets=tickets, customers=customers,
        commands=commands or Switchboard({link.name: link}, hub, TollGuard(rules)), record=record, health=look,  # type: ignore[arg-type]
        queues=QUEUES, shift=floor,
    )  # fmt: skip
    parts.registry.register(HubFigures(hub, parts.clock))
    sockets = SocketSettings(port=ws_port, origins=allowed, version="0.1.0")
    server = DesktopServer(replace(sockets, **(settings or {})), hub, tickets)  # type: ignore[arg-type]
    return House(parts, server, hub, people, log, customers, link, web_port, ws_port, health, floor, pbx)


@contextlib.asynccontextmanager
async def opened(house: House) -> AsyncIterator[House]:
    """Both servers, listening."""
    web_up, ws_up = asyncio.Event(), asyncio.Event()
    tasks = [
        asyncio.create_task(
            web_server.serve(house.parts, host="127.0.0.1", port=house.web_port, started=lambda _: web_up.set())
        ),
        asyncio.create_task(house.sockets.run(lambda _: ws_up.set())),
    ]
    try:
        async with asyncio.timeout(10):
            await asyncio.gather(web_up.wait(), ws_up.wait())
        yield house
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@functools.cache
def _known_hash() -> str:
    return hash_password(PASSWORD)
