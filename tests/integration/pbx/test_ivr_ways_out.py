"""Where an IVR leads, on a real Asterisk: outside services, callbacks, messages, one person's phone, a number outside, and
the question afterwards how it was."""

import asyncio
import contextlib
import io
import wave
from array import array
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from cti.calls.call import Outcome
from cti.calls.journey import IvrOutcome, LeftBy
from tests.integration.pbx.ivr_house import BYE, PEOPLE, flow, house, meets, running
from tests.testbed.asterisk import Asterisk
from tests.testbed.story import CALLER
from tests.testbed.voice import SILENCE, TONE

pytestmark = pytest.mark.real_asterisk

WORDS = """
[prompts]
std_callback_offer = "Call back?"
std_callback_number = "Which number?"
std_callback_thanks = "Noted."
std_voicemail = "Speak."
std_voicemail_thanks = "Kept."
std_survey_5 = "How was it?"
std_thanks = "Thanks."
std_to_agent = "Wait."
"""
HESITATES_S = 1.0
LOUD = 1000
"""Of 32,767."""


@pytest.fixture(scope="module")
def pbx() -> Iterator[Asterisk]:
    yield from running("22")


# ---- services outside


@contextlib.asynccontextmanager
async def shop(asked: list[dict[str, Any]]) -> AsyncIterator[str]:
    """A service of the house, which knows one order; its origin. ``asked``: what it was asked."""

    async def order(request: web.Request) -> web.Response:
        asked.append(await request.json())
        return web.json_response({"order": {"status": "sent"}})

    app = web.Application()
    app.router.add_post("/orders/{order}", order)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    await runner.cleanup()


def asking(origin: str) -> str:
    steps = f"""
[steps.number]
kind = "collect"
prompt = "Order."
name = "order"
max = 5
next = "ask"
otherwise = "people"
[steps.ask]
kind = "http"
url = "{origin}/orders/{{order}}"
method = "POST"
send = {{ caller = "caller_number" }}
take = {{ state = "order.status" }}
next = "told"
otherwise = "people"
[steps.told]
kind = "say"
prompt = "It is {{state}}."
serves = true
next = "bye"
"""
    return flow("number", steps, PEOPLE, BYE)


