"""A week of calls through two menus, for the reports page: the report as the server makes it, and its picture."""

from typing import Any

from cti.ivr.picture import Edge, Figures, Graph, Node, NodeFigures, picture
from cti.ivr.picture.words import BY_LANGUAGE
from cti.reports.ivr_flow import IvrFlowReport, IvrNext, IvrOutcomes, IvrStepReport, IvrSurvey, IvrTotals, IvrWorst
from cti.screenpop import messages as m
from tests.integration.console.fake_server import now
from tests.integration.console.scenes import ago

SORA = m.MeView(agent="sora", name="Sora Lindqvist", role="supervisor", extension="1010", queues=("Support", "Billing"))
NOBODY_ASKED = IvrSurvey(
    satisfaction_n=0, satisfaction_mean=None, nps_n=0, promoters=0, detractors=0, nps=None
)  # fmt: skip

# step, kind, label, came, journeys, abandoned, failed, asked again, mean, p90, then who follows with how many, and by what
STEPS: tuple[tuple[Any, ...], ...] = (
    ("welcome", "say", "Welcome", 1204, 1204, 12, 0, 0, 4.2, 4.4, (("open", 1192, ""),)),
    ("open", "hours", "Are we open?", 1192, 1192, 0, 0, 0, 0.0, 0.1, (("language", 1131, "open"), ("closed", 61, "closed"))),
    ("language", "language", "Language", 1131, 1131, 21, 0, 64, 5.9, 9.8, (("code", 1110, ""),)),
    ("code", "identify", "Customer code", 1301, 1110, 88, 0, 402, 11.4, 24.9, (("pin", 861, "known"), ("menu", 161, "unknown"), ("code", 191, "again"))),
    ("pin", "authenticate", "PIN", 861, 858, 142, 4, 511, 16.1, 38.2, (("menu", 715, "right"),)),
    ("menu", "menu", "What is it about?", 1002, 874, 33, 0, 97, 7.4, 14.3, (("orders", 402, "1 Orders"), ("balance", 187, "2 Balance"), ("callback", 60, "3 Callback"), ("agent", 320, "0 A person"))),
    ("orders", "collect", "Order number", 402, 398, 18, 0, 88, 9.9, 20.1, (("order_status", 384, ""),)),
    ("order_status", "http", "Ask the warehouse", 384, 380, 2, 31, 0, 2.2, 4.9, (("told", 351, "found"),)),
    ("told", "tell", "Order status", 351, 349, 6, 0, 0, 12.7, 13.9, (("menu", 128, "# menu"), ("goodbye", 217, ""))),
    ("balance", "tell", "Balance", 187, 186, 1, 0, 0, 8.8, 9.0, (("goodbye", 186, ""),)),
    ("callback", "callback", "Call me back", 60, 60, 0, 0, 4, 14.0, 22.0, (("goodbye", 60, ""),)),
    ("agent", "to_queue", "Talk to an agent", 320, 318, 0, 0, 0, None, None, ()),
    ("closed", "voicemail", "Outside opening hours", 61, 61, 9, 0, 0, 21.0, 48.0, (("goodbye", 52, ""),)),
    ("goodbye", "hang_up", "Goodbye", 515, 515, 0, 0, 0, 1.1, 1.2, ()),
)  # fmt: skip


def _step(of: tuple[Any, ...]) -> IvrStepReport:
    name, kind, label, came, journeys, abandoned, failed, again, mean, p90, ahead = of
    return IvrStepReport(
        step=name, kind=kind, label=label, visits=came, journeys=journeys, left_by={"done": came - abandoned}, failures=again,
        next=tuple(IvrNext(to=to, count=count) for to, count, _ in ahead), ended=IvrOutcomes(abandoned=abandoned, failed=failed),
        mean_s=mean, median_s=mean, p90_s=p90, dropout_rate=abandoned / journeys,
    )  # fmt: skip


def totals(flow: str = "bank", label: str = "Telephone bank", **more: Any) -> IvrTotals:
    given: dict[str, Any] = {
        "entered": 1204, "in_progress": 3, "outcomes": IvrOutcomes(self_served=463, to_agent=318, abandoned=332, failed=35, after_hours=53),
        "containment": 463 / 1201, "to_agent_share": 318 / 1201, "abandoned_share": 332 / 1201, "failed_share": 35 / 1201,
        "after_hours_share": 53 / 1201, "mean_s": 64.2, "median_s": 51.0,
    }  # fmt: skip
    return IvrTotals(flow=flow, label=label, **(given | more))


WORST = IvrWorst(
    step="pin", label="PIN", message="ivr_worst_abandoned",
    values={"abandoned": 142, "failed": 4, "journeys": 858, "dropout_rate": 142 / 858, "failures": 511, "gave_up_after_s": 34.0, "reason": ""},
)  # fmt: skip
SURVEY = IvrSurvey(satisfaction_n=187, satisfaction_mean=4.21, nps_n=96, promoters=51, detractors=20, nps=32.3)


def report(**more: Any) -> IvrFlowReport:
    given: dict[str, Any] = {
        "since": ago(days=6), "until": now(), "totals": totals(), "steps": tuple(map(_step, STEPS)), "worst": WORST, "survey": SURVEY,
    }  # fmt: skip
    return IvrFlowReport(**(given | more))


def nothing(flow: str = "shop", label: str = "Shop line") -> IvrFlowReport:
    nobody = totals(
        flow, label, entered=0, in_progress=0, outcomes=IvrOutcomes(), containment=None, to_agent_share=None, abandoned_share=None,
        failed_share=None, after_hours_share=None, mean_s=None, median_s=None,
    )  # fmt: skip
    return report(totals=nobody, steps=(), worst=None, survey=NOBODY_ASKED)


def drawn(language: str = "en") -> str:
    """The picture as the server draws it."""
    nodes = tuple(
        Node(id=of[0], label=of[2], kind=of[1], is_start=of[0] == "welcome", is_end=not of[10]) for of in STEPS
    )
    edges = tuple(Edge(source=of[0], target=to, label=by) for of in STEPS for to, _, by in of[10])
    figures = Figures(
        nodes={of[0]: NodeFigures(came=of[3], abandoned=of[5], failed=of[6], mean_s=of[8] or 0.0) for of in STEPS},
        edges={(of[0], to): count for of in STEPS for to, count, _ in of[10]}, worst="pin",
    )  # fmt: skip
    graph = Graph(title="Telephone bank", nodes=nodes, edges=edges)
    return picture(graph, figures, words=BY_LANGUAGE[language], is_standalone=False)
