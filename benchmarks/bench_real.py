"""A real Asterisk 22 with real SIP calls, more and more of them: how long a pop takes, and our record against Asterisk's own.

``python benchmarks/bench_real.py`` (3 minutes; ``QUICK=1``: 1). Callers, phones, the PBX, its AMI's proxy, desktops and the service
share this machine. The clock starts when the proxy passes on the first event of a call's ring and stops when the agent's
desktop has read its pop; a look into a JSON text is part of both. Callers press a key, hang up early, are declined, held, handed over.
"""

import asyncio
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from harness import Aim, Line, Plot, Table, cpu_s, is_quick, need, percentile, save
from real_rings import BRIEF_S, Popped, Tap, pops_ms

from cti.calls.call import PbxName
from cti.reconcile.compare import Comparison, compare
from cti.reconcile.reading import RecordsPlaces, calls_ended
from tests.chaos.check import Verdict, verdict
from tests.chaos.crowd import Crowd, Kind
from tests.chaos.house import House, open_house
from tests.chaos.pbx import COLLEAGUE, chaos_asterisk
from tests.chaos.truth import true_calls
from tests.testbed.asterisk import AGENT_NAMES, Asterisk
from tests.testbed.phone import PhoneCall

RINGS_S = 0.3
USUAL_PER_S = 1.25
"""Calls of a crowd at its usual pace."""
PACES = (1.0, 2.0, 4.0, 6.0)
HELD_ENOUGH = 0.6
"""Of the calls a pace means to make; where fewer come or reach an agent, the machine holds no more."""


