"""How callers get on in the flows of the IVR. Pure: counts in (``JourneyLog.flow_counts``), a report out.

A journey counts in the period it was *entered* in, from ``since`` inclusive until ``until`` exclusive, whenever it ended. It is
*over* once the caller has left the IVR; one that nobody saw the end of counts as failed (``interrupted``) when its call has
ended. Shares are of the journeys that are over, and null when there are none. Percentiles are by nearest rank. What each
figure is stands with the figure, and so in the API's own description of it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from cti.calls.journey import IvrOutcome, LeftBy
from cti.reports.distribution import Distribution
from cti.store.journeys import FlowCounts, JourneyCount, MarkCount, Period, StepCount

PROMOTES: Final = 9
DETRACTS: Final = 6
MEDIAN, P90 = 0.5, 0.9


def _said(words: str) -> Meta:
    return Meta(description=words)


class IvrOutcomes(msgspec.Struct, frozen=True, kw_only=True):
    """Journeys by what became of the caller, as the IVR sees it."""

    self_served: Annotated[int, _said("Told what they wanted, and the call ended there.")] = 0
    to_agent: Annotated[int, _said("Handed to a queue, a person or an outside number.")] = 0
    abandoned: Annotated[int, _said("Hung up in mid-flow.")] = 0
    failed: Annotated[
        int, _said("The flow could not go on, or was interrupted; they took the dialplan's safe path.")
    ] = 0
    after_hours: Annotated[int, _said("Told that nobody is there, and let go.")] = 0


class IvrTotals(msgspec.Struct, frozen=True, kw_only=True):
    """One flow in the period."""

    flow: str
    label: Annotated[str, _said("What the site calls the flow.")]
    entered: Annotated[int, _said("Journeys entered in the period.")]
    in_progress: Annotated[int, _said("Of the entered, those still in the IVR.")]
    outcomes: IvrOutcomes
    containment: Annotated[float | None, _said("self_served / (entered - in_progress); null when none is over.")]
    to_agent_share: Annotated[float | None, _said("to_agent / (entered - in_progress); null when none is over.")]
    abandoned_share: Annotated[float | None, _said("abandoned / (entered - in_progress); null when none is over.")]
    failed_share: Annotated[float | None, _said("failed / (entered - in_progress); null when none is over.")]
    after_hours_share: Annotated[float | None, _said("after_hours / (entered - in_progress); null when none is over.")]
    mean_s: Annotated[
        float | None, _said("Mean time in the IVR, of the journeys that were seen to leave it; null when none was.")
    ]
    median_s: Annotated[float | None, _said("Median of the same, by nearest rank.")]


class IvrNext(msgspec.Struct, frozen=True, kw_only=True):
    to: Annotated[str, _said("The step that followed.")]
    count: Annotated[int, _said("Visits that led there.")]


class IvrStepReport(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the flow, over the journeys that are over."""

    step: str
    kind: str
    label: str
    visits: Annotated[int, _said("How often callers came here; twice in one journey counts twice.")]
    journeys: Annotated[int, _said("Journeys that came here, each once.")]
    left_by: Annotated[
        dict[str, int],
        _said("Visits by how they ended: " + ", ".join(LeftBy) + ". Those that never happened are left out."),
    ]
    next: Annotated[tuple[IvrNext, ...], _said("Visits by the step that followed, the most frequent first.")]
    ended: Annotated[IvrOutcomes, _said("Journeys that ended here, by their outcome.")]
    mean_s: Annotated[float | None, _said("Mean time of a visit; null when none was seen to the end.")]
    median_s: Annotated[float | None, _said("Median time of a visit, by nearest rank.")]
    p90_s: Annotated[float | None, _said("Nine of ten visits took no longer, by nearest rank.")]
    failures: Annotated[int, _said("How often callers had to be asked again.")]
    dropout_rate: Annotated[
        float | None,
        _said("ended.abandoned / journeys: of those who came here, how many hung up here; null when none came."),
    ]