async def test_a_service_of_the_house_is_asked_and_its_answer_told(pbx: Asterisk, tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []
    async with shop(asked) as origin, house(pbx, tmp_path, {"bank": asking(origin)}, services=(origin,)) as ivr:
        caller = await ivr.call()
        await ivr.until_said("Order.")
        await caller.press("88301")
        await caller.until_over()
        await ivr.ended_as(IvrOutcome.SELF_SERVED, Outcome.UNATTENDED)
        assert await ivr.said("sent") == 1
    assert asked == [{"caller": CALLER}]


async def test_a_service_nobody_allowed_is_not_asked_and_the_caller_goes_on(pbx: Asterisk, tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []
    async with shop(asked) as origin, house(pbx, tmp_path, {"bank": asking(origin)}) as ivr:
        caller = await ivr.call()
        await ivr.until_said("Order.")
        await caller.press("88301")
        await meets(ivr)
        await caller.until_over()
        journey = await ivr.ended_as(IvrOutcome.TO_AGENT, Outcome.ANSWERED)
    assert asked == []
    assert journey.steps[1].how is LeftBy.UNAVAILABLE


# ---- what is left behind


async def test_who_asks_to_be_called_back_is_in_the_list_and_has_not_given_up(pbx: Asterisk, tmp_path: Path) -> None:
    offer = """
[steps.back]
kind = "callback"
queue = "support"
next = "bye"
otherwise = "people"
"""
    async with (
        house(pbx, tmp_path, {"bank": flow("back", offer, PEOPLE, BYE, head=WORDS)}) as ivr,
        ivr.service.screen("ann") as ann,
    ):
        caller = await ivr.call()
        await ivr.until_said("Call back?")
        await caller.press("2")
        await ivr.until_said("Which number?")
        await caller.press("0223334444#")
        await caller.until_over()
        journey = await ivr.ended_as(IvrOutcome.TO_AGENT, Outcome.UNATTENDED)
        (wish,) = (await ann.asks("GET", "/api/v1/callbacks", status=200))["items"]
    assert (wish["number"], wish["queue"], wish["state"]) == ("0223334444", "support", "open")
    assert (journey.callback_number, journey.to) == ("0223334444", "callback")


async def test_a_message_is_kept_as_it_was_spoken_and_can_be_heard(pbx: Asterisk, tmp_path: Path) -> None:
    voicemail = """
[steps.message]
kind = "voicemail"
queue = "support"
next = "bye"
"""
    async with (
        house(pbx, tmp_path, {"bank": flow("message", voicemail, BYE, head=WORDS)}) as ivr,
        ivr.service.screen("ann") as ann,
    ):
        caller = await ivr.call()
        caller.voice.says = TONE
        await ivr.until_beep()
        await ivr.until_recorded(1.5)
        await caller.press("#")
        await caller.until_over()
        journey = await ivr.ended_as(IvrOutcome.TO_AGENT, Outcome.UNATTENDED)
        (message,) = (await ann.asks("GET", "/api/v1/voicemails", status=200))["items"]
        heard = await ann.browser.response("GET", f"/api/v1/voicemails/{message['id']}/audio")
        wav = await heard.read()
        kept = (ivr.recordings / message["file"]).read_bytes()
        assert await ivr.said("Kept.") == 1
    assert (heard.status, wav) == (200, kept)
    assert (message["queue"], message["number"], journey.voicemail) == ("support", CALLER, message["file"])
    length_s, peak = spoken_in(wav)
    assert length_s == pytest.approx(message["length_s"], abs=0.1)
    assert length_s >= 1.5
    assert peak > LOUD


async def test_who_hangs_up_in_mid_message_has_left_what_they_said(pbx: Asterisk, tmp_path: Path) -> None:
    voicemail = """
[steps.message]
kind = "voicemail"
queue = "support"
next = "bye"
"""
    async with (
        house(pbx, tmp_path, {"bank": flow("message", voicemail, BYE, head=WORDS)}) as ivr,
        ivr.service.screen("ann") as ann,
    ):
        caller = await ivr.call()
        caller.voice.says = TONE
        await ivr.until_beep()
        await ivr.until_recorded(1.5)
        caller.hang_up()
        journey = await ivr.ended_as(IvrOutcome.TO_AGENT, Outcome.UNATTENDED)
        (message,) = (await ann.asks("GET", "/api/v1/voicemails", status=200))["items"]
    assert journey.voicemail == message["file"]
    assert message["length_s"] >= 1


@pytest.mark.parametrize("keys", ["", "#"], ids=["silent", "a key during the tone"])
async def test_nothing_said_behind_the_tone_is_no_message(pbx: Asterisk, tmp_path: Path, keys: str) -> None:
    voicemail = """
[steps.message]
kind = "voicemail"
queue = "support"
silence_s = 2
next = "bye"
"""
    async with house(pbx, tmp_path, {"bank": flow("message", voicemail, BYE, head=WORDS)}) as ivr:
        caller = await ivr.call()
        assert caller.voice.says == SILENCE
        await ivr.until_beep()
        await caller.press(keys)
        await caller.until_over()
        _, journey = await ivr.told()
    assert (journey.voicemail, journey.steps[0].how, journey.outcome) == ("", LeftBy.NO_INPUT, IvrOutcome.SELF_SERVED)


def spoken_in(wav: bytes) -> tuple[float, int]:
    """Length in seconds, and the highest sample."""
    with wave.open(io.BytesIO(wav)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        samples = array("h", file.readframes(file.getnframes()))
    return len(samples) / 8000, max(map(abs, samples))


# ---- to somebody


async def test_the_agent_hangs_up_and_the_caller_says_how_it_was(pbx: Asterisk, tmp_path: Path) -> None:
    survey = """
[steps.survey]
kind = "survey"
next = "bye"
"""
    async with house(
        pbx, tmp_path, {"bank": flow("people", PEOPLE, survey, BYE, head=f'after = "survey"\n{WORDS}')}
    ) as ivr:
        caller = await ivr.call()
        ringing = await ivr.stage.agents["2001"].rings()
        ringing.answer()
        await ivr.service.until(lambda: any(call.state == "talking" for call in ivr.service.calls), "talking")
        ringing.hang_up()
        await ivr.until_said("How was it?")
        await asyncio.sleep(HESITATES_S)
        await caller.press("5")
        await caller.until_over()
        row, journey = await ivr.told()
    assert journey.ratings == (("satisfaction", 5, 5),)
    assert (journey.outcome, journey.at_step, journey.to) == (IvrOutcome.TO_AGENT, "people", "queue support")
    assert (row.outcome, row.agent) == (Outcome.ANSWERED, "ann")
    assert row.talk_s == pytest.approx(ringing.ended_at - ringing.answered_at, abs=HESITATES_S / 2)


TO_BOB = """
[steps.bob]
kind = "to_agent"
extension = "2002"
"""


async def test_one_person_is_asked_for_and_answers(pbx: Asterisk, tmp_path: Path) -> None:
    async with house(pbx, tmp_path, {"bank": flow("bob", TO_BOB, head=WORDS)}) as ivr, ivr.service.screen("bob") as bob:
        caller = await ivr.call()
        pop = await bob.hears("pop")
        assert [step["step"] for step in pop["call"]["journey"]["steps"]] == ["bob"]
        await meets(ivr, "2002")
        await caller.until_over()
        row, journey = await ivr.told()
    assert (row.outcome, row.agent, row.queue) == (Outcome.ANSWERED, "bob", "")
    assert journey.to == "agent 2002"


async def test_one_person_does_not_answer_and_the_queue_does(pbx: Asterisk, tmp_path: Path) -> None:
    async with house(pbx, tmp_path, {"bank": flow("bob", TO_BOB, head=WORDS)}) as ivr:
        caller = await ivr.call()
        unheard = await ivr.stage.agents["2002"].rings()
        await unheard.until_over()
        await meets(ivr, "2001")
        await caller.until_over()
        row, _ = await ivr.told()
    assert (row.outcome, row.agent, row.queue) == (Outcome.ANSWERED, "ann", "support")


async def test_a_number_outside_is_dialled_and_answers(pbx: Asterisk, tmp_path: Path) -> None:
    outside = """
[steps.outside]
kind = "to_number"
number = "0223334444"
"""
    async with house(pbx, tmp_path, {"bank": flow("outside", outside, head=WORDS)}) as ivr:
        caller = await ivr.call()
        answering = await ivr.stage.carrier.rings()
        answering.answer()
        await ivr.service.until(lambda: any(call.state == "talking" for call in ivr.service.calls), "talking")
        caller.hang_up()
        await answering.until_over()
        _, journey = await ivr.told()
    assert (journey.outcome, journey.to) == (IvrOutcome.TO_AGENT, "number 0223334444")


async def test_what_is_over_is_hung_up(pbx: Asterisk, tmp_path: Path) -> None:
    async with house(pbx, tmp_path, {"bank": flow("bye", BYE)}) as ivr:
        caller = await ivr.call()
        await caller.until_over()
        await ivr.ended_as(IvrOutcome.SELF_SERVED, Outcome.UNATTENDED)
        assert await ivr.said("Bye.") == 1
