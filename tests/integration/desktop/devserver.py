"""A console to work against: ``python -m tests.integration.desktop.devserver [web port] [ws port] [origin...]``.

Everything is in memory. Calls come to Mara by themselves, one after the other: a known caller, a number of two people,
a stranger with a nasty name, a withheld number, a customer system that is slow, one that does not answer, a ring that
nobody takes. Phones answer themselves. Click-to-dial and hang-up work. Logins: mara, jon, sue (supervisor), ada (admin).
"""

import asyncio
import contextlib
import itertools
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from cti.agents.agent import Agent
from cti.calls.call import Call, CallId, Direction, LegId, Party, PbxName, Role
from cti.calls.events import CallEvent, Cleared, Delivered, Diverted, Established, Offered, Queued
from cti.calls.tracker import CallTracker
from cti.calls.transitions import CallChanged
from cti.crm.contact import Unavailable
from cti.errors import NotFound, NotNow
from cti.screenpop import views
from cti.screenpop.actions import ActionName
from cti.screenpop.messages import PbxView, QueueView
from cti.toll import TollRules, Verdict, decide
from tests.integration.desktop.house import MARA, PASSWORD, House, build, opened

PBX = PbxName("main")
CALLERS = (
    ("+49305551234", "BERG ANNA", "found"),
    ("+886223456789", "", "found"),
    ("+447700900123", "<b>Bobby</b> \u202eTables", "found"),
    ("", "Anonymous", "found"),
    ("+49305551234", "", "slow"),
    ("+4915112345678", "", "unavailable"),
    ("+493012345", "", "no_answer"),
)


