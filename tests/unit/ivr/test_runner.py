"""The shell around a session: whole calls of callers who key by script, and everything that may go wrong in one."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, TypeVar

import pytest

from cti.calls.call import CallId, LegId, PbxName
from cti.calls.frozen import changed
from cti.calls.journey import (
    Identified,
    IvrEntered,
    IvrLeft,
    IvrOutcome,
    JourneyEvent,
    KnownBy,
    LeftBy,
    PinTried,
    StepLeft,
    VoicemailLeft,
)
from cti.crm.contact import Answer, Contact, ContactId, Unknown
from cti.errors import PbxUnavailable, SpeechUnavailable
from cti.ivr.flow import Flow
from cti.ivr.flow_file import load, parse
from cti.ivr.requests import Doing, Fetch, PinResult, QueueLoad, Unreachable, say
from cti.ivr.runner import CODE_VARIABLE, Ivr, World
from cti.ivr.speech import Speaker, TextOnly
from cti.ivr.step import Caller as Known
from cti.ivr.step import End, Next, Step, StepId
from cti.telephony.replay.voice import Act, Caller, QuickClock, ScriptedVoice, hang_up, press, speak
from cti.telephony.voice import KEYS, Asked, CallerGone, HangUp, Keys, SafePath, Sound, ToQueue
from tests.conftest import Canaries, LogLines
from tests.unit.ivr.playing import AMY, flow_of, found, one

pytestmark = pytest.mark.usefixtures("log_lines")
T = TypeVar("T")
PIN: Final = "739164"
BANK: Final = load(Path(__file__).parents[3] / "config/ivr/bank.toml")
TO_A_PERSON: Final = ("1", "88301#", "1", "3")
IDENTIFY: Final = 'kind = "identify"\nconfirm = false\nfound = "end"\nunknown = "end"'
TELL_NAME: Final = """start = "who"
[steps.who]
kind = "identify"
found = "end"
unknown = "end"
[steps.end]
kind = "to_queue"
queue = "support"
prompt = ""
"""
MESSAGE: Final = """start = "message"
[steps.message]
kind = "voicemail"
queue = "support"
next = "thanks"
[steps.thanks]
kind = "hang_up"
"""


class Mute(TextOnly):
    """Cannot say texts that hold one of these."""

    def __init__(self, *words: str) -> None:
        self.words = words

    async def sound(self, text: str, language: str) -> Sound:
        if any(word in text for word in self.words):
            raise SpeechUnavailable("espeak-ng is not installed")
        return await super().sound(text, language)


class LostVoice(ScriptedVoice):
    """The PBX is lost while this is said."""

    lost_on: str = ""

    async def play(self, sounds: Sequence[Sound], *, until: Keys = KEYS) -> str:
        if any(self.lost_on in sound.text for sound in sounds):
            raise PbxUnavailable("no answer within 5 s")
        return await super().play(sounds, until=until)


class Breaks(Step):
    """A kind of step with a mistake in it."""

    kind: Literal["breaks"] = "breaks"
    first_says: str = ""

    def run(self, caller: Known) -> Doing[Next | End]:
        if self.first_says:
            yield from say()
        raise ValueError(f"{caller.asked.ani}, {PIN}")


@dataclass(slots=True)
class House:
    """An IVR, what it is told by the world, and what it tells."""

    flow: Flow | None = BANK
    speech: Speaker = field(default_factory=TextOnly)
    told: list[JourneyEvent] = field(default_factory=list)
    told_at: list[Any] = field(default_factory=list)
    clock: QuickClock = field(default_factory=QuickClock)
    customers: Mapping[str, Answer] = field(default_factory=lambda: {AMY.code: found(AMY)})
    while_asked: Callable[[], Awaitable[None]] | None = None
    """What happens while the customer system is asked."""
    load: Any = field(default_factory=lambda: QueueLoad(0))
    ivr: Ivr = field(init=False)

    def __post_init__(self) -> None:
        self.ivr = Ivr(lambda _: self.flow, self.speech, self._world(), self._tell, clock=self.clock.now)

    def voice(
        self, *keys: str | Act, kind: type[ScriptedVoice] = ScriptedVoice, clock: QuickClock | None = None, **asked: Any
    ) -> ScriptedVoice:
        known: dict[str, Any] = {"pbx": PbxName("main"), "leg": LegId("1.1"), "ani": Canaries().number, "nonce": "n1"}
        return kind(Asked(**known | asked), Caller(keys), clock=clock or self.clock)

    async def call(self, *keys: str | Act, **asked: Any) -> ScriptedVoice:
        voice = self.voice(*keys, **asked)
        await self.ivr.serve(voice)
        assert not self.ivr.live
        return voice

    def of(self, kind: type[T]) -> list[T]:
        return [event for event in self.told if isinstance(event, kind)]

    @property
    def left(self) -> IvrLeft:
        (left,) = self.of(IvrLeft)
        assert left is self.told[-1]
        return left

    @property
    def path(self) -> list[str]:
        return [step.step for step in self.of(StepLeft)]

    def _tell(self, event: JourneyEvent) -> None:
        self.told.append(event)
        self.told_at.append(self.clock.now())

    def _world(self) -> World:
        async def find(_by: KnownBy, value: str) -> Answer:
            if self.while_asked:
                await self.while_asked()
            return self.customers.get(value, Unknown("nobody has it"))

        async def check(_contact: ContactId, keyed: str, _caller: str) -> PinResult:
            return PinResult.OK if keyed == PIN else PinResult.WRONG

        async def fetch(_request: Fetch) -> Unreachable:
            return Unreachable("nobody there")

        return World(
            find_customer=find, check_pin=check, fetch=fetch, queue_load=lambda _: self.load,
            call_of=lambda asked: CallId(f"{asked.pbx}-{asked.leg}"), zone="Asia/Taipei", recordings=PurePosixPath("/messages"),
        )  # fmt: skip


@pytest.fixture
def house() -> House:
    return House()


# ---- a whole call


async def test_a_whole_call_from_the_greeting_to_the_queue(house: House) -> None:
    voice = await house.call(*TO_A_PERSON)
    assert house.path == ["language", "greet", "code", "menu", "problem", "open", "how_busy", "support"]
    assert voice.story.left == ToQueue(queue="support")
    assert (house.left.outcome, house.left.to) == (IvrOutcome.TO_AGENT, "queue support")
    assert [event.nr for event in house.told] == list(range(1, len(house.told) + 1))


async def test_every_event_is_told_as_it_happens(house: House) -> None:
    """The agent's screen, and the picture of a call that is under way, do not wait for its end."""
    await house.call(*TO_A_PERSON)
    assert [event.at for event in house.told] == house.told_at
    assert len(set(house.told_at)) > 4


