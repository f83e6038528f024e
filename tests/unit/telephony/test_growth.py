"""An event costs the same however many calls are live: counted in steps of the interpreter, not in time."""

import gc
import sys
from types import FrameType
from typing import Any, Self

import pytest
from streams import Traffic, generated, recorded

from cti.telephony.asterisk.ami_codec import AmiDecoder, AmiMessage
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.mirror import Channel, Conversation
from cti.telephony.asterisk.narrator import Narrator
from cti.telephony.asterisk.unread import is_unread
from tests.unit.telephony.fake_ami import Chan, event

WATCHED = 1000
"""The number of the call whose steps are counted; no other has its ids."""


class Steps:
    """Counts what the interpreter does while it is entered."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Self:
        self._before = sys.gettrace()
        sys.settrace(self._trace)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(self._before)

    def _trace(self, frame: FrameType, what: str, _arg: object) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        self.count += what == "opcode"
        return self._trace


def messages(*data: bytes) -> list[AmiMessage]:
    return AmiDecoder().feed(b"".join(data))


def busy(live: int, kind: str) -> Narrator:
    """So many calls in the midst of things, and one that ended: a first call of any kind does what is done once."""
    narrator = Narrator("main", Endpoints())
    traffic = Traffic(calls_per_s=1e6, in_flight=1000, agents=100_000)
    whole = list(_calls(kind, live, 0, traffic))
    for message in messages(*_calls(kind, 1, 5000, traffic), *whole[: len(whole) * 6 // 10]):
        narrator.feed(message)
    assert len(narrator.tracker.live) == live
    return narrator


def _calls(kind: str, calls: int, first: int, traffic: Traffic) -> Any:
    if kind in {"lean", "heavy"}:
        return generated(calls, heavy=kind == "heavy", chan_variables=True, first=first, traffic=traffic)
    return recorded(calls, stories=(kind,), first=first, traffic=traffic)


@pytest.mark.parametrize(
    "kind",
    [
        "lean",
        "heavy",
        "attended_transfer_by_refer",
        "attended_transfer_by_key",
        "blonde_transfer_comes_back",
        "click_to_dial_answered",
        "parked_and_timed_out",
        "dialler_customer_first",
    ],
)
def test_a_call_costs_the_same_among_many(kind: str) -> None:
    counts = []
    for live in (5, 50):
        narrator = busy(live, kind)
        watched = messages(*_calls(kind, 1, WATCHED, Traffic(agents=100_000)))
        with Steps() as steps:
            for message in watched:
                narrator.feed(message)
        counts.append(steps.count)
    assert counts[1] < counts[0] * 1.05, counts


def test_an_agent_who_dials_costs_the_same_among_many() -> None:
    dials = messages(event("Newchannel", Chan(id="9.1", name="PJSIP/2001-0000ffff", exten="2002")))
    counts = []
    for live in (5, 50):
        narrator = busy(live, "lean")
        with Steps() as steps:
            narrator.feed(dials[0])
        counts.append(steps.count)
    assert counts[1] < counts[0] * 1.05, counts


def test_what_is_passed_over_costs_no_more_than_a_look() -> None:
    unread = b"".join(found for found in generated(3) if found.startswith((b"Event: VarSet", b"Event: Newexten")))
    decoder = AmiDecoder(passes_over=is_unread)
    decoder.feed(unread)
    with Steps() as steps:
        decoder.feed(unread)
    assert decoder.passed_over == 2 * 3 * 20
    assert steps.count / 60 < 40


@pytest.mark.parametrize("kind", ["lean", "heavy", "attended_transfer_by_refer", "parked_and_timed_out"])
def test_nothing_is_kept_of_calls_that_are_over(kind: str) -> None:
    """But the ids of the last ten thousand channels, which must not come back, and who was parked last in each space."""
    narrator = Narrator("main", Endpoints())
    for message in messages(*_calls(kind, 20, 0, Traffic(agents=100_000))):
        narrator.feed(message)
    mirror = vars(narrator._mirror)
    kept = {name for name, held in mirror.items() if isinstance(held, dict | set) and held}
    assert kept - {"_parked", "members", "shared_bridges"} == {"_graves"}
    assert narrator.tracker.live == ()


@pytest.mark.parametrize("kind", ["lean", "heavy", "attended_transfer_by_refer", "parked_and_fetched"])
def test_calls_that_are_over_are_not_left_to_the_garbage_collector(kind: str) -> None:
    """The service looks for garbage rarely (cti/app/garbage.py)."""
    narrator, wanted = Narrator("main", Endpoints()), messages(*_calls(kind, 20, 0, Traffic(agents=100_000)))
    gc.collect()
    before = _mirrored()
    gc.disable()
    try:
        for message in wanted:
            narrator.feed(message)
        assert _mirrored() - before <= 20  # who was parked last in each space is remembered
    finally:
        gc.enable()


def _mirrored() -> int:
    return sum(isinstance(one, Channel | Conversation) for one in gc.get_objects())
