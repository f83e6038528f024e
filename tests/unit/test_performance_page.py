"""docs/performance.md says what the benches found, and nothing else."""

import re

import harness
import plot
import report
from harness import Aim, Line, Plot, Result, Table


def test_the_page_of_figures_is_what_the_results_make() -> None:
    results = report.kept_results()
    drawn = {path.name: path.read_text(encoding="utf-8") for path in report.IMAGES.glob("performance-*.svg")}
    assert report.page(results) == report.PAGE.read_text(encoding="utf-8"), "run: make bench-report"
    assert report.pictures(results) == drawn, "run: make bench-report"
    readme = report.README.read_text(encoding="utf-8")
    assert report.with_figures(readme, results) == readme, "run: make bench-report"


def test_an_aim_that_is_not_met_is_said_so_first() -> None:
    page = report.page([_result(Aim(words="no pop lost", wanted="0", found="2", is_met=False))])
    assert "0 of 1 are met" in page
    assert "| [no pop lost](#the-pop) | 0 | 2 | **not met** |" in page


def test_a_table_shows_each_number_with_the_digits_that_mean_something() -> None:
    table = Table(
        title="Pops", columns=("store", "p99, ms"), rows=(("SQLite", 1.23456), ("none", None), ("both", 12345))
    )
    page = report.page([_result(table=table)])
    assert "| SQLite | 1.23 |\n| none | \N{EN DASH} |\n| both | 12,345 |" in page


def test_every_point_of_a_plot_lies_within_its_axes() -> None:
    lines = (Line(name="a", points=((1, 0.02), (400, 950))), Line(name="b", points=((10, 3),)))
    drawn = plot.svg(Plot(title="p", x="calls/s", y="ms", lines=lines, is_log=True))
    places = [(float(x), float(y)) for x, y in re.findall(r'class="dot" cx="([\d.]+)" cy="([\d.]+)" r="3.5"', drawn)]
    assert len(places) == 3
    assert all(plot.LEFT <= x <= plot.WIDTH and plot.TOP <= y <= plot.HEIGHT - plot.BOTTOM for x, y in places)


def test_works_that_take_turns_are_compared_run_by_run() -> None:
    once, thrice = harness.Turns((1.0, 2.0, 1.0), (1, 1, 1), ()), harness.Turns((3.0, 6.0, 9.0), (1, 1, 1), ())
    assert thrice.cpu_against(once) == 3.0


def _result(*aims: Aim, table: Table | None = None) -> Result:
    return Result(
        name="pop", date="2026-11-22", command="python benchmarks/bench_pop.py", is_quick=False, machine={}, versions={},
        tables=(table,) if table else (), plots=(), aims=aims,
    )  # fmt: skip
