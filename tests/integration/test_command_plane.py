"""Commands on a real Asterisk: what is asked is done, or is told why not, and nothing more can be asked (trust test 54)."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from cti.calls.call import CallId, LegId, PbxName
from cti.errors import PbxAuthFailed
from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.actions import EVENTS_NEED, excess_privileges
from cti.telephony.asterisk.ami_codec import AmiDecoder, AmiMessage, encode
from cti.telephony.asterisk.ami_wire import Limits, listed_actions
from cti.telephony.asterisk.control import Control
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.commands import Done, Failed, Hangup, Originate
from tests.testbed import ami
from tests.testbed.asterisk import Asterisk
from tests.testbed.fixtures import require
from tests.testbed.parts import ASTERISK_VERSIONS
from tests.testbed.story import Stage

LIMIT_S = 15.0
OUTSIDE = "0223334444"
CALL = CallId("main-1.1")


@pytest.fixture
def account(asterisk: Asterisk) -> Account:
    options = asterisk.options
    return Account(port=asterisk.ports.ami, user=options.commands_user, secret=options.commands_secret)


@pytest.fixture
async def control(stage: Stage, account: Account) -> AsyncIterator[Control]:
    """Connected, with the listening account's messages fed in, as the link does."""
    plane = Control(PbxName("main"), account, Dialplan(national=True), Limits(backoff_first_s=0.1))
    async with listening(stage.pbx, plane):
        running = asyncio.create_task(plane.run())
        await until_connected(plane)
        yield plane
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@contextlib.asynccontextmanager
async def listening(pbx: Asterisk, plane: Control) -> AsyncIterator[None]:
    reader, writer = await asyncio.open_connection("127.0.0.1", pbx.ports.ami)
    writer.write(encode({"Action": "Login", "Username": pbx.options.events_user, "Secret": pbx.options.events_secret}))
    booted = asyncio.Event()

    async def read() -> None:
        decoder = AmiDecoder()
        while data := await reader.read(65536):
            for message in decoder.feed(data):
                plane.feed(message)
                if is_booted(message):
                    booted.set()

    task = asyncio.create_task(read())
    async with asyncio.timeout(LIMIT_S):
        await booted.wait()
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        writer.close()


def is_booted(message: AmiMessage) -> bool:
    return message.event == "FullyBooted"


async def until_connected(plane: Control) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not plane.is_connected:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.01)


def dial(device: str = "PJSIP/2001", *, to: str = OUTSIDE, ring_timeout_s: float = 10.0) -> Originate:
    return Originate(id="dial", device=device, to=to, ring_timeout_s=ring_timeout_s)


async def test_click_to_dial_rings_the_agent_then_the_customer_and_can_be_hung_up(
    stage: Stage, control: Control
) -> None:
    sending = asyncio.create_task(control.send(dial()))
    agent = await stage.agents["2001"].rings()
    assert not sending.done()
    agent.answer()
    done = await asyncio.wait_for(sending, LIMIT_S)
    assert isinstance(done, Done)
    assert done.leg is not None
    customer = await stage.carrier.rings()
    customer.answer()
    assert await control.send(Hangup(id="end", call=CALL, leg=done.leg)) == Done(command="end")
    await agent.until_over()
    await customer.until_over()


async def test_the_outside_is_dialled_as_people_dial(stage: Stage, control: Control) -> None:
    sending = asyncio.create_task(control.send(dial(to="+886223334444")))
    (await stage.agents["2001"].rings()).answer()
    customer = await stage.carrier.rings()
    assert isinstance(await sending, Done)
    assert customer.invite_packet is not None
    assert f"sip:{OUTSIDE}@" in customer.invite_packet.start


async def test_a_colleague_is_dialled_by_extension(stage: Stage, control: Control) -> None:
    sending = asyncio.create_task(control.send(dial(to="2002")))
    (await stage.agents["2001"].rings()).answer()
    await stage.agents["2002"].rings()
    assert isinstance(await sending, Done)


