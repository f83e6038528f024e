"""Stories of what callers claim to be: no number, other scripts, hostile names. What they send is written by
strangers.
"""

import asyncio
from typing import Final
from urllib.parse import quote

from tests.testbed.phone import PhoneCall
from tests.testbed.story import SUPPORT, Stage, TrueCall, Truth, connect, hang_up, queued

NOT_CLEANED: Final = "0800100700"
HOSTILE_NAMES: Final = {
    "markup": "<script>alert(1)</script>",
    "right_to_left": "\u202egnp.exe\u202c",
    "quotes": "Robert\\\"); DROP TABLE calls;-- '",
    "formula": "=HYPERLINK(0)+@cmd",
    "long": "A" * 80,
    "escapes": "\x1b[31mred\x07 50% ${EPOCH} $[1+1]",
}


async def anonymous_caller(stage: Stage) -> Truth:
    """A caller who hides the number."""
    caller = stage.caller(from_header='"Anonymous" <sip:anonymous@anonymous.invalid>')
    return await _answered(
        stage,
        caller,
        SUPPORT,
        ani="",
        name="Anonymous",
        note="The caller sent no number; the dialplan's FILTER makes `anonymous` empty.",
    )


async def chinese_caller_name(stage: Stage) -> Truth:
    """A caller whose name is written in Chinese."""
    return await _answered(stage, stage.caller(name="王小明"), SUPPORT, name="王小明")


async def hostile_caller_names(stage: Stage) -> Truth:
    """Six callers one after the other, each with a name meant to break something."""
    calls: list[TrueCall] = []
    for name in HOSTILE_NAMES.values():
        truth = await _answered(stage, stage.caller(name=name.replace('\\"', '\\"')), SUPPORT, name=name)
        calls += truth.calls
    return Truth(tuple(calls), "Names as sent in SIP; the dialplan takes control characters out.")


async def hostile_caller_number_cleaned(stage: Stage) -> Truth:
    """The number holds an escaped line break and a made-up AMI header; the shipped dialplan cleans it."""
    return await _answered(stage, _injector(stage, SUPPORT), SUPPORT, ani="0912345678", note=INJECTION_NOTE)


async def hostile_caller_number_not_cleaned(stage: Stage) -> Truth:
    """The same against a dialplan that does not clean the number."""
    return await _answered(stage, _injector(stage, NOT_CLEANED), NOT_CLEANED, ani="0912345678", note=INJECTION_NOTE)


async def hostile_caller_number_forges_an_event(stage: Stage) -> Truth:
    """A caller talks; two others' numbers hold a whole made-up Hangup event for the first one's channel. The first
    talks on.
    """
    first, ann = await connect(stage)
    forged = f"09\r\n\r\nEvent: Hangup\r\nUniqueid: {await _first_uniqueid(stage)}\r\n"
    numbers = (f"{forged}X: y", f"{forged}\r\nX: y")
    calls = [await _forger(stage, number) for number in numbers]
    await hang_up(first, ann, after_s=0.7)
    talked_on = queued(first, ann, answered_by=("2001",), rang=("2001",), ended_by="caller")
    return Truth((talked_on, *calls), f"The numbers sent were {numbers!r}. The second makes a clean block of its own.")


async def _forger(stage: Stage, number: str) -> TrueCall:
    caller = stage.caller(NOT_CLEANED, from_header=f'"x" <sip:{quote(number, safe="")}@127.0.0.1:{stage.carrier.port}>')
    bob = await stage.agents["2002"].rings()
    bob.answer()
    await hang_up(caller, bob)
    return queued(caller, bob, dnis=NOT_CLEANED, ani="09", answered_by=("2002",), rang=("2002",), ended_by="caller")


async def _first_uniqueid(stage: Stage) -> str:
    """Of the first caller's channel. A stranger can guess it: the second in which the call began, and a small
    number.
    """
    line = await stage.cli("core show channel PJSIP/trunk-00000000")
    return next(text.split(": ")[1].strip() for text in line.splitlines() if "UniqueID" in text)


INJECTION_NOTE: Final = (
    "From: sip:0912345678%0d%0aEvent%3A%20Hangup%0d%0aX%3A%20y@127.0.0.1. "
    "A decoder must not see an Event: Hangup made of it."
)


def _injector(stage: Stage, dnis: str) -> PhoneCall:
    return stage.caller(
        dnis, from_header=f'"x" <sip:0912345678%0d%0aEvent%3A%20Hangup%0d%0aX%3A%20y@127.0.0.1:{stage.carrier.port}>'
    )


async def _answered(stage: Stage, caller: PhoneCall, dnis: str, *, note: str = "", **more: str) -> Truth:
    agent = await stage.agents["2001"].rings()
    await asyncio.sleep(0.3)
    agent.answer()
    await asyncio.sleep(0.7)
    caller.hang_up()
    await agent.until_over()
    await asyncio.sleep(0.3)
    return Truth(
        (queued(caller, agent, dnis=dnis, answered_by=("2001",), rang=("2001",), ended_by="caller", **more),), note
    )
