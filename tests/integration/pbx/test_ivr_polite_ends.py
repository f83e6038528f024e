"""What goes wrong in an IVR costs a caller the menu and nothing else: flows that cannot be used, sounds that are not there, a
customer system that is away, callers who say nothing, nonsense, or goodbye."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from cti.calls.call import Outcome
from cti.calls.journey import IvrOutcome, LeftBy
from cti.crm.connectors import CONNECTORS
from cti.crm.connectors.memory import MemoryConnector
from cti.crm.contact import ContactId, Match
from cti.errors import CrmUnavailable
from cti.ivr import flows as flow_files
from cti.numbers import Number
from tests.integration.pbx.ivr_house import BYE, CODE, PEOPLE, PIN, House, flow, house, meets, running, until_in_use
from tests.testbed.asterisk import Asterisk
from tests.testbed.phone import PhoneCall

pytestmark = pytest.mark.real_asterisk

SHORT = '[prompts]\nstd_enter_code = "Code."\nstd_enter_pin = "PIN."\nstd_no_input = "Nothing."\nstd_no_match = "No such key."\n'


@pytest.fixture(scope="module")
def pbx() -> Iterator[Asterisk]:
    yield from running("22")


def menu(prompt: str, tries: int = 1, wait_s: float = 20) -> str:
    """``prompt``: as it stands in TOML."""
    step = f"""
[steps.menu]
kind = "menu"
prompt = {prompt}
choices = {{ 1 = "people" }}
tries = {tries}
wait_s = {wait_s}
otherwise = "people"
"""
    return flow("menu", step, PEOPLE, head=SHORT)


IDENTIFY = flow(
    "who",
    """
[steps.who]
kind = "identify"
confirm = false
max = 5
found = "bye"
unknown = "bye"
unavailable = "people"
""",
    PEOPLE,
    BYE,
    head=SHORT,
)


async def straight_to_people(ivr: House) -> None:
    """As if nobody had been asked."""
    caller = await ivr.call()
    await meets(ivr)
    await caller.until_over()
    row = await ivr.service.row()
    assert (row.outcome, row.queue, row.journey) == (Outcome.ANSWERED, "support", None)


# ---- flows


async def test_a_flow_with_a_mistake_is_not_used_and_told(pbx: Asterisk, tmp_path: Path) -> None:
    wrong = menu('"Menu."').replace('start = "menu"', 'start = "menue"')
    async with house(pbx, tmp_path, {"bank": wrong}, state="degraded") as ivr:
        told = await until_in_use(ivr.service, "degraded")
        await straight_to_people(ivr)
    assert "bank.toml" in told
    assert "menue" in told


async def test_a_flow_broken_under_a_caller_is_the_old_one_until_it_is_mended(
    pbx: Asterisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow_files, "WATCH_S", 0.1)
    async with house(pbx, tmp_path, {"bank": menu('"Old."')}) as ivr:
        first = await ivr.call()
        await ivr.until_said("Old.")
        ivr.write("bank", "start = ")
        await until_in_use(ivr.service, "degraded")
        await reaches_people(ivr, first)
        second = await ivr.call()
        await ivr.until_said("Old.", times=2)
        ivr.write("bank", menu('"New."'))
        await until_in_use(ivr.service)
        await reaches_people(ivr, second)
        third = await ivr.call()
        await ivr.until_said("New.")
        await reaches_people(ivr, third)
        rows = await ivr.service.rows(3)
    assert {row.journey.outcome for row in rows if row.journey} == {IvrOutcome.TO_AGENT}


async def reaches_people(ivr: House, caller: PhoneCall) -> None:
    await caller.press("1")
    await meets(ivr)
    await caller.until_over()


# ---- sounds


async def test_without_a_speech_program_callers_go_straight_to_people(
    pbx: Asterisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    async with house(pbx, tmp_path, {"bank": menu('"Never said before."')}, state="degraded") as ivr:
        assert "espeak-ng" in await until_in_use(ivr.service, "degraded")
        await straight_to_people(ivr)


async def test_a_speech_program_that_goes_away_costs_a_caller_the_values(
    pbx: Asterisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = """
