"""Phones that send nothing while nobody speaks: muted, with silence suppression. Asterisk waits for packets of theirs before it
goes on with some of what an agent asked for; the customer must not be left with music for that.
"""

import asyncio
from typing import Final

from cti.calls.call import CallState, Recording
from cti.telephony.commands import Consult, Hold, Record, RecordingStep, Retrieve
from tests.integration.pbx.service import on_22
from tests.integration.pbx.test_call_control import Desk, desk, done, failed, talking
from tests.testbed.story import Stage

__all__ = ["desk"]
BACK_S: Final = 40.0
"""Twenty until the command fails, and as long for Asterisk to give up by itself."""


@on_22
async def test_what_needs_no_prompt_works_and_a_consultation_that_does_not_come_about_leaves_the_customer_with_the_agent(
    stage: Stage, desk: Desk
) -> None:
    caller, _ = await talking(stage, desk)
    stage.agents["2001"].is_silent = True
    assert done(await desk.does(Hold))
    assert done(await desk.does(Retrieve))
    assert done(await desk.does(Record, step=RecordingStep.START))
    assert desk.call.recording is Recording.ON
    assert failed(await desk.does(Consult, to="2002")) == "timeout"
    async with asyncio.timeout(BACK_S):
        while desk.call.state is not CallState.TALKING:
            desk._grown.clear()
            await desk._grown.wait()
    assert not caller.is_over
    assert not stage.agents["2002"].is_ringing
    caller.hang_up()
    await desk.until(lambda: not desk.link.calls, "over")
