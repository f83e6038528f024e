"""A plot as SVG: a few lines over an axis, good in a light page and in a dark one, and the same bytes for the same figures."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from harness import Line, Plot

WIDTH, HEIGHT = 680, 340
LEFT, RIGHT, TOP, BOTTOM = 70, 24, 62, 54
ROW = 18
"""Of the legend."""
LETTER = 6.6
"""About how wide one is, at the size the legend is written in."""
LIGHT = ("#0a57c2", "#c2410c", "#157f3b", "#8b3fc7", "#a16207", "#be185d")
DARK = ("#6cb2ff", "#ff9f5a", "#5fd38a", "#d2a8ff", "#e3c04d", "#ff8fb8")
LOOK = """
.plot { --text: #1b1f24; --muted: #57606a; --grid: #d8dee4; background: transparent;
  font: 12px Inter, system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', sans-serif; font-variant-numeric: tabular-nums; }
@media (prefers-color-scheme: dark) { .plot { --text: #e6edf3; --muted: #9da7b3; --grid: #30363d; } }
.plot text { fill: var(--muted); }
.plot .title { fill: var(--text); font-size: 14px; font-weight: 600; }
.plot .grid { stroke: var(--grid); }
.plot .line { fill: none; stroke: var(--colour); stroke-width: 2; stroke-linejoin: round; }
.plot .dot { fill: var(--colour); }
"""


@dataclass(frozen=True, slots=True)
class Axis:
    """Values -> places between ``at`` and ``to``; ``ticks`` are the values that are written there."""

    ticks: tuple[float, ...]
    at: float
    to: float
    is_log: bool = False

    def place(self, value: float) -> float:
        low, high, here = (self._scaled(one) for one in (self.ticks[0], self.ticks[-1], value))
        return self.at + (here - low) / ((high - low) or 1) * (self.to - self.at)

    def _scaled(self, value: float) -> float:
        return math.log10(max(value, self.ticks[0])) if self.is_log else value


def svg(plot: Plot) -> str:
    legend = _legend(plot.lines)
    top = TOP + ROW * max(row for _, row, _ in legend)
    height = HEIGHT + top - TOP
    x = Axis(_ticks([point[0] for line in plot.lines for point in line.points]), LEFT, WIDTH - RIGHT)
    values = [point[1] for line in plot.lines for point in line.points]
    y = Axis(_decades(values) if plot.is_log else _ticks([0.0, *values]), height - BOTTOM, top, is_log=plot.is_log)
    body = [*_grid(x, y), *_names(plot, x, y), *legend_marks(legend)]
    for number, line in enumerate(plot.lines):
        body += _curve(line, number, x, y)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" role="img" width="{WIDTH}" height="{height}" '
        f'viewBox="0 0 {WIDTH} {height}">\n<title>{escape(plot.title)}</title>\n'
        f"<desc>{escape(plot.y)} over {escape(plot.x)}</desc>\n<style>{LOOK}{_colours(len(plot.lines))}</style>\n"
        + "\n".join(body)
        + "\n</svg>\n"
    )


def _colours(lines: int) -> str:
    light = "".join(f".plot .c{at} {{ --colour: {LIGHT[at % len(LIGHT)]}; }}\n" for at in range(lines))
    dark = "".join(f"  .plot .c{at} {{ --colour: {DARK[at % len(DARK)]}; }}\n" for at in range(lines))
    return f"{light}@media (prefers-color-scheme: dark) {{\n{dark}}}\n"


def _curve(line: Line, number: int, x: Axis, y: Axis) -> Iterable[str]:
    places = [(x.place(across), y.place(up)) for across, up in sorted(line.points)]
    path = " ".join(f"{across:.1f},{up:.1f}" for across, up in places)
    yield f'<g class="c{number}"><polyline class="line" points="{path}"/>'
    if len(places) <= 24:
        yield from (f'<circle class="dot" cx="{across:.1f}" cy="{up:.1f}" r="3.5"/>' for across, up in places)
    yield "</g>"


def _grid(x: Axis, y: Axis) -> Iterable[str]:
    for tick in y.ticks:
        up = y.place(tick)
        yield f'<line class="grid" x1="{x.at}" x2="{x.to}" y1="{up:.1f}" y2="{up:.1f}"/>'
        yield f'<text x="{x.at - 8}" y="{up + 4:.1f}" text-anchor="end">{_tick(tick)}</text>'
    for tick in x.ticks:
        yield f'<text x="{x.place(tick):.1f}" y="{y.at + 18:.1f}" text-anchor="middle">{_tick(tick)}</text>'


def _names(plot: Plot, x: Axis, y: Axis) -> Iterable[str]:
    yield f'<text class="title" x="{LEFT}" y="20">{escape(plot.title)}</text>'
    yield f'<text x="{(x.at + x.to) / 2:.1f}" y="{y.at + 40:.1f}" text-anchor="middle">{escape(plot.x)}</text>'
    middle = (y.at + y.to) / 2
    yield f'<text transform="translate(16 {middle:.1f}) rotate(-90)" text-anchor="middle">{escape(plot.y)}</text>'


def _legend(lines: Sequence[Line]) -> list[tuple[float, int, str]]:
    """Where each name goes: across, in which row, the name."""
    placed, across, row = [], float(LEFT), 0
    for line in lines:
        width = 22 + LETTER * len(line.name) + 14
        if across > LEFT and across + width > WIDTH - RIGHT:
            across, row = float(LEFT), row + 1
        placed.append((across, row, line.name))
        across += width
    return placed


def legend_marks(legend: Iterable[tuple[float, int, str]]) -> Iterable[str]:
    for number, (across, row, name) in enumerate(legend):
        up = 42 + ROW * row
        yield f'<g class="c{number}"><circle class="dot" cx="{across + 5:.1f}" cy="{up - 4}" r="5"/></g>'
        yield f'<text x="{across + 16:.1f}" y="{up}">{escape(name)}</text>'


def _ticks(values: Sequence[float]) -> tuple[float, ...]:
    """Round numbers around all values: steps of 1, 2 or 5."""
    low, high = min(values), max(values)
    rough = ((high - low) or abs(high) or 1.0) / 5
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return tuple(number * step for number in range(first, max(last, first + 1) + 1))


def _decades(values: Sequence[float]) -> tuple[float, ...]:
    above = [value for value in values if value > 0] or [1.0]
    first, last = math.floor(math.log10(min(above))), math.ceil(math.log10(max(above)))
    return tuple(10.0**power for power in range(first, max(last, first + 1) + 1))


def _tick(value: float) -> str:
    if abs(value) >= 1e6:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}k" if abs(value) >= 1e4 else f"{value:g}"
