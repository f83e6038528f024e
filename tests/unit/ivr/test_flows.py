"""Flow files as they come, change and go, while callers call."""

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cti.calls.call import LegId, PbxName
from cti.errors import SpeechUnavailable
from cti.ivr import flows as module
from cti.ivr.check import Hearing
from cti.ivr.flow import Flow
from cti.ivr.flow_file import load
from cti.ivr.flows import Flows
from cti.ivr.speech import Text, TextOnly
from cti.telephony.voice import Asked
from tests.conftest import LogLines

SHOP = """start = "hello"
[steps.hello]
kind = "say"
prompt = "{words}"
next = "bye"
[steps.bye]
kind = "hang_up"
prompt = ""
"""
WRONG = SHOP.replace('next = "bye"', 'next = "by"')


@dataclass
class Voice(TextOnly):
    """A speech program that can be missing."""

    is_there: bool = True
    readied: list[str] = field(default_factory=list)

    async def ready(self, texts: Iterable[Text], **_: Any) -> None:
        said = [text for text, _ in texts]
        if not self.is_there:
            raise SpeechUnavailable("espeak-ng is not installed")
        self.readied += said


@dataclass
class Site:
    folder: Path
    voice: Voice = field(default_factory=Voice)
    has_sound: Callable[[str], bool] | None = None

    def write(self, name: str, words: str = "Hello.", *, shape: str = SHOP) -> Path:
        path = self.folder / f"{name}.toml"
        path.write_text(shape.replace("{words}", words))
        return path

    def flows(self, lines: Mapping[str, str] | None = None, otherwise: str = "") -> Flows:
        hearing = Hearing(has_sound=self.has_sound) if self.has_sound else Hearing()
        return Flows(self.folder, lines or {}, otherwise, self.voice, hearing)

    async def read(self, lines: Mapping[str, str] | None = None, otherwise: str = "") -> Flows:
        flows = self.flows(lines, otherwise)
        await flows.read()
        return flows


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def asked(dnis: str) -> Asked:
    return Asked(pbx=PbxName("main"), leg=LegId("1.1"), ani="", dnis=dnis)


def words(flow: Flow | None) -> list[str]:
    return [said.text for said in flow.texts()] if flow else []


# ---- which flow a line has


async def test_several_lines_lead_to_one_flow_and_it_is_read_once(site: Site) -> None:
    site.write("shop")
    flows = await site.read({"0800": "shop", "0801": "shop"})
    assert flows.flow_for(asked("0800")) is flows.flow_for(asked("0801")) is flows.get("shop")
    assert (len(flows.all), site.voice.readied) == (1, ["Hello."])


async def test_a_line_may_have_no_flow_and_the_others_a_flow_together(site: Site) -> None:
    site.write("shop")
    flows = await site.read({"0800": ""}, "shop")
    assert (flows.flow_for(asked("0800")), words(flows.flow_for(asked("0801")))) == (None, ["Hello."])


async def test_a_file_no_line_leads_to_is_not_read(site: Site) -> None:
    site.write("shop")
    site.write("other", shape=WRONG)
    flows = await site.read({"0800": "shop"})
    assert (flows.get("other"), flows.findings) == (None, ())


async def test_before_the_first_reading_everybody_goes_straight_to_the_queue(site: Site) -> None:
    site.write("shop")
    assert site.flows(otherwise="shop").flow_for(asked("0800")) is None


# ---- what cannot be used


async def test_a_file_that_is_not_there_is_a_finding_until_it_is(site: Site) -> None:
    flows = await site.read(otherwise="shop")
    (finding,) = flows.findings
    assert (flows.all, finding) == ((), f"{site.folder}/shop.toml: cannot be read: No such file or directory")
    site.write("shop")
    await flows.read()
    assert (words(flows.get("shop")), flows.findings) == (["Hello."], ())


async def test_a_mistake_from_the_first_costs_that_flow_only(site: Site, log_lines: LogLines) -> None:
    site.write("shop")
    site.write("bank", shape=WRONG)
    flows = await site.read({"0800": "shop", "0801": "bank"})
    assert [flow.name for flow in flows.all] == ["shop"]
    assert len(flows.findings) == 1
    assert f"{site.folder}/bank.toml:5: steps.hello.next" in flows.findings[0]
    (told,) = [line for line in log_lines() if line["event"] == "flow_not_used"]
    assert (told["flow"], told["callers"]) == ("bank", "take the dialplan's safe path")


async def test_a_mistake_later_leaves_the_flow_as_it_was_until_it_is_mended(site: Site, log_lines: LogLines) -> None:
    site.write("shop")
    flows = await site.read(otherwise="shop")
    site.write("shop", shape=WRONG)
    await flows.read()
    assert (words(flows.get("shop")), len(flows.findings)) == (["Hello."], 1)
    site.write("shop", "Good day.")
    await flows.read()
    assert (words(flows.get("shop")), flows.findings) == (["Good day."], ())
    assert [(line["event"], line.get("is_reload"), line.get("callers")) for line in log_lines()] == [
        ("flow_in_use", False, None),
        ("flow_not_used", None, "go on with the flow as it was"),
        ("flow_in_use", True, None),
    ]


async def test_a_second_mistake_on_top_of_the_first_loses_nothing(site: Site) -> None:
    site.write("shop")
    flows = await site.read(otherwise="shop")
    for wrong in (WRONG, WRONG + "\n# and again", "no TOML at all"):
        site.write("shop", shape=wrong)
        await flows.read()
    assert words(flows.get("shop")) == ["Hello."]


