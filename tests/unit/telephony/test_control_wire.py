"""The command plane against a scripted AMI on loopback: limits, reconnects, answers that are late, odd or never come."""

import asyncio
import contextlib
import gc
import logging
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Self

import pytest
from structlog.testing import capture_logs

from cti.calls.call import CallId, LegId, PbxName
from cti.errors import PbxAuthFailed, PbxUnavailable
from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.actions import expectation_of
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.ami_wire import Limits, listed_actions
from cti.telephony.asterisk.control import Control
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.asterisk.kinds.kind import Ends, Expectation, Given
from cti.telephony.backoff import backoff_s
from cti.telephony.commands import AddMember, Command, Done, Failed, Hangup, Originate, SendKeys
from tests.unit.telephony import every_command

SOON_S = 5.0
QUICK = Limits(connect_s=1.0, ping_s=0.2, backoff_first_s=0.02, backoff_most_s=0.1)
HASTY = replace(QUICK, answer_s=0.5)
"""For those who wait for what never comes."""
DIAL = Originate(id="dial", device="PJSIP/2001", to="2002")
END = Hangup(id="end", call=CallId("main-1.1"), leg=LegId("1.1"))
KEYS = SendKeys(id="keys", call=CallId("main-1.1"), leg=LegId("1.1"), keys="12")
JOIN = AddMember(id="join", queue="support", device="PJSIP/2001", name="ann", reason="lunch break")
Headers = dict[str, str]
Answers = Callable[[Headers], str | None]


def success(action: Headers) -> str:
    return f"Response: Success\r\nActionID: {action['ActionID']}\r\nMessage: ok\r\n\r\n"


