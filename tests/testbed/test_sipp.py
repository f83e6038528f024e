"""SIPp's scenarios against a real Asterisk: each must go as written, and Asterisk's own log must say the same."""

from pathlib import Path

import pytest

from tests.testbed import sipp
from tests.testbed.asterisk import Asterisk
from tests.testbed.fixtures import require
from tests.testbed.sipp import HangUp, Hold, Press, Sipp, Transfer, Wait

SUPPORT = "0800100100"
DIRECT = "0800100500"


@pytest.fixture
def pbx(asterisk: Asterisk) -> Asterisk:
    require("sipp")
    return asterisk


def caller(pbx: Asterisk, *steps: sipp.Step, dnis: str = SUPPORT, name: str = "Wang") -> Sipp:
    return Sipp(sipp.caller(*steps), pbx.ports.sip, rows=[("0912345678", name, dnis)])


def agent(pbx: Asterisk, scenario: str, number: str = "2001") -> Sipp:
    return Sipp(scenario, pbx.ports.sip, pbx.ports.agents[number])


def last_words(queue_log: Path) -> list[str]:
    """The events of the last call in the queue_log."""
    lines = [line.split("|") for line in queue_log.read_text().splitlines()]
    return [line[4] for line in lines if line[1] == lines[-1][1]]


async def test_caller_hangs_up(pbx: Asterisk) -> None:
    async with agent(pbx, sipp.agent(ring_s=0.5)) as ann, caller(pbx, Wait(2), HangUp()) as wang:
        assert [await wang.wait(), await ann.wait()] == [0, 0], wang.errors() + ann.errors()
    assert last_words(pbx.queue_log) == ["ENTERQUEUE", "CONNECT", "COMPLETECALLER"]


async def test_agent_holds_retrieves_and_hangs_up(pbx: Asterisk) -> None:
    steps = (Wait(0.5), Hold(), Wait(0.5), Hold(retrieve=True), Wait(0.5), HangUp())
    async with agent(pbx, sipp.agent(*steps, ring_s=0.5)) as ann, caller(pbx) as wang:
        assert [await wang.wait(), await ann.wait()] == [0, 0], wang.errors() + ann.errors()
    assert last_words(pbx.queue_log) == ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT"]


async def test_first_agent_declines_second_answers(pbx: Asterisk) -> None:
    async with (
        agent(pbx, sipp.declining_agent(603)) as ann,
        agent(pbx, sipp.agent(ring_s=0.2), "2002") as bob,
        caller(pbx, Wait(3), HangUp()) as wang,
    ):
        assert [await wang.wait(), await ann.wait(), await bob.wait()] == [0, 0, 0], ann.errors()
    assert "RINGNOANSWER" in last_words(pbx.queue_log)


async def test_first_agent_lets_it_ring(pbx: Asterisk) -> None:
    async with (
        agent(pbx, sipp.silent_agent()) as ann,
        agent(pbx, sipp.agent(ring_s=0.2), "2002") as bob,
        caller(pbx, Wait(6), HangUp()) as wang,
    ):
        assert [await wang.wait(), await ann.wait(), await bob.wait()] == [0, 0, 0], ann.errors()
    assert "CONNECT" in last_words(pbx.queue_log)


async def test_blind_transfer_by_refer(pbx: Asterisk) -> None:
    steps = (Wait(0.5), Transfer("2002"))
    async with (
        agent(pbx, sipp.agent(*steps, ring_s=0.2)) as ann,
        agent(pbx, sipp.agent(ring_s=0.2), "2002") as bob,
        caller(pbx, Wait(3), HangUp()) as wang,
    ):
        assert [await wang.wait(), await bob.wait(), await ann.wait()] == [0, 0, 0], (
            wang.errors() + bob.errors() + ann.errors()
        )
    assert "BLINDTRANSFER" in last_words(pbx.queue_log)


async def test_caller_presses_keys(pbx: Asterisk) -> None:
    """Key 0 leads out of the queue."""
    async with (
        agent(pbx, sipp.silent_agent()) as ann,
        caller(pbx, Wait(1), Press("0"), sipp.AwaitHangUp(), dnis="0800100400") as wang,
    ):
        assert [await wang.wait(), await ann.wait()] == [0, 0], wang.errors() + ann.errors()
    assert last_words(pbx.queue_log)[-1] == "EXITWITHKEY"


async def test_phone_forwards(pbx: Asterisk) -> None:
    async with (
        agent(pbx, sipp.forwarding_agent("2003")) as ann,
        agent(pbx, sipp.agent(ring_s=0.2), "2003") as cho,
        caller(pbx, Wait(2), HangUp(), dnis=DIRECT) as wang,
    ):
        assert [await wang.wait(), await ann.wait(), await cho.wait()] == [0, 0, 0], (
            wang.errors() + ann.errors() + cho.errors()
        )


async def test_many_callers_at_once(pbx: Asterisk) -> None:
    rows = [(f"09{number:08}", "王小明", "0800100900") for number in range(20)]
    async with Sipp(sipp.caller(Wait(1), HangUp()), pbx.ports.sip, rows=rows, calls=20, rate=20) as callers:
        assert await callers.wait() == 0, callers.errors()
