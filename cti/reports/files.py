"""Tables as files for spreadsheets: CSV and XLSX.

What callers and customers wrote is text in both. A cell that begins as a formula does (``=1+1``, ``+886...``, ``@SUM``) would
be one to whoever opens a CSV, so such a cell gets an apostrophe in front there, as spreadsheets themselves write it; XLSX says
of each cell what it is.
"""

import csv
import io
from dataclasses import dataclass
from typing import Final

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

Cell = str | int | float | None
"""None: nothing to say, which is not zero."""
CSV_MEDIA: Final = "text/csv"
XLSX_MEDIA: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_FORMULA: Final = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
"""Also the wide forms, which Chinese and Japanese spreadsheets take for the same."""
_BREAKS: Final = frozenset("\t\r\n")
_WIDTHS: Final = (10, 40)
_XLSX: Final = {"constant_memory": True}  # a row is on disk before the next is made


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    """The sheet's name: at most 31 characters."""
    header: tuple[str, ...]
    """In words, with units."""
    rows: tuple[tuple[Cell, ...], ...]


def csv_of(table: Table) -> bytes:
    """UTF-8, with the mark at the beginning that Excel knows it by; lines end in CRLF (RFC 4180)."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(table.header)
    writer.writerows([_harmless(cell) for cell in row] for row in table.rows)
    return text.getvalue().encode("utf-8-sig")


def xlsx_of(*tables: Table) -> bytes:
    """One sheet for each table. Blocking: call it from a thread."""
    file = io.BytesIO()
    with Workbook(file, _XLSX) as book:
        bold = book.add_format({"bold": True})
        for table in tables:
            _fill(book.add_worksheet(table.title), table, bold)
    return file.getvalue()


def _harmless(cell: Cell) -> Cell:
    if not isinstance(cell, str) or not cell:
        return cell
    is_formula = cell[0] in _BREAKS or cell.lstrip()[:1] in _FORMULA
    return f"'{cell}" if is_formula else cell


def _fill(sheet: Worksheet, table: Table, bold: Format) -> None:
    least, most = _WIDTHS
    for column, words in enumerate(table.header):
        sheet.set_column(column, column, min(max(len(words), least), most))
        sheet.write_string(0, column, words, bold)
    sheet.freeze_panes(1, 0)
    for line, row in enumerate(table.rows, start=1):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(line, column, cell)
            elif cell is not None:
                sheet.write_number(line, column, cell)
