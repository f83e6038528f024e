"""Every recorded trace tells its story, however its bytes arrive, and the story agrees with what really happened.

``*.expected.toml`` is the story a person judged right; ``*.truth.toml`` is what the scenario and Asterisk's own queue_log
and CDR know, and was written without any code of ours.
"""

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from cti.calls.call import Call, Direction, Outcome, Role, TransferKind
from cti.calls.events import Cleared, Offered
from cti.telephony.replay.story import replay
from cti.telephony.replay.trace import load
from tests.traces.expected import HERE, expected_path, story

TRACES = sorted(HERE.glob("*/*.ami"))
IDS = [f"{trace.parent.name}-{trace.name.removesuffix('.ami')}" for trace in TRACES]
every_trace = pytest.mark.parametrize("trace", TRACES, ids=IDS)


def ended(trace: Path) -> list[Call]:
    return [change.after for change in replay(load(trace), pbx="pbx") if isinstance(change.cause, Cleared)]


def truth(trace: Path) -> dict[str, Any]:
    return tomllib.loads(trace.with_name(trace.name.replace(".ami", ".truth.toml")).read_text())


def test_there_are_traces_of_both_versions() -> None:
    assert {"22", "16"} <= {trace.parent.name for trace in TRACES}


@every_trace
def test_a_trace_tells_its_story(trace: Path) -> None:
    wanted = tomllib.loads(expected_path(trace).read_text())["story"]
    assert wanted.strip().splitlines() == story(trace)


@every_trace
def test_how_bytes_arrive_never_changes_the_story(trace: Path) -> None:
    whole = story(trace)
    assert whole == story(trace, chop=1)
    assert whole == story(trace, chop=7)
    assert whole == story(trace, chop=1460)


@every_trace
def test_each_call_is_offered_once_and_cleared_once(trace: Path) -> None:
    told = list(replay(load(trace), pbx="pbx"))
    offered = Counter(change.after.id for change in told if isinstance(change.cause, Offered))
    cleared = Counter(change.after.id for change in told if isinstance(change.cause, Cleared))
    assert offered == cleared
    assert set(offered.values()) <= {1}


@every_trace
def test_time_never_runs_back_within_a_call(trace: Path) -> None:
    latest: dict[str, Any] = {}
    for change in replay(load(trace), pbx="pbx"):
        call = change.after
        assert call.since >= latest.get(call.id, call.since)
        latest[call.id] = call.since
        assert min(call.ring_s, call.talk_s, call.hold_s) >= 0


SEEN_OTHERWISE = {
    # A consultation belongs to the customer's call; the truth lists the phone's second line as a call of its own.
    "attended_transfer_abandoned_by_agent": 1,
    # A phone that somebody else made ring looks like a call of its own until it joins the parked one; of our own we know.
    "parked_and_fetched_by_command": 2,
    # Not one event of a caller whose number forges AMI headers is believed, as long as the dialplan does not clean it.
    "hostile_caller_number_not_cleaned": 0,
    "hostile_caller_number_forges_an_event": 1,
    # One call began and ended while nobody listened: the PBX's own records know it, AMI does not.
    "connection_lost_in_mid_call": 3,
}


@every_trace
def test_the_story_has_the_calls_that_really_happened(trace: Path) -> None:
    name = trace.name.removesuffix(".ami")
    calls = ended(trace)
    wanted = truth(trace)["calls"]
    assert len(calls) == SEEN_OTHERWISE.get(name, len(wanted))
    for call, real in zip(sorted(calls, key=lambda call: call.id), wanted, strict=False):
        assert real["direction"] == call.direction
        assert real.get("ani", "") == call.ani or len(wanted) > 1
        # After a lost connection a call is known to talk, and not where it waited.
        assert real.get("queue", "") in {call.queue, ""} or call.transfers or name == "connection_lost_in_mid_call"


OUTCOMES = {"pbx_restart": {Outcome.UNKNOWN, Outcome.ANSWERED}, "agent_no_answer": {Outcome.CANCELLED}}


@every_trace
def test_outcomes_and_who_answered_are_the_real_ones(trace: Path) -> None:
    name = trace.name.removesuffix(".ami")
    calls = ended(trace)
    wanted = truth(trace)["calls"]
    if len(calls) != 1 or len(wanted) != 1 or name == "conference_room":
        return
    call, real = calls[0], wanted[0]
    assert call.outcome in OUTCOMES.get(real["outcome"], {real["outcome"]})
    others = [leg for leg in call.legs if leg.party.role is not Role.CUSTOMER and leg.connected_at and not leg.consult]
    spoke = [leg.party.number for leg in others]
    handed_over = [
        leg.party.number for leg in call.legs if leg.connected_at and leg.consult and leg.party.role is Role.AGENT
    ]
    assert set(real["answered_by"]) <= {*spoke, *handed_over, call.ani}
    caller = "agent" if call.direction is Direction.INTERNAL else "customer"
    assert call.ended_by == {"caller": caller, "pbx": "system", "command": "system"}.get(
        real["ended_by"], real["ended_by"]
    )


@every_trace
def test_transfers_that_were_done_are_told(trace: Path) -> None:
    kinds = set(TransferKind)
    for call, real in zip(sorted(ended(trace), key=lambda call: call.id), truth(trace)["calls"], strict=False):
        done = [(each["kind"], each["target"]) for each in real["transfers"] if each["done"] and each["kind"] in kinds]
        told = [(transfer.kind.value, transfer.to) for transfer in call.transfers]
        # AMI says nothing of a Redirect: the customer is simply somewhere else afterwards.
        assert "redirected" in trace.name or [pair for pair in told if pair in done] == done
