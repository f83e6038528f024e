"""The provisioning text: what may stand in it, and what Asterisk makes of it."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from cti.calls.call import PbxName
from cti.cli.provision import Secrets, files
from cti.errors import RequestError
from cti.telephony.asterisk import feature_codes
from cti.telephony.asterisk.agi_server import AgiServer
from cti.telephony.asterisk.provision import TEMPLATES, FastAgi, InboundNumber, ProvisionOptions, QueuePlan, render
from cti.telephony.voice import Sound, VoiceChannel
from tests.testbed import parts
from tests.testbed.asterisk import Asterisk, asking_asterisk
from tests.testbed.fixtures import require
from tests.testbed.story import Stage, connect, open_stage

OPTIONS = ProvisionOptions(
    events_secret="e" * 40,
    commands_secret="c" * 40,
    queues=(QueuePlan("support", "3001", ("PJSIP/2001",)),),
    inbound=(InboundNumber("0800100100", "support"),),
)
ASKING = replace(OPTIONS, fastagi=FastAgi(secret="f" * 40))
OWN_FILES = ("pbx_config", "config.c", "features_config", "res_parking", "app_queue", "manager.c")


@pytest.mark.parametrize("options", [OPTIONS, ASKING], ids=["plain", "asking"])
def test_every_file_is_rendered_and_nothing_is_left_open(options: ProvisionOptions) -> None:
    texts = render(options)
    assert set(TEMPLATES) == set(texts)
    assert "$$" not in "".join(texts.values())


def test_secrets_stand_in_manager_conf_only() -> None:
    holding = [name for name, text in render(OPTIONS).items() if "e" * 40 in text or "c" * 40 in text]
    assert holding == ["manager.conf"]


def test_the_secret_of_the_questions_stands_in_one_line() -> None:
    lines = [(name, line) for name, text in render(ASKING).items() for line in text.splitlines() if "f" * 40 in line]
    assert lines == [
        ("extensions_cti.conf", f" same => n,Set(CTI_PROOF=${{SHA1({'f' * 40}:${{UNIQUEID}}:${{CTI_NONCE}})}})")
    ]


def test_a_pbx_that_does_not_ask_needs_no_line_for_it() -> None:
    text = render(OPTIONS)["extensions_cti.conf"]
    assert not [word for word in ("AGI(", "CTI_GO", "cti-ask", "cti-told", "exten => T") if word in text]


def test_the_caller_is_cleaned_before_anything_else() -> None:
    text = render(ASKING)["extensions_cti.conf"]
    assert re.findall(r"^exten => 0800100100,1,(.*)$", text, re.MULTILINE) == ["Gosub(cti-clean,s,1)"]


def test_whom_agents_transfer_to_a_queue_is_not_asked_again() -> None:
    internal = render(ASKING)["extensions_cti.conf"].partition("[cti-internal]")[2].partition("\n[")[0]
    assert "Queue(support,tk,,,600)" in internal
    assert "AGI(" not in internal


@pytest.mark.parametrize("context", ["cti-outbound", "cti-transfer"])
def test_emergency_numbers_are_dialled_from_everywhere_an_agent_dials(context: str) -> None:
    lines = render(OPTIONS)["extensions_cti.conf"].partition(f"\n[{context}]\n")[2].partition("\n[")[0]
    assert {"110", "112", "119"} <= set(re.findall(r"^exten => (\d+),1,", lines, re.MULTILINE))


def test_the_keys_we_press_are_the_keys_of_features_conf() -> None:
    text = render(OPTIONS)["features.conf"]
    codes = set(re.findall(r"=>? (\*\d+|#\d+)(?=[ ,\n])", text))
    assert set(feature_codes.BY_NAME.values()) <= codes
    assert not [(one, other) for one in codes for other in codes if one != other and other.startswith(one)]


def test_every_feature_of_a_phone_is_in_the_map_and_every_context_in_the_dialplan() -> None:
    texts = render(OPTIONS)
    (names,) = re.findall(r"DYNAMIC_FEATURES=(\S+)", texts["pjsip_cti.conf"])
    for name in names.split("#"):
        assert re.search(rf'^{name} => \S+,(peer|self),Gosub,"{name},s,1"', texts["features.conf"], re.MULTILINE)
        assert f"\n[{name}]\n" in texts["extensions_cti.conf"]


KNOWN = Secrets(events="e" * 40, commands="c" * 40, fastagi="f" * 40)


def test_init_asks_unless_told_not_to() -> None:
    given = {"trunk": "trunk", "agents": ["1001"], "queues": ["support=0800100100"]}
    asking = files(KNOWN, **given, fastagi="10.0.0.7:4573")["extensions_cti.conf"]  # type: ignore[arg-type]
    assert "AGI(agi://10.0.0.7:4573/main,ivr,support,${CTI_NONCE},${CTI_PROOF})" in asking
    assert "AGI(" not in files(replace(KNOWN, fastagi=""), **given)["extensions_cti.conf"]  # type: ignore[arg-type]


def test_agents_come_to_their_queues_by_logging_in() -> None:
    made = files(replace(KNOWN, fastagi=""), trunk="trunk", agents=["1001"], queues=["support=0800100100"])
    assert not re.findall(r"^member", made["queues_cti.conf"], re.MULTILINE)
    assert "\nmember => PJSIP/2001" in render(OPTIONS)["queues_cti.conf"]


def test_the_pbx_holds_the_next_call_back_until_our_pause_comes() -> None:
    lines = re.findall(
        r"^(\[.*|shared_lastcall = \w+|wrapuptime = \d+)", render(OPTIONS)["queues_cti.conf"], re.MULTILINE
    )
    assert lines == ["[general](+)", "shared_lastcall = yes", "[support]", "wrapuptime = 2"]


@pytest.mark.parametrize("address", ["", "4573", ":4573", "host:", "host:x", "host:0", "host:70000", "a,b:1"])
def test_init_knows_an_address_when_it_sees_one(address: str) -> None:
    with pytest.raises(RequestError):
        files(KNOWN, trunk="trunk", agents=["1001"], queues=["support=0800100100"], fastagi=address)


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
        {"fastagi": FastAgi(secret="short")},
        {"fastagi": FastAgi(secret="f" * 40 + ")})")},
        {"fastagi": FastAgi(secret="f" * 40, host="h,x")},
        {"fastagi": FastAgi(secret="f" * 40, pbx="a/b")},
    ],
    ids=[
        "line break in secret", "short secret", "trunk", "pattern", "no queue", "number", "queue name", "comment",
        "short question secret", "secret that ends the expression", "host", "pbx",
    ],
)  # fmt: skip
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


# ---- what callers key

SPY = """[spy]
secret = a-spy-who-reads-everything
permit = 127.0.0.1/255.255.255.255
read = all
write =
"""


@pytest.fixture(params=[pytest.param(version, marks=pytest.mark.real_asterisk) for version in parts.ASTERISK_VERSIONS])
async def asking_stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    """An Asterisk that asks, that logs all it says at verbose 5, and tells an account with every class what it does."""
    require(f"asterisk-{request.param}")
    pbx = asking_asterisk(
        request.param, "f" * 40, {"manager.conf": SPY, "logger.conf": "full => notice,warning,error,verbose(5)"}
    )
    async with pbx, open_stage(pbx) as stage:
        await stage.cli("core set verbose 5")
        yield stage


async def test_what_callers_key_is_told_to_nobody(asking_stage: Stage) -> None:
    """WAIT FOR DIGIT and STREAM FILE: no line of Asterisk's log, no event of AMI says which key it was, or that it was one."""
    keyed, done = asyncio.Event(), asyncio.Event()
    heard: list[str] = []

    async def serve(voice: VoiceChannel) -> None:
        heard.append(await voice.play([Sound("demo-congrats")]))
        keyed.set()
        heard.extend([await voice.key(within_s=5) for _ in range(5)])
        done.set()

    pbx = asking_stage.pbx
    server = AgiServer(
        host="127.0.0.1", port=pbx.ports.fastagi, permit=["127.0.0.1"], doors={PbxName("main"): "f" * 40}, serve=serve
    )
    running = asyncio.create_task(server.run())
    reader, writer = await asyncio.open_connection("127.0.0.1", pbx.ports.ami)
    writer.write(b"Action: Login\r\nUsername: spy\r\nSecret: a-spy-who-reads-everything\r\n\r\n")
    caller = asking_stage.caller()
    await caller.until_answered()
    await asyncio.sleep(0.5)
    await caller.press("7")
    await keyed.wait()
    log_before = pbx.home.joinpath("log", "full").read_text()
    await caller.press("39164")
    async with asyncio.timeout(10):
        await done.wait()
    log_after = pbx.home.joinpath("log", "full").read_text()
    writer.write(b"Action: Logoff\r\n\r\n")
    told = (await reader.read(-1)).decode("utf-8", "replace")
    writer.close()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)

    assert heard == list("739164")
    assert "Playing 'demo-congrats.gsm' (escape_digits=0123456789*#)" in log_before
    assert [line for line in log_after.removeprefix(log_before).splitlines() if "WAIT" in line or "digit" in line] == []
    assert "] DTMF[" not in log_after
    assert "f" * 40 not in log_after
    assert "Event: AGIExecEnd" in told
    assert "Event: DTMF" not in told
    assert "\r\nDigit:" not in told
    ended = [block for block in told.split("\r\n\r\n") if block.startswith("Event: AGIExecEnd")]
    assert {re.sub(r".*\r\nResultCode: ", "", block, flags=re.DOTALL) for block in ended} == {"200\r\nResult: Success"}


async def test_asterisk_has_nothing_to_say_about_the_questions(asking_stage: Stage) -> None:
    test_asterisk_has_nothing_to_say_about_our_files(asking_stage.pbx)
    assert "DTMFBegin,DTMFEnd" in await asking_stage.cli("manager show settings")
