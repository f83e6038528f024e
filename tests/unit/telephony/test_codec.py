"""Bytes to messages: however they arrive, whatever they are (trust tests 1, 2 and 3)."""

import contextlib
import random
import resource
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.errors import PbxProtocolError
from cti.telephony.asterisk.ami_codec import AmiDecoder, AmiMessage, encode, split_connections
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator
from tests.traces.expected import HERE
from tests.unit.telephony.fake_ami import GREETING, Chan, FakeAmi, event, linked, listed

KEYS = st.sampled_from(["Event", "Channel", "CallerIDName", "Uniqueid", "ChanVariable", "X-Ä"])
TEXT = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\r\n"), max_size=40)
VALUES = st.one_of(
    TEXT, st.sampled_from(["王小明", "Zoë", "🙂" * 5, "", " leading", "a: b", "Asterisk Call Manager/11"])
)
MESSAGES = st.lists(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=6), max_size=6)


def decoded(pieces: list[bytes]) -> list[AmiMessage]:
    decoder = AmiDecoder()
    return [message for piece in pieces for message in decoder.feed(piece)]


def pieces_of(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    return [stream[start:end] for start, end in pairwise(places)]


@given(MESSAGES, st.lists(st.integers(0, 10_000), max_size=30), st.booleans())
def test_1_ami_chunking(sent: list[list[tuple[str, str]]], cuts: list[int], greets: bool) -> None:  # noqa: FBT001
    """Any valid stream, cut anywhere, also inside a character of several bytes: the same messages, and those that were sent."""
    stream = (GREETING if greets else b"") + b"".join(
        "".join(f"{key}: {value}\r\n" for key, value in headers).encode() + b"\r\n" for headers in sent
    )
    found = decoded(pieces_of(stream, cuts))
    assert found == decoded([stream])
    assert [message.is_greeting for message in found[:1]] == [True] * greets + [False] * (not greets and bool(sent))
    assert [list(message.headers) for message in found[greets:]] == sent


@given(st.binary(max_size=2000), st.lists(st.integers(0, 2000), max_size=10))
def test_1_ami_chunking_of_anything(stream: bytes, cuts: list[int]) -> None:
    """Also what nobody should send means the same however it is cut."""
    noise = stream.replace(b"\x00", b"\r\n\r\n").replace(b"\x01", GREETING).replace(b"\x02", b"\r\n")
    assert decoded(pieces_of(noise, cuts)) == decoded([noise])


def test_1_ami_chunking_a_greeting_is_the_first_thing_or_none() -> None:
    """What a caller puts into the middle of a stream never is one, wherever it is cut."""
    stream = (
        GREETING + event("Newstate", Chan(id="1.1")) + GREETING + b"X: y\r\n\r\n" + event("Newstate", Chan(id="1.2"))
    )
    whole = decoded([stream])
    assert [message.is_greeting for message in whole] == [True, False, False, False]
    for cut in range(1, len(stream)):
        found = decoded([stream[:cut], stream[cut:]])
        assert (found, [message.is_greeting for message in found]) == (whole, [True, False, False, False])


def test_1_ami_chunking_byte_by_byte_inside_a_character() -> None:
    stream = GREETING + event("Newchannel", Chan(id="1.1", caller_name="王小明"))
    found = decoded([stream[n : n + 1] for n in range(len(stream))])
    assert found[1].get("CallerIDName") == "王小明"


def test_headers_keep_their_order_and_repeat() -> None:
    (message,) = decoded([b"Event: Newchannel\r\nChanVariable: A=1\r\nChannel: x\r\nChanVariable: B=2\r\n\r\n"])
    assert [key for key, _ in message.headers] == ["Event", "ChanVariable", "Channel", "ChanVariable"]
    assert message.get_all("ChanVariable") == ("A=1", "B=2")
    assert message.get("ChanVariable") == "A=1"


def test_what_is_unfinished_when_the_connection_ends_is_no_message() -> None:
    assert decoded([event("Newchannel", Chan(id="1.1"))[:-2]]) == []


def test_a_recording_of_two_connections_is_two() -> None:
    half = b"Event: Newch"
    assert split_connections(GREETING + half + b"\n" + GREETING) == [GREETING + half, GREETING]


# ---- 2: whatever comes


@given(st.lists(st.binary(max_size=3000), max_size=5))
def test_2_ami_fuzz_any_bytes_decode_or_are_refused(pieces: list[bytes]) -> None:
    decoder = AmiDecoder()
    for piece in pieces:
        try:
            for message in decoder.feed(piece):
                assert isinstance(message.get("Event"), str)
        except PbxProtocolError:
            return


STORIES = [
    HERE / "22" / f"{name}.ami"
    for name in ("ring_no_answer_then_other", "attended_transfer_by_refer", "parked_and_timed_out", "three_way_by_key")
]
DONORS = [HERE / "22" / "hostile_caller_names.ami", HERE / "16" / "connection_lost_in_mid_call.ami"]


def mutated(stream: bytes, chance: random.Random) -> bytes:
    """Blocks lost, doubled and moved; bytes flipped, dropped and put in; pieces of other streams in between."""
    blocks = stream.split(b"\r\n\r\n")
    donor = chance.choice(DONORS).read_bytes().split(b"\r\n\r\n")
    for _ in range(chance.randrange(1, 40)):
        at, other = chance.randrange(len(blocks)), chance.randrange(len(blocks))
        match chance.randrange(7):
            case 0:
                del blocks[at]
            case 1:
                blocks.insert(at, blocks[other])
            case 2:
                blocks[at], blocks[other] = blocks[other], blocks[at]
            case 3:
                blocks.insert(at, chance.choice(donor))
            case 4:
                cut = chance.randrange(len(blocks[at]) + 1)
                blocks[at] = (
                    blocks[at][:cut]
                    + chance.choice([b"", b"\r\n", b"\r\n\r\n", b"\xff\xfe", b"\x00"])
                    + blocks[at][cut:]
                )
            case 5:
                lines = blocks[at].split(b"\r\n")
                chance.shuffle(lines)
                blocks[at] = b"\r\n".join(lines)
            case _:
                blocks[at] = bytes(byte ^ (chance.random() < 0.01) * chance.randrange(256) for byte in blocks[at])
        blocks = blocks or [b""]
    return b"\r\n\r\n".join(blocks) + b"\r\n\r\n"


def survives(stream: bytes, narrator: Narrator) -> None:
    decoder = AmiDecoder()
    try:
        for message in decoder.feed(stream):
            narrator.feed(message)
    except PbxProtocolError:
        return
    narrator.begin_sync()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(STORIES), st.integers(0, 2**32))
