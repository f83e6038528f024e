"""Stories of calls that begin inside: click-to-dial, dialled by hand, between agents. The docstring is the trace's
description.
"""

import asyncio
from typing import Any, Final

from tests.testbed.phone import PhoneCall
from tests.testbed.story import Stage, TrueCall, Truth, hang_up

OUTSIDE: Final = "0223334444"
RING_MS: Final = "4000"


async def click_to_dial_answered(stage: Stage) -> Truth:
    """CTI rings the agent's phone, then the customer, who answers."""
    ann = await _agent_answers(stage)
    customer = await stage.carrier.rings()
    await asyncio.sleep(1)
    customer.answer()
    await hang_up(customer, ann, after_s=1.5)
    return Truth((_outbound(ann, customer, "answered", ended_by="customer"),))


async def click_to_dial_agent_hangs_up(stage: Stage) -> Truth:
    """As before, and the agent hangs up first."""
    ann = await _agent_answers(stage)
    customer = await stage.carrier.rings()
    await asyncio.sleep(1)
    customer.answer()
    await hang_up(ann, customer, after_s=1.5)
    return Truth((_outbound(ann, customer, "answered", ended_by="agent"),))


async def click_to_dial_busy(stage: Stage) -> Truth:
    """The customer's line is busy."""
    stage.carrier.refuse_with = 486
    ann = await _agent_answers(stage)
    await ann.until_over()
    return Truth((_outbound(ann, None, "busy", ended_by="pbx"),))


async def click_to_dial_wrong_number(stage: Stage) -> Truth:
    """The carrier says there is no such number (404)."""
    stage.carrier.refuse_with = 404
    ann = await _agent_answers(stage)
    await ann.until_over()
    return Truth((_outbound(ann, None, "failed", ended_by="pbx"),))


async def click_to_dial_not_answered(stage: Stage) -> Truth:
    """The customer does not answer in time."""
    ann = await _agent_answers(stage)
    customer = await stage.carrier.rings()
    await customer.until_over()
    await ann.until_over()
    return Truth((_outbound(ann, None, "no_answer", ended_by="pbx"),))


async def click_to_dial_agent_cancels(stage: Stage) -> Truth:
    """The agent hangs up while the customer's phone rings."""
    ann = await _agent_answers(stage)
    customer = await stage.carrier.rings()
    await hang_up(ann, customer, after_s=1.5)
    return Truth((_outbound(ann, None, "cancelled", ended_by="agent"),))


async def click_to_dial_agent_does_not_pick_up(stage: Stage) -> Truth:
    """The agent's own phone rings and is not picked up; the customer is never called."""
    await _originate(stage)
    ringing = await stage.agents["2001"].rings()
    await ringing.until_over()
    return Truth((TrueCall("outbound", "2001", OUTSIDE, "agent_no_answer", rang=("2001",), ended_by="pbx"),))


async def click_to_dial_agent_declines(stage: Stage) -> Truth:
    """The agent declines on the own phone; the customer is never called."""
    await _originate(stage)
    ringing = await stage.agents["2001"].rings()
    await asyncio.sleep(0.7)
    ringing.refuse(603)
    await asyncio.sleep(0.5)
    return Truth((TrueCall("outbound", "2001", OUTSIDE, "agent_no_answer", rang=("2001",), ended_by="agent"),))


async def click_to_dial_transferred(stage: Stage) -> Truth:
    """Click-to-dial, the customer answers, the agent's phone sends the customer (REFER) to 2002."""
    ann = await _agent_answers(stage)
    customer = await stage.carrier.rings()
    await asyncio.sleep(0.5)
    customer.answer()
    await asyncio.sleep(1)
    ann.transfer("2002")
    bob = await stage.agents["2002"].rings()
    await asyncio.sleep(0.7)
    bob.answer()
    ann.hang_up()
    await hang_up(customer, bob, after_s=1.5)
    return Truth(
        (_outbound(ann, customer, "answered", ended_by="customer", answered_by=("2001", "2002")),),
        "One blind transfer, 2001 to 2002.",
    )


