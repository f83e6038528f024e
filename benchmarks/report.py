"""docs/performance.md, its pictures and the few figures of README.md, made from benchmarks/results: ``python benchmarks/report.py``, or ``make bench-report``.

Only the framing words stand here; every figure is a bench's own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import harness
from harness import Aim, Result, Table, shown
from plot import svg

README = Path(__file__).parent.parent / "README.md"
DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "performance.md"
IMAGES = DOCS / "images"
BEGIN, END = "<!-- figures: made by benchmarks/report.py -->", "<!-- end -->"
IN_SHORT = ("ingest", "pop", "log", "memory", "real")
"""Whose first aim stands in README.md."""


@dataclass(frozen=True, slots=True)
class Part:
    """What the page says around one bench's figures."""

    heading: str
    words: str


PARTS: Mapping[str, Part] = {
    "ingest": Part("Reading the PBX", "Events read, believed and told as calls, beside other clients and the bare socket, on the same bytes."),
    "pop": Part("The pop", "From the PBX's byte to the frame a desktop in another process reads, beside the bare floor of the same run."),
    "real": Part("A real Asterisk", "Asterisk 22 with real SIP calls, as many as this machine holds beside the service and the callers themselves."),
    "log": Part("The record", "What goes into the database, and how far behind the calls it ever is."),
    "pages": Part("Searching the record", "A month of 100,000 calls a day behind the lists and reports of REST."),
    "memory": Part("Memory", "What a live call and an open desktop weigh, what the calls of the past fill, and what grows after that."),
    "cpu": Part("CPU per call", "The whole service with its record and desktops: a call must cost the same however many there are."),
    "push": Part("More than one process", "What each further push process adds."),
    "chaos": Part("What survives", "Calls on record after each part was killed, cut, frozen or filled: see [what survives](explanation/what-survives.md)."),
    "commands": Part("Commands", "From a click to the PBX's answer and to its event, quiet and in a flood of events."),
    "ivr": Part("The IVR", "What we add between the PBX's answer and our next command."),
}  # fmt: skip
INTRO = """# Performance

Figures of one machine, which others use at the same time: absolute ones move by a third from run to run, ratios do not. So
what is compared was measured in one run, taking turns, and medians are shown. `make bench` measures all but "What survives",
which is `make chaos`, and makes this page anew; `QUICK=1 make bench` looks for five minutes and leaves the page as it is.

Four ratios are guarded besides: `make test` fails when one of them doubles. They are the CPU time of reading and telling calls, against
splitting the same bytes and against a dict of each event; of telling desktops, against encoding as many frames; and of recording facts,
against a bare insert of as many.
"""


def page(results: Sequence[Result]) -> str:
    parts = [INTRO, *_aims(results)]
    for result in results:
        parts += _section(result)
    return "\n".join([*parts, *_runs(results)]).rstrip() + "\n"


def pictures(results: Iterable[Result]) -> dict[str, str]:
    """File name -> SVG."""
    return {_picture(result, at): svg(plot) for result in results for at, plot in enumerate(result.plots)}


def in_short(results: Iterable[Result]) -> str:
    """The README's few words: what the first aim of the main benches found."""
    aims = {result.name: result.aims[0] for result in results if result.aims}
    lines = [
        f"- {aims[name].words}: **{aims[name].found}** (aim: {aims[name].wanted})" for name in IN_SHORT if name in aims
    ]
    return "\n".join([BEGIN, *lines, END])


def with_figures(readme: str, results: Iterable[Result]) -> str:
    before, _, rest = readme.partition(BEGIN)
    return f"{before}{in_short(results)}{rest.partition(END)[2]}"


def kept_results() -> list[Result]:
    """In the page's order; a bench the page has no words for comes last."""
    order = list(PARTS)
    found = [harness.load(path) for path in sorted(harness.RESULTS.glob("*.json"))]
    return sorted(found, key=lambda one: (order.index(one.name) if one.name in order else len(order), one.name))


def _picture(result: Result, at: int) -> str:
    return f"performance-{result.name}-{at + 1}.svg"


def _aims(results: Sequence[Result]) -> list[str]:
    rows = [(aim, result) for result in results for aim in result.aims]
    met = sum(aim.is_met for aim, _ in rows)
    lines = ["## Aims", "", f"{met} of {len(rows)} are met.", "", "| aim | wanted | found | |", "|---|--:|--:|---|"]
    return [*lines, *(_aim(aim, result) for aim, result in rows), ""]


def _aim(aim: Aim, result: Result) -> str:
    link = f"[{aim.words}](#{_anchor(_part(result).heading)})"
    return f"| {link} | {aim.wanted} | {aim.found} | {'met' if aim.is_met else '**not met**'} |"


def _anchor(heading: str) -> str:
    return "".join(letter for letter in heading.lower() if letter.isalnum() or letter in "- ").replace(" ", "-")


def _part(result: Result) -> Part:
    return PARTS.get(result.name) or Part(result.name.capitalize(), "")


def _section(result: Result) -> list[str]:
    part = _part(result)
    lines = [f"## {part.heading}", "", part.words, ""]
    for table in result.tables:
        lines += _table(table)
    for at, plot in enumerate(result.plots):
        lines += [f"![{plot.title}](images/{_picture(result, at)})", ""]
    return lines


def _table(table: Table) -> list[str]:
    heads = "| " + " | ".join(table.columns) + " |"
    rule = "|---" + "|--:" * (len(table.columns) - 1) + "|"
    rows = ["| " + " | ".join(map(shown, row)) + " |" for row in table.rows]
    note = ["", table.note] if table.note else []
    return [f"### {table.title}", "", heads, rule, *rows, *note, ""]


def _runs(results: Sequence[Result]) -> list[str]:
    heads = ["| figures | command | on | cti | load before |", "|---|---|---|---|--:|"]
    rows = [
        f"| {_part(one).heading} | `{one.command}`{' (short)' if one.is_quick else ''} | {one.date} | {one.versions.get('cti', '')} "
        f"| {one.machine.get('load before', '')} |"
        for one in results
    ]
    return ["## How these were made", "", *heads, *rows, "", *_told("Machine", [one.machine for one in results], {"load before"}),
            "", *_told("Versions", [one.versions for one in results], {"cti"})]  # fmt: skip


def _told(title: str, found: Sequence[Mapping[str, str]], without: set[str]) -> list[str]:
    """Each with every value that it had in these runs."""
    names = dict.fromkeys(name for one in found for name in one if name not in without)
    said = (f"{name} {' / '.join(dict.fromkeys(one[name] for one in found if name in one))}" for name in names)
    return [f"{title}: {', '.join(said)}."]


def write() -> None:
    results = kept_results()
    wanted = pictures(results)
    for old in IMAGES.glob("performance-*.svg"):
        if old.name not in wanted:
            old.unlink()
    for name, drawn in wanted.items():
        (IMAGES / name).write_text(drawn, encoding="utf-8")
    PAGE.write_text(page(results), encoding="utf-8")
    README.write_text(with_figures(README.read_text(encoding="utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    write()
    print(f"{PAGE.relative_to(DOCS.parent)} is made of {len(kept_results())} results")
