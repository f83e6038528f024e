"""The stories, one function each: real phones, real Asterisk, seconds long. The docstring is the trace's description."""

import asyncio
from typing import Final

from tests.testbed.story import CALLER, Stage, Story, TrueCall, Truth, wait_and_talk

SUPPORT: Final = "0800100100"
SALES: Final = "0800100200"


async def plain_inbound_caller_hangs_up(stage: Stage) -> Truth:
    """A caller reaches the queue, an agent answers, they talk, the caller hangs up."""
    caller = stage.caller(SUPPORT, name="Wang")
    ringing = await stage.agents["2001"].rings()
    await asyncio.sleep(1)
    ringing.answer()
    await asyncio.sleep(2)
    caller.hang_up()
    await ringing.until_over()
    return Truth((_queued(answered_by=("2001",), rang=("2001",), name="Wang", ended_by="caller", **wait_and_talk(caller, ringing)),))


async def plain_inbound_agent_hangs_up(stage: Stage) -> Truth:
    """A caller reaches the queue, an agent answers, they talk, the agent hangs up."""
    caller = stage.caller(SUPPORT)
    ringing = await stage.agents["2001"].rings()
    await asyncio.sleep(1)
    ringing.answer()
    await asyncio.sleep(2)
    ringing.hang_up()
    await caller.until_over()
    return Truth((_queued(answered_by=("2001",), rang=("2001",), ended_by="agent", **wait_and_talk(caller, ringing)),))


def _queued(*, outcome: str = "answered", dnis: str = SUPPORT, queue: str = "support", ani: str = CALLER, **more: object) -> TrueCall:
    return TrueCall("inbound", ani, dnis, outcome, queue, **more)  # type: ignore[arg-type]


STORIES: Final[dict[str, Story]] = {story.__name__: story for story in (plain_inbound_caller_hangs_up, plain_inbound_agent_hangs_up)}
