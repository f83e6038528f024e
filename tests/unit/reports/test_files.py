"""Tables as files: what a person sees in a spreadsheet is what stood in the table, and nothing there is run."""

import csv
import io
import re
import zipfile
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from cti.calls.journey import IvrOutcome, LeftBy
from cti.reports.files import Table, csv_of, xlsx_of
from cti.reports.ivr_flow import flow_report
from cti.reports.ivr_tables import steps_table, survey_table, totals_table
from cti.store.journeys import FlowCounts, JourneyCount, Period, StepCount
from tests.unit.store.call_stories import NINE

HARMFUL = [
    "=1+1",
    "+886912345678",
    "-2",
    "@SUM(A1)",
    "\t=1",
    "\tx",
    "\r=1",
    "\n=1",
    " =1+1",
    "\u3000=1",
    "\uff1d1+1",
    '=cmd|" /C calc"!A0',
]
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def read_csv(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def part(data: bytes, name: str) -> ET.Element:
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        return ET.fromstring(book.read(name))  # noqa: S314 - made here


def cells(data: bytes, sheet: int = 1) -> list[list[tuple[str, str]]]:
    """Type and text of each cell."""
    found = part(data, f"xl/worksheets/sheet{sheet}.xml")
    return [
        [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row.iter(f"{SHEET}c")]
        for row in found.iter(f"{SHEET}row")
    ]


def test_a_table_in_csv_is_read_by_excel_as_utf_8() -> None:
    data = csv_of(Table("T", ("Name", "Mean time (s)"), (('王小明, "Ming"', 4.5), ("second\nline", None))))
    assert data.startswith(b"\xef\xbb\xbf")
    assert data.count(b"\r\n") == 3
    assert read_csv(data) == [["Name", "Mean time (s)"], ['王小明, "Ming"', "4.5"], ["second\nline", ""]]


@pytest.mark.parametrize("text", HARMFUL)
def test_csv_formula_injection(text: str) -> None:
    """H39: what would be a formula is text, by an apostrophe in front."""
    assert read_csv(csv_of(Table("T", ("A",), ((text,),))))[1] == [f"'{text}"]


@pytest.mark.parametrize("text", ["", "plain", "a=b", "3-4", "'", "王", "menu: 3"])
def test_what_is_no_formula_stays_as_it_is_in_csv(text: str) -> None:
    assert [text] in [row or [""] for row in read_csv(csv_of(Table("T", ("A",), ((text,),))))]


def test_a_negative_number_is_a_number() -> None:
    assert read_csv(csv_of(Table("T", ("A",), ((-12.5,),))))[1] == ["-12.5"]


@pytest.mark.parametrize("text", [*HARMFUL, "http://example.com/", "007", "1e5", "mailto:a@b.example"])
def test_xlsx_formula_injection(text: str) -> None:
    """H39: every text is a cell of type string, exactly as it was; nothing is a formula, a link or a number."""
    data = xlsx_of(Table("T", ("A",), ((text,),)))
    sheet = part(data, "xl/worksheets/sheet1.xml")
    kind, shown = cells(data)[1][0]
    assert kind in {"inlineStr", "s"}
    assert re.sub(r"_x([0-9A-F]{4})_", lambda code: chr(int(code[1], 16)), shown) == text
    assert [one.tag for one in sheet.iter() if one.tag in {f"{SHEET}f", f"{SHEET}hyperlink"}] == []


def test_xlsx_has_a_sheet_for_each_table_and_nothing_where_there_is_nothing_to_say() -> None:
    data = xlsx_of(Table("One", ("A", "B", "C"), (("x", None, 0.25), ("y", 2, None))), Table("Two", ("D",), ()))
    assert cells(data) == [
        [("inlineStr", "A"), ("inlineStr", "B"), ("inlineStr", "C")],
        [("inlineStr", "x"), ("n", "0.25")],
        [("inlineStr", "y"), ("n", "2")],
    ]
    assert cells(data, 2) == [[("inlineStr", "D")]]
    assert [sheet.get("name") for sheet in part(data, "xl/workbook.xml").iter(f"{SHEET}sheet")] == ["One", "Two"]


def test_a_text_too_long_for_a_cell_is_cut_not_lost() -> None:
    data = xlsx_of(Table("T", ("A",), (("x" * 40_000,),)))
    assert len(cells(data)[1][0][1]) == 32_767


def test_each_row_of_the_ivrs_tables_fits_its_header() -> None:
    step = StepCount(
        step="menu", kind="menu", label="=Menu", how=LeftBy.DONE, to="code", spent_s=2.5, visits=3, journeys=2, failures=1, place=1
    )  # fmt: skip
    journey = JourneyCount(
        flow="bank", label="Bank", outcome=IvrOutcome.SELF_SERVED, reason="", at_step="menu", spent_s=9.0, journeys=2
    )  # fmt: skip
    period = Period(since=NINE, until=NINE + timedelta(days=1))
    report = flow_report("bank", FlowCounts(journeys=(journey,), steps=(step,), marks=()), period)
    for table in (steps_table(report), totals_table([report.totals]), survey_table(report)):
        assert {len(row) for row in table.rows} == {len(table.header)}
    shown = dict(zip(steps_table(report).header, steps_table(report).rows[0], strict=True))
    assert (shown["Came here (visits)"], shown["Mean time (s)"], shown["Ended here: self-served (journeys)"]) == (
        3,
        2.5,
        2,
    )
    assert shown["Led to (step: visits)"] == "code: 3"
