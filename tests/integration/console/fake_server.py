"""A server for the console that does what a test tells it: this pop, this card, the socket cut now.

It speaks ``cti.screenpop.messages`` and the REST of ``cti.web.schemas``, and keeps what the console said and asked for.
"""

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from cti.reports.ivr_flow import IvrFlowReport, IvrFlowsReport
from cti.screenpop import messages as m
from cti.web.schemas import (
    CallbackPage,
    CustomerList,
    CustomerView,
    DemoLogin,
    InteractionPage,
    InteractionView,
    ReasonChoice,
    ResultChoice,
    SessionView,
    SiteView,
)
from tests.integration.console import offers
from tests.integration.console.fake_floor import Floor

STATIC: Final = Path(__file__).parents[3] / "cti/web/static"
PASSWORD: Final = "a-demo-password"


def now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Said:
    """What the console said over the socket, with the time it came."""

    at: float
    message: m.FromDesktop


@dataclass
class FakeServer:
    me: m.MeView
    results: tuple[ResultChoice, ...] = ()
    customers: dict[str, CustomerView] = field(default_factory=dict)
    record: list[InteractionView] = field(default_factory=list)
    reports: dict[str, IvrFlowReport] = field(default_factory=dict)
    pictures: dict[str, str] = field(default_factory=dict)
    demo: tuple[DemoLogin, ...] = ()
    version: str = "0.1.0"
    url: str = ""

    # what a test turns
    logged_in: bool = False
    refuses_sockets: bool = False
    is_down: bool = False
    """REST answers nothing any more, as a pulled cable: connections are cut."""
    occupied_since: datetime | None = None
    drafts_fail: bool = False
    crm_writes: bool = True
    agents: list[dict[str, Any]] = field(default_factory=list)
    """The directory's, and its queues."""
    destinations: list[dict[str, Any]] = field(default_factory=list)
    refuses: dict[str, str] = field(default_factory=dict)
    """Numbers that may not be called, with the reason."""
    reports_fail: bool = False

    # what the console did
    said: list[Said] = field(default_factory=list)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    picture_languages: list[str] = field(default_factory=list)
    periods: list[tuple[str, str]] = field(default_factory=list)
    drafts: dict[str, str] = field(default_factory=dict)
    saved: dict[str, tuple[str, str]] = field(default_factory=dict)
    saved_fields: dict[str, dict[str, str]] = field(default_factory=dict)
    hellos: list[m.Hello] = field(default_factory=list)

    # what the desktop knows
    calls: dict[str, m.CallView] = field(default_factory=dict)
    cards: dict[str, m.CustomerCard] = field(default_factory=dict)
    pops: dict[str, m.PopView] = field(default_factory=dict)
    pbxs: dict[str, m.PbxView] = field(default_factory=dict)
    queues: dict[str, m.QueueView] = field(default_factory=dict)
    parked: tuple[m.ParkedView, ...] = ()
    presence: m.PresenceView | None = None
    stream: str = "stream-1"
    seq: int = 0

    floor: Floor = field(init=False)

    _sent: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=200))
    _sockets: set[ServerConnection] = field(default_factory=set)
    _sockets_port: int = 0
    _answered: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.floor = Floor(self, now)

    # ---- telling the console

    def tell(self, make: Callable[[int], m.FromServer]) -> None:
        self.seq += 1
        data = msgspec.json.encode(make(self.seq))
        self._sent.append((self.seq, data))
        for socket in self._sockets:
            asyncio.ensure_future(self._send(socket, data))  # noqa: RUF006 - short, and its errors are of no account

    def pop(self, pop: m.PopView) -> None:
        self.pops[pop.pop] = pop
        self.calls[pop.call.call] = pop.call
        self.cards[pop.call.call] = pop.card
        self.tell(lambda seq: m.Pop(seq=seq, pop=pop))
        self.call(pop.call)

    def withdraw(self, pop: m.PopView, reason: Any = "answered") -> None:
        self.pops.pop(pop.pop, None)
        self.tell(lambda seq: m.PopWithdrawn(seq=seq, pop=pop.pop, call=pop.call.call, reason=reason))

    def call(self, call: m.CallView) -> None:
        if call.state == "ended":
            self.calls.pop(call.call, None)
        else:
            self.calls[call.call] = call
        self.tell(lambda seq: m.CallDelta(seq=seq, call=call))

    def card(self, card: m.CustomerCard) -> None:
        self.cards[card.call] = card
        self.tell(lambda seq: m.CardDelta(seq=seq, card=card))

    def pbx(self, pbx: m.PbxView) -> None:
        self.pbxs[pbx.name] = pbx
        self.tell(lambda seq: m.PbxDelta(seq=seq, pbx=pbx))

    def queue(self, queue: m.QueueView) -> None:
        self.queues[queue.name] = queue
        self.tell(lambda seq: m.QueueDelta(seq=seq, queue=queue))

    def park(self, *parked: m.ParkedView) -> None:
        self.parked = parked
        self.tell(lambda seq: m.ParkedDelta(seq=seq, parked=parked))

    def command(self, command: str, status: Any, reason: str = "") -> None:
        self.tell(lambda seq: m.CommandDelta(seq=seq, command=command, status=status, reason=reason))

    async def displace(self) -> None:
        self.tell(lambda seq: m.Displaced(seq=seq))
        await asyncio.sleep(0.05)
        for socket in list(self._sockets):
            await socket.close(4409)

    def answered(self, pop: m.PopView) -> m.CallView:
        """The agent picked the phone up."""
        self.withdraw(pop, "answered")
        at = now()
        call = msgspec.structs.replace(pop.call, state="talking", since=at, answered_at=at, has_spoken=True, actions=offers.TALKING,
            parties=tuple(msgspec.structs.replace(one, state="connected") for one in pop.call.parties),
        )  # fmt: skip
        self.call(call)
        return call

    def ended(self, call: m.CallView, talk_s: float = 151.0) -> m.CallView:
        at = now()
        call = msgspec.structs.replace(
            call, state="ended", since=at, ended_at=at, outcome="answered", talk_s=talk_s, actions=(),
        )  # fmt: skip
        self.call(call)
        return call

    def cut(self) -> None:
        """As a network does it: no close frame."""
        for socket in list(self._sockets):
            socket.transport.abort()

    def skip(self) -> None:
        """Lose one message on the way."""
        self.seq += 1
        self._sent.append((self.seq, msgspec.json.encode(m.PbxDelta(seq=self.seq, pbx=next(iter(self.pbxs.values()))))))

    async def until(self, true: Callable[[], bool], within: float = 5.0) -> None:
        async with asyncio.timeout(within):
            while not true():  # noqa: ASYNC110 - it may be any condition
                await asyncio.sleep(0.01)

    def steps(self, pop: str) -> list[str]:
        return [one.message.step for one in self.said if isinstance(one.message, m.Receipt) and one.message.pop == pop]

    @property
    def connected(self) -> int:
        return len(self._sockets)

    # ---- the socket

    async def _desktop(self, socket: ServerConnection) -> None:
        if self.refuses_sockets:
            socket.transport.abort()
            return
        with contextlib.suppress(ConnectionClosed):
            hello = msgspec.json.decode(await socket.recv(), type=m.FromDesktop)
            assert isinstance(hello, m.Hello)
            self.hellos.append(hello)
            if self.occupied_since and not hello.take_over:
                await self._send(socket, msgspec.json.encode(m.Occupied(since=self.occupied_since)))
                await socket.close(4409)
                return
            self.occupied_since = None
            resumed = hello.resume is not None and hello.resume.stream == self.stream and self._has(hello.resume.seq)
            welcome = m.Welcome(server=self.version, stream=self.stream, resumed=resumed, now=now(), me=self.me)
            await socket.send(msgspec.json.encode(welcome), text=True)
            if resumed and hello.resume:
                for seq, data in self._sent:
                    if seq > hello.resume.seq:
                        await socket.send(data, text=True)
            else:
                self.seq += 1
                await socket.send(msgspec.json.encode(self._snapshot()), text=True)
                self._sent.clear()
            self._sockets.add(socket)
            async for data in socket:
                message = msgspec.json.decode(data, type=m.FromDesktop)
                self.said.append(Said(asyncio.get_running_loop().time(), message))
        self._sockets.discard(socket)

    def _has(self, seq: int) -> bool:
        return seq == self.seq or any(sent == seq + 1 for sent, _ in self._sent)

    def _snapshot(self) -> m.Snapshot:
        return m.Snapshot(
            seq=self.seq, calls=tuple(self.calls.values()), pops=tuple(self.pops.values()), pbxs=tuple(self.pbxs.values()),
            cards=tuple(card for call, card in self.cards.items() if call in self.calls), queues=tuple(self.queues.values()),
            parked=self.parked, presence=self.presence,
        )  # fmt: skip

    @staticmethod
    async def _send(socket: ServerConnection, data: bytes) -> None:
        with contextlib.suppress(ConnectionClosed):
            await socket.send(data, text=True)

    # ---- REST

    async def _api(self, request: web.Request) -> web.StreamResponse:  # noqa: PLR0911 - a table, one answer a line
        body = await request.json() if request.can_read_body else None
        path = request.match_info["path"]
        self.asked.append((request.method, path, body))
        if self.is_down:
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        match request.method, path.split("/"):
            case "GET", ["site"]:
                return _json(self._site())
            case "POST", ["session"]:
                if body["password"] == "throttled":
                    return _problem(429, "too_many", {"Retry-After": "20"})
                if body["password"] != PASSWORD:
                    return _problem(401, "not_logged_in")
                self.logged_in = True
                return web.json_response({"token": "t", "ends_at": now().isoformat()}, status=201)
            case "DELETE", ["session"]:
                self.logged_in = False
                return web.Response(status=204)
        if not self.logged_in:
            return _problem(401, "not_logged_in")
        return self._of_my_own(request, path.split("/"), body) or self._for_agent(request, path.split("/"), body)

    def _of_my_own(  # noqa: C901, PLR0911 - a table, one answer a line
        self, request: web.Request, path: list[str], body: Any
    ) -> web.StreamResponse | None:
        floor = self.floor
        match request.method, path:
            case "POST", ["agents", "me", "state"] if floor.refuses:
                return _problem(409, floor.refuses)
            case "POST", ["agents", "me", "state"]:
                return web.json_response({"command": floor.set_state(body)}, status=202)
            case "POST", ["agents", "me", "wrap-up", "extend"]:
                return web.json_response({"command": floor.extend(body)}, status=202)
            case "POST", ["agents", "me", "wrap-up", "end"]:
                return web.json_response({"command": floor.end(body)}, status=202)
            case "GET", ["agents", "me", "day"] if floor.day:
                return _json(floor.day)
            case "GET", ["callbacks"]:
                items = floor.listed(request.query["state"], mine=request.query.get("mine") == "true")
                return _json(CallbackPage(items=tuple(items), cursor=None))
            case "POST", ["callbacks", name, "claim"]:
                claimed = floor.claim(name)
                return _json(claimed) if claimed else _problem(409, "conflict")
            case "POST", ["callbacks", name, "release"]:
                return _json(floor.release(name))
            case "POST", ["callbacks", name, "close"]:
                return _json(floor.close(name, body["state"]))
            case "POST", ["callbacks", _, "dial"]:
                return web.json_response({"command": floor.command(body, lambda: None)}, status=202)
        return None

    def _for_agent(  # noqa: C901, PLR0911, PLR0912 - a table, one answer a line
        self, request: web.Request, path: list[str], body: Any
    ) -> web.StreamResponse:
        match request.method, path:
            case "GET", ["session"]:
                return _json(SessionView(me=self.me, site=self._site(), ends_at=now() + timedelta(hours=8)))
            case "POST", ["session", "ticket"]:
                return web.json_response({"ticket": "once", "expires_s": 30, "ws_url": ""}, status=201)
            case "GET", ["interactions"]:
                return _json(InteractionPage(items=tuple(self.record), cursor=None))
            case (("GET" | "PUT"), ["interactions", _, "draft"]) if self.drafts_fail:
                return _problem(503, "store_unavailable")
            case "GET", ["interactions", call, "draft"]:
                return web.json_response({"text": self.drafts.get(call, ""), "at": None})
            case "PUT", ["interactions", call, "draft"]:
                self.drafts[call] = body["text"]
                return web.Response(status=204)
            case "PUT", ["interactions", call, "result"]:
                self.saved[call] = (body["code"], body["note"])
                self.saved_fields[call] = body.get("fields", {})
                self.floor.result_given(call)
                return web.Response(status=204)
            case "PUT", ["interactions", call, "note"]:
                self.saved[call] = ("", body["text"])
                return web.Response(status=204)
            case ("POST", ["customers"]) | ("PATCH", ["customers", _]) if not self.crm_writes:
                return _problem(409, "crm_read_only")
            case "POST", ["customers"]:
                return _json(_contact({"id": "k-new"} | body), status=201)
            case "PATCH", ["customers", contact] if contact in self.customers:
                return _json(_contact(msgspec.to_builtins(self.customers[contact].contact) | body))
            case "GET", ["customers"]:
                text = request.query["q"].casefold()
                found = [
                    one.contact
                    for one in self.customers.values()
                    if text in f"{one.contact.name} {one.contact.code}".casefold()
                ]
                return _json(CustomerList(items=tuple(found)))
            case "GET", ["customers", contact] if contact in self.customers:
                return _json(self.customers[contact])
            case "POST", ["calls"]:
                return web.json_response({"command": body["id"]}, status=202)
            case "GET", ["directory"]:
                return web.json_response(self._directory(request.query["q"]))
            case "POST", ["calls", _, "actions", _] | ["parked", _, "fetch"]:
                return web.json_response({"command": body["id"]}, status=202)
            case "POST", ["calls", call, "customer"]:
                self._choose(call, body["contact"])
                return web.Response(status=204)
            case "POST", ["calls", call, "not-customer"]:
                card = self.cards[call]
                left = tuple(one for one in card.contacts if one.id != body["contact"])
                state = "several" if left else "unknown"
                reason = "" if left else "not_this_person"
                self.card(msgspec.structs.replace(card, state=state, contacts=left, chosen=None, reason=reason))
                return web.Response(status=204)
            case "GET", [("reports" | "ivr"), *_]:
                return self._report(request, path)
        return _problem(404, "not_found")

    def _report(self, request: web.Request, path: list[str]) -> web.StreamResponse:
        if self.me.role == "agent":
            return _problem(403, "forbidden")
        if self.reports_fail:
            return _problem(503, "store_unavailable")
        self.periods.append((request.query["since"], request.query["until"]))
        match path:
            case ["reports", "ivr"]:
                totals = tuple(one.totals for one in self.reports.values() if one.totals.entered)
                return _json(IvrFlowsReport(since=now(), until=now(), items=totals))
            case ["reports", "ivr", flow] if flow in self.reports:
                return _json(self.reports[flow])
            case ["ivr", "flows", flow, "picture"] if flow in self.pictures:
                self.picture_languages.append(request.query["lang"])
                return web.Response(text=self.pictures[flow], content_type="image/svg+xml")
        return _problem(404, "not_found")

    def _directory(self, text: str) -> dict[str, Any]:
        def matching(people: list[dict[str, Any]]) -> list[dict[str, Any]]:
            return [one for one in people if text.casefold() in f"{one['name']} {one['extension']}".casefold()]

        digits = text.replace(" ", "")
        is_number = digits.removeprefix("+").isdigit()
        why_not = self.refuses.get(digits, "")
        number = {"number": digits, "shown": text, "allowed": not why_not, "why_not": why_not} if is_number else None
        return {"agents": matching(self.agents), "queues": matching(self.destinations), "number": number}

    async def asked_to(self, action: str) -> Any:
        """The body of the latest request to do something with a call, once there is one that was not answered yet."""
        found: list[Any] = []

        def is_there() -> bool:
            found[:] = [
                body for verb, path, body in self.asked
                if verb == "POST" and path.endswith(f"/actions/{action}") and body["id"] not in self._answered
            ]  # fmt: skip
            return bool(found)

        await self.until(is_there)
        self._answered.add(found[-1]["id"])
        return found[-1]

    def _choose(self, call: str, contact: str) -> None:
        card = self.cards[call]
        known = [one for one in card.contacts if one.id == contact] or [self.customers[contact].contact]
        contacts = card.contacts if any(one.id == contact for one in card.contacts) else (*known, *card.contacts)
        self.card(msgspec.structs.replace(card, state="found", contacts=contacts, chosen=contact))

    def _site(self) -> SiteView:
        return SiteView(
            name="Nordlicht Service", version=self.version, country="DE", language="en", demo=self.demo, results=self.results,
            reasons=tuple(ReasonChoice(code=code, label=label) for code, label in self.floor.reasons),
            ws_url=f"ws://127.0.0.1:{self._sockets_port}", crm_writes=self.crm_writes,
        )  # fmt: skip

    @web.middleware
    async def _headers(self, request: web.Request, handler: Any) -> web.StreamResponse:
        response: web.StreamResponse = await handler(request)
        response.headers["Content-Security-Policy"] = (
            f"default-src 'self'; connect-src 'self' ws://127.0.0.1:{self._sockets_port}; object-src 'none'; base-uri 'none'; "
            "form-action 'self'; frame-ancestors 'none'"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response

    async def _health(self, request: web.Request) -> web.StreamResponse:
        if self.is_down:
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"alive": True})

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["FakeServer"]:
        app = web.Application(middlewares=[self._headers])
        app.router.add_route("*", "/api/v1/{path:.+}", self._api)
        app.router.add_get("/healthz", self._health)
        app.router.add_get("/{path:.*}", _page)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port = runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}/"
        sockets: Server
        async with serve(self._desktop, "127.0.0.1", 0, compression=None, close_timeout=0.2) as sockets:
            self._sockets_port = next(iter(sockets.sockets)).getsockname()[1]
            try:
                yield self
            finally:
                self.cut()
                await runner.cleanup()


async def _page(request: web.Request) -> web.StreamResponse:
    file = STATIC / (request.match_info["path"] or "index.html")
    return web.FileResponse(file) if file.is_file() else web.Response(status=404)


def _contact(fields: dict[str, Any]) -> m.ContactView:
    return msgspec.convert(fields, m.ContactView)


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json", status=status)


def _problem(status: int, code: str, headers: dict[str, str] | None = None) -> web.Response:
    body = {"title": code, "status": status, "detail": "", "code": code}
    return web.json_response(body, status=status, content_type="application/problem+json", headers=headers)


numbered: Final = itertools.count(1)
