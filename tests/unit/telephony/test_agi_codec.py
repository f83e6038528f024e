"""AGI bytes: what Asterisk sends, in whatever pieces; what a caller slips in; what never leaves us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.errors import PbxProtocolError
from cti.telephony.asterisk.agi_codec import AgiDecoder, AgiEnvironment, AgiReply, Heard, HungUp, command, note

ENVIRONMENT = b"""\
agi_network: yes
agi_network_script: main
agi_request: agi://127.0.0.1:4573/main
agi_channel: PJSIP/trunk-00000000
agi_language: en
agi_type: PJSIP
agi_uniqueid: 1795301646.0
agi_version: 22.10.1~dfsg+~cs6.16.60671434-1
agi_callerid: 0912345678
agi_calleridname: unknown
agi_callingpres: 0
agi_callingani2: 0
agi_callington: 0
agi_callingtns: 0
agi_dnid: 0800100100
agi_rdnis: unknown
agi_context: cti-inbound
agi_extension: 0800100100
agi_priority: 5
agi_enhanced: 0.0
agi_accountcode:\x20
agi_threadid: 139975768770240
agi_arg_1: ivr
agi_arg_2: support
agi_arg_3: 1795301646-958598034113493594
agi_arg_4: 6c385eb8fa8139587e8e95e5afd01d58e7fde425

"""
"""As Asterisk 22.10 sent it; 16.28 sends the same keys."""
REPLIES = b"""\
200 result=0
200 result=49 endpos=12000
200 result=-1 endpos=36960
200 result=1950 (timeout) endpos=8160
200 result=1 (a ) in the value)
200 result=4711 (timeout)
510 Invalid or unknown command
511 Command Not Permitted on a dead channel or intercept routine
520-Invalid command syntax.  Proper usage follows:
 Usage: WAIT FOR DIGIT <timeout>

HANGUP
520 End of proper usage.
HANGUP
"""
HEARD = [
    AgiReply(200, "0", text="result=0"),
    AgiReply(200, "49", endpos=12000, text="result=49 endpos=12000"),
    AgiReply(200, "-1", endpos=36960, text="result=-1 endpos=36960"),
    AgiReply(200, "1950", "timeout", 8160, "result=1950 (timeout) endpos=8160"),
    AgiReply(200, "1", "a ) in the value", text="result=1 (a ) in the value)"),
    AgiReply(200, "4711", "timeout", text="result=4711 (timeout)"),
    AgiReply(510, text="Invalid or unknown command"),
    AgiReply(511, text="Command Not Permitted on a dead channel or intercept routine"),
    AgiReply(520, text="Invalid command syntax.  Proper usage follows:\n Usage: WAIT FOR DIGIT <timeout>\n\nHANGUP"),
    HungUp(),
]


def decoded(data: bytes, size: int = 1_000_000) -> list[Heard] | str:
    """What is heard when the bytes come in pieces of that size; the error's words instead."""
    decoder, heard = AgiDecoder(), list[Heard]()
    try:
        for at in range(0, len(data), size):
            heard += decoder.feed(data[at : at + size])
    except PbxProtocolError as exc:
        return str(exc)
    return heard


@pytest.mark.parametrize("size", [1, 7, 1460, 1_000_000], ids=["bytewise", "odd", "segment", "whole"])
def test_how_bytes_arrive_never_changes_what_is_heard(size: int) -> None:
    heard = decoded(ENVIRONMENT + REPLIES, size)
    assert isinstance(heard, list)
    assert heard[1:] == HEARD


def test_the_environment_says_who_calls() -> None:
    [environment] = decoded(ENVIRONMENT)
    assert isinstance(environment, AgiEnvironment)
    assert environment.get("agi_callerid") == "0912345678"
    assert environment.get("agi_calleridname") == ""
    assert environment.get("agi_accountcode") == ""
    assert environment.arguments[:2] == ("ivr", "support")


