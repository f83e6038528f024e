"""What is read quickly is read rightly: the short ways of the codec and of the gate, held to the long ones."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.calls.call import Call
from cti.telephony.asterisk import members, narrator, shape, story, teller, unread
from cti.telephony.asterisk.ami_codec import AmiDecoder, AmiMessage
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.kinds.kind import Expectation
from cti.telephony.asterisk.mirror import Conversation, Mirror
from cti.telephony.asterisk.shape import GROUPS, READ, fault_of, is_plain
from cti.telephony.asterisk.translate import TRANSLATE
from cti.telephony.asterisk.unread import UNREAD, is_unread
from cti.telephony.replay.story import replay
from cti.telephony.replay.trace import load
from tests.traces.expected import HERE
from tests.unit.telephony.fake_ami import Chan, event

TRACES = sorted(HERE.glob("*/*.ami"))
OFTEN = {
    "Newchannel",
    "Newstate",
    "Hangup",
    "HangupRequest",
    "BridgeEnter",
    "BridgeLeave",
    "DialBegin",
    "DialEnd",
    "AgentCalled",
}
SAMPLE = [
    message for path in sorted(HERE.glob("22/*transfer*.ami"))[:6] for message in load(path).messages() if message.raw
]


@pytest.mark.parametrize("version", ["16", "22"])
def test_every_header_is_found_as_it_would_be_parsed(version: str) -> None:
    for path in (HERE / version).glob("*transfer*.ami"):
        for message in load(path).messages():
            if message.is_greeting:
                continue
            for key in {key for key, _ in message.headers}:
                values = tuple(value for name, value in message.headers if name == key)
                assert (values[0], values) == (message.get(key), message.get_all(key))
            assert message.get("Nosuch", "no") == "no"


@given(
    st.lists(
        st.tuples(st.sampled_from(["A", "AB", "Channel", "DestChannel"]), st.text(max_size=6)), min_size=1, max_size=6
    )
)
def test_a_header_is_found_whatever_stands_around_it(headers: list[tuple[str, str]]) -> None:
    raw = "\r\n".join(f"{key}: {value}" for key, value in headers).encode()
    message = AmiMessage(raw)
    parsed = AmiMessage.of(message.headers)
    for key in ("A", "AB", "Channel", "DestChannel"):
        assert parsed.get(key) == message.get(key)
        assert parsed.get_all(key) == message.get_all(key)


def test_what_is_plain_has_no_fault_and_most_is_plain() -> None:
    seen: Counter[bool] = Counter()
    for path in TRACES:
        for message in load(path).messages():
            if message.event in OFTEN:
                plain = is_plain(message)
                seen[plain] += 1
                assert not plain or fault_of(message) is None
    assert seen[True] > 3 * seen[False]


@settings(max_examples=400)
@given(
    st.sampled_from(SAMPLE),
    st.integers(0, 2000),
    st.sampled_from([b"", b"\r\n", b"\r\nUniqueid: 1.1", b"\r\nEvent: Hangup", b"x", b"\n"]),
)
def test_nothing_put_into_an_event_makes_a_faulty_one_plain(message: AmiMessage, at: int, put: bytes) -> None:
    raw = message.raw
    place = at % len(raw)
    changed = AmiMessage(raw[:place] + put + raw[place + (at % 3) :])
    assert not is_plain(changed) or fault_of(changed) is None


def test_a_form_holds_what_the_headers_say() -> None:
    for message in SAMPLE:
        if message.event in OFTEN and is_plain(message) and message.form is not None:
            assert message.get("Timestamp") == message.stamp
            for prefix in GROUPS if "DestChannel" in message.form.re.pattern else [""]:
                read = tuple(message.get(prefix + header) for header in READ)
                assert message.form.group(*GROUPS[prefix]) == read


def kinds_of(kind: type[Expectation]) -> Iterator[type[Expectation]]:
    for one in kind.__subclasses__():
        yield one
        yield from kinds_of(one)


RTCP = event(
    "RTCPSent", Chan(id="1.1"), ("To", "10.0.0.1:4001"), ("SSRC", "0x1"), ("SentNTP", "1.2"), ("ReportCount", "1"),
    ("Report0SourceSSRC", "0x2"), ("Report0FractionLost", "0"),
)  # fmt: skip


def test_a_report_on_the_line_is_passed_over() -> None:
    assert is_unread(RTCP.removesuffix(b"\r\n\r\n"))


def test_no_form_goes_back_over_what_it_has_read() -> None:
    """A repetition that may give back what it took costs the square of its length, and a caller may have chosen that."""
    for form in (unread._FORM, *shape._FORMS.values()):
        assert not re.findall(r"[^\\*+?][*+](?!\+).*", str(form.__self__.pattern))


def test_nobody_asks_for_what_is_not_read() -> None:
    asked = {name for kind in kinds_of(Expectation) for name in kind.events}
    assert not UNREAD & {*TRANSLATE, *members.EVENTS, *asked}


def test_what_is_passed_over_has_no_fault_and_most_of_it_is() -> None:
    seen: Counter[bool] = Counter()
    for path in TRACES:
        for message in load(path).messages():
            if message.event in UNREAD and not message.get("ActionID"):
                seen[is_unread(message.raw)] += 1
                assert not is_unread(message.raw) or fault_of(message) is None
    assert seen[True] > 50 * seen[False]


UNWANTED = [
    event("VarSet", Chan(id="1.1"), ("Variable", "A"), ("Value", "b")),
    event("Newexten", Chan(id="1.1"), ("Extension", "s"), ("Application", "Set"), ("AppData", "A=b")),
    *[message.raw + b"\r\n\r\n" for message in SAMPLE if message.event in UNREAD and is_unread(message.raw)],
]


@settings(max_examples=400)
@given(
    st.sampled_from(UNWANTED),
    st.integers(0, 2000),
    st.sampled_from([b"", b"\r\n", b"\r\nUniqueid: 1.1", b"\r\nEvent: Hangup", b"x", b"\n", b"\r\n\r\n"]),
)
def test_nothing_put_into_an_event_has_a_faulty_one_passed_over(whole: bytes, at: int, put: bytes) -> None:
    place = at % (len(whole) - 4)
    for block in (whole[:place] + put + whole[place:-4]).split(b"\r\n\r\n"):
        assert not is_unread(block) or fault_of(AmiMessage(block)) is None


def test_what_is_passed_over_does_not_end_distrust() -> None:
    """Somebody's number ends an event early; between that event and its tail nothing is believed, read or not."""
    victim, stranger = Chan(id="1.1"), Chan(id="1.2", name="PJSIP/trunk-00000002")
    head, _, tail = event("Newchannel", stranger).partition(b"CallerIDName: ")
    forged = UNWANTED[0] * 40 + event("Hangup", victim, ("Cause", "16"))
    decoder, told = AmiDecoder(passes_over=is_unread), narrator.Narrator("main", Endpoints())
    for message in decoder.feed(event("Newchannel", victim) + head + b"x\r\n\r\n" + forged + tail):
        told.feed(message)
    assert (decoder.passed_over, told.not_believed, len(told.tracker.live)) == (40, 3, 1)


def test_quiet_is_only_what_has_nothing_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: Counter[bool] = Counter()

    def checked(mirror: Mirror, seen: Conversation, told: Call) -> bool:
        quiet = story.is_quiet(mirror, seen, told)
        looks[quiet] += 1
        if quiet:
            assert story.Story(mirror, seen).news(told, datetime(2026, 1, 1, tzinfo=UTC)) is None
        return quiet

    monkeypatch.setattr(teller, "is_quiet", checked)
    for path in TRACES:
        list(replay(load(path)))
    assert looks[True] > looks[False] / 2