async def test_code_and_what_routing_goes_by_stay_on_the_channel_for_when_we_are_not_there(house: House) -> None:
    voice = await house.call(*TO_A_PERSON)
    assert voice.story.notes == {CODE_VARIABLE: "88301", "CTI_INTENT": "problem report", "CTI_SKILLS": "technical"}


async def test_a_code_that_cannot_be_sent_is_left_off_and_the_call_goes_on(house: House, log_lines: LogLines) -> None:
    house.customers = {"88301": found(replace(AMY, code="88\n301"))}
    voice = await house.call(*TO_A_PERSON)
    assert (voice.story.notes[CODE_VARIABLE], voice.story.left) == ("", ToQueue(queue="support"))
    assert [line["event"] for line in log_lines()] == ["ivr_note_unsendable"]


async def test_whoever_knows_the_menu_keys_ahead_and_hears_next_to_nothing(house: House) -> None:
    await house.call(press("1", on="For English", after_s=0.1), press("88301#13", on="Welcome", after_s=0.1))
    assert house.path == ["language", "greet", "code", "menu", "problem", "open", "how_busy", "support"]
    assert [step.choice for step in house.of(StepLeft) if step.kind == "menu"] == ["Problem"]
    assert max(step.at - step.entered_at for step in house.of(StepLeft)[2:]) < timedelta(seconds=2.5)


async def test_the_pbx_s_language_is_the_caller_s_where_the_flow_has_it(house: House) -> None:
    await house.call(hang_up(on="專人"), "2", language="zh-Hant")
    await House(house.flow, told=house.told).call(hang_up(on="For English"), language="de")
    assert [event.language for event in house.of(IvrEntered)] == ["zh-Hant", "en"]


async def test_a_line_without_a_flow_takes_the_safe_path_and_nothing_is_told() -> None:
    house = House(None)
    voice = await house.call()
    assert (voice.story.left, house.told, house.ivr.outcomes) == (SafePath(), [], {})