class IvrWorst(msgspec.Struct, frozen=True, kw_only=True):
    """The step that lost most callers: abandoned plus failed there, ties by the step's name."""

    step: str
    label: str
    message: Annotated[
        Literal["ivr_worst_abandoned", "ivr_worst_failed"],
        _said("A message key: more callers hung up there than the flow failed (or as many), or fewer."),
    ]
    values: Annotated[
        dict[str, str | int | float | None],
        _said(
            "For the words: abandoned, failed, journeys, dropout_rate, failures (asked again), gave_up_after_s (median time "
            "of those who hung up there), reason (the most frequent one of the failed, else empty)."
        ),
    ]


class IvrSurvey(msgspec.Struct, frozen=True, kw_only=True):
    """What callers said when asked how it was. Of each scale a journey's last mark counts; nobody is made to answer."""

    satisfaction_n: Annotated[int, _said("Journeys with a mark of the scale to 5.")]
    satisfaction_mean: Annotated[float | None, _said("CSAT: their mean, 1 to 5; null without any.")]
    nps_n: Annotated[int, _said("Journeys with a mark of the scale to 10.")]
    promoters: Annotated[int, _said("Of these, marks 9 and 10.")]
    detractors: Annotated[int, _said("Of these, marks 0 to 6.")]
    nps: Annotated[
        float | None, _said("NPS: 100 x (promoters - detractors) / nps_n, from -100 to 100; null without any.")
    ]


class IvrFlowReport(msgspec.Struct, frozen=True, kw_only=True):
    since: Annotated[datetime, _said("Journeys entered from here on, inclusive,")]
    until: Annotated[datetime, _said("and until here, exclusive.")]
    totals: IvrTotals
    steps: Annotated[tuple[IvrStepReport, ...], _said("In the order in which journeys come to them at the earliest.")]
    worst: Annotated[IvrWorst | None, _said("Null when no caller was lost.")]
    survey: IvrSurvey


class IvrFlowsReport(msgspec.Struct, frozen=True, kw_only=True):
    since: Annotated[datetime, _said("Journeys entered from here on, inclusive,")]
    until: Annotated[datetime, _said("and until here, exclusive.")]
    items: Annotated[tuple[IvrTotals, ...], _said("Flows that were entered in the period, by name.")]


def flows_report(counts: Iterable[JourneyCount], period: Period) -> IvrFlowsReport:
    by_flow = groupby(sorted(counts, key=attrgetter("flow")), key=attrgetter("flow"))
    items = tuple(_totals(flow, tuple(some)) for flow, some in by_flow)
    return IvrFlowsReport(since=period.since, until=period.until, items=items)


def flow_report(flow: str, counts: FlowCounts, period: Period) -> IvrFlowReport:
    """Also of a flow that nobody came to: then with nothing in it."""
    steps = _steps(counts)
    return IvrFlowReport(
        since=period.since, until=period.until, totals=_totals(flow, counts.journeys), steps=steps,
        worst=_worst(steps, counts), survey=_survey(counts.marks),
    )  # fmt: skip


def _totals(flow: str, counts: Sequence[JourneyCount]) -> IvrTotals:
    entered = sum(one.journeys for one in counts)
    in_progress = sum(one.journeys for one in counts if one.outcome is None)
    ended, is_over = _outcomes(counts), entered - in_progress
    times = Distribution.of((one.spent_s, one.journeys) for one in counts)
    return IvrTotals(
        flow=flow, label=_most((one.label, one.journeys) for one in counts) or flow, entered=entered, in_progress=in_progress,
        outcomes=ended, containment=_share(ended.self_served, is_over), to_agent_share=_share(ended.to_agent, is_over),
        abandoned_share=_share(ended.abandoned, is_over), failed_share=_share(ended.failed, is_over),
        after_hours_share=_share(ended.after_hours, is_over), mean_s=_tenth(times.mean), median_s=times.percentile(MEDIAN),
    )  # fmt: skip


