"""How the timings of pops are counted."""

from cti.agents.agent import AgentId
from cti.calls.call import CallId, PbxName
from cti.screenpop.figures import Histogram, Receipts, fact
from tests.unit.screenpop.stories import at

MARA = AgentId("mara")


def decided(receipts: Receipts, pop: str = "p"):  # noqa: ANN201
    return receipts.decided(pop, CallId("main-1"), PbxName("main"), MARA, at(0))


def test_quantiles_are_those_of_the_last_thousand() -> None:
    histogram = Histogram()
    for ms in range(1, 2001):
        histogram.observe(ms)
    assert (
        histogram.quantile_ms(0.5), histogram.quantile_ms(0.99), histogram.quantile_ms(1.0), histogram.count,
    ) == (1500, 1990, 2000, 2000)  # fmt: skip


def test_without_any_there_is_no_quantile() -> None:
    assert Histogram().quantile_ms(0.99) is None


def test_a_bucket_holds_what_is_not_above_its_bound() -> None:
    histogram = Histogram()
    histogram.observe(1.0)
    histogram.observe(1.1)
    histogram.observe(60_000)
    assert [histogram.counts[0], histogram.counts[1], histogram.counts[-1]] == [1, 1, 1]


def test_a_clock_that_steps_back_makes_no_negative_time() -> None:
    receipts = Receipts()
    decided(receipts)
    noted = receipts.noted("p", MARA, "shown", at(-3600))
    assert noted is not None
    assert noted.ms == 0


def test_a_receipt_on_record_is_the_same_fact_when_told_twice() -> None:
    first = fact(decided(Receipts()))
    assert first.id == fact(decided(Receipts())).id
    assert (first.type, first.source, first.subject, first.sequence) == ("cti.pop.receipt.v1", "/pbx/main", "main-1", 0)
    assert first.data == {"pop": "p", "agent": "mara", "step": "decided", "ms": 0.0}


def test_only_so_many_pops_are_kept_in_mind() -> None:
    receipts = Receipts()
    for number in range(10_050):
        decided(receipts, str(number))
    assert len(receipts._pops) == 10_000