async def test_a_flow_that_asks_nothing_afterwards_hangs_up_and_tells_nothing() -> None:
    house = House(one('kind = "say"\nprompt = "Hello."\nnext = "end"'))
    voice = await house.call(is_after=True)
    assert (voice.story.left, voice.story.said, house.told) == (HangUp(), [], [])


async def test_afterwards_the_caller_is_asked_how_it_was(house: House) -> None:
    await house.call("5", is_after=True)
    assert house.path == ["survey", "goodbye"]
    assert house.of(IvrEntered)[0].is_after


@pytest.mark.parametrize("is_after", [False, True])
async def test_a_caller_who_has_gone_before_being_sent_on_is_no_mistake(is_after: bool, log_lines: LogLines) -> None:  # noqa: FBT001
    house = House(None)
    voice = house.voice(is_after=is_after)
    voice.does(hang_up(after_s=0))
    await house.ivr.serve(voice)
    assert (voice.story.left, log_lines()) == (None, [])


# ---- messages


async def test_a_message_is_kept_under_a_name_of_ours() -> None:
    house = House(flow_of(MESSAGE))
    voice = await house.call(speak(4.0, then="#"), leg="../../etc", ani="1", nonce="../n")
    (left,), (recorded,) = house.of(VoicemailLeft), voice.story.recorded
    assert recorded.file.parent == PurePosixPath("/messages")
    assert (left.file, left.length_s) == (f"{recorded.file.name}.wav", 4.0)
    assert recorded.file.name.isalnum()


@pytest.mark.parametrize(
    "breath", [speak(0.4, then="#"), speak(1.9)], ids=["a key", "silence, of which a second is kept"]
)
async def test_a_breath_is_no_message(breath: Act) -> None:
    house = House(flow_of(MESSAGE))
    await house.call(breath)
    assert house.of(VoicemailLeft) == []
    assert house.path == ["message", "thanks"]


# ---- callers who go


async def test_gone_while_something_is_said(house: House) -> None:
    voice = await house.call("1", hang_up(on="customer code", after_s=2))
    assert (house.left.outcome, house.left.step, voice.story.left) == (IvrOutcome.ABANDONED, "code", None)
    assert house.of(StepLeft)[-1].how is LeftBy.HUNG_UP


async def test_gone_instead_of_an_answer(house: House) -> None:
    await house.call("1", "88301#", "1", hang_up())
    assert (house.left.outcome, house.left.step) == (IvrOutcome.ABANDONED, "menu")


@pytest.mark.parametrize("flow", [BANK, one(IDENTIFY)], ids=["and asked further", "and would be sent on"])
async def test_gone_while_the_customer_system_is_asked(flow: Flow) -> None:
    house = House(flow)
    voice = house.voice(*(["1", "88301#"] if flow is BANK else ["88301#"]))

    async def going() -> None:
        voice.does(hang_up(after_s=1))
        await house.clock.sleep(3)

    house.while_asked = going
    await house.ivr.serve(voice)
    assert (house.left.outcome, house.left.at) == (IvrOutcome.ABANDONED, house.clock.now())
    assert (house.left.step, house.of(Identified), house.ivr.live) == ("code" if flow is BANK else "it", [], {})


async def test_gone_in_mid_message_and_the_message_is_kept() -> None:
    house = House(flow_of(MESSAGE))
    await house.call(speak(4.0, then_hang_up=True))
    assert [event.length_s for event in house.of(VoicemailLeft)] == [4.0]
    assert house.left.outcome is IvrOutcome.TO_AGENT


@pytest.mark.parametrize(
    ("came", "outcome", "reason"),
    [(CallerGone, IvrOutcome.ABANDONED, ""), (PbxUnavailable, IvrOutcome.FAILED, "pbx_lost")],
)
async def test_who_was_to_be_sent_on_and_did_not_come_there_is_not_told_to_have(
    house: House, came: type[Exception], outcome: IvrOutcome, reason: str
) -> None:
    class GoesLast(ScriptedVoice):
        async def leave(self, _to: object) -> None:
            raise came

    voice = house.voice(*TO_A_PERSON, kind=GoesLast)
    await house.ivr.serve(voice)
    assert (house.left.outcome, house.left.reason, house.left.to) == (outcome, reason, "")
    assert len(house.of(IvrLeft)) == 1


