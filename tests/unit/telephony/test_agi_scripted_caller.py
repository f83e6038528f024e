"""The caller in memory: what a script means, in whose time. That it is a ``VoiceChannel`` the contract suite holds."""

import asyncio
from pathlib import PurePosixPath

import pytest

from cti.errors import StateMisuse
from cti.telephony.replay.voice import Act, Caller, QuickClock, ScriptedVoice, WallClock, hang_up, press, speak
from cti.telephony.voice import CallerGone, HangUp, Sound
from tests.unit.telephony.fake_agi import asked

WELCOME = Sound("cti/welcome", "Welcome. For billing press one.")
CODE = Sound("cti/code", "Please key your customer code.")


def voice_of(*keys: str | Act) -> tuple[ScriptedVoice, QuickClock]:
    clock = QuickClock()
    return ScriptedVoice(asked(), Caller(keys), clock=clock), clock


async def answer(voice: ScriptedVoice, prompt: Sound, most: int = 9, within_s: float = 3) -> str:
    """A question as a flow asks it: the prompt, then keys until one says so or none comes."""
    keys = await voice.play([prompt])
    while len(keys) < most and not keys.endswith("#"):
        key = await voice.key(within_s=within_s)
        if not key:
            break
        keys += key
    return keys


async def test_each_entry_answers_one_question() -> None:
    voice, _ = voice_of("1", "4711#")
    assert await answer(voice, WELCOME, most=1) == "1"
    assert await answer(voice, CODE) == "4711#"
    assert await answer(voice, CODE) == ""


async def test_an_empty_entry_says_nothing_to_one_question() -> None:
    voice, clock = voice_of("", "2")
    assert await answer(voice, WELCOME, most=1) == ""
    assert clock.seconds() > 3
    assert await answer(voice, WELCOME, most=1) == "2"


async def test_an_answer_that_is_too_short_is_not_filled_up_from_the_next() -> None:
    voice, _ = voice_of("47", "1")
    assert await answer(voice, CODE) == "47"
    assert await answer(voice, WELCOME, most=1) == "1"


async def test_who_knows_the_menu_does_not_wait_for_it() -> None:
    voice, clock = voice_of(press("14711#", on="billing", after_s=0.2))
    assert await answer(voice, WELCOME, most=1) == "1"
    assert clock.seconds() == pytest.approx(0.2)
    assert await answer(voice, CODE) == "4711#"
    assert clock.seconds() == pytest.approx(0.2 + 5 * 0.25)


async def test_an_entry_for_a_prompt_waits_for_that_prompt() -> None:
    voice, _ = voice_of(press("7", on="cti/code"), "1")
    assert await answer(voice, WELCOME, most=1) == ""
    assert await answer(voice, CODE, most=1) == "7"
    assert await answer(voice, WELCOME, most=1) == "1"


async def test_what_is_begun_while_something_else_is_under_way_comes_in_its_time() -> None:
    voice, _ = voice_of()
    voice.does(press("1", after_s=0.9))
    voice.does(press("2", after_s=0.3))
    assert await answer(voice, WELCOME) == "21"


async def test_gone_while_that_is_said() -> None:
    voice, clock = voice_of("1", hang_up(on="customer code", after_s=1))
    await answer(voice, WELCOME, most=1)
    before_s = clock.seconds()
    with pytest.raises(CallerGone):
        await answer(voice, CODE)
    assert clock.seconds() - before_s == pytest.approx(1)
    assert voice.story.is_gone
    assert voice.story.words == [WELCOME.text, CODE.text]


async def test_gone_when_asked() -> None:
    voice, _ = voice_of(hang_up())
    with pytest.raises(CallerGone):
        await answer(voice, WELCOME)


async def test_a_message() -> None:
    voice, clock = voice_of(speak(4.0))
    recorded = await voice.record(PurePosixPath("m"), max_s=60, silence_s=3)
    assert (recorded.length_s, recorded.how, clock.seconds()) == (4.0, "silence", 7.0)
    assert voice.story.recorded == [recorded]


async def test_the_story_tells_where_the_caller_was_left() -> None:
    voice, _ = voice_of()
    await voice.note("CTI_CUSTOMER_CODE", "4711")
    await voice.leave(HangUp())
    assert voice.story.notes == {"CTI_CUSTOMER_CODE": "4711"}
    assert voice.story.left == HangUp()
    with pytest.raises(StateMisuse):
        await voice.play([WELCOME])


async def test_who_watches_hears_and_sees_it_in_order() -> None:
    watched: list[Sound | str] = []
    voice = ScriptedVoice(asked(), Caller(["12"]), clock=QuickClock(), listener=watched.append)
    await answer(voice, WELCOME, most=2)
    assert watched == [WELCOME, "1", "2"]


async def test_it_also_runs_in_real_time() -> None:
    voice = ScriptedVoice(asked(), Caller([press("3", after_s=0.01)]), clock=WallClock(), length_s=lambda _sound: 0.01)
    async with asyncio.timeout(5):
        assert await answer(voice, WELCOME, most=1) == "3"
        assert await answer(voice, WELCOME, within_s=0.01) == ""
