"""What a story needs: the stage it plays on, and the truth it leaves behind."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from tests.testbed import ami
from tests.testbed.asterisk import AGENTS, Asterisk
from tests.testbed.phone import Phone, PhoneCall, PhoneSurprisedError

CARRIER: Final = "carrier"
CALLER: Final = "0912345678"
SUPPORT: Final = "0800100100"
SETTLE_S: Final = 0.4
POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Transfer:
    """``kind``: blind, attended, blonde, parked, pickup, forward, conference. ``source`` handed over, ``target`` was
    meant to take it.
    """

    kind: str
    source: str
    target: str
    done: bool = True


@dataclass(frozen=True, slots=True)
class TrueCall:
    """One customer conversation (or internal call) as the scenario knows it. Seconds; None: did not happen.

    ``wait_s``: from the first ring at the PBX until a person answered (or the end). ``talk_s``: from the first person's
    answer until the last party left. ``answered_by``: who spoke with the customer, in order. ``rang``: whose phone
    rang, in order.
    """

    direction: str
    ani: str
    dnis: str
    outcome: str
    queue: str = ""
    name: str = ""
    customer_code: str = ""
    note: str = ""
    answered_by: tuple[str, ...] = ()
    rang: tuple[str, ...] = ()
    ended_by: str = ""
    holds: int = 0
    wait_s: float | None = None
    talk_s: float | None = None
    transfers: tuple[Transfer, ...] = ()


@dataclass(frozen=True, slots=True)
class Truth:
    calls: tuple[TrueCall, ...]
    note: str = ""


class Recorder:
    """The listening account's bytes over one story; each further connection's bytes follow the one before."""

    def __init__(self, pbx: Asterisk) -> None:
        self._pbx = pbx
        self._wires: list[ami.AmiWire] = []

    async def connect(self) -> None:
        self._wires.append(await ami.events_account(self._pbx))

    async def disconnect(self) -> None:
        await self._wires[-1].close()

    async def close(self) -> bytes:
        for wire in self._wires:
            await wire.close()
        return b"".join(bytes(wire.received) for wire in self._wires)


@dataclass(slots=True)
class Stage:
    """A running Asterisk, six agents' phones, the carrier (callers come from it, outside calls go to it)."""

    pbx: Asterisk
    agents: dict[str, Phone]
    carrier: Phone
    commands: ami.AmiWire
    recorder: Recorder

    def caller(self, dnis: str = SUPPORT, number: str = CALLER, name: str = "", **more: str) -> PhoneCall:
        """Somebody outside dials ``dnis``."""
        return self.carrier.dial(dnis, caller=number, name=name, **more)

    def silence(self) -> None:
        """Nobody speaks from now on, as with phones that suppress silence."""
        for phone in (*self.agents.values(), self.carrier):
            phone.is_silent = True

    async def reconnect(self) -> None:
        """After a restart of Asterisk: a new commands connection, and the recorder's new connection."""
        self.commands = await ami.commands_account(self.pbx)
        await self.recorder.connect()

    async def cli(self, command: str) -> str:
        return await asyncio.to_thread(self.pbx.cli, command)


Story = Callable[[Stage], Awaitable[Truth]]


async def connect(stage: Stage, dnis: str = SUPPORT, agent: str = "2001", **who: str) -> tuple[PhoneCall, PhoneCall]:
    """A caller dials in and that agent answers after half a second. Returns (caller's end, agent's end), both
    talking.
    """
    caller = stage.caller(dnis, **who)
    ringing = await stage.agents[agent].rings()
    await asyncio.sleep(0.5)
    ringing.answer()
    await caller.until_answered()
    await asyncio.sleep(1)
    return caller, ringing


async def hang_up(caller: PhoneCall, *others: PhoneCall, after_s: float = 1.0) -> None:
    """The caller hangs up after a while; the others must notice. Raises PhoneSurprisedError where the PBX was quicker."""
    await asyncio.sleep(after_s)
    if caller.is_over:
        raise PhoneSurprisedError(f"{caller.phone.number}: the PBX hung up first: {caller.phone.log[-8:]}")
    caller.hang_up()
    for other in others:
        await other.until_over()


def queued(
    caller: PhoneCall,
    first: PhoneCall | None = None,
    *,
    dnis: str = SUPPORT,
    queue: str = "support",
    ani: str = CALLER,
    outcome: str = "answered",
    **more: object,
) -> TrueCall:
    """An inbound call, with its wait and talk as the two phones saw them. ``first``: the first agent's end, if any
    answered.
    """
    end = max(caller.ended_at, first.ended_at if first else 0.0) or time.monotonic()
    answered = first.answered_at if first else end
    talk = round(end - answered, 2) if first else None
    fields: dict[str, Any] = {"wait_s": round(answered - caller.began_at, 2), "talk_s": talk, "queue": queue} | more
    return TrueCall(direction="inbound", ani=ani, dnis=dnis, outcome=outcome, **fields)


@contextlib.asynccontextmanager
async def open_stage(pbx: Asterisk) -> AsyncIterator[Stage]:
    async with contextlib.AsyncExitStack() as stack:
        agents = {
            number: await stack.enter_async_context(Phone(number, pbx.ports.agents[number], pbx.ports.sip))
            for number in AGENTS
        }
        carrier = await stack.enter_async_context(Phone(CARRIER, pbx.ports.carrier, pbx.ports.sip))
        commands = await ami.commands_account(pbx)
        stage = Stage(pbx, agents, carrier, commands, Recorder(pbx))
        try:
            yield stage
        finally:
            await stage.commands.close()


async def settle(pbx: Asterisk, within_s: float = 10.0) -> None:
    """Wait until no channel is left, then a little more for the last events."""
    for _ in range(round(within_s / POLL_S)):
        if await asyncio.to_thread(pbx.is_idle):
            break
        await asyncio.sleep(POLL_S)
    await asyncio.sleep(SETTLE_S)