async def test_a_code_of_an_earlier_customer_does_not_stay_on_the_channel(house: House) -> None:
    flow = """
start = "first"
[steps.first]
kind = "identify"
confirm = false
found = "second"
unknown = "end"
[steps.second]
kind = "identify"
confirm = false
found = "end"
unknown = "end"
[steps.end]
kind = "hang_up"
"""
    house.flow = parse(flow, file=Path("two.toml"))
    house.customers = {"11": found(AMY), "22": found(replace(AMY, id=ContactId("other"), code=""))}
    voice = await house.call("11#", "22#")
    assert voice.story.notes == {CODE_VARIABLE: ""}


ROUND_AND_ROUND = """
start = "message"
[steps.message]
kind = "voicemail"
queue = "support"
next = "code"
[steps.code]
kind = "identify"
tries = 1
found = "end"
unknown = "message"
person = "end"
[steps.end]
kind = "hang_up"
"""


async def test_messages_and_codes_of_nobody_have_a_limit(house: House) -> None:
    asked = Counter[str]()

    async def count() -> None:
        asked["customers"] += 1

    house.flow, house.while_asked = parse(ROUND_AND_ROUND, file=Path("round.toml")), count
    await house.call(*(["9#"] * 12), "*")
    assert (len(house.of(VoicemailLeft)), asked["customers"]) == (3, 10)


async def test_what_turned_out_to_be_no_message_is_removed(house: House) -> None:
    gone: list[str] = []

    async def discard(name: str) -> None:
        gone.append(name)

    house.ivr._world = replace(house.ivr._world, discard=discard)
    house.flow = parse(ROUND_AND_ROUND, file=Path("round.toml"))
    voice = await house.call(speak(0.2, then="#"), "*")
    assert gone == [f"{voice.story.recorded[0].file.name}.wav"]


# ---- what goes wrong


async def test_a_pbx_that_is_lost_ends_the_journey_and_says_why(house: House, log_lines: LogLines) -> None:
    voice = house.voice("1", kind=LostVoice)
    voice.lost_on = "customer code"  # type: ignore[attr-defined]
    await house.ivr.serve(voice)
    assert (house.left.outcome, house.left.reason, house.left.step) == (IvrOutcome.FAILED, "pbx_lost", "code")
    assert [(line["event"], line["reason"]) for line in log_lines()] == [("ivr_pbx_lost", "no answer within 5 s")]
    assert not house.ivr.live


def _with(step: Step, name: str) -> Flow:
    return replace(BANK, steps={**BANK.steps, StepId(name): step})


@pytest.mark.parametrize("first_says", ["", "something"], ids=["at once", "in its midst"])
@pytest.mark.parametrize("name", ["language", "greet"], ids=["the first step", "a later one"])
async def test_a_step_that_breaks_costs_the_menu_and_nothing_else(
    name: str, first_says: str, log_lines: LogLines
) -> None:
    house = House(_with(Breaks(first_says=first_says), name))
    voice = await house.call("1")
    assert voice.story.left == SafePath()
    assert (house.left.outcome, house.left.reason, house.left.step) == (IvrOutcome.FAILED, "mistake_in_step", name)
    assert [(line["event"], line["step"]) for line in log_lines()] == [("ivr_step_failed", name)]
    assert Canaries().found_in(json.dumps(log_lines()).replace(PIN, "")) == []


async def test_a_step_that_gets_an_answer_of_another_kind_costs_the_menu_only(house: House) -> None:
    house.load = "three"
    voice = await house.call(*TO_A_PERSON)
    assert (voice.story.left, house.left.reason, house.left.step) == (SafePath(), "mistake_in_step", "how_busy")


async def test_a_world_that_breaks_its_word_costs_the_menu_only(house: House) -> None:
    async def breaks() -> None:
        raise KeyError("a mistake of ours")

    house.while_asked = breaks
    voice = await house.call(*TO_A_PERSON)
    assert (voice.story.left, house.left.reason) == (SafePath(), "mistake_in_step")


async def test_words_of_the_flow_that_cannot_be_said_send_the_caller_along_the_safe_path(log_lines: LogLines) -> None:
    house = House(speech=Mute("Welcome"))
    voice = await house.call("1")
    assert (voice.story.left, house.left.reason, house.left.step) == (SafePath(), "speech_unavailable", "greet")
    assert [(line["event"], line["level"]) for line in log_lines()] == [("ivr_speechless", "error")]


