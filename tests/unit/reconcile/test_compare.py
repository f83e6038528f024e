"""Each kind of difference is found, once, and said in words; within the tolerance there is none."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from cti.calls.call import CallId, Outcome
from cti.reconcile.compare import Kind, compare
from cti.reconcile.recorded import RecordedCall
from cti.store.interactions import Interaction
from tests.unit.reconcile.recorded_traces import TRUTHS, interactions_of, name_of, written

TRUTH = next(one for one in TRUTHS if name_of(one) == "22-plain_inbound_caller_hangs_up")


def both() -> tuple[RecordedCall, Interaction]:
    (call,), (item,) = written(TRUTH).calls(), interactions_of(TRUTH)
    return call, item


def with_agent(item: Interaction, device: str) -> Interaction:
    return structs.replace(
        item, handled_by=tuple(structs.replace(part, device=device, name=device) for part in item.handled_by)
    )


@pytest.mark.parametrize(
    ("kind", "changed", "words"),
    [
        (Kind.OUTCOME, {"outcome": Outcome.ABANDONED}, "outcome: the PBX says answered, we say abandoned"),
        (Kind.QUEUE, {"queue": "sales"}, "queue: the PBX says support, we say sales"),
    ],
)
def test_a_difference_in_one_thing_is_one_difference(kind: Kind, changed: dict[str, Any], words: str) -> None:
    call, item = both()
    (found,) = compare([call], [structs.replace(item, **changed)]).differences
    assert (found.kind, words in found.words) == (kind, True)


def test_another_agent() -> None:
    call, item = both()
    (found,) = compare([call], [with_agent(item, "PJSIP/2009")]).differences
    assert (found.kind, found.pbx, found.here) == (Kind.AGENT, "PJSIP/2001", "PJSIP/2009")


def test_one_call_that_is_two_here() -> None:
    call, item = both()
    other = min(call.ids - {call.first_id})
    found = compare([call], [item, structs.replace(item, call=CallId(f"pbx-{other}"))]).differences
    assert Kind.DOUBLED in {one.kind for one in found}


def test_a_whole_second_may_be_any_time_in_it_and_a_fraction_is_exact() -> None:
    call, item = both()
    end = item.ended_at.replace(microsecond=500_000)
    item, cut = structs.replace(item, ended_at=end), end.replace(microsecond=0)
    for there, agrees in (
        (cut, True), (cut - timedelta(seconds=1), False), (cut + timedelta(seconds=1), False),
        (end + timedelta(seconds=0.04), True), (end - timedelta(seconds=0.06), False),
    ):  # fmt: skip
        found = compare([replace(call, ended_at=there)], [item]).differences
        assert ([one.kind for one in found] == []) is agrees, there
    assert compare([replace(call, ended_at=end - timedelta(seconds=0.06))], [item], tolerance_s=0.1).agrees