def _steps(counts: FlowCounts) -> tuple[IvrStepReport, ...]:
    """Those that somebody left, and those where an interrupted journey was seen last."""
    names = {one.step for one in counts.steps} | {one.at_step for one in counts.journeys if one.outcome and one.at_step}
    of_step = {name: [one for one in counts.steps if one.step == name] for name in names}
    ended_at = {name: [one for one in counts.journeys if one.at_step == name] for name in names}
    last = len(counts.steps) + 1
    order = sorted(names, key=lambda name: (min((one.place for one in of_step[name]), default=last), name))
    return tuple(_step(name, of_step[name], _outcomes(ended_at[name])) for name in order)


def _step(name: str, counts: Sequence[StepCount], ended: IvrOutcomes) -> IvrStepReport:
    journeys = sum(one.journeys for one in counts)
    times = Distribution.of((one.spent_s, one.visits) for one in counts)
    return IvrStepReport(
        step=name, kind=_most((one.kind, one.visits) for one in counts),
        label=_most((one.label, one.visits) for one in counts) or name, visits=times.n, journeys=journeys,
        left_by=dict(_ranked((one.how.value, one.visits) for one in counts)),
        next=tuple(IvrNext(to=to, count=n) for to, n in _ranked((one.to, one.visits) for one in counts if one.to)),
        ended=ended, mean_s=_tenth(times.mean), median_s=times.percentile(MEDIAN), p90_s=times.percentile(P90),
        failures=sum(one.failures for one in counts), dropout_rate=_share(ended.abandoned, journeys),
    )  # fmt: skip


def _worst(steps: Sequence[IvrStepReport], counts: FlowCounts) -> IvrWorst | None:
    worst = min(steps, key=lambda one: (-_lost(one), one.step), default=None)
    if worst is None or not _lost(worst):
        return None
    gave_up = (
        (one.spent_s, one.visits) for one in counts.steps if one.step == worst.step and one.how is LeftBy.HUNG_UP
    )
    failed = [one for one in counts.journeys if one.at_step == worst.step and one.outcome is IvrOutcome.FAILED]
    is_failure = worst.ended.failed > worst.ended.abandoned
    return IvrWorst(
        step=worst.step, label=worst.label, message="ivr_worst_failed" if is_failure else "ivr_worst_abandoned",
        values={
            "abandoned": worst.ended.abandoned, "failed": worst.ended.failed, "journeys": worst.journeys,
            "dropout_rate": worst.dropout_rate, "failures": worst.failures,
            "gave_up_after_s": Distribution.of(gave_up).percentile(MEDIAN),
            "reason": _most((one.reason, one.journeys) for one in failed),
        },
    )  # fmt: skip


def _lost(step: IvrStepReport) -> int:
    return step.ended.abandoned + step.ended.failed


def _survey(marks: Sequence[MarkCount]) -> IvrSurvey:
    satisfaction = Distribution.of((one.satisfaction, one.journeys) for one in marks)
    recommendation = Distribution.of((one.recommendation, one.journeys) for one in marks)
    promoters = sum(count for mark, count in recommendation.counted if mark >= PROMOTES)
    detractors = sum(count for mark, count in recommendation.counted if mark <= DETRACTS)
    share = _share(promoters - detractors, recommendation.n)
    return IvrSurvey(
        satisfaction_n=satisfaction.n, satisfaction_mean=None if satisfaction.mean is None else round(satisfaction.mean, 2),
        nps_n=recommendation.n, promoters=promoters, detractors=detractors, nps=None if share is None else round(100 * share, 1),
    )  # fmt: skip


def _outcomes(counts: Iterable[JourneyCount]) -> IvrOutcomes:
    found: Counter[str] = Counter()
    for one in counts:
        if one.outcome:
            found[one.outcome.value] += one.journeys
    return IvrOutcomes(**found)


def _ranked(counted: Iterable[tuple[str, int]]) -> list[tuple[str, int]]:
    """The most frequent first, ties by name."""
    sums: Counter[str] = Counter()
    for name, count in counted:
        sums[name] += count
    return sorted(sums.items(), key=lambda one: (-one[1], one[0]))


def _most(counted: Iterable[tuple[str, int]]) -> str:
    return next((name for name, _ in _ranked(counted)), "")


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _tenth(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 1)