async def test_a_name_that_cannot_be_said_is_left_out_and_the_call_goes_on(log_lines: LogLines) -> None:
    house = House(flow_of(TELL_NAME), speech=Mute("A, L"))
    voice = await house.call("88301#", "1")
    assert voice.story.left == ToQueue(queue="support")
    assert voice.story.words[1:] == ["I have found the account of", ". If that is you, press 1. Otherwise press 2."]
    assert [line["event"] for line in log_lines()] == ["ivr_value_unspoken"]


async def test_a_service_that_stops_tells_it_and_leaves_the_caller_to_the_dialplan(house: House) -> None:
    asked = asyncio.Event()

    async def never() -> None:
        asked.set()
        await asyncio.Event().wait()

    house.while_asked = never
    voice = house.voice("1", "88301#")
    serving = asyncio.create_task(house.ivr.serve(voice))
    async with asyncio.timeout(5):
        await asked.wait()
        assert list(house.ivr.live.values())[0].step == "code"  # noqa: RUF015 - there is one
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
    assert (house.left.outcome, house.left.reason) == (IvrOutcome.FAILED, "service_stopped")
    assert (voice.story.left, house.ivr.live) == (None, {})


# ---- figures


async def test_outcomes_are_counted_by_flow(house: House) -> None:
    for keys in (TO_A_PERSON, TO_A_PERSON, ("1", hang_up())):
        await house.call(*keys)
    assert house.ivr.outcomes == {("bank", "to_agent"): 2, ("bank", "abandoned"): 1}


async def test_pins_are_counted_also_of_who_hangs_up_before_the_answer(house: House) -> None:
    """Or trying would be free for whoever is quick."""
    voice = house.voice("1", "88301#", "1", "1", f"{PIN}#")

    async def going(*_: str) -> PinResult:
        voice.does(hang_up(after_s=0))
        await house.clock.sleep(1)
        return PinResult.WRONG

    house.ivr._world = replace(house.ivr._world, check_pin=going)
    await house.ivr.serve(voice)
    assert [event.result for event in house.of(PinTried)] == ["wrong"]
    assert (house.ivr.pins, house.left.outcome) == ({"wrong": 1}, IvrOutcome.ABANDONED)


# ---- many at once


def _customers() -> Iterator[Contact]:
    return (Contact(id=ContactId(f"k{n}"), code=f"{70000 + n}", name=f"Name {n}") for n in range(50))


async def test_fifty_callers_at_once_do_not_mix() -> None:
    """All of them are asked about at the same moment; the first two have the same nonce, of two PBXs."""
    house = House(customers={who.code: found(who) for who in _customers()})
    together, live = asyncio.Barrier(50), list[int]()

    async def waits() -> None:
        live.append(len(house.ivr.live))
        await together.wait()

    house.while_asked = waits
    voices = [
        house.voice(
            "1", f"{who.code}#", "1", "3", clock=QuickClock(), leg=LegId(f"1.{n}"), nonce=f"n{max(n, 1)}", pbx=f"pbx{n % 2}"
        )
        for n, who in enumerate(_customers())
    ]  # fmt: skip
    async with asyncio.timeout(30):
        await asyncio.gather(*(house.ivr.serve(voice) for voice in voices))
    codes = {event.call: event.code for event in house.of(Identified)}
    assert codes == {f"{voice.asked.pbx}-{voice.asked.leg}": voice.story.notes[CODE_VARIABLE] for voice in voices}
    assert [voice.story.notes[CODE_VARIABLE] for voice in voices] == [who.code for who in _customers()]
    assert (max(live), house.ivr.live, house.ivr.outcomes) == (50, {}, {("bank", "to_agent"): 50})


# ---- secrets


async def test_no_secret_and_no_whole_number_is_in_a_log_or_an_event(
    house: House, canaries: Canaries, log_lines: LogLines
) -> None:
    assert canaries.pin == PIN
    house.customers = {"88301": found(replace(AMY, orders=()))}
    await house.call("1", "88301#", "1", "1", f"{PIN}#", "0")
    await House(_with(Breaks(), "order"), told=house.told).call("1", "88301#", "1", "1", f"{PIN}#")
    assert [event.result for event in house.of(PinTried)] == ["ok", "ok"]
    told = repr([changed(event, caller="") if isinstance(event, PinTried) else event for event in house.told])
    assert canaries.found_in(told) == []
    assert [line["event"] for line in log_lines()] == ["ivr_step_failed"]
