"""The provisioning text: what may stand in it, and what Asterisk makes of it."""

import asyncio
from dataclasses import replace

import pytest

from cti.telephony.asterisk.provision import TEMPLATES, InboundNumber, ProvisionOptions, QueuePlan, render
from tests.testbed.asterisk import Asterisk
from tests.testbed.story import Stage, connect

OPTIONS = ProvisionOptions(
    events_secret="e" * 40,
    commands_secret="c" * 40,
    queues=(QueuePlan("support", "3001", ("PJSIP/2001",)),),
    inbound=(InboundNumber("0800100100", "support"),),
)
OWN_FILES = ("pbx_config", "config.c", "features_config", "res_parking", "app_queue", "manager.c")


def test_every_file_is_rendered_and_nothing_is_left_open() -> None:
    texts = render(OPTIONS)
    assert set(TEMPLATES) == set(texts)
    assert "$$" not in "".join(texts.values())


def test_secrets_stand_in_manager_conf_only() -> None:
    holding = [name for name, text in render(OPTIONS).items() if "e" * 40 in text or "c" * 40 in text]
    assert holding == ["manager.conf"]


@pytest.mark.parametrize(
    "hostile",
    [
        {"events_secret": "e" * 40 + "\nread = all"},
        {"commands_secret": "short"},
        {"trunk_dial": "PJSIP/${CTI_TO}@trunk\nexten => _X.,1,System(id)"},
        {"outbound_patterns": ("_X.\n same => n,System(id)",)},
        {"inbound": (InboundNumber("0800100100", "nowhere"),)},
        {"inbound": (InboundNumber("1,System(id)", "support"),)},
        {"queues": (QueuePlan("a]\n[b", "3001"),)},
        {"agent_pattern": "20XX;"},
    ],
    ids=["line break in secret", "short secret", "trunk", "pattern", "no queue", "number", "queue name", "comment"],
)
def test_a_value_cannot_become_a_line(hostile: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        render(replace(OPTIONS, **hostile))  # type: ignore[arg-type]


def test_nobody_gets_a_shell() -> None:
    classes = [
        line.split("=")[1]
        for line in render(OPTIONS)["manager.conf"].splitlines()
        if line.startswith(("read", "write ="))
    ]
    held = {name.strip() for line in classes for name in line.split(",")}
    assert not held & {"command", "config", "all", "dialplan", "dtmf"}


def test_asterisk_has_nothing_to_say_about_our_files(asterisk: Asterisk) -> None:
    told = [
        line
        for line in asterisk.messages.read_text("utf-8", "replace").splitlines()
        if " WARNING" in line or " ERROR" in line
    ]
    assert [line for line in told if any(f" {name}" in line for name in OWN_FILES)] == []


async def test_a_caller_cannot_dial_out(stage: Stage) -> None:
    caller = stage.caller("0223334444")
    await caller.until_over()
    assert caller.status == 404
    assert not stage.carrier.is_ringing


async def test_a_caller_cannot_transfer_by_key(stage: Stage) -> None:
    caller, agent = await connect(stage)
    await caller.press("#1")
    await asyncio.sleep(0.5)
    await caller.press("2002")
    await asyncio.sleep(1)
    assert not stage.agents["2002"].is_ringing
    assert not agent.is_over


async def test_a_second_destination_cannot_be_smuggled_into_the_dial_string(stage: Stage) -> None:
    stage.agents["2001"].dial("0223334444&PJSIP%2F2002")
    outside = await stage.carrier.rings()
    assert outside.invite_packet is not None
    assert "0223334444" in outside.invite_packet.start
    await asyncio.sleep(0.3)
    assert not stage.agents["2002"].is_ringing


async def test_what_a_test_did_to_the_queues_is_undone(stage: Stage) -> None:
    await stage.commands.action("QueueAdd", {"Queue": "empty", "Interface": "PJSIP/2004", "MemberName": "Dee"})
    await stage.commands.action("QueuePause", {"Interface": "PJSIP/2001", "Paused": "true", "Reason": "lunch"})
    assert "paused" in await stage.cli("queue show support")
    await asyncio.to_thread(stage.pbx.hang_up_everything)
    shown = await stage.cli("queue show")
    assert "paused" not in shown
    assert "dynamic" not in shown