class FakePbx:
    def __init__(self) -> None:
        self.house: House
        self._tracker = CallTracker()
        self._ids = itertools.count(1)
        self._ended: dict[CallId, asyncio.Event] = {}
        self._commands: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    # ---- what the web asks for

    async def originate(self, agent: Agent, to: str, command: str, **_: object) -> None:
        self._once(command, lambda: self._outgoing(agent, to, command))

    async def carry_out(self, agent: Agent, call: CallId, action: ActionName, command: str, **_: object) -> None:
        if action is not ActionName.HANGUP:
            raise NotNow("phone_cannot")
        self._once(command, lambda: self._hang_up(agent, call, command))

    async def fetch(self, _agent: Agent, _space: str, _command: str) -> None:
        raise NotFound("no call is parked there")

    def number(self, _agent: Agent, typed: str) -> Verdict:
        return decide(typed, TollRules(country="DE"), now=_now())

    def _once(self, command: str, work: Callable[[], Awaitable[None]]) -> None:
        if command not in self._commands:
            self._commands.add(command)
            task = asyncio.ensure_future(work())
            self._tasks.add(task)  # type: ignore[arg-type]
            task.add_done_callback(self._tasks.discard)  # type: ignore[arg-type]

    async def _outgoing(self, agent: Agent, to: str, command: str) -> None:
        call, phone = self._new(), self._phone(agent)
        number = to.replace(" ", "")
        await self._tell(
            Offered(
                call=call,
                at=_now(),
                pbx=PBX,
                direction=Direction.OUTBOUND,
                ani=agent.extension,
                dnis=number,
                party=phone,
            )
        )
        await self._tell(Delivered(call=call, at=_now(), party=phone))
        await asyncio.sleep(1.5)
        self.house.hub.command(agent.id, command, "done")
        other = Party(leg=LegId(f"{call}-c"), role=Role.CUSTOMER, number=number)
        await self._tell(Delivered(call=call, at=_now(), party=other))
        if not await self._ends_within(call, 4):
            await self._tell(Established(call=call, at=_now(), party=other))
            await self._talk(call, 60)

    async def _hang_up(self, agent: Agent, call: CallId, command: str) -> None:
        live = self._tracker.get(call)
        if live:
            await self._clear(live, "agent")
        self.house.hub.command(agent.id, command, "done" if live else "failed", "" if live else "no such channel")

    # ---- what happens by itself

    async def day(self) -> None:
        await asyncio.sleep(3)
        for number, name, story in itertools.cycle(CALLERS):
            await self._incoming(number, name, story)
            await asyncio.sleep(8)

    async def _incoming(self, number: str, name: str, story: str) -> None:
        call, phone = self._new(), self._phone(MARA)
        caller = Party(leg=LegId(f"{call}-c"), role=Role.CUSTOMER, number=number, name=name)
        offered = Offered(
            call=call, at=_now(), pbx=PBX, direction=Direction.INBOUND, ani=number, ani_name=name, dnis="4930999",
            keys=(("customer_code", "70012"), ("ivr", "Menu > Billing > Invoice")) if story == "found" and number.startswith("+4930") else (),
            party=caller,
        )  # fmt: skip
        await self._tell(offered, answer=story in {"found", "no_answer"})
        await self._tell(Queued(call=call, at=_now(), queue="billing"))
        self.house.hub.queue(QueueView(name="billing", waiting=1, oldest_since=_now()))
        await asyncio.sleep(2)
        await self._tell(Delivered(call=call, at=_now(), party=phone))
        self._once(f"card-{call}", lambda: self._card_late(call, story))
        if await self._ends_within(call, 10 if story == "no_answer" else 6):
            return
        self.house.hub.queue(QueueView(name="billing", waiting=0))
        if story == "no_answer":
            await self._tell(Diverted(call=call, at=_now(), party=phone, cause="no_answer"))
            live = self._tracker.get(call)
            if live:
                await self._clear(live, "customer")
            return
        await self._tell(Established(call=call, at=_now(), party=phone))
        await self._talk(call, 15)

    async def _card_late(self, call_id: CallId, story: str) -> None:
        call = self._tracker.get(call_id)
        if call is None or story not in {"slow", "unavailable"}:
            return
        await asyncio.sleep(1.5)
        self.house.hub.card(views.slow(self.house.hub.card_of(call)))
        await asyncio.sleep(2)
        if story == "unavailable":
            self.house.hub.card(views.answered(call, Unavailable("no answer within 1.5 s")))
        else:
            await self.house.look_up(CallChanged(None, call, None))  # type: ignore[arg-type]

    # ---- the same for both

    async def _talk(self, call: CallId, seconds: float) -> None:
        if not await self._ends_within(call, seconds) and (live := self._tracker.get(call)):
            await self._clear(live, "customer")

    async def _clear(self, call: Call, by: str) -> None:
        await self._tell(Cleared(call=call.id, at=_now(), cause="normal", ended_by=by))
        self._ended[call.id].set()

    async def _ends_within(self, call: CallId, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ended[call].wait()
        return self._ended[call].is_set()

    async def _tell(self, event: CallEvent, *, answer: bool = True) -> None:
        change = self._tracker.apply(event)
        if isinstance(change, CallChanged):
            await self.house.changed(change, answer=answer)

    def _new(self) -> CallId:
        call = CallId(f"main-{int(_now().timestamp())}.{next(self._ids)}")
        self._ended[call] = asyncio.Event()
        return call

    def _phone(self, agent: Agent) -> Party:
        leg = LegId(f"{agent.extension}-{next(self._ids)}")
        return Party(leg=leg, role=Role.AGENT, number=agent.extension, name=agent.name, device=agent.device)


def _now() -> datetime:
    return datetime.now(UTC)


async def main(web_port: int = 8088, ws_port: int = 8089, *origins: str) -> None:
    pbx = FakePbx()
    house = await build(
        web_port, ws_port, commands=pbx, origins=("http://localhost:5173", "http://127.0.0.1:5173", *origins)
    )
    pbx.house = house
    house.hub.pbx(PbxView(name="main", state="connected", since=_now()))
    async with opened(house):
        print(f"http://127.0.0.1:{house.web_port}/  sockets {house.ws_url}  logins mara, jon, sue, ada: {PASSWORD}")
        await pbx.day()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(*map(int, sys.argv[1:3]), *sys.argv[3:]))
