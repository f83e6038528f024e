"""A busy time: many callers, six agents, everything at once. The docstring is the trace's description."""

import asyncio
import random
from typing import Final

from tests.testbed.phone import Phone, PhoneCall
from tests.testbed.story import Stage, TrueCall, Truth, queued

DNIS: Final = "0800100440"
QUEUE: Final = "empty"
CALLERS: Final = 30
SEED: Final = 7
POLL_S: Final = 0.05


async def busy_minute(stage: Stage) -> Truth:
    """Thirty callers within a quarter of a minute, six agents who answer after a moment, some callers without
    patience.
    """
    dice = random.Random(SEED)
    for agent in stage.agents:
        await stage.commands.action("QueueAdd", {"Queue": QUEUE, "Interface": f"PJSIP/{agent}", "MemberName": agent})
    answered: dict[str, tuple[str, PhoneCall]] = {}
    people = [
        asyncio.create_task(_agent(phone, random.Random(phone.number), answered))
        for number, phone in stage.agents.items()
    ]
    callers = []
    for turn in range(CALLERS):
        callers.append(
            asyncio.create_task(_caller(stage, f"09{turn:08}", dice.uniform(2, 9), dice.uniform(2, 7), answered))
        )
        await asyncio.sleep(dice.uniform(0.05, 0.8))
    calls = await asyncio.gather(*callers)
    for task in people:
        task.cancel()
    await asyncio.gather(*people, return_exceptions=True)
    return Truth(tuple(calls), "The agents were logged on (QueueAdd) when the story began.")


async def _agent(phone: Phone, dice: random.Random, answered: dict[str, tuple[str, PhoneCall]]) -> None:
    """Answers whatever rings, after a moment, unless it has stopped ringing."""
    while True:
        call = await phone.rings(within_s=120)
        await asyncio.sleep(dice.uniform(0.2, 1.5))
        if not call.is_over:
            call.answer()
            answered[call.remote_number] = (phone.number, call)


async def _caller(
    stage: Stage, number: str, patience_s: float, talk_s: float, answered: dict[str, tuple[str, PhoneCall]]
) -> TrueCall:
    """Waits for an agent as long as patience lasts, talks, hangs up."""
    call = stage.caller(DNIS, number=number)
    for _ in range(round(patience_s / POLL_S)):
        if number in answered:
            break
        await asyncio.sleep(POLL_S)
    if number not in answered:
        call.hang_up()
        return queued(call, ani=number, dnis=DNIS, queue=QUEUE, outcome="abandoned", ended_by="caller")
    agent, end = answered[number]
    await asyncio.sleep(talk_s)
    call.hang_up()
    await end.until_over()
    return queued(call, end, ani=number, dnis=DNIS, queue=QUEUE, answered_by=(agent,), ended_by="caller")
