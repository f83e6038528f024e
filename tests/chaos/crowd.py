"""A steady stream of calls: SIPp's callers, and agents whose phones do what the caller's number tells them.

The last two digits of a number are its ``Kind``, so what a phone does needs no agreement and no memory but how often it rang.
"""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from random import Random
from typing import Final

from tests.chaos.pbx import COLLEAGUE, IVR_LINE, LINE, MEMBERS
from tests.testbed.asterisk import Asterisk
from tests.testbed.phone import Phone, PhoneCall, PhoneSurprisedError
from tests.testbed.sipp import AwaitHangUp, HangUp, Press, Sipp, Speak, Step, Wait, caller

MANY: Final = 10_000
"""More calls than any run makes."""
LATE_S: Final = 25.0


class Kind(IntEnum):
    AGENT_ENDS = 0
    CUSTOMER_ENDS = 1
    MISSED = 2
    """The first phone rings in vain."""
    DECLINED = 3
    """By the first."""
    HANDED_OVER = 4
    HELD = 5
    ABANDONED = 6
    IVR = 7


@dataclass(frozen=True, slots=True)
class Stream:
    """Callers of one kind of patience."""

    kinds: tuple[Kind, ...]
    per_s: float
    steps: tuple[Step, ...]
    line: str = LINE


STREAMS: Final = (
    Stream(
        (Kind.AGENT_ENDS, Kind.HANDED_OVER, Kind.HELD, Kind.AGENT_ENDS, Kind.DECLINED, Kind.MISSED),
        0.6,
        (AwaitHangUp(),),
    ),
    Stream((Kind.CUSTOMER_ENDS,), 0.25, (Wait(3.5), HangUp())),
    Stream((Kind.ABANDONED,), 0.2, (Wait(1.3), HangUp())),
    Stream((Kind.IVR,), 0.2, (Speak(), Wait(0.5), Press("4711", tone_ms=120), AwaitHangUp()), IVR_LINE),
)


@dataclass(slots=True)
class Crowd:
    """``async with Crowd(pbx, random).calling():`` ends when the last caller has left, or was put out."""

    pbx: Asterisk
    random: Random
    pace: float = 1.0
    """How many times the usual stream of callers."""
    _rang: Counter[str] = field(default_factory=Counter)
    _working: "set[asyncio.Task[None]]" = field(default_factory=set)

    @contextlib.asynccontextmanager
    async def calling(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            ports = self.pbx.ports
            for number in (*MEMBERS, COLLEAGUE):
                phone = await stack.enter_async_context(Phone(number, ports.agents[number], ports.sip))
                self._start(self._work(phone))
            streams = [asyncio.create_task(self._send(stream)) for stream in STREAMS]
            try:
                yield
            finally:
                for stream in streams:
                    stream.cancel()
                await asyncio.gather(*streams, return_exceptions=True)
                await self._until_idle()
                for task in self._working:
                    task.cancel()
                await asyncio.gather(*self._working, return_exceptions=True)

    async def _send(self, stream: Stream) -> None:
        """Callers until cancelled, who then finish; anew where SIPp gave up, as it does when nobody listens."""
        while True:
            rows = list(itertools.islice(_rows(self.random, stream), MANY))
            sipp = Sipp(caller(*stream.steps), self.pbx.ports.sip, rows=rows, calls=MANY, rate=stream.per_s * self.pace)
            async with sipp:
                try:
                    await sipp.wait(within_s=3600)
                except asyncio.CancelledError:
                    sipp.no_more()
                    with contextlib.suppress(TimeoutError):
                        await sipp.wait(within_s=LATE_S)
                    raise
            await asyncio.sleep(0.2)

    async def _until_idle(self) -> None:
        if self.pbx.is_running:
            await asyncio.to_thread(self.pbx.hang_up_everything)

    def _start(self, work: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    # ---- agents

    async def _work(self, phone: Phone) -> None:
        while True:
            self._start(self._take(await phone.rings(within_s=3600)))

    async def _take(self, call: PhoneCall) -> None:
        """A call that ends otherwise, for the PBX died or somebody hung up, is none of this phone's affair."""
        self._rang[call.remote_number] += 1
        is_first = self._rang[call.remote_number] == 1
        kind = Kind(int(call.remote_number[-2:]))
        with contextlib.suppress(PhoneSurprisedError):
            if kind is Kind.ABANDONED or (kind is Kind.MISSED and is_first):
                await call.until_over()
            elif kind is Kind.DECLINED and is_first:
                call.refuse()
            else:
                await self._talk(call, kind)
        call.hang_up()

    async def _talk(self, call: PhoneCall, kind: Kind) -> None:
        await asyncio.sleep(self.random.uniform(0.1, 0.5))
        if call.is_over:
            return
        call.answer()
        if kind is Kind.CUSTOMER_ENDS:
            await call.until_over()
        await _or_over(call, self.random.uniform(0.6, 2.0))
        if kind is Kind.HELD and not call.is_over:
            call.put_on_hold()
            await _or_over(call, 0.6)
            call.retrieve()
            await _or_over(call, 0.4)
        if kind is Kind.HANDED_OVER and call.phone.number != COLLEAGUE and not call.is_over:
            call.transfer(COLLEAGUE)
            await call.until_transferred()


async def _or_over(call: PhoneCall, seconds: float) -> None:
    with contextlib.suppress(PhoneSurprisedError):
        await call.until_over(within_s=seconds)


def _rows(random: Random, stream: Stream) -> Iterator[tuple[str, ...]]:
    """Number, name, line of one caller after the other; no two numbers are alike."""
    while True:
        for kind in stream.kinds:
            yield f"09{random.randrange(10**8):08}{kind:02}", "Wang", stream.line
