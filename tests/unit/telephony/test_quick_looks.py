"""What is read quickly is read rightly: the short ways of the codec and of the gate, held to the long ones."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.shape import fault_of, is_plain
from cti.telephony.replay.trace import load
from tests.traces.expected import HERE

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