async def dialler_customer_first(stage: Stage) -> Truth:
    """The customer is called first (Originate through a Local channel) and, having answered, meets the queue; an
    agent answers.
    """
    where = {"Channel": f"Local/{OUTSIDE}@cti-outbound", "Context": "cti-internal", "Exten": "3005", "Priority": "1"}
    await stage.commands.action("Originate", where | {"Timeout": RING_MS, "Async": "true", "CallerID": OUTSIDE})
    customer = await stage.carrier.rings()
    await asyncio.sleep(0.5)
    customer.answer()
    bob = await stage.agents["2002"].rings()
    await asyncio.sleep(0.7)
    bob.answer()
    await hang_up(customer, bob, after_s=1.5)
    talk: dict[str, Any] = {
        "wait_s": round(bob.answered_at - customer.began_at, 2),
        "talk_s": round(bob.ended_at - bob.answered_at, 2),
    }
    call = TrueCall(
        "outbound",
        "",
        OUTSIDE,
        "answered",
        "billing",
        answered_by=("2002",),
        rang=("2002",),
        ended_by="customer",
        **talk,
    )
    return Truth((call,))


async def outbound_dialled_at_the_phone(stage: Stage) -> Truth:
    """The agent dials the customer on the phone's own keys; answered."""
    ann = stage.agents["2001"].dial(OUTSIDE)
    customer = await stage.carrier.rings()
    await asyncio.sleep(1)
    customer.answer()
    await ann.until_answered()
    await hang_up(ann, customer, after_s=1.5)
    return Truth((_outbound(ann, customer, "answered", ended_by="agent", rang=()),))


async def outbound_dialled_at_the_phone_busy(stage: Stage) -> Truth:
    """The agent dials the customer on the phone's own keys; busy."""
    stage.carrier.refuse_with = 486
    ann = stage.agents["2001"].dial(OUTSIDE)
    await ann.until_over()
    return Truth((_outbound(ann, None, "busy", ended_by="pbx", rang=(), answered_by=()),))


async def internal_call(stage: Stage) -> Truth:
    """One agent calls another."""
    ann = stage.agents["2001"].dial("2002")
    bob = await stage.agents["2002"].rings()
    await asyncio.sleep(1)
    bob.answer()
    await ann.until_answered()
    await hang_up(ann, bob, after_s=1.5)
    talk: dict[str, Any] = {
        "wait_s": round(bob.answered_at - ann.began_at, 2),
        "talk_s": round(bob.ended_at - bob.answered_at, 2),
    }
    return Truth(
        (
            TrueCall(
                "internal", "2001", "2002", "answered", answered_by=("2002",), rang=("2002",), ended_by="agent", **talk
            ),
        )
    )


async def internal_call_not_answered(stage: Stage) -> Truth:
    """One agent calls another, who does not answer."""
    ann = stage.agents["2001"].dial("2002")
    bob = await stage.agents["2002"].rings()
    await bob.until_over()
    await ann.until_over()
    return Truth((TrueCall("internal", "2001", "2002", "no_answer", rang=("2002",), ended_by="pbx"),))


async def internal_call_to_a_queue(stage: Stage) -> Truth:
    """An agent calls a queue, as any colleague in the house might."""
    ann = stage.agents["2005"].dial("3005")
    bob = await stage.agents["2002"].rings()
    await asyncio.sleep(0.7)
    bob.answer()
    await hang_up(ann, bob, after_s=1.5)
    return Truth(
        (
            TrueCall(
                "internal",
                "2005",
                "3005",
                "answered",
                "billing",
                answered_by=("2002",),
                rang=("2002",),
                ended_by="caller",
            ),
        )
    )


async def _originate(stage: Stage) -> None:
    where = {"Channel": "PJSIP/2001", "Context": "cti-outbound", "Exten": OUTSIDE, "Priority": "1"}
    await stage.commands.action(
        "Originate", where | {"Timeout": RING_MS, "Async": "true", "CallerID": f'"{OUTSIDE}" <{OUTSIDE}>'}
    )


async def _agent_answers(stage: Stage) -> PhoneCall:
    """Click-to-dial begins: the agent's own phone rings and is picked up."""
    await _originate(stage)
    ann = await stage.agents["2001"].rings()
    await asyncio.sleep(0.5)
    ann.answer()
    return ann


def _outbound(
    ann: PhoneCall,
    customer: PhoneCall | None,
    outcome: str,
    *,
    ended_by: str,
    rang: tuple[str, ...] = ("2001",),
    answered_by: tuple[str, ...] = ("2001",),
) -> TrueCall:
    """A call from 2001 to the outside. Wait and talk count from the agent's pick-up and the customer's answer."""
    wait = round(customer.answered_at - ann.began_at, 2) if customer else None
    talk = round(customer.ended_at - customer.answered_at, 2) if customer else None
    return TrueCall(
        "outbound",
        "2001",
        OUTSIDE,
        outcome,
        answered_by=answered_by,
        rang=rang,
        ended_by=ended_by,
        wait_s=wait,
        talk_s=talk,
    )
