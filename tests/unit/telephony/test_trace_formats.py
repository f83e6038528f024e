"""Others keep their traces as JSON, gzipped, or through an editor; the story is the same."""

import gzip
import json
from pathlib import Path

import pytest

from cti.errors import ConfigError
from cti.telephony.replay.story import replay
from cti.telephony.replay.tell import line
from cti.telephony.replay.trace import load, parse
from tests.traces.expected import HERE, story

TRACE = HERE / "22" / "attended_transfer_by_refer.ami"


def objects(path: Path) -> list[dict[str, object]]:
    """The events as header objects, keys sorted, repeated headers as lists: how loggers write them."""
    found = []
    for message in load(path).messages():
        headers: dict[str, object] = {}
        for key, value in message.headers:
            known = headers.get(key)
            headers[key] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
        if message.event:
            found.append(dict(sorted(headers.items())))
    return found


def told(data: bytes) -> list[str]:
    return [line(change) for change in replay(parse(data), pbx="pbx")]


@pytest.mark.parametrize("path", sorted(HERE.glob("22/*transfer*.ami")), ids=lambda path: path.stem)
def test_a_json_array_of_header_objects_tells_the_same_story(path: Path) -> None:
    assert story(path) == told(json.dumps(objects(path)).encode())


def test_json_lines_tell_the_same_story() -> None:
    assert story(TRACE) == told(b"\n".join(json.dumps(one).encode() for one in objects(TRACE)))


def test_headers_in_lower_case_are_understood() -> None:
    lowered = [{key.lower(): value for key, value in one.items()} for one in objects(TRACE)]
    assert story(TRACE) == told(json.dumps(lowered).encode())


def test_a_gzipped_trace_is_read_as_it_is(tmp_path: Path) -> None:
    packed = tmp_path / "trace.ami.gz"
    packed.write_bytes(gzip.compress(TRACE.read_bytes()))
    assert story(TRACE) == [line(change) for change in replay(load(packed), pbx="pbx")]


def test_a_trace_that_passed_through_an_editor_is_read() -> None:
    assert story(TRACE) == told(TRACE.read_bytes().replace(b"\r\n", b"\n"))


def test_without_stamps_the_same_things_happen() -> None:
    stampless = [{key: value for key, value in one.items() if key != "Timestamp"} for one in objects(TRACE)]
    with_times = [row.split("  ", 1)[1].partition("; wait")[0] for row in story(TRACE)]
    assert with_times == [row.split("  ", 1)[1].partition("; wait")[0] for row in told(json.dumps(stampless).encode())]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "neither AMI"),
        (b"hello world", "neither AMI"),
        (b'[{"Event": "Newchannel"', "Expecting"),
        (b"[1, 2]", "item 1"),
        (b'{"Event": "Hangup"}\n"oops"', "line 2"),
    ],
)
def test_what_is_no_trace_says_so(tmp_path: Path, data: bytes, words: str) -> None:
    file = tmp_path / "odd"
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=words):
        load(file)


def test_a_trace_that_ends_in_mid_call_still_ends_each_call() -> None:
    half = TRACE.read_bytes()[: len(TRACE.read_bytes()) * 2 // 3]
    rows = told(half)
    assert [row for row in rows if "cleared  " in row and "trace_end" in row]
    assert sum(" offered " in row for row in rows) == sum(" cleared " in row for row in rows)


def test_a_damaged_trace_says_so(tmp_path: Path) -> None:
    file = tmp_path / "damaged.ami.gz"
    packed = bytearray(gzip.compress(TRACE.read_bytes()))
    packed[20:200] = bytes(180)
    file.write_bytes(packed)
    with pytest.raises(ConfigError, match="cannot be read"):
        load(file)
