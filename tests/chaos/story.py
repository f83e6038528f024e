"""One story: a mischief while calls come in, and afterwards Asterisk's own record beside ours."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.chaos.check import TIME_S, Verdict, verdict
from tests.chaos.desks import Desk
from tests.chaos.house import House, busy, open_house
from tests.chaos.mischief import Mischief
from tests.chaos.truth import TrueCall, true_calls
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer
from tests.testbed.asterisk import Asterisk

FILLED_IN_S: Final = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    name: str
    says: str
    version: str
    verdict: Verdict
    complaints: tuple[str, ...]
    """What else is not as it should be."""
    stood_s: float
    """How long the machine stood still while it was played."""

    @property
    def is_well(self) -> bool:
        return self.verdict.calls > 0 and not self.troubles

    @property
    def troubles(self) -> list[str]:
        found = self.verdict
        lost = [f"{name}: not in our record" for name in found.lost]
        return [
            *lost,
            *(f"{name}: twice in our record" for name in found.doubled),
            *found.wrong,
            *found.unmarked,
            *self.complaints,
        ]


async def play(
    name: str,
    mischief: Mischief,
    pbx: Asterisk,
    random: Random,
    *,
    postgres: PostgresServer | None = None,
    redis: RedisServer | None = None,
    exact_s: float = TIME_S,
) -> Told:
    began = time.time()
    async with open_house(
        pbx,
        random,
        postgres=postgres if mischief.on_postgres else None,
        redis=redis if mischief.on_redis else None,
        desks=mischief.onlookers,
    ) as house:
        async with house.metronome.beating(), busy(house):
            await mischief.act(house)
        await house.daemon.until_connected()
        truth = true_calls(pbx, house.ear.heard)
        found = await _found(house, truth, began, exact_s)
        unshown = _unshown(house, [call for call in truth.values() if call.began_at >= began])
        complaints = (*unshown, *await _complaints(house))
        return Told(
            name=name, says=mischief.says, version=pbx.version, verdict=found, complaints=complaints,
            stood_s=house.metronome.stood_s,
        )  # fmt: skip


async def _found(house: House, truth: Mapping[str, TrueCall], began: float, exact_s: float) -> Verdict:
    """What was missed is filled in a moment after the return; it is given that moment."""
    patience_s = time.monotonic() + FILLED_IN_S
    while True:
        await house.daemon.until_written()
        rows = await house.rows()
        found = verdict(rows, truth, house.away, house.metronome.stalled_s, since=began, exact_s=exact_s)
        if not (found.lost or found.unmarked or found.wrong) or time.monotonic() > patience_s:
            return found
        await asyncio.sleep(0.5)


def _unshown(house: House, calls: Iterable[TrueCall]) -> Iterator[str]:
    """Of calls that somebody took, and we were there from their beginning to their end."""
    desks = {desk.agent: desk for desk in house.desks.each}
    for call in calls:
        was_there = not any(one.meets(call) for one in (*house.away, *house.late))
        for agent in call.agents if was_there else ():
            yield from unshown(desks[agent], call)


def unshown(desk: Desk, call: TrueCall) -> Iterator[str]:
    """Whoever takes a call has a pop of it. A desktop that was cut off for all of the ring comes back to the call itself, and to
    who calls: the pop is over by then, and is not shown any more."""
    name, rang = f"main-{call.id}", call.rings.get(desk.agent)
    if name not in desk.popped and not (rang and desk.was_cut_off(*rang)):
        yield f"{desk.agent} took {call.id} and had no pop of it"
    if name not in desk.shown & desk.carded:
        yield f"{desk.agent} took {call.id} and was not shown it with who calls"


async def _complaints(house: House) -> tuple[str, ...]:
    """Pops that stayed, agents who are busy without a call, calls that never end, exceptions, an exit that was none."""
    left = await house.desks.left_over()
    live = (await house.daemon.door.figures())["cti_calls_active"]
    lost = (await house.daemon.figures())["cti_facts_lost_total"]
    code = await house.daemon.stop()
    return (
        *left,
        *([f"{live:g} calls are live, and Asterisk has none"] if live else []),
        *([f"{lost:g} facts lost"] if lost else []),
        *([f"it ended with {code}"] if code else []),
        *(str(line)[:2000] for line in house.daemon.complaints()),
    )
