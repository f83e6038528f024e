"""Flows of the IVR as pictures, with what happened in them; drawn in a thread, as reports are counted."""

import asyncio
from typing import Final

from cti.errors import NotFound
from cti.ivr.graph import graph_of
from cti.ivr.picture import Figures, NodeFigures, picture
from cti.ivr.picture.words import BY_LANGUAGE
from cti.reports.ivr_flow import IvrFlowReport, flow_report
from cti.screenpop.access import Deed
from cti.web.asked import Asked
from cti.web.files import FileReply, FileRoute
from cti.web.periods import period_of
from cti.web.schemas import PictureQuery

SVG: Final = "image/svg+xml"


async def flow_picture(asked: Asked[None, PictureQuery]) -> FileReply:
    """The flow as it is now, an SVG: how many came to each step in a period, how long they stayed, where they hung up. It has
    no style of its own, for the console's; ``standalone=true`` brings one."""
    flow = asked.parts.flow(asked.path["flow"])
    if flow is None:
        raise NotFound("no such flow is in use")
    period = period_of(asked.query, asked.parts.clock())
    counts = await asked.parts.log.flow_counts(flow.name, period)
    words = BY_LANGUAGE.get(asked.query.lang, BY_LANGUAGE["en"])

    def draw() -> str:
        report = flow_report(flow.name, counts, period)
        return picture(graph_of(flow), figures_of(report), words=words, is_standalone=asked.query.standalone)

    return FileReply(content=(await asyncio.to_thread(draw)).encode(), media=SVG)


def figures_of(report: IvrFlowReport) -> Figures:
    nodes = {
        step.step: NodeFigures(
            came=step.visits, abandoned=step.ended.abandoned, failed=step.ended.failed, mean_s=step.mean_s or 0.0
        )
        for step in report.steps
    }
    edges = {(step.step, ahead.to): ahead.count for step in report.steps for ahead in step.next}
    return Figures(nodes=nodes, edges=edges, worst=report.worst.step if report.worst else "")


ROUTES: Final = (
    FileRoute(
        method="GET", path="/api/v1/ivr/flows/{flow}/picture", handler=flow_picture, deed=Deed.FIGURES_SEE, gives=None,
        query=PictureQuery, refuses=(404,), files=(SVG,),
    ),
)  # fmt: skip
