"""The one object of replay, socket, webhook and record: what goes in comes out, and ids say what is the same."""

import json
from pathlib import Path

import msgspec
import pytest

from cti.calls.call import Anomaly, Call
from cti.calls.events import CallEvent
from cti.calls.tracker import CallTracker
from cti.envelope import TYPE_OF, decode, encode, event_of, of_change
from cti.store.restored import restored_calls
from cti.telephony.replay.story import replay
from cti.telephony.replay.trace import load
from tests.traces.expected import HERE

TRACES = sorted(trace for trace in HERE.glob("22/*.ami"))
every_trace = pytest.mark.parametrize("trace", TRACES, ids=lambda path: path.stem)


@every_trace
def test_an_event_survives_its_envelope(trace: Path) -> None:
    for change in replay(load(trace), pbx="main"):
        assert event_of(decode(encode(of_change(change)))) == change.cause


@every_trace
def test_a_call_told_again_from_its_envelopes_is_the_same_call(trace: Path) -> None:
    """What ``cti rebuild`` and a restart live on."""
    finished: dict[str, Call] = {}
    tracker = CallTracker()
    for change in replay(load(trace), pbx="main"):
        event = event_of(decode(encode(of_change(change))))
        assert isinstance(event, CallEvent)
        again = tracker.apply(event)
        assert not isinstance(again, Anomaly)
        assert again.after == change.after
        finished[change.after.id] = again.after
    assert all(not call.is_live for call in finished.values())


@every_trace
def test_at_any_moment_the_live_calls_can_be_taken_up(trace: Path) -> None:
    live: dict[str, Call] = {}
    facts = []
    for change in replay(load(trace), pbx="main"):
        facts.append(of_change(change))
        live[change.after.id] = change.after
        wanted = {call.id: call for call in live.values() if call.is_live}
        assert {call.id: call for call in restored_calls(facts)} == wanted


@every_trace
def test_ids_are_unique_and_sequences_whole(trace: Path) -> None:
    facts = [of_change(change) for change in replay(load(trace), pbx="main")]
    assert len({fact.id for fact in facts}) == len(facts)
    for subject in {fact.subject for fact in facts}:
        own = [fact.sequence for fact in facts if fact.subject == subject]
        assert own == list(range(1, len(own) + 1))


def test_it_is_a_cloudevent() -> None:
    change = next(iter(replay(load(HERE / "22" / "plain_inbound_caller_hangs_up.ami"), pbx="main")))
    told = json.loads(encode(of_change(change)))
    assert {key: told[key] for key in ("specversion", "type", "source", "sequence", "datacontenttype")} == {
        "specversion": "1.0", "type": "cti.call.offered.v1", "source": "/pbx/main", "sequence": 1, "datacontenttype": "application/json",
    }  # fmt: skip
    assert told["subject"] in told["id"]
    assert {"direction", "ani", "dnis", "queue", "parties"} <= told["data"].keys()


def test_the_types_are_those_that_were_promised() -> None:
    names = "offered information queued delivered diverted established held retrieved transferred conferenced recording connection_cleared cleared"
    assert {f"cti.call.{name}.v1" for name in names.split()} == set(TYPE_OF.values())


def test_every_event_has_a_type_of_its_own() -> None:
    assert {kind.__name__ for kind in TYPE_OF} == {kind.__name__ for kind in CallEvent.__subclasses__()}
    assert len(set(TYPE_OF.values())) == len(TYPE_OF)


def test_what_a_later_version_adds_is_ignored() -> None:
    change = next(iter(replay(load(HERE / "22" / "plain_inbound_caller_hangs_up.ami"), pbx="main")))
    told = json.loads(encode(of_change(change)))
    told["later"] = 1
    told["data"]["later"] = {"a": 1}
    assert event_of(decode(json.dumps(told))) == change.cause


@pytest.mark.parametrize("line", [b"", b"{}", b"[]", b'{"id": 1}', b"\xff"])
def test_what_is_no_envelope_is_refused(line: bytes) -> None:
    with pytest.raises((msgspec.ValidationError, msgspec.DecodeError)):
        decode(line)
