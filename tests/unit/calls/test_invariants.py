"""The checker itself: it is quiet about a good record and names each thing that is wrong with a bad one."""

from dataclasses import replace

import pytest

from tests.invariants import Pbx, Record, broken, summed

CALL = "main-1.1"
GOOD = Record(
    facts=(("cti.call.offered.v1", CALL, 1), ("cti.pop.receipt.v1", CALL, 0), ("cti.call.cleared.v1", CALL, 2)),
    rows=(("main", CALL),),
    open_calls=frozenset(),
)
IDLE = Pbx(channels=0, waiting=0)
STILL = summed("")


def test_a_good_record_is_quiet() -> None:
    assert broken(GOOD, IDLE, STILL, []) == []


def test_a_live_call_is_no_breach() -> None:
    live = Record(facts=GOOD.facts[:1], rows=(), open_calls=frozenset({CALL}))
    assert broken(live, Pbx(channels=2, waiting=1), summed('cti_queue_waiting{queue="support"} 1.0'), [CALL]) == []


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (replace(GOOD, facts=(*GOOD.facts, GOOD.facts[0])), "offered 2 times"),
        (replace(GOOD, facts=(*GOOD.facts, GOOD.facts[2])), "cleared 2 times"),
        (replace(GOOD, facts=GOOD.facts[1:]), "never offered"),
        (replace(GOOD, facts=(GOOD.facts[0], ("cti.call.cleared.v1", CALL, 3))), "gaps"),
        (replace(GOOD, rows=GOOD.rows * 2), "two rows"),
        (replace(GOOD, rows=()), "no row"),
        (replace(GOOD, facts=GOOD.facts[:1]), "not over"),
        (replace(GOOD, open_calls=frozenset({CALL})), "nobody is in it"),
    ],
)
def test_a_breach_is_named(record: Record, words: str) -> None:
    assert any(words in one for one in broken(record, IDLE, STILL, []))


@pytest.mark.parametrize("figure", ["cti_facts_waiting", "cti_spool_facts", "cti_facts_lost_total"])
def test_a_journal_that_is_not_drained_is_named(figure: str) -> None:
    assert broken(GOOD, IDLE, summed(f"{figure} 3.0"), []) == [f"{figure} 3"]


def test_a_queue_seen_otherwise_than_by_the_pbx_is_named() -> None:
    figures = summed('cti_queue_waiting{queue="a"} 1.0\ncti_queue_waiting{queue="b"} 2.0')
    assert broken(GOOD, Pbx(channels=2, waiting=2), figures, []) == ["waiting in queues: we say 3, the PBX says 2"]


def test_an_agent_in_a_call_that_does_not_exist_is_named() -> None:
    figures = summed('cti_agents{state="TALKING"} 1.0\ncti_agents{state="READY"} 2.0')
    assert broken(GOOD, IDLE, figures, []) == ["1 agents are in a call, and there is none"]


def test_intervals_that_leave_a_gap_or_overlap_are_named() -> None:
    whole = (("ann", 1, "09:00", "09:05"), ("ann", 2, "09:05", None), ("bob", 7, "09:01", None))
    assert broken(replace(GOOD, intervals=whole), IDLE, STILL, []) == []
    (wrong,) = broken(
        replace(GOOD, intervals=(("ann", 1, "09:00", "09:05"), ("ann", 2, "09:06", None))), IDLE, STILL, []
    )
    assert "interval 1 ends 09:05" in wrong