@dataclass(slots=True)
class FakeAmi:
    """Answers each action as ``answers`` says; None is silence. ``seen`` holds every action, in order."""

    answers: Answers = success
    greeting: bytes = b"Asterisk Call Manager/11.0.0\r\n"
    seen: list[Headers] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None
    _writers: list[asyncio.StreamWriter] = field(default_factory=list)
    _served: int = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()
        await self.until(lambda: not self._served)

    def cut(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def say(self, text: str) -> None:
        """To whoever is connected, unasked."""
        for writer in self._writers:
            writer.write(text.encode())

    async def until(self, reached: Callable[[], bool]) -> None:
        async with asyncio.timeout(SOON_S):
            while not reached():
                self._changed.clear()
                await self._changed.wait()

    async def saw(self, name: str, times: int = 1) -> Headers:
        await self.until(lambda: sum(action["Action"] == name for action in self.seen) >= times)
        return [action for action in self.seen if action["Action"] == name][-1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._served += 1
        self._writers.append(writer)
        self._changed.set()
        writer.write(self.greeting)
        with contextlib.suppress(asyncio.IncompleteReadError, OSError):
            while block := await reader.readuntil(b"\r\n\r\n"):
                self._act(block, writer)
        self._served -= 1
        self._changed.set()

    def _act(self, block: bytes, writer: asyncio.StreamWriter) -> None:
        action = dict(line.split(": ", 1) for line in block.decode().strip().split("\r\n"))
        self.seen.append(action)
        self._changed.set()
        if answer := self.answers(action):
            writer.write(answer.encode())


@pytest.fixture
async def pbx() -> AsyncIterator[FakeAmi]:
    async with FakeAmi() as fake:
        yield fake


@contextlib.asynccontextmanager
async def running(
    pbx: FakeAmi, limits: Limits = QUICK, may_act: Callable[[], bool] = lambda: True
) -> AsyncIterator[Control]:
    account = Account(port=pbx.port, user="cti-commands", secret="s" * 32)
    control = Control(PbxName("main"), account, Dialplan(), limits, may_act=may_act)
    task = asyncio.create_task(control.run())
    try:
        yield control
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(reached: Callable[[], bool]) -> None:
    """For what nothing announces."""
    async with asyncio.timeout(SOON_S):
        while not reached():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def connected(pbx: FakeAmi, limits: Limits = QUICK) -> AsyncIterator[Control]:
    async with running(pbx, limits) as control:
        await until(lambda: control.is_connected)
        yield control


def silent_about(name: str) -> Answers:
    return lambda action: None if action["Action"] == name else success(action)


def refused(words: str, *, with_id: bool = True) -> Answers:
    def answer(action: Headers) -> str:
        if action["Action"] not in {"Originate", "Hangup"}:
            return success(action)
        return (
            "Response: Error\r\n"
            + (f"ActionID: {action['ActionID']}\r\n" if with_id else "")
            + f"Message: {words}\r\n\r\n"
        )

    return answer


def originated(action: Headers, response: str, reason: str = "4") -> AmiMessage:
    return AmiMessage.of(
        [("Event", "OriginateResponse"), ("ActionID", action["ActionID"]), ("Response", response), ("Reason", reason)]
    )


def paused(action: Headers) -> AmiMessage:
    return AmiMessage.of(
        [
            ("Event", "QueueMemberPause"),
            ("Queue", action["Queue"]),
            ("Interface", action["Interface"]),
            ("Paused", "1"),
            ("PausedReason", action["Reason"]),
        ]
    )


async def test_it_logs_in_and_asks_for_no_events(pbx: FakeAmi) -> None:
    async with connected(pbx):
        assert pbx.seen[0] == {
            "Action": "Login",
            "ActionID": "login",
            "Username": "cti-commands",
            "Secret": "s" * 32,
            "Events": "off",
        }


async def test_a_command_is_done_when_the_event_says_so(pbx: FakeAmi) -> None:
    async with connected(pbx) as control:
        sending = asyncio.create_task(control.send(DIAL))
        action = await pbx.saw("Originate")
        assert not sending.done()
        control.feed(originated(action, "Success"))
        assert await sending == Done(command="dial", leg=LegId(action["ChannelId"]))


async def test_nothing_goes_out_once_another_process_may_have_the_pbx(pbx: FakeAmi) -> None:
    """Asked at the last moment, for some actions go out after others."""
    answers = iter([True])
    async with running(pbx, may_act=lambda: next(answers, False)) as control:
        await until(lambda: control.is_connected)
        control.ends_of = lambda _leg: Ends(other=LegId("1.2"))
        assert await control.send(KEYS) == Failed(command="keys", reason="pbx_lost")
        assert await control.send(END) == Failed(command="end", reason="pbx_lost")
    assert [action["Digit"] for action in pbx.seen if action["Action"] not in {"Login", "Ping"}] == ["1"]


async def test_an_event_that_overtakes_the_response_counts(pbx: FakeAmi) -> None:
    async with connected(pbx) as control:

        def answer(action: Headers) -> str:
            control.feed(originated(action, "Failure", "5"))
            return success(action)

        pbx.answers = answer
        assert await control.send(DIAL) == Failed(command="dial", reason="busy")


async def test_a_refusal_is_told_in_the_pbx_s_words(pbx: FakeAmi) -> None:
    pbx.answers = refused("Extension does not exist.")
    async with connected(pbx) as control:
        assert await control.send(DIAL) == Failed(command="dial", reason="Extension does not exist.")
        assert control.is_connected


async def test_17_action_timeout_an_error_without_action_id_is_the_one_that_waits_s(pbx: FakeAmi) -> None:
    pbx.answers = refused("Failed to parse message: line too long", with_id=False)
    async with connected(pbx) as control:
        assert await control.send(DIAL) == Failed(command="dial", reason="Failed to parse message: line too long")


async def test_17_action_timeout_no_response_fails_in_time_and_a_late_one_is_ignored(pbx: FakeAmi) -> None:
    pbx.answers = silent_about("Originate")
    async with connected(pbx, HASTY) as control:
        assert await control.send(DIAL) == Failed(command="dial", reason="timeout")
        control.feed(originated(await pbx.saw("Originate"), "Success"))
        assert await control.send(DIAL) == Failed(command="dial", reason="timeout")


@pytest.mark.parametrize("command", every_command.EVERY, ids=lambda command: type(command).__name__)
async def test_17_action_timeout_of_each_kind_of_command(pbx: FakeAmi, command: Command) -> None:
    """Its first action is never answered; the answer that comes with the next connection is nobody's."""
    pbx.answers = lambda action: success(action) if action["Action"] in {"Login", "Ping"} else None
    async with connected(pbx, replace(QUICK, answer_s=0.3, ping_s=60.0)) as control:
        before = pbx.connections
        control.ends_of = lambda _leg: every_command.ENDS
        assert await control.send(command) == Failed(command=command.id, reason="timeout")
        sent = [action for action in pbx.seen if action["Action"] not in {"Login", "Ping"}]
        assert len(sent) == 1
        await pbx.until(lambda: pbx.connections > before)
        pbx.say(success(sent[0]))
        assert await control.send(command) == Failed(command=command.id, reason="timeout")


@pytest.mark.parametrize("command", every_command.EVERY, ids=lambda command: type(command).__name__)
async def test_17_action_timeout_of_each_kind_an_error_without_action_id_is_its_own(
    pbx: FakeAmi, command: Command
) -> None:
    words = "Failed to parse message: line too long"
    pbx.answers = lambda action: (
        success(action) if action["Action"] in {"Login", "Ping"} else f"Response: Error\r\nMessage: {words}\r\n\r\n"
    )
    async with connected(pbx) as control:
        control.ends_of = lambda _leg: every_command.ENDS
        assert await control.send(command) == Failed(command=command.id, reason=words)
        assert control.is_connected


async def test_after_a_late_answer_the_next_command_gets_its_own(pbx: FakeAmi) -> None:
    pbx.answers = silent_about("Originate")
    async with connected(pbx, HASTY) as control:
        await control.send(DIAL)
        await pbx.until(lambda: pbx.connections == 2)
        await until(lambda: control.is_connected)
        pbx.answers = refused("No such channel")
        assert await control.send(END) == Done(command="end")


async def test_an_answer_to_something_else_costs_the_connection(pbx: FakeAmi) -> None:
    pbx.answers = lambda action: success(action | ({"ActionID": "other"} if action["Action"] == "Originate" else {}))
    async with connected(pbx) as control:
        assert await control.send(DIAL) == Failed(command="dial", reason="pbx_lost")
        await pbx.until(lambda: pbx.connections == 2)


async def test_no_event_in_time_is_a_timeout(pbx: FakeAmi, monkeypatch: pytest.MonkeyPatch) -> None:
    def hasty(command: Command, given: Given) -> Expectation:
        expectation = expectation_of(command, given)
        expectation.limit_s = 0.1
        return expectation

    monkeypatch.setattr("cti.telephony.asterisk.control.expectation_of", hasty)
    async with connected(pbx) as control:
        assert await control.send(END) == Failed(command="end", reason="timeout")


async def test_an_agent_is_a_member_when_the_queue_says_that_the_pause_is_as_asked(pbx: FakeAmi) -> None:
    """Also where the agent was one already, and Asterisk refuses to add what is there."""
    pbx.answers = lambda action: (
        f"Response: Error\r\nActionID: {action['ActionID']}\r\nMessage: Unable to add interface: Already there\r\n\r\n"
        if action["Action"] == "QueueAdd"
        else success(action)
    )
    async with connected(pbx) as control:
        sending = asyncio.create_task(control.send(JOIN))
        action = await pbx.saw("QueuePause")
        assert [seen["Action"] for seen in pbx.seen if "Queue" in seen] == ["QueueAdd", "QueuePause"]
        assert (action["Paused"], action["Reason"]) == ("true", "lunch break")
        assert not sending.done()
        control.feed(paused(action))
        assert await sending == Done(command="join")


async def test_where_an_agent_cannot_be_added_no_pause_is_asked_for(pbx: FakeAmi) -> None:
    words = "Unable to add interface to queue: No such queue"
    pbx.answers = lambda action: (
        f"Response: Error\r\nActionID: {action['ActionID']}\r\nMessage: {words}\r\n\r\n"
        if action["Action"] == "QueueAdd"
        else success(action)
    )
    async with connected(pbx) as control:
        assert await control.send(JOIN) == Failed(command="join", reason=words)
        await pbx.saw("Ping", sum(action["Action"] == "Ping" for action in pbx.seen) + 1)
        assert not [action for action in pbx.seen if action["Action"] == "QueuePause"]


async def test_a_command_that_must_not_be_sent_raises_and_nothing_is_sent(pbx: FakeAmi) -> None:
    async with connected(pbx) as control:
        with pytest.raises(ValueError, match="to"):
            await control.send(Originate(id="x", device="PJSIP/2001", to="2002\r\nAction: Command"))
        assert {action["Action"] for action in pbx.seen} <= {"Login", "Ping"}


async def test_the_same_id_again_is_the_same_command(pbx: FakeAmi) -> None:
    async with connected(pbx) as control:
        first, second = (asyncio.create_task(control.send(DIAL)) for _ in "12")
        control_action = await pbx.saw("Originate")
        control.feed(originated(control_action, "Success"))
        assert await first == await second == await control.send(DIAL)
        assert sum(action["Action"] == "Originate" for action in pbx.seen) == 1


async def test_who_stops_waiting_stops_nobody_else(pbx: FakeAmi) -> None:
    async with connected(pbx) as control:
        first, second = (asyncio.create_task(control.send(DIAL)) for _ in "12")
        action = await pbx.saw("Originate")
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        control.feed(originated(action, "Success"))
        assert isinstance(await second, Done)


async def test_while_not_connected_a_command_fails_at_once() -> None:
    control = Control(PbxName("main"), Account(user="u", secret="s"), Dialplan(), QUICK)
    assert await control.send(DIAL) == Failed(command="dial", reason="pbx_lost")


async def test_commands_beyond_all_reason_are_refused(pbx: FakeAmi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Control, "MOST_OUT", 1)
    async with connected(pbx) as control:
        sending = asyncio.create_task(control.send(DIAL))
        await pbx.saw("Originate")
        assert await control.send(END) == Failed(command="end", reason="too many commands at once")
        control.events_lost()
        assert await sending == Failed(command="dial", reason="pbx_lost")


async def test_a_command_in_flight_when_the_link_is_cut_fails(pbx: FakeAmi) -> None:
    pbx.answers = silent_about("Originate")
    async with connected(pbx, Limits(answer_s=60.0, backoff_first_s=0.02)) as control:
        sending = asyncio.create_task(control.send(DIAL))
        await pbx.saw("Originate")
        pbx.cut()
        assert await asyncio.wait_for(sending, SOON_S) == Failed(command="dial", reason="pbx_lost")


async def test_what_was_accepted_is_confirmed_also_after_the_link_is_cut(pbx: FakeAmi) -> None:
    async with connected(pbx) as control:
        sending = asyncio.create_task(control.send(DIAL))
        action = await pbx.saw("Originate")
        await pbx.saw("Ping")
        pbx.cut()
        await until(lambda: not control.is_connected)
        control.feed(originated(action, "Success"))
        assert isinstance(await sending, Done)


async def test_it_reconnects_and_says_so_once(pbx: FakeAmi) -> None:
    with capture_logs() as lines:
        async with connected(pbx) as control:
            await pbx.saw("Ping")
            await pbx.__aexit__()
            await until(lambda: control._failures > 2)
            assert "Connect" in control.trouble
            async with FakeAmi(port=pbx.port):
                await until(lambda: control.is_connected)
                assert control.trouble == ""
    assert [line["event"] for line in lines] == [
        "pbx_commands_connected",
        "pbx_commands_lost",
        "pbx_commands_connected",
    ]


async def test_a_pbx_that_hangs_is_noticed_by_ping(pbx: FakeAmi) -> None:
    pbx.answers = silent_about("Ping")
    async with connected(pbx, HASTY):
        await pbx.until(lambda: pbx.connections >= 2)


async def test_a_cut_is_noticed_without_a_ping(pbx: FakeAmi) -> None:
    async with connected(pbx, Limits(ping_s=3600.0, backoff_first_s=0.02)):
        pbx.cut()
        await pbx.until(lambda: pbx.connections == 2)


@pytest.mark.parametrize("greeting", [b"", b"SSH-2.0-x\r\n", b"\xff\xfe\r\n\r\n", b"x" * 5000])
async def test_what_does_not_greet_is_left_in_time(pbx: FakeAmi, greeting: bytes) -> None:
    pbx.greeting, pbx.answers = greeting, lambda _: None
    with pytest.raises(PbxUnavailable):
        await listed_actions(Account(port=pbx.port, user="u", secret="s"), QUICK)


async def test_a_wrong_secret_is_named(pbx: FakeAmi) -> None:
    pbx.answers = lambda action: (
        f"Response: Error\r\nActionID: {action['ActionID']}\r\nMessage: Authentication failed\r\n\r\n"
    )
    with pytest.raises(PbxAuthFailed, match="Authentication failed"):
        await listed_actions(Account(port=pbx.port, user="u", secret="s"), QUICK)
    async with running(pbx) as control:
        await until(lambda: control.trouble.startswith("log-in refused: Authentication failed"))
        assert not control.is_connected


async def test_a_header_that_kills_pyst2_s_reader_costs_the_connection_and_no_more(
    pbx: FakeAmi, capfd: pytest.CaptureFixture[str]
) -> None:
    pbx.answers = lambda action: (
        success(action).replace("Message", "ChanVariable") if action["Action"] == "Hangup" else success(action)
    )
    with capture_logs():
        async with connected(pbx, HASTY) as control:
            assert isinstance(await control.send(END), Failed)
            await pbx.until(lambda: pbx.connections == 2)
    assert tuple(capfd.readouterr()) == ("", "")


async def test_no_thread_is_left_behind(pbx: FakeAmi) -> None:
    before = threading.active_count()
    async with connected(pbx):
        assert threading.active_count() > before
        for _ in range(3):
            count = pbx.connections
            pbx.cut()
            await pbx.until(partial(lambda before: pbx.connections > before, count))
    await until(lambda: threading.active_count() <= before)
    gc.collect()


async def test_the_secret_stands_in_no_log_and_no_repr(pbx: FakeAmi, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        async with connected(pbx):
            pbx.cut()
            await pbx.until(lambda: pbx.connections == 2)
    assert "ssss" not in f"{caplog.text}{lines}{Account(user='u', secret='s' * 32)}"


@pytest.mark.parametrize(("failures", "most_s"), [(1, 0.5), (2, 1.0), (5, 8.0), (7, 30.0), (10_000, 30.0)])
def test_attempts_grow_apart_and_are_capped_at_30_s(failures: int, most_s: float) -> None:
    assert backoff_s(failures, 1.0) == most_s
    assert backoff_s(failures, 0.0) == most_s / 2