[steps.who]
kind = "identify"
confirm = false
found = "pin"
unknown = "bye"
[steps.pin]
kind = "authenticate"
next = "balance"
otherwise = "bye"
[steps.balance]
kind = "tell"
what = "balance"
prompt = "You owe {balance} at most."
next = "people"
unverified = "bye"
"""
    async with house(pbx, tmp_path, {"bank": flow("who", steps, PEOPLE, BYE, head=SHORT)}) as ivr:
        said_at_load = [await ivr.voice.sound(text, "en") for text in ("Code.", "PIN.", "You owe", "at most.")]
        assert all(said_at_load)
        caller = await ivr.call()
        await ivr.until_said("Code.")
        monkeypatch.setenv("PATH", str(tmp_path))
        await caller.press(f"{CODE}#")
        await ivr.until_said("PIN.")
        await caller.press(f"{PIN}#")
        await ivr.until_said("You owe")
        await ivr.until_said("at most.")
        await meets(ivr)
        await caller.until_over()
        journey = await ivr.ended_as(IvrOutcome.TO_AGENT, Outcome.ANSWERED)
    assert journey.steps[2].how is LeftBy.DONE


async def test_a_sound_the_pbx_does_not_have_is_passed_over(pbx: Asterisk, tmp_path: Path) -> None:
    async with house(pbx, tmp_path, {"bank": menu('{ sound = "custom/absent" }')}) as ivr:
        caller = await ivr.call()
        await ivr.until_logged("custom/absent")
        await reaches_people(ivr, caller)
        await ivr.ended_as(IvrOutcome.TO_AGENT, Outcome.ANSWERED)


async def test_a_missing_sound_is_found_before_a_caller_finds_it(pbx: Asterisk, tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    flows = {"bank": menu('{ sound = "custom/absent" }')}
    async with house(pbx, tmp_path, flows, state="degraded", sounds=(tmp_path / "sounds",)) as ivr:
        assert "custom/absent" in await until_in_use(ivr.service, "degraded")
        await straight_to_people(ivr)


# ---- the customer system


class Away(MemoryConnector):
    """A customer system that hangs, or says at once that it cannot. ``asked``: somebody has been looked for."""

    def __init__(self, *, hangs: bool) -> None:
        super().__init__(country="TW")
        self.asked = asyncio.Event()
        self._hangs = hangs

    async def find_by_code(self, code: str) -> tuple[Match, ...]:  # noqa: ARG002 - nobody is found
        return await self._away()

    async def find_by_number(self, number: Number) -> tuple[Match, ...]:  # noqa: ARG002
        return await self._away()

    async def pin_hash(self, contact: ContactId) -> str | None:  # noqa: ARG002
        await self._away()
        return None

    async def _away(self) -> tuple[Match, ...]:
        self.asked.set()
        if self._hangs:
            await asyncio.Event().wait()
        raise CrmUnavailable("no route to it")


@pytest.mark.parametrize("hangs", [True, False], ids=["hangs", "fails"])
async def test_a_customer_system_that_is_away_leads_to_people(
    pbx: Asterisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, hangs: bool
) -> None:
    monkeypatch.setitem(CONNECTORS, "own", lambda _: Away(hangs=hangs))
    async with house(pbx, tmp_path, {"bank": IDENTIFY}) as ivr:
        caller = await ivr.call()
        await ivr.until_said("Code.")
        await caller.press(CODE)
        await meets(ivr)
        await caller.until_over()
        journey = await ivr.ended_as(IvrOutcome.TO_AGENT, Outcome.ANSWERED)
    assert (journey.steps[0].how, journey.contact) == (LeftBy.UNAVAILABLE, "")


# ---- callers


@pytest.mark.parametrize(("key", "how"), [("", LeftBy.NO_INPUT), ("9", LeftBy.NO_MATCH)], ids=["silent", "nonsense"])
async def test_who_says_nothing_or_nonsense_all_along_reaches_people(
    pbx: Asterisk, tmp_path: Path, key: str, how: LeftBy
) -> None:
    async with house(pbx, tmp_path, {"bank": menu('"Menu."', tries=2, wait_s=0.5)}) as ivr:
        caller = await ivr.call()
        for times in (1, 2):
            await ivr.until_said("Menu.", times=times)
            await caller.press(key)
        await meets(ivr)
        await caller.until_over()
        journey = await ivr.ended_as(IvrOutcome.TO_AGENT, Outcome.ANSWERED)
    assert (journey.steps[0].how, journey.steps[0].failures) == (how, 2)


async def test_who_hangs_up_in_a_prompt_has_given_up_there(pbx: Asterisk, tmp_path: Path) -> None:
    async with house(pbx, tmp_path, {"bank": menu('"A menu that takes a while to be said to its end."')}) as ivr:
        caller = await ivr.call()
        await ivr.until_said("A menu that takes a while to be said to its end.")
        caller.hang_up()
        await gave_up(ivr, "menu")


async def test_who_hangs_up_while_keying_has_given_up_there(pbx: Asterisk, tmp_path: Path) -> None:
    async with house(pbx, tmp_path, {"bank": IDENTIFY}) as ivr:
        caller = await ivr.call()
        await ivr.until_said("Code.")
        await caller.press(CODE[:3])
        caller.hang_up()
        await gave_up(ivr, "who")


async def test_who_hangs_up_at_the_tone_has_left_no_message(pbx: Asterisk, tmp_path: Path) -> None:
    voicemail = '[steps.message]\nkind = "voicemail"\nprompt = "Speak."\nqueue = "support"\nnext = "bye"\n'
    async with house(pbx, tmp_path, {"bank": flow("message", voicemail, BYE)}) as ivr:
        caller = await ivr.call()
        await ivr.until_beep()
        caller.hang_up()
        await gave_up(ivr, "message")


async def test_who_hangs_up_while_they_are_looked_for_has_given_up_there(
    pbx: Asterisk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = Away(hangs=True)
    monkeypatch.setitem(CONNECTORS, "own", lambda _: hanging)
    async with house(pbx, tmp_path, {"bank": IDENTIFY}) as ivr:
        caller = await ivr.call()
        await ivr.until_said("Code.")
        hanging.asked.clear()
        await caller.press(CODE)
        await hanging.asked.wait()
        caller.hang_up()
        await gave_up(ivr, "who")


async def gave_up(ivr: House, step: str) -> None:
    journey = await ivr.ended_as(IvrOutcome.ABANDONED, Outcome.UNATTENDED)
    assert (journey.at_step, journey.steps[-1].how, journey.voicemail) == (step, LeftBy.HUNG_UP, "")