@pytest.mark.parametrize(
    ("status", "reason"), [(486, "User busy"), (603, "Call Rejected"), (480, "User alerting, no answer")]
)
async def test_an_agent_s_phone_that_declines_says_why(
    stage: Stage, control: Control, status: int, reason: str
) -> None:
    stage.agents["2001"].refuse_with = status
    result = await asyncio.wait_for(control.send(dial()), LIMIT_S)
    assert result == Failed(command="dial", reason=reason)


async def test_an_agent_s_phone_that_is_not_picked_up_is_no_answer(stage: Stage, control: Control) -> None:
    result = await asyncio.wait_for(control.send(dial(ring_timeout_s=1.0)), LIMIT_S)
    assert result == Failed(command="dial", reason="no answer")


async def test_an_unknown_device_is_told(control: Control) -> None:
    result = await asyncio.wait_for(control.send(dial("PJSIP/9999")), LIMIT_S)
    assert result == Failed(command="dial", reason="unavailable")


async def test_a_number_the_dialplan_does_not_have_is_refused_at_once(control: Control) -> None:
    result = await asyncio.wait_for(control.send(dial(to="999999")), LIMIT_S)
    assert result == Failed(command="dial", reason="Extension does not exist.")


async def test_a_leg_that_is_gone_is_as_good_as_hung_up(control: Control) -> None:
    assert await control.send(Hangup(id="end", call=CALL, leg=LegId("1763754000.999999"))) == Done(command="end")


async def test_hanging_up_ends_one_leg_and_no_other(stage: Stage, control: Control) -> None:
    calls = []
    for number in ("2001", "2002"):
        sending = asyncio.create_task(control.send(replace(dial(f"PJSIP/{number}"), id=number)))
        agent = await stage.agents[number].rings()
        agent.answer()
        done = await sending
        assert isinstance(done, Done)
        calls.append((agent, done.leg))
    (first, leg), (second, _) = calls
    assert leg is not None
    await control.send(Hangup(id="end", call=CALL, leg=leg))
    await first.until_over()
    assert not second.is_over


async def test_a_wrong_secret_is_named_and_not_hammered(asterisk: Asterisk, account: Account) -> None:
    with pytest.raises(PbxAuthFailed, match="Authentication failed"):
        await listed_actions(replace(account, secret="w" * 32))
    assert asterisk.is_running


async def test_it_comes_back_after_a_restart(asterisk: Asterisk, account: Account) -> None:
    plane = Control(PbxName("main"), account, Dialplan(), Limits(backoff_first_s=0.1, backoff_most_s=0.5))
    running = asyncio.create_task(plane.run())
    await until_connected(plane)
    await asyncio.to_thread(asterisk.restart)
    await until_connected(plane)
    assert plane.trouble == ""
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until_stopped(pid: int) -> None:
    """Each of its threads: the signal reaches them one by one, and one that still runs may answer."""
    async with asyncio.timeout(5):
        while not is_stopped(pid):  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.005)


def is_stopped(pid: int) -> bool:
    states = [(task / "stat").read_text().rpartition(")")[2].split()[0] for task in Path(f"/proc/{pid}/task").iterdir()]
    return set(states) == {"T"}


@pytest.mark.chaos
async def test_a_pbx_that_stands_still_costs_a_timeout_and_works_again_when_it_goes_on(
    asterisk: Asterisk, account: Account
) -> None:
    plane = Control(
        PbxName("main"),
        account,
        Dialplan(),
        Limits(connect_s=1.0, answer_s=1.0, backoff_first_s=0.1, backoff_most_s=0.2),
    )
    running = asyncio.create_task(plane.run())
    await until_connected(plane)
    assert asterisk.pid is not None
    os.kill(asterisk.pid, signal.SIGSTOP)
    try:
        await until_stopped(asterisk.pid)
        assert await plane.send(Hangup(id="1", call=CALL, leg=LegId("1763754000.999999"))) == Failed(
            command="1", reason="timeout"
        )
        assert await plane.send(Hangup(id="2", call=CALL, leg=LegId("1763754000.999999"))) == Failed(
            command="2", reason="pbx_lost"
        )
    finally:
        os.kill(asterisk.pid, signal.SIGCONT)
    await until_connected(plane)
    assert await plane.send(Hangup(id="3", call=CALL, leg=LegId("1763754000.999999"))) == Done(command="3")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


