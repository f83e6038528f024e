"""Click-to-dial and hang-up, from REST through the service to a real Asterisk and back to the desktop."""

import asyncio

import pytest

from cti.calls.call import Outcome
from tests.integration.pbx.service import Service, on_22
from tests.testbed.story import Stage, connect

OUTSIDE = "0223334444"


async def test_click_to_dial_rings_the_agent_s_phone_first_and_hang_up_ends_it(stage: Stage, service: Service) -> None:
    async with service.screen() as ann:
        accepted = await ann.asks("POST", "/api/v1/calls", {"to": "02 2333 4444", "id": "dial-0001"})
        assert accepted["command"] == "dial-0001"
        agent = await stage.agents["2001"].rings()
        assert not stage.carrier.is_ringing
        agent.answer()
        customer = await stage.carrier.rings()
        await ann.hears("command", command="dial-0001", status="done")
        customer.answer()
        await service.until(lambda: service.calls and service.calls[0].state == "talking", "talking")

        await ann.asks("POST", f"/api/v1/calls/{service.calls[0].id}/actions/hangup", {"id": "end-0001"})
        await ann.hears("command", command="end-0001", status="done")
        await agent.until_over()
        await customer.until_over()
    row = await service.row()
    assert (row.direction, row.ani, row.dnis, row.agent, row.outcome) == (
        "outbound",
        "2001",
        OUTSIDE,
        "ann",
        Outcome.ANSWERED,
    )
    assert row.ended_by == "agent"


async def test_a_phone_that_declines_is_a_command_that_failed_in_the_pbx_s_words(
    stage: Stage, service: Service
) -> None:
    stage.agents["2001"].refuse_with = 486
    async with service.screen() as ann:
        await ann.asks("POST", "/api/v1/calls", {"to": OUTSIDE, "id": "dial-0001"})
        await ann.hears("command", command="dial-0001", status="failed", reason="User busy")


@on_22
async def test_an_agent_hangs_up_a_queue_call_and_is_who_ended_it(stage: Stage, service: Service) -> None:
    async with service.screen() as ann:
        caller, _ = await connect(stage)
        await service.until(lambda: service.calls and service.calls[0].state == "talking", "talking")
        await ann.asks("POST", f"/api/v1/calls/{service.calls[0].id}/actions/hangup", {"id": "end-0001"})
        await ann.hears("command", command="end-0001", status="done")
        await caller.until_over()
    row = await service.row()
    assert (row.outcome, row.ended_by, row.agent) == (Outcome.ANSWERED, "agent", "ann")


@on_22
async def test_a_call_is_nobody_else_s_to_hang_up(stage: Stage, service: Service) -> None:
    caller, _ = await connect(stage)
    await service.until(lambda: service.calls and service.calls[0].state == "talking", "talking")
    async with service.screen("bob") as bob:
        await bob.asks("POST", f"/api/v1/calls/{service.calls[0].id}/actions/hangup", {"id": "end-0001"}, status=403)
    assert not caller.is_over
    caller.hang_up()
    await service.row()


@pytest.mark.parametrize("to", ["abc", "+1 900 123 4567", "2002&PJSIP/trunk/0900"])
@on_22
async def test_what_may_not_be_called_is_refused_before_a_byte_is_sent(stage: Stage, service: Service, to: str) -> None:
    async with service.screen() as ann:
        await ann.asks("POST", "/api/v1/calls", {"to": to, "id": "dial-0001"}, status=400)
    assert await asyncio.to_thread(stage.pbx.is_idle)
