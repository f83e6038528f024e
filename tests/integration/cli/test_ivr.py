"""``cti ivr``: a flow checked, drawn and played, as somebody who writes one would."""

import asyncio
import json
import os
import pty
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from cti.crm.pin import hash_pin
from cti.envelope import decode
from cti.journeys import journey_of
from cti.store import customers, schema
from cti.store.database import Database
from cti.store.demo_customers import demo_customers
from tests.integration.cli.conftest import CTI, Said

ROOT = Path(__file__).parents[3]
FLOWS = ROOT / "config/ivr"
PAGE = (ROOT / "docs/how-to/write-an-ivr-flow.md").read_text(encoding="utf-8")
PIN = "739164"
SOUND = 'start = "a"\n[steps.a]\nkind = "hang_up"\nprompt = { sound = "custom/bye" }\n'

Ivr = Callable[..., Any]


@pytest.fixture
def ivr(tmp_path: Path) -> Ivr:
    """``cti ivr``, in an empty folder with the shipped flows; ``typed`` comes in by a pipe."""

    async def run(*arguments: str, typed: str = "", **environment: str) -> Said:
        process = await asyncio.create_subprocess_exec(
            CTI, "ivr", *arguments, cwd=tmp_path, env=_environment(tmp_path) | environment,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        async with asyncio.timeout(60):
            out, err = await process.communicate(typed.encode())
        return Said(process.returncode or 0, out.decode(), err.decode())

    return run


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"], "HOME": str(folder), "CTI_IVR__FLOWS": str(FLOWS), "CTI_IVR__SOUNDS": "[]",
        "CTI_DATABASE__URL": f"sqlite:///{folder}/cti.db",
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Amy:
    code: str
    name: str


@pytest.fixture
async def amy(tmp_path: Path) -> Amy:
    """A customer with a PIN."""
    url = f"sqlite:///{tmp_path}/cti.db"
    await schema.make_ready(url)
    database = Database(url)
    (one,) = demo_customers(1)
    await customers.put_customers(database, [one], country="TW")
    await customers.set_pin(database, one.id, hash_pin(PIN), at=datetime.now(UTC))
    await database.close()
    return Amy(one.code, one.name)


# ---- check


async def test_flows_in_order_are_counted(ivr: Ivr) -> None:
    said = await ivr("check", "shop")
    assert (said.code, said.out, said.err) == (0, "shop: 4 steps, 1 language, 6 texts; ok\n", "")


async def test_all_flows_of_the_folder_are_checked_where_none_is_named(ivr: Ivr) -> None:
    said = await ivr("check")
    assert [line.split(":")[0] for line in said.out.splitlines()] == sorted(file.stem for file in FLOWS.glob("*.toml"))


async def test_every_mistake_is_told_and_the_others_are_checked_too(ivr: Ivr, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('start = "a"\n[steps.b]\nkind = "oops"\n[steps.c]\nkind = "hang_up"\nnext = "a"\n')
    said = await ivr("check", str(file), "shop")
    assert said.code == 2
    assert said.err.splitlines() == [
        f"cti: {file}:1: start: leads to a, and there is no such step",
        f"cti: {file}:3: steps.b.kind: there is no kind oops",
        f"cti: {file}:6: steps.c.next: no such key",
    ]
    assert said.out.startswith("shop: ")


async def test_what_callers_would_not_hear_is_told(ivr: Ivr, tmp_path: Path) -> None:
    said = await ivr("check", "shop", PATH=str(tmp_path))
    assert said.code == 2
    assert "6 texts cannot be spoken: espeak-ng is not installed: `apt install espeak-ng`" in said.err


async def test_a_language_without_a_voice_and_a_text_without_end_are_told(ivr: Ivr, tmp_path: Path) -> None:
    say = f'[steps.a]\nkind = "hang_up"\nprompt = {{ fr = "Bonjour.", en = "{"long " * 101}" }}\n'
    (tmp_path / "mine.toml").write_text(f'start = "a"\nlanguages = ["fr", "en"]\n{say}')
    said = await ivr("check", "mine.toml")
    no_voice = 'there is no voice for fr; set voices = { fr = "fr" } under [ivr], or another of `espeak-ng --voices`'
    assert said.err.splitlines() == [
        f'cti: mine.toml: prompts: "Bonjour." cannot be spoken: {no_voice}',
        'cti: mine.toml: prompts: "long long long long long long long [...]" cannot be spoken: it is longer than 500 signs',
    ]


async def test_a_sound_that_the_pbx_lacks_is_told(ivr: Ivr, tmp_path: Path) -> None:
    sounds = tmp_path / "sounds"
    (sounds / "en").mkdir(parents=True)
    (sounds / "en" / "there.gsm").write_bytes(b"")
    file = tmp_path / "mine.toml"
    prompts = 'a = { sound = "there" }\nb = { sound = "missing" }\n'
    say = '[steps.a]\nkind = "say"\nprompt = "a"\nnext = "b"\n[steps.b]\nkind = "hang_up"\nprompt = "b"\n'
    file.write_text(f'start = "a"\n[prompts]\n{prompts}{say}')
    said = await ivr("check", "mine.toml", CTI_IVR__SOUNDS=json.dumps([str(sounds)]))
    assert said.err == "cti: mine.toml:11: steps.b.prompt: the PBX has no sound missing\n"


async def test_sounds_that_were_not_looked_for_are_told_and_are_no_mistake(ivr: Ivr, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(SOUND)
    said = await ivr("check", "mine.toml")
    words = "1 sound not looked for: no folder of ivr.sounds is here"
    assert (said.code, said.err) == (0, f"cti: mine.toml: warning: {words}\n")


async def test_a_queue_that_the_settings_do_not_have_is_told_and_is_no_mistake(ivr: Ivr, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('start = "a"\n[steps.a]\nkind = "to_queue"\nqueue = "suport"\n')
    (tmp_path / "cti.toml").write_text('[queues.support]\nlabel = "Support"\n')
    said = await ivr("check", "mine.toml", "--config", "cti.toml")
    words = "steps.a.queue: suport is none of [queues]; did you mean support?"
    assert (said.code, said.err) == (0, f"cti: mine.toml: warning: {words}\n")
    (told,) = map(json.loads, (await ivr("check", "mine.toml", "--config", "cti.toml", "--json")).out.splitlines())
    assert (told["ok"], told["warnings"]) == (True, [words])


async def test_a_line_whose_flow_is_not_there_is_a_mistake(ivr: Ivr, tmp_path: Path) -> None:
    (tmp_path / "cti.toml").write_text('[ivr]\nflow = "bank"\nlines = { "0800" = "shopp", "0801" = "" }\n')
    said = await ivr("check", "--config", "cti.toml")
    missing = f"ivr.lines.0800: there is no flow shopp in {FLOWS}; did you mean shop?"
    assert (said.code, [line for line in said.err.splitlines() if "warning" not in line]) == (2, [f"cti: {missing}"])
    assert (await ivr("check", "shop", "--config", "cti.toml")).code == 0  # that one was asked for, and is in order


async def test_a_program_can_read_the_findings(ivr: Ivr, tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text('start = "a"\n')
    said = await ivr("check", "mine.toml", "shop", "--json")
    mine, shop = map(json.loads, said.out.splitlines())
    assert (said.code, mine["ok"], mine["findings"]) == (2, False, ["mine.toml: steps: is missing"])
    assert (shop["ok"], shop["steps"], shop["languages"]) == (True, 4, ["en"])


async def test_a_flow_that_is_not_there_is_told_with_those_that_are(ivr: Ivr) -> None:
    said = await ivr("check", "shopp")
    assert (said.code, said.err) == (1, f"cti: there is no flow shopp in {FLOWS}; there are bank, shop\n")


async def test_a_relative_folder_of_flows_is_told_as_it_was_taken(ivr: Ivr, tmp_path: Path) -> None:
    said = await ivr("check", "bank", CTI_IVR__FLOWS="config/ivr")
    assert said.err == f"cti: there is no flow bank in {tmp_path / 'config/ivr'}\n"


# ---- draw


async def test_a_flow_is_drawn(ivr: Ivr, tmp_path: Path) -> None:
    said = await ivr("draw", "shop")
    assert ET.fromstring(said.out).tag.endswith("svg")  # noqa: S314 - our own
    await ivr("draw", "shop", "--output", "shop.svg")
    assert (tmp_path / "shop.svg").read_text() == said.out
    assert "Support" not in said.err


async def test_a_picture_that_cannot_be_written_is_told(ivr: Ivr) -> None:
    said = await ivr("draw", "shop", "-o", "nowhere/shop.svg")
    assert (said.code, said.err) == (2, "cti: nowhere/shop.svg cannot be written: No such file or directory\n")


# ---- try


async def test_a_caller_serves_themselves(ivr: Ivr) -> None:
    said = await ivr("try", "shop", "--at", "2026-03-02T20:00", typed="1\n")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines() == [
        "Shop, called from a withheld number, Monday 2026-03-02 20:00 in Asia/Taipei",
        "",
        "  Welcome to the shop. To hear our opening hours, press 1. For everything else, press 2.",
        "> 1",
        "  We are open from Monday to Friday, from nine to six.",
        "  Thank you for calling. Goodbye.",
        "",
        "As the agent reads it:",
        "  welcome  1     6 s  hours",
        "  hours          3 s",
        "  goodbye        2 s",
        "",
        "  speaks    en",
        "  outcome   self served",
        "  then      the call is over",
    ]


async def test_silence_and_a_hang_up_are_part_of_the_story(ivr: Ivr) -> None:
    said = await ivr("try", "shop", typed="\nh\n")
    assert "> (nothing, 5 s)" in said.out
    assert "hung up here" in said.out
    assert said.out.endswith("  outcome   abandoned in welcome\n  then      the caller has hung up\n")


async def test_the_sites_customers_and_pins_are_asked(ivr: Ivr, amy: Amy) -> None:
    keys = f"1\n{amy.code}\n1\n1\n{PIN}#\n0\n"
    said = await ivr("try", "bank", "--at", "2026-03-02T12:00", typed=keys)
    assert f"customer  {amy.name} {amy.code}, by code; PIN confirmed" in said.out
    assert said.out.endswith("  outcome   to agent\n  then      queue support\n")
    assert PIN not in said.out
    assert "> ••••••#" in said.out


async def test_the_clock_can_be_set(ivr: Ivr) -> None:
    said = await ivr("try", "bank", "--at", "2026-03-02T23:00", typed="1\n*\n1\n")
    assert "Is anybody here?" in said.out
    assert "closed" in said.out
    assert "message   left (only shown: nothing is recorded)" in said.out


async def test_what_comes_after_the_conversation_can_be_tried(ivr: Ivr) -> None:
    said = await ivr("try", "bank", "--after", typed="4\n")
    assert "  mark      4 of 5, satisfaction" in said.out
    said = await ivr("try", "shop", "--after", typed="4\n")
    assert (said.code, said.err) == (2, "cti: shop asks nothing after the conversation: it has no `after`\n")


async def test_a_program_can_read_the_journey(ivr: Ivr) -> None:
    said = await ivr("try", "shop", "--json", typed="2\n")
    journey = journey_of([decode(line.encode()) for line in said.out.splitlines()])
    assert journey
    assert [step.step for step in journey.steps] == ["welcome", "people"]
    assert journey.to == "queue support"


async def test_a_time_that_is_none_is_told(ivr: Ivr) -> None:
    said = await ivr("try", "shop", "--at", "monday")
    assert (said.code, said.err) == (2, "cti: --at monday: is no time, such as 2026-12-24T20:00\n")


async def test_in_a_terminal_keys_count_as_they_are_pressed(tmp_path: Path) -> None:
    keyboard, terminal = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        CTI, "ivr", "try", "shop", cwd=tmp_path, env=_environment(tmp_path), stdin=terminal,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    os.close(terminal)
    try:
        async with asyncio.timeout(60):
            assert process.stdout
            before = await process.stdout.readuntil(b"press 2.\n")
            os.write(keyboard, b"\r")
            again = await process.stdout.readuntil(b"press 2.\n")
            os.write(keyboard, b"1\x03")
            rest, err = await process.communicate()
    finally:
        os.close(keyboard)
    assert b"h: hang up" in before
    assert b"> (nothing, 5 s)" in again
    assert rest.startswith(b"> 1\n  We are open")
    assert (process.returncode, err) == (0, b"")


# ---- docs/how-to/write-an-ivr-flow.md


def blocks(language: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == language]


@pytest.fixture
def bakery(tmp_path: Path) -> dict[str, str]:
    """The page's flows, where a newcomer would have them; the settings that find them there."""
    folder = tmp_path / "config/ivr"
    folder.mkdir(parents=True)
    for name, text in zip(
        ("bakery", "cake", "languages"), (one for one in blocks("toml") if "start" in one), strict=True
    ):
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return {"CTI_IVR__FLOWS": "config/ivr"}


async def test_the_pages_flows_are_in_order(ivr: Ivr, bakery: dict[str, str]) -> None:
    said = await ivr("check", **bakery)
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[0] + "\n" == blocks("")[0]


async def test_the_pages_mistakes_are_told_as_it_says(ivr: Ivr, bakery: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "config/ivr/bakery.toml"
    text = file.read_text().replace('otherwise = "people"', 'otherwise = "peple"')
    file.write_text(text.replace('prompt = "We', 'promt = "We'))
    said = await ivr("check", "bakery", **bakery)
    assert (said.code, said.err) == (2, blocks("")[1])


async def test_the_pages_call_goes_as_it_says(ivr: Ivr, bakery: dict[str, str]) -> None:
    said = await ivr("try", "bakery", "--at", "2026-03-02T12:00", typed="2\n", **bakery)
    assert said.out == blocks("")[2]
