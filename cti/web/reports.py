"""Reports: figures about a period, as JSON or as files, for supervisors and admins.

A month of a busy site takes some milliseconds of arithmetic, which are spent in a thread: calls go on meanwhile.
"""

import asyncio
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from cti.log import logger
from cti.reports.files import CSV_MEDIA, XLSX_MEDIA, Table, csv_of, xlsx_of
from cti.reports.ivr_flow import IvrFlowReport, IvrFlowsReport, flow_report, flows_report
from cti.reports.ivr_tables import steps_table, survey_table, totals_table
from cti.screenpop.access import Deed
from cti.store.journeys import Period
from cti.web.asked import Asked, Reply
from cti.web.files import FileReply, FileRoute
from cti.web.periods import period_of
from cti.web.schemas import ReportQuery

_ODD: Final = re.compile(r"[^A-Za-z0-9_-]+")
log: Final = logger("reports")


async def ivr_flows(asked: Asked[None, ReportQuery]) -> Reply:
    """The IVR's flows that were entered in a period, with their totals. A file has a row for each flow."""
    period = period_of(asked.query, asked.parts.clock())
    counts = await asked.parts.log.journey_counts(period)
    report = await asyncio.to_thread(flows_report, counts, period)
    return await _reply(asked, report, "ivr", period, lambda: [totals_table(report.items)])


async def ivr_flow(asked: Asked[None, ReportQuery]) -> Reply:
    """How callers got on in one flow of the IVR. CSV has a row for each step; XLSX has totals and survey besides."""
    flow, period = asked.path["flow"], period_of(asked.query, asked.parts.clock())
    counts = await asked.parts.log.flow_counts(flow, period)
    report = await asyncio.to_thread(flow_report, flow, counts, period)
    return await _reply(
        asked, report, f"ivr-{_ODD.sub('_', flow)[:60]}", period,
        lambda: [steps_table(report), totals_table([report.totals]), survey_table(report)],
    )  # fmt: skip


async def _reply(
    asked: Asked[None, ReportQuery],
    report: msgspec.Struct,
    name: str,
    period: Period,
    tables: Callable[[], Sequence[Table]],
) -> Reply:
    """What is exported leaves our hands, so who took it is written down."""
    kind = asked.query.format
    if kind == "json":
        return Reply(body=report)
    log.info("report_exported", agent=asked.agent.id, report=name, format=kind)
    dated = f"{name}_{period.since:%Y-%m-%d}_{period.until:%Y-%m-%d}.{kind}"
    content = await asyncio.to_thread(_file, kind, tables)
    return FileReply(content=content, media=_MEDIA[kind], name=dated)


def _file(kind: str, tables: Callable[[], Sequence[Table]]) -> bytes:
    made = tables()
    return csv_of(made[0]) if kind == "csv" else xlsx_of(*made)


_MEDIA: Final = {"csv": f"{CSV_MEDIA}; charset=utf-8", "xlsx": XLSX_MEDIA}
_ALWAYS: Final[dict[str, Any]] = {
    "method": "GET",
    "deed": Deed.FIGURES_SEE,
    "query": ReportQuery,
    "files": (CSV_MEDIA, XLSX_MEDIA),
}
ROUTES: Final = (
    FileRoute(path="/api/v1/reports/ivr", handler=ivr_flows, gives=IvrFlowsReport, **_ALWAYS),
    FileRoute(path="/api/v1/reports/ivr/{flow}", handler=ivr_flow, gives=IvrFlowReport, **_ALWAYS),
)