async def test_a_mistake_is_told_once_not_at_every_look(site: Site, log_lines: LogLines) -> None:
    site.write("shop", shape=WRONG)
    flows = await site.read(otherwise="shop")
    await flows.read()
    assert len(log_lines()) == 1


async def test_a_file_that_is_deleted_leaves_its_flow_in_use(site: Site) -> None:
    path = site.write("shop")
    flows = await site.read(otherwise="shop")
    path.unlink()
    await flows.read()
    assert (words(flows.get("shop")), len(flows.findings)) == (["Hello."], 1)


async def test_a_sound_the_pbx_does_not_have_is_a_finding(site: Site) -> None:
    site.has_sound = lambda name: name == "custom/hello"
    site.write("shop", shape=SHOP.replace('"{words}"', '{ sound = "custom/hallo" }'))
    flows = await site.read(otherwise="shop")
    assert flows.all == ()
    assert "custom/hallo" in flows.findings[0]


async def test_a_sound_that_is_put_there_later_is_found_though_nobody_touches_the_flow(site: Site) -> None:
    sounds = set[str]()
    site.has_sound = sounds.__contains__
    site.write("shop", shape=SHOP.replace('"{words}"', '{ sound = "custom/hello" }'))
    flows = await site.read(otherwise="shop")
    sounds.add("custom/hello")
    await flows.read()
    assert (len(flows.all), flows.findings) == (1, ())


# ---- speech


async def test_without_speech_a_flow_is_not_used(site: Site) -> None:
    site.write("shop")
    site.voice.is_there = False
    flows = await site.read(otherwise="shop")
    assert flows.all == ()
    assert flows.findings == (f"{site.folder}/shop.toml: espeak-ng is not installed",)


async def test_a_flow_waits_for_speech_to_come_back_and_says_so_once(site: Site, log_lines: LogLines) -> None:
    """Nobody touches a file because the speech program was busy once."""
    site.write("shop")
    site.voice.is_there = False
    flows = await site.read(otherwise="shop")
    await flows.read()
    site.voice.is_there = True
    await flows.read()
    assert (words(flows.get("shop")), flows.findings) == (["Hello."], ())
    assert [line["event"] for line in log_lines()] == ["flow_not_used", "flow_in_use"]


# ---- what has changed


async def test_what_has_not_changed_is_not_read_again(site: Site) -> None:
    site.write("shop")
    flows = await site.read(otherwise="shop")
    before = flows.get("shop")
    await flows.read()
    assert flows.get("shop") is before


async def test_a_file_replaced_within_the_same_second_is_noticed(site: Site) -> None:
    path = site.write("shop", "Hello.")
    os.utime(path, ns=(1, 1_000_000_001))
    flows = await site.read(otherwise="shop")
    site.write("shop", "Hallo.")
    os.utime(path, ns=(1, 1_000_000_002))
    await flows.read()
    assert words(flows.get("shop")) == ["Hallo."]


async def test_a_file_of_another_size_is_noticed_though_its_time_is_the_same(site: Site) -> None:
    path = site.write("shop", "Hello.")
    os.utime(path, ns=(1, 1))
    flows = await site.read(otherwise="shop")
    site.write("shop", "Good day.")
    os.utime(path, ns=(1, 1))
    await flows.read()
    assert words(flows.get("shop")) == ["Good day."]


async def test_a_call_that_is_on_keeps_the_flow_it_began(site: Site) -> None:
    site.write("shop")
    flows = await site.read(otherwise="shop")
    begun = flows.flow_for(asked("0800"))
    site.write("shop", "Good day.")
    await flows.read()
    assert (words(begun), words(flows.flow_for(asked("0800")))) == (["Hello."], ["Good day."])


# ---- watching


async def _watched(flows: Flows, reached: Callable[[], object]) -> None:
    watching = asyncio.create_task(flows.watch())
    async with asyncio.timeout(5):
        while not reached():
            assert not watching.done(), watching
            await asyncio.sleep(0.005)
    watching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await watching


async def test_changes_are_noticed_without_being_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCH_S", 0.01)
    flows = site.flows(otherwise="shop")
    site.write("shop")
    await _watched(flows, lambda: words(flows.get("shop")) == ["Hello."])
    site.write("shop", "Good day.")
    await _watched(flows, lambda: words(flows.get("shop")) == ["Good day."])


@pytest.mark.parametrize("error", [PermissionError("no"), RuntimeError("a mistake of ours")], ids=repr)
async def test_watching_goes_on_whatever_a_reading_ends_with(
    site: Site, error: Exception, monkeypatch: pytest.MonkeyPatch, log_lines: LogLines
) -> None:
    """Were it to end, the whole service would."""
    monkeypatch.setattr(module, "WATCH_S", 0.01)
    site.write("bank", shape=SHOP)
    site.write("shop")
    flows = await site.read({"1": "bank", "2": "shop"})

    def breaks(path: Path, hearing: Hearing) -> Flow:
        if path.stem == "bank":
            raise error
        return load(path, hearing)

    monkeypatch.setattr(module, "load", breaks)
    for name in ("bank", "shop"):
        site.write(name, "Good day.")
    await _watched(flows, lambda: words(flows.get("shop")) == ["Good day."])
    assert words(flows.get("bank")) == ["Hello."]
    assert flows.findings == (f"{site.folder}/bank.toml: cannot be read: {error!r}",)
    assert [line["event"] for line in log_lines()].count("flow_not_used") == 1