# --- 54: nothing more than needed ----------------------------------------------------------------------------------------

FORBIDDEN: dict[str, tuple[str, Mapping[str, str]]] = {
    "Command": ("Command", {"Command": "core show version"}),
    "UpdateConfig": ("UpdateConfig", {"SrcFilename": "manager.conf", "DstFilename": "manager.conf", "Reload": "no"}),
    "GetConfig": ("GetConfig", {"Filename": "manager.conf"}),
    "GetConfigJSON": ("GetConfigJSON", {"Filename": "manager.conf"}),
    "CreateConfig": ("CreateConfig", {"Filename": "cti_canary.conf"}),
    "ModuleLoad": ("ModuleLoad", {"Module": "app_system.so", "LoadType": "load"}),
    "Reload": ("Reload", {}),
    "DialplanExtensionAdd": ("DialplanExtensionAdd", {"Context": "cti-internal", "Extension": "666", "Priority": "1", "Application": "System"}),
    "Originate System": ("Originate", {"Channel": "Local/2001@cti-internal", "Application": "System", "Data": "touch /tmp/canary", "Async": "true"}),
    "Originate SHELL": ("Originate", {"Channel": "Local/2001@cti-internal", "Application": "NoOp", "Data": "${SHELL(touch /tmp/canary)}", "Async": "true"}),
    "Getvar SHELL": ("Getvar", {"Variable": "SHELL(echo canary)"}),
    "Setvar SHELL": ("Setvar", {"Variable": "SHELL(touch /tmp/canary)", "Value": "1"}),
    "DBPut": ("DBPut", {"Family": "cti", "Key": "canary", "Val": "1"}),
    "CoreStop": ("Command", {"Command": "core stop now"}),
}  # fmt: skip


@pytest.mark.parametrize("who", ["events", "commands"])
@pytest.mark.parametrize("name", FORBIDDEN)
async def test_54_ami_least_privilege(asterisk: Asterisk, who: str, name: str) -> None:
    action, headers = FORBIDDEN[name]
    wire = await (ami.events_account(asterisk) if who == "events" else ami.commands_account(asterisk))
    try:
        answer = await wire.action(action, headers)
    finally:
        await wire.close()
    assert "Response: Error" in answer
    assert "canary" not in answer


async def test_54_ami_least_privilege_no_account_sees_more_than_it_needs(asterisk: Asterisk, account: Account) -> None:
    options = asterisk.options
    events = replace(account, user=options.events_user, secret=options.events_secret)
    assert excess_privileges(await listed_actions(account)) == ()
    assert excess_privileges(await listed_actions(events), needed=EVENTS_NEED) == ()


@pytest.mark.real_asterisk
@pytest.mark.parametrize("version", ASTERISK_VERSIONS)
async def test_54_ami_least_privilege_where_the_dangerous_is_at_hand(version: str) -> None:
    """The functions are loaded here, and a careless third account shows what excess_privileges is to notice."""
    require(f"asterisk-{version}")
    secret = "s" * 32
    careless = f"[careless]\nsecret = {secret}\nread = all\nwrite = all\n"
    async with Asterisk(
        version, extra={"manager.conf": careless, "modules.conf": "load = func_env.so\nload = func_shell.so"}
    ) as pbx:
        wire = await ami.commands_account(pbx)
        shell = await wire.action("Getvar", {"Variable": "SHELL(echo canary)"})
        file = await wire.action("Getvar", {"Variable": "FILE(/etc/passwd)"})
        await wire.close()
        listed = await listed_actions(Account(port=pbx.ports.ami, user="careless", secret=secret))
    assert "Response: Error" in shell
    assert "root:" not in file
    assert excess_privileges(listed)[:3] == ("command", "config", "system")
