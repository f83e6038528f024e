"""One story: a mischief while calls come in, and afterwards Asterisk's own record beside ours."""

import asyncio
import time
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.chaos.check import Verdict, verdict
from tests.chaos.house import House, busy, open_house
from tests.chaos.mischief import Mischief
from tests.chaos.truth import true_calls
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

    @property
    def is_well(self) -> bool:
        found = self.verdict
        return found.calls > 0 and not (found.lost or found.doubled or found.wrong or found.unmarked or self.complaints)

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
        found = await _found(house, began)
        complaints = await _complaints(house)
        return Told(name=name, says=mischief.says, version=pbx.version, verdict=found, complaints=complaints)


async def _found(house: House, began: float) -> Verdict:
    """What was missed is filled in a moment after the return; it is given that moment."""
    truth, patience_s = true_calls(house.pbx), time.monotonic() + FILLED_IN_S
    while True:
        await house.daemon.until_written()
        found = verdict(await house.rows(), truth, house.away, house.metronome.stalled_s, since=began)
        if not (found.lost or found.unmarked) or time.monotonic() > patience_s:
            return found
        await asyncio.sleep(0.5)


async def _complaints(house: House) -> tuple[str, ...]:
    """Pops that stayed, agents who are busy without a call, calls that never end, exceptions, an exit that was none."""
    left = await house.desks.left_over()
    figures = await house.daemon.figures()
    live = figures["cti_calls_active"]
    lost = figures["cti_facts_lost_total"]
    code = await house.daemon.stop()
    return (
        *left,
        *([f"{live:g} calls are live, and Asterisk has none"] if live else []),
        *([f"{lost:g} facts lost"] if lost else []),
        *([f"it ended with {code}"] if code else []),
        *(str(line)[:2000] for line in house.daemon.complaints()),
    )