class QuickAgents(Crowd):
    """They answer soon and do not speak long, so that five take many calls."""

    async def _talk(self, call: PhoneCall, kind: Kind) -> None:
        await asyncio.sleep(RINGS_S)
        if call.is_over:
            return
        call.answer()
        if kind is Kind.HANDED_OVER and call.phone.number != COLLEAGUE:
            await asyncio.sleep(0.3)
            if not call.is_over:
                call.transfer(COLLEAGUE)
                await call.until_transferred()
        elif kind is Kind.CUSTOMER_ENDS:
            await call.until_over()
        else:
            await asyncio.sleep(0.3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    calls_per_s: float
    seconds: float
    pops_ms: tuple[float, ...]
    calls: int
    """That rang at all."""
    rings: int
    brief: int
    """Rings too brief for a pop, and none of ``rings``."""
    cpu: float
    """Of the service, share of one core."""

    @property
    def lost(self) -> int:
        return self.rings - len(self.pops_ms)


async def at_pace(house: House, tap: Tap, pace: float, seconds: float) -> Pace:
    tap.rings.clear()
    desk_of = {desk.agent: desk for desk in house.desks.each}
    popped = {phone: Popped() for phone in AGENT_NAMES}
    for phone, fresh in popped.items():
        desk_of[AGENT_NAMES[phone].lower()].popped = fresh
    pid = house.daemon._process.pid if house.daemon._process else 0  # noqa: SLF001
    used, began = cpu_s(pid), time.monotonic()
    async with QuickAgents(house.pbx, house.random, pace).calling():
        await asyncio.sleep(seconds)
        took_s, used = time.monotonic() - began, cpu_s(pid) - used
        began_to_ring = set(tap.rings)
        await asyncio.sleep(1)
    await asyncio.sleep(0.3)  # the phones' ports are free a moment later
    rings = [ring for leg, ring in tap.rings.items() if leg in began_to_ring and ring.phone in popped]
    brief = sum(ring.is_brief for ring in rings)
    return Pace(
        calls_per_s=pace * USUAL_PER_S, seconds=took_s, pops_ms=tuple(pops_ms(rings, popped)),
        calls=len({ring.call for ring in rings}), rings=len(rings) - brief, brief=brief, cpu=used / took_s,
    )  # fmt: skip


async def compared(house: House, since: float) -> tuple[Verdict, Comparison]:
    """With Asterisk's channel events and queue_log by the chaos suite's own reading, and with queue_log and CDR by ours."""
    await house.daemon.until_written()
    rows = await house.rows()
    places = RecordsPlaces(pbx=PbxName("main"), queue_log=str(house.pbx.queue_log), cdr=str(house.pbx.cdr_custom))
    recorded = await calls_ended(places, datetime.fromtimestamp(since, UTC), datetime.now(UTC))
    truth = true_calls(house.pbx, house.ear.heard)
    return verdict(rows, truth, house.away, house.metronome.stalled_s, since=since), compare(recorded, rows)


async def measured(pbx: Asterisk) -> tuple[list[Pace], Verdict, Comparison]:
    since, tap, paces = time.time(), Tap(), list[Pace]()
    async with open_house(pbx, Random(1)) as house:
        house.proxy.rewrite = tap.see
        async with house.metronome.beating():
            for pace in PACES[:2] if is_quick() else PACES:
                paces.append(await at_pace(house, tap, pace, 10 if is_quick() else 25))
                print(f"  {row(paces[-1])}", flush=True)
                if paces[-1].calls < HELD_ENOUGH * paces[-1].calls_per_s * paces[-1].seconds:
                    break
        found = await compared(house, since)
    return paces, *found


def row(pace: Pace) -> tuple[str | float | int | None, ...]:
    pops = pace.pops_ms
    return (
        pace.calls_per_s, pace.rings, percentile(pops, 0.5), percentile(pops, 0.99), max(pops, default=None), pace.lost,
        pace.brief, round(pace.cpu * 100),
    )  # fmt: skip


def main() -> None:
    need("asterisk-22", "sipp")
    pbx = chaos_asterisk("22")
    pbx.start()
    try:
        paces, truth, records = asyncio.run(measured(pbx))
    finally:
        pbx.remove()
    wrong = [*truth.wrong, *truth.unmarked, *(one.words for one in records.differences)]
    for words in wrong:
        print(f"  {words}", file=sys.stderr)
    pops = Table(
        title="From the PBX's first event of a ring to the pop",
        columns=("calls/s wanted", "rings", "pop p50 ms", "p99", "max", "lost", "brief", "CPU % of a core"),
        rows=tuple(map(row, paces)),
        note=f"Each ring asks for a pop on its own desktop. Brief: rings besides, of less than {BRIEF_S * 1000:.0f} ms, as when a caller gives up while the phone is called. The last row is what this machine holds of such calls, or all that five agents take; the rest of it is Asterisk, SIPp and phones.",
    )
    record = Table(
        title="Our record beside Asterisk's",
        columns=("beside", "calls", "lost", "doubled", "wrong", "worst time, ms"),
        rows=(
            ("channel events and queue_log", truth.calls, len(truth.lost), len(truth.doubled), len(truth.wrong) + len(truth.unmarked), truth.worst_ms),
            ("queue_log and CDR", records.recorded, _of(records, "missing_here"), _of(records, "doubled"), len(records.differences) - _of(records, "missing_here") - _of(records, "doubled"), None),
        ),
        note="Every call of all paces: there, once, with agent, outcome and times.",
    )  # fmt: skip
    lost = sum(pace.lost for pace in paces)
    is_right = not (wrong or truth.lost or truth.doubled)
    save(
        "real",
        tables=[pops, record],
        plots=[Plot(title="The pop as calls grow, real Asterisk", x="calls/s", y="ms", lines=(
            Line(name="p50", points=tuple((pace.calls_per_s, percentile(pace.pops_ms, 0.5)) for pace in paces)),
            Line(name="p99", points=tuple((pace.calls_per_s, percentile(pace.pops_ms, 0.99)) for pace in paces)),
        ))],
        aims=[
            Aim(words="real Asterisk: pops lost", wanted="0", found=str(lost), is_met=lost == 0),
            Aim(words="real Asterisk: calls lost, doubled or wrong on record", wanted="0", found=str(len(truth.lost) + len(truth.doubled) + len(wrong)), is_met=is_right),
        ],
    )  # fmt: skip


def _of(records: Comparison, kind: str) -> int:
    return sum(one.kind == kind for one in records.differences)


if __name__ == "__main__":
    main()