@pytest.mark.parametrize(
    "line",
    [
        b"agi_arg_9: x",
        b"agi_arg_5: one too many",
        b"agi_callerid: 110",
        b"agi_arg_1: after",
        b"Agi_request: x",
        b"no colon",
        b"agi_dnid:no blank",
        b"200 result=0",
    ],
)
def test_a_line_that_asterisk_did_not_write_refuses_the_session(line: bytes) -> None:
    assert isinstance(decoded(ENVIRONMENT[:-1] + line + b"\n\n"), str)
    assert isinstance(decoded(line + b"\n" + ENVIRONMENT), str)


def test_a_name_that_ends_the_environment_early_leaves_no_arguments() -> None:
    before, after = ENVIRONMENT.split(b"unknown\nagi_callingpres")
    [environment] = decoded(before + b"x\n\n")
    assert isinstance(environment, AgiEnvironment)
    assert environment.arguments == ()
    assert isinstance(decoded(before + b"x\n\nagi_callingpres" + after), str)


@pytest.mark.parametrize("size", [1, 1000, 1_000_000])
@pytest.mark.parametrize(
    "endless",
    [b"agi_callerid: " + b"1" * 20_000, ENVIRONMENT + b"200 " + b"x" * 20_000, ENVIRONMENT + b"520-a\n" * 5000],
)
def test_what_never_ends_is_given_up(endless: bytes, size: int) -> None:
    assert decoded(endless, size) == "more than 16384 bytes without an end"


def test_many_answers_at_once_are_not_one_long_answer() -> None:
    heard = decoded(ENVIRONMENT + b"200 result=0\n" * 5000)
    assert len(heard) == 5001


@pytest.mark.parametrize("line", [b"", b"yes", b"200 OK", b"20 result=1", b"\xff\xfe", b"999999 result=1", b"200"])
def test_an_answer_that_is_none(line: bytes) -> None:
    assert isinstance(decoded(ENVIRONMENT + line + b"\n"), str)


@given(st.binary(max_size=300), st.integers(1, 40))
def test_any_bytes_decode_or_raise_and_chopping_changes_nothing(data: bytes, size: int) -> None:
    assert decoded(data) == decoded(data, size)
    assert decoded(ENVIRONMENT + data) == decoded(ENVIRONMENT + data, size)


@given(
    st.lists(st.sampled_from([*ENVIRONMENT.splitlines(), *REPLIES.splitlines(), b"", b"\xc3"]), max_size=40),
    st.integers(1, 9),
)
def test_lines_of_asterisk_in_any_order_decode_or_raise(lines: list[bytes], size: int) -> None:
    data = b"\n".join(lines)
    assert decoded(data) == decoded(data, size)


# ---- commands


def test_arguments_are_quoted() -> None:
    assert command("STREAM FILE", "cti/hello", "", 0) == b'STREAM FILE "cti/hello" "" "0"\n'


def test_quotes_and_backslashes_stay_what_they_are() -> None:
    assert note("CTI_NAME", 'a "b" \\ c') == b'SET VARIABLE "CTI_NAME" "a \\"b\\" \\\\ c"\n'


@pytest.mark.parametrize("text", ["a\nHANGUP", "a\rb", "a\0b", "\ud800", "x" * 1000, "ü" * 500], ids=ascii)
def test_nothing_is_sent_that_could_become_a_second_command(text: str) -> None:
    with pytest.raises(ValueError, match="STREAM FILE"):
        command("STREAM FILE", text)


@given(st.text())
def test_a_command_is_one_line_or_nothing(text: str) -> None:
    try:
        line = note("CTI_NAME", text)
    except ValueError:
        return
    assert line.count(b"\n") == 1
    assert line.endswith(b'"\n')
    assert b"\0" not in line
    assert b"\r" not in line
    assert len(line) <= 1000


@pytest.mark.parametrize(
    "name", ["PATH", "cti_x", "CTI_", "CTI_x", "CTI_A=B", "_CTI_A", "CTI_GO", "CTI_TO", "CTI_BACK", "SHELL(id)"]
)
def test_a_flow_sets_notes_and_nothing_the_dialplan_goes_by(name: str) -> None:
    with pytest.raises(ValueError, match="a note is named"):
        note(name, "x")
