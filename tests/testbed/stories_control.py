"""Stories told from the console: what the commands account makes of a call, by the actions and keys that the service sends.

Channel names are known beforehand, as in `stories_transfer.py`.
"""

import asyncio

from cti.telephony.asterisk import feature_codes
from tests.testbed.phone import PhoneCall
from tests.testbed.stories_transfer import AGENT_CHANNEL, CALLER_CHANNEL
from tests.testbed.story import Stage, Transfer, Truth, connect, hang_up, queued


async def consulted_and_back_by_command(stage: Stage) -> Truth:
    """The commands account begins a consultation (Atxfer) for 2001 with 2002, and ends it (CancelAtxfer): 2001 is back with
    the caller.
    """
    caller, ann, bob = await _consulting(stage)
    await _act(stage, "CancelAtxfer", Channel=AGENT_CHANNEL)
    await bob.until_over()
    await hang_up(caller, ann, after_s=1.5)
    return Truth((queued(caller, ann, answered_by=("2001",), rang=("2001", "2002"), ended_by="caller"),))


async def consulted_and_swapped_by_command(stage: Stage) -> Truth:
    """During a consultation the commands account swaps (keys) to the caller and back to 2002, then hands over."""
    caller, ann, bob = await _consulting(stage)
    for _ in range(2):
        await _keys(stage, feature_codes.SWAP)
        await asyncio.sleep(1)
    await _keys(stage, feature_codes.COMPLETE)
    await ann.until_over()
    await hang_up(caller, bob, after_s=1.5)
    return _with_bob(caller, ann, "attended")


async def three_way_by_command(stage: Stage) -> Truth:
    """During a consultation the commands account joins all three (keys); 2001 leaves, 2002 talks on."""
    caller, ann, bob = await _consulting(stage)
    await _keys(stage, feature_codes.THREE_WAY)
    await asyncio.sleep(1.5)
    ann.hang_up()
    await hang_up(caller, bob, after_s=1.5)
    return _with_bob(caller, ann, "conference")


async def held_by_the_pbx(stage: Stage) -> Truth:
    """The commands account puts the caller on hold for 2001 (keys of the phone's features) and takes the call back, twice."""
    caller, ann = await connect(stage)
    for _ in range(2):
        await _keys(stage, feature_codes.HOLD)
        await asyncio.sleep(1.2)
        await _keys(stage, feature_codes.RETRIEVE)
        await asyncio.sleep(0.8)
    await hang_up(caller, ann)
    return Truth((queued(caller, ann, answered_by=("2001",), rang=("2001",), holds=2, ended_by="caller"),))


async def hung_up_while_held_by_the_pbx(stage: Stage) -> Truth:
    """The agent hangs up while the PBX holds the caller for 2001; the caller is not left with the music."""
    caller, ann = await connect(stage)
    await _keys(stage, feature_codes.HOLD)
    await asyncio.sleep(1.2)
    ann.hang_up()
    await caller.until_over()
    return Truth((queued(caller, ann, answered_by=("2001",), rang=("2001",), holds=1, ended_by="agent"),))


async def recorded_by_command(stage: Stage) -> Truth:
    """A recording is begun (keys), paused, resumed (MixMonitorMute) and stopped (StopMixMonitor); another is begun, goes on
    with 2002 after a transfer, and ends with the call.
    """
    caller, ann = await connect(stage)
    await _keys(stage, feature_codes.RECORD)
    await asyncio.sleep(0.6)
    for state in ("1", "0"):
        await _act(stage, "MixMonitorMute", Channel=CALLER_CHANNEL, Direction="both", State=state)
        await asyncio.sleep(0.6)
    await _act(stage, "StopMixMonitor", Channel=CALLER_CHANNEL)
    await asyncio.sleep(0.6)
    await _keys(stage, feature_codes.RECORD)
    await asyncio.sleep(0.6)
    await _act(stage, "BlindTransfer", Channel=AGENT_CHANNEL, Context="cti-transfer", Exten="2002")
    bob = await _colleague(stage)
    await ann.until_over()
    await hang_up(caller, bob, after_s=1.5)
    return _with_bob(caller, ann, "blind")


async def parked_and_fetched_by_command(stage: Stage) -> Truth:
    """The commands account parks the caller and hangs 2001 up; it rings 2003 to fetch the call."""
    caller, ann = await connect(stage)
    await _act(stage, "Park", Channel=CALLER_CHANNEL, TimeoutChannel=AGENT_CHANNEL)
    await _act(stage, "Hangup", Channel=AGENT_CHANNEL)
    await ann.until_over()
    await asyncio.sleep(0.6)
    ring = {"Context": "parkedcalls", "Exten": "701", "Priority": "1", "Async": "true", "Timeout": "10000"}
    await _act(stage, "Originate", Channel="PJSIP/2003", **ring)
    cho = await _colleague(stage, "2003")
    await hang_up(caller, cho, after_s=1.5)
    moved = (Transfer("parked", "2001", "2003"),)
    return Truth(
        (queued(caller, ann, answered_by=("2001", "2003"), rang=("2001", "2003"), ended_by="caller", transfers=moved),)
    )


async def _consulting(stage: Stage) -> tuple[PhoneCall, PhoneCall, PhoneCall]:
    caller, ann = await connect(stage)
    await _act(stage, "Atxfer", Channel=AGENT_CHANNEL, Context="cti-transfer", Exten="2002")
    bob = await _colleague(stage)
    await asyncio.sleep(1)
    return caller, ann, bob


async def _colleague(stage: Stage, number: str = "2002") -> PhoneCall:
    ringing = await stage.agents[number].rings()
    await asyncio.sleep(0.7)
    ringing.answer()
    return ringing


async def _keys(stage: Stage, code: str) -> None:
    """As if 2001's phone had sent them."""
    for key in code:
        await _act(stage, "PlayDTMF", Channel=AGENT_CHANNEL, Digit=key, Receive="true")


async def _act(stage: Stage, name: str, **headers: str) -> None:
    answer = await stage.commands.action(name, headers)
    assert "Response: Success" in answer, answer


def _with_bob(caller: PhoneCall, ann: PhoneCall, kind: str) -> Truth:
    people = ("2001", "2002")
    moved = (Transfer(kind, "2001", "2002"),)
    return Truth((queued(caller, ann, answered_by=people, rang=people, ended_by="caller", transfers=moved),))
