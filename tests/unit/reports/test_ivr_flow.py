"""The report on a flow: each figure by its definition, and null where there is nothing to speak of."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.calls.journey import IvrOutcome, LeftBy
from cti.reports.distribution import Distribution
from cti.reports.ivr_flow import IvrFlowReport, IvrNext, flow_report, flows_report
from cti.store.journeys import FlowCounts, JourneyCount, MarkCount, Period, StepCount
from tests.unit.store.call_stories import NINE

DAY = Period(since=NINE, until=NINE + timedelta(days=1))
SERVED, AGENT, GONE = IvrOutcome.SELF_SERVED, IvrOutcome.TO_AGENT, IvrOutcome.ABANDONED
FAILED, CLOSED = IvrOutcome.FAILED, IvrOutcome.AFTER_HOURS


def came(
    outcome: IvrOutcome | None, journeys: int, at_step: str = "menu", spent_s: float | None = 10.0, *, reason: str = "", flow: str = "bank"
) -> JourneyCount:  # fmt: skip
    return JourneyCount(
        flow=flow, label=flow.title(), outcome=outcome, reason=reason, at_step=at_step, spent_s=spent_s, journeys=journeys
    )  # fmt: skip


def took(
    step: str, visits: int, *, how: LeftBy = LeftBy.DONE, to: str = "", spent_s: float = 5.0, journeys: int | None = None,
    failures: int = 0, place: int = 1,
) -> StepCount:  # fmt: skip
    return StepCount(
        step=step, kind="menu", label=step.title(), how=how, to=to, spent_s=spent_s, visits=visits,
        journeys=visits if journeys is None else journeys, failures=failures, place=place,
    )  # fmt: skip


def report(*counts: JourneyCount | StepCount | MarkCount) -> IvrFlowReport:
    of_kind = {
        kind: tuple(one for one in counts if isinstance(one, kind)) for kind in (JourneyCount, StepCount, MarkCount)
    }
    found = FlowCounts(journeys=of_kind[JourneyCount], steps=of_kind[StepCount], marks=of_kind[MarkCount])  # type: ignore[arg-type]
    return flow_report("bank", found, DAY)


def test_a_flow_nobody_came_to_has_nulls_and_no_zeros_for_shares() -> None:
    empty = report()
    totals, survey = empty.totals, empty.survey
    assert (totals.entered, totals.flow, totals.label) == (0, "bank", "bank")
    assert [totals.containment, totals.abandoned_share, totals.after_hours_share, totals.mean_s, totals.median_s] == [
        None
    ] * 5
    assert (survey.satisfaction_mean, survey.nps, survey.nps_n) == (None, None, 0)
    assert (empty.steps, empty.worst) == ((), None)


def test_shares_are_of_the_journeys_that_are_over() -> None:
    totals = report(came(SERVED, 6), came(GONE, 1), came(FAILED, 1), came(CLOSED, 2), came(None, 5)).totals
    assert (totals.entered, totals.in_progress) == (15, 5)
    assert (totals.containment, totals.abandoned_share, totals.failed_share, totals.after_hours_share) == (
        0.6,
        0.1,
        0.1,
        0.2,
    )
    assert (totals.to_agent_share, totals.outcomes.to_agent) == (0.0, 0)


def test_while_all_are_in_the_ivr_still_there_is_no_share() -> None:
    totals = report(came(None, 3, spent_s=None)).totals
    assert (totals.entered, totals.containment, totals.mean_s) == (3, None, None)


def test_time_in_the_ivr_leaves_out_whom_nobody_saw_leave() -> None:
    totals = report(came(SERVED, 3, spent_s=10), came(AGENT, 1, spent_s=50), came(FAILED, 9, spent_s=None)).totals
    assert (totals.mean_s, totals.median_s) == (20.0, 10)


def test_a_step_has_what_led_out_of_it_and_who_ended_there() -> None:
    (menu, code) = report(
        took("menu", 6, to="code", spent_s=4), took("menu", 2, to="code", how=LeftBy.NO_INPUT, spent_s=9, failures=4),
        took("menu", 1, to="menu", how=LeftBy.NO_MATCH, journeys=0, spent_s=2), took("menu", 1, how=LeftBy.HUNG_UP, spent_s=1),
        took("code", 8, place=2), came(GONE, 1, "menu"), came(SERVED, 8, "code"),
    ).steps  # fmt: skip
    assert (menu.visits, menu.journeys, menu.failures, menu.dropout_rate) == (10, 9, 4, 0.1111)
    assert menu.left_by == {"done": 6, "no_input": 2, "hung_up": 1, "no_match": 1}
    assert menu.next == (IvrNext(to="code", count=8), IvrNext(to="menu", count=1))
    assert (menu.ended.abandoned, menu.ended.self_served) == (1, 0)
    assert (menu.mean_s, menu.median_s, menu.p90_s) == (4.5, 4, 9)
    assert (code.step, code.ended.self_served, code.dropout_rate) == ("code", 8, 0.0)


def test_steps_come_in_the_order_of_the_journey_not_of_the_alphabet() -> None:
    steps = report(
        took("a_late", 9, place=7), took("z_first", 1, place=1), took("z_first", 1, place=5), took("b", 1, place=2)
    ).steps
    assert [one.step for one in steps] == ["z_first", "b", "a_late"]


def test_a_step_where_a_journey_was_cut_off_is_there_though_nobody_left_it() -> None:
    found = report(took("menu", 2, to="code"), came(FAILED, 2, "code", None, reason="interrupted"))
    assert [(one.step, one.journeys, one.ended.failed, one.dropout_rate) for one in found.steps] == [
        ("menu", 2, 0, 0.0),
        ("code", 0, 2, None),
    ]


def test_the_worst_step_lost_most_callers_and_ties_go_by_name() -> None:
    lost = [came(GONE, 2, "menu"), came(GONE, 1, "code"), came(FAILED, 1, "code", reason="crm")]
    worst = report(took("menu", 9), took("code", 5), *lost).worst
    assert worst is not None
    assert (worst.step, worst.label, worst.message) == ("code", "Code", "ivr_worst_abandoned")
    more = report(took("menu", 9), took("code", 5), *lost, came(GONE, 1, "menu")).worst
    assert more is not None
    assert more.step == "menu"


def test_where_callers_hang_up_the_worst_step_says_after_how_long() -> None:
    gone = [took("code", 2, how=LeftBy.HUNG_UP, spent_s=8.5, failures=3), took("code", 8, spent_s=90)]
    worst = report(*gone, came(GONE, 2, "code"), came(SERVED, 8, "code")).worst
    assert worst is not None
    assert worst.values == {
        "abandoned": 2, "failed": 0, "journeys": 10, "dropout_rate": 0.2, "failures": 3, "gave_up_after_s": 8.5, "reason": "",
    }  # fmt: skip


def test_where_the_flow_fails_the_worst_step_says_why() -> None:
    failed = [
        came(FAILED, 3, "code", reason="crm"),
        came(FAILED, 1, "code", reason="interrupted"),
        came(GONE, 3, "code"),
    ]
    worst = report(took("code", 7), *failed).worst
    assert worst is not None
    assert (worst.message, worst.values["reason"]) == ("ivr_worst_failed", "crm")


def test_where_nobody_was_lost_no_step_is_the_worst() -> None:
    assert report(took("menu", 5), came(SERVED, 5), came(CLOSED, 2), came(AGENT, 3)).worst is None


def test_satisfaction_is_a_mean_and_nps_promoters_less_detractors() -> None:
    marks = [
        MarkCount(satisfaction=5, recommendation=None, journeys=3), MarkCount(satisfaction=2, recommendation=9, journeys=1),
        MarkCount(satisfaction=None, recommendation=10, journeys=4), MarkCount(satisfaction=None, recommendation=6, journeys=2),
        MarkCount(satisfaction=None, recommendation=0, journeys=1), MarkCount(satisfaction=None, recommendation=7, journeys=2),
    ]  # fmt: skip
    survey = report(*marks).survey
    assert (survey.satisfaction_n, survey.satisfaction_mean) == (4, 4.25)
    assert (survey.nps_n, survey.promoters, survey.detractors, survey.nps) == (10, 5, 3, 20.0)


def test_a_flow_goes_by_the_name_most_of_its_journeys_had() -> None:
    renamed = JourneyCount(
        flow="bank", label="Bank hotline", outcome=SERVED, reason="", at_step="menu", spent_s=1.0, journeys=9
    )  # fmt: skip
    assert report(came(SERVED, 2), renamed).totals.label == "Bank hotline"


def test_flows_are_listed_by_name_each_with_its_own_totals() -> None:
    counts = [came(SERVED, 1, flow="z"), came(GONE, 1, flow="bank"), came(GONE, 3, flow="z")]
    items = flows_report(counts, DAY).items
    assert [(one.flow, one.entered, one.containment) for one in items] == [("bank", 1, 0.0), ("z", 4, 0.25)]


@given(st.lists(st.tuples(st.integers(0, 600), st.integers(1, 9)), min_size=1), st.floats(0.01, 1))
def test_percentiles_of_counts_are_those_of_the_list(counted: list[tuple[int, int]], share: float) -> None:
    listed = sorted(value for value, count in counted for _ in range(count))
    found = Distribution.of(counted)
    value = found.percentile(share)
    assert value is not None
    assert sum(one <= value for one in listed) >= share * len(listed)
    assert sum(one < value for one in listed) < share * len(listed)
    assert found.mean == pytest.approx(sum(listed) / len(listed))
