"""The figures of the IVR as tables for files; what each figure is, ``ivr_flow.py`` says."""

from collections.abc import Iterable
from typing import Final

from cti.calls.journey import LeftBy
from cti.reports.files import Table
from cti.reports.ivr_flow import IvrFlowReport, IvrStepReport, IvrTotals

_TOTALS: Final = (
    "Flow", "Name", "Entered (journeys)", "Still in the IVR (journeys)", "Self-served (journeys)", "To an agent (journeys)",
    "Abandoned (journeys)", "Failed (journeys)", "After hours (journeys)", "Containment (share of those over)",
    "To an agent (share of those over)", "Abandoned (share of those over)", "Failed (share of those over)",
    "After hours (share of those over)", "Mean time (s)", "Median time (s)",
)  # fmt: skip
_LEFT: Final = {
    LeftBy.DONE: "Done (visits)",
    LeftBy.NO_INPUT: "No input (visits)",
    LeftBy.NO_MATCH: "No match (visits)",
    LeftBy.NOT_FOUND: "Not found (visits)",
    LeftBy.REFUSED: "Refused (visits)",
    LeftBy.UNAVAILABLE: "Unavailable (visits)",
    LeftBy.HUNG_UP: "Hung up (visits)",
    LeftBy.FAILED: "Flow failed (visits)",
}
_STEPS: Final = (
    "Step", "Kind", "Name", "Came here (journeys)", "Came here (visits)", *_LEFT.values(), "Asked again (times)",
    "Mean time (s)", "Median time (s)", "90 % took no longer than (s)", "Ended here: self-served (journeys)",
    "Ended here: to an agent (journeys)", "Ended here: abandoned (journeys)", "Ended here: failed (journeys)",
    "Ended here: after hours (journeys)", "Drop-out (share of those who came)", "Led to (step: visits)",
)  # fmt: skip


def totals_table(items: Iterable[IvrTotals]) -> Table:
    return Table(
        "Flows",
        _TOTALS,
        tuple(
            (
                one.flow, one.label, one.entered, one.in_progress, one.outcomes.self_served, one.outcomes.to_agent,
                one.outcomes.abandoned, one.outcomes.failed, one.outcomes.after_hours, one.containment, one.to_agent_share,
                one.abandoned_share, one.failed_share, one.after_hours_share, one.mean_s, one.median_s,
            )
            for one in items
        ),
    )  # fmt: skip


def steps_table(report: IvrFlowReport) -> Table:
    return Table("Steps", _STEPS, tuple(_step_row(one) for one in report.steps))


def survey_table(report: IvrFlowReport) -> Table:
    survey = report.survey
    header = (
        "Satisfaction (answers)", "Satisfaction (mean, 1 to 5)", "Recommendation (answers)", "Promoters (answers)",
        "Detractors (answers)", "NPS (-100 to 100)",
    )  # fmt: skip
    row = (
        survey.satisfaction_n, survey.satisfaction_mean, survey.nps_n, survey.promoters, survey.detractors, survey.nps,
    )  # fmt: skip
    return Table("Survey", header, (row,))


def _step_row(one: IvrStepReport) -> tuple[str | int | float | None, ...]:
    ended = one.ended
    return (
        one.step, one.kind, one.label, one.journeys, one.visits, *(one.left_by.get(how, 0) for how in _LEFT), one.failures,
        one.mean_s, one.median_s, one.p90_s, ended.self_served, ended.to_agent, ended.abandoned, ended.failed,
        ended.after_hours, one.dropout_rate, ", ".join(f"{to.to}: {to.count}" for to in one.next),
    )  # fmt: skip