def test_2_ami_fuzz_the_narrator_survives_mutated_traces(trace: object, seed: int) -> None:
    """Nothing escapes, whatever happened to the bytes."""
    narrator = Narrator("pbx", Endpoints())
    survives(mutated(trace.read_bytes(), random.Random(seed)), narrator)  # type: ignore[attr-defined]
    narrator.end_all("trace_end")
    assert narrator.tracker.live == ()


def test_2_ami_fuzz_memory_is_bounded() -> None:
    """A PBX that goes mad for long leaves nothing behind: one narrator, a hundred mutated traces, each cleared by a snapshot."""
    narrator, chance = Narrator("pbx", Endpoints()), random.Random(52)
    empty = b"Event: CoreShowChannelsComplete\r\nEventList: Complete\r\nListItems: 0\r\n\r\n"
    for _ in range(100):
        survives(mutated(chance.choice(STORIES).read_bytes(), chance), narrator)
        for message in AmiDecoder().feed(empty * 20):
            narrator.feed(message)
    mirror = narrator._mirror
    assert (narrator.tracker.live, mirror.channels, mirror.by_name, mirror.bridges) == ((), {}, {}, {})
    assert len(mirror._graves) <= mirror.MOST_GRAVES
    assert len(mirror.conversations) == 0


# ---- 3: without end


@pytest.mark.parametrize(
    "flood",
    [
        b"Event: " + b"x" * 100_000,
        b"".join(b"X%d: y\r\n" % number for number in range(10_000)),
        b"X: y\r\n" * 1_100 + b"\r\n",
    ],
    ids=["a line", "headers", "a whole message"],
)
def test_3_ami_giant_line_is_refused(flood: bytes) -> None:
    with pytest.raises(PbxProtocolError):
        AmiDecoder().feed(flood)


@pytest.mark.parametrize(
    "flood",
    [b"x" * 50_000_000, b"".join(b"X%d: y\r\n" % number for number in range(10_000))],
    ids=["50 MB", "10,000 headers"],
)
async def test_3_ami_giant_line(flood: bytes) -> None:
    """The connection is dropped with the reason; memory does not grow; the next one works."""
    call = Chan(id="1.1")
    async with FakeAmi({"CoreShowChannels": [listed(call)]}) as pbx, linked(pbx) as watched:
        await watched.until_connected()
        before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with contextlib.suppress(OSError):
            for start in range(0, len(flood), 1_000_000):
                await pbx.say(flood[start : start + 1_000_000])
        await watched.until_connected(2)
        grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
        reasons = [news.reason for news in watched.news if getattr(news, "state", "") == "lost"]
        assert [reason.startswith("cannot be read") for reason in reasons] == [True]
        assert grown_kb < 16_000
        assert [call.id for call in watched.link.calls] == ["main-1.1"]


# ---- the way out


@pytest.mark.parametrize("evil", ["a\r\nAction: Command", "a\nb", "a\0b", "\ud800", "x" * 2000])
def test_4_ami_encoder_injection_of_the_event_plane(evil: str) -> None:
    with pytest.raises(ValueError, match="X"):
        encode({"X": evil})


def test_an_action_reads_back() -> None:
    (message,) = decoded([encode({"Action": "Login", "Username": "zoë"})])
    assert message.get("Username") == "zoë"
