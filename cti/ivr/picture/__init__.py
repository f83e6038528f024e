"""A flow as a picture: boxes and ways, with what happened there where figures are given. Text in, text out::

    svg = picture(Graph(title="Main line", nodes=(...), edges=(...)), Figures(nodes={...}, edges={...}, worst="menu"))

The same graph gives the same bytes. Standing alone it brings its style with it, light and dark; inside a page whose policy
forbids inline styles (the console's does) it goes without, and the page links ``style()``.
"""

from collections.abc import Mapping
from functools import cache
from html import escape
from importlib import resources
from math import ceil, floor, sqrt
from typing import Final

from cti.ivr.picture.faces import Face, Said, face
from cti.ivr.picture.graph import WORDS, Edge, Figures, Graph, Node, NodeFigures
from cti.ivr.picture.layers import Link, layers_of
from cti.ivr.picture.routes import Route, routes
from cti.ivr.picture.sheet import HEAD_PX, LABEL_PX, Sheet
from cti.ivr.picture.text import clean, cut, width

__all__ = ["WORDS", "Edge", "Figures", "Graph", "Node", "NodeFigures", "picture", "style"]

_MARGIN_PX: Final = 20
_LABEL_WIDEST_PX: Final = 160.0
_THIN_PX: Final = 1.5
_THICK_PX: Final = 7.0
_THICK_BACK_PX: Final = 3.5
_TOLD_FROM: Final = 0.01
"""A share below this is a speck and no bar; the tooltip has it."""
_PAINT: Final = {
    "box": 'fill="#fff" stroke="#8c959f"',
    "line": 'fill="none" stroke="#6e7781"',
    "head": 'fill="#6e7781"',
    "under": 'fill="#f6f8fa"',
    "lost": 'fill="#cf222e"',
}
"""For programs that draw SVG and know no custom properties."""


@cache
def style() -> str:
    return resources.files(__name__).joinpath("picture.css").read_text(encoding="utf-8")


def picture(
    graph: Graph, figures: Figures | None = None, *, words: Mapping[str, str] = WORDS, is_standalone: bool = True
) -> str:
    """An SVG document. ``words`` replaces some or all of ``WORDS``, and names the kinds of steps."""
    said = Said(words)
    layers = layers_of(graph)
    faces = [face(node, figures, said) for node in graph.nodes]
    labels = [cut(_label(link), LABEL_PX, _LABEL_WIDEST_PX) for link in layers.links]
    sheet = Sheet(layers, faces, labels)
    ways = [
        _way(graph, link, shown, route, figures=figures, said=said)
        for link, shown, route in zip(layers.links, labels, routes(sheet), strict=True)
    ]
    steps = [_step(*each) for each in zip(graph.nodes, faces, sheet.corners(), strict=True)]
    left, top = floor(sheet.left) - _MARGIN_PX, floor(sheet.top) - _MARGIN_PX
    wide, high = ceil(sheet.right) + _MARGIN_PX - left, ceil(sheet.bottom) + _MARGIN_PX - top
    view = f'viewBox="{left} {top} {wide} {high}" font-family="sans-serif"'
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="flow" role="img" width="{wide}" height="{high}" {view}>',
            f"<title>{_text(graph.title)}</title>",
            f"<desc>{escape(said.about(graph))}</desc>",
            *([f"<style>\n{style()}</style>"] if is_standalone else []),
            *ways,
            *steps,
            "</svg>\n",
        )
    )


def _text(text: str) -> str:
    return escape(clean(text))


def _label(link: Link) -> str:
    return ", ".join(clean(label) for label in dict.fromkeys(link.labels))


def _way(graph: Graph, link: Link, shown: str, route: Route, *, figures: Figures | None, said: Said) -> str:
    source, target = graph.nodes[link.source], graph.nodes[link.target]
    went = figures.edges.get((source.id, target.id), 0) if figures else None
    thick = _thickness(link, went or 0, figures)
    told = [f"{clean(source.label)} → {clean(target.label)}", _label(link)]
    told += [said.count("took", went)] if went is not None else []
    return (
        f'<g class="way{" back" if link.is_back else ""}{" unused" if went == 0 else ""}">'
        f"<title>{escape(' · '.join(filter(None, told)))}</title>"
        f'<path class="line" {_PAINT["line"]} stroke-width="{thick:.1f}" d="{route.path}"/>'
        f'<path class="head" {_PAINT["head"]} d="{_head(route, thick)}"/>{_label_on(route, shown)}</g>'
    )


def _label_on(route: Route, shown: str) -> str:
    if not shown:
        return ""
    x, y, anchor = route.label
    wide = width(shown, LABEL_PX)
    left = x if anchor == "start" else x - wide / 2
    return (
        f'<rect class="under" {_PAINT["under"]} x="{left - 2:.1f}" y="{y - 8:.1f}" width="{wide + 4:.1f}" height="16"/>'
        f'<text class="label {anchor}" x="{x:.1f}" y="{y + 4:.1f}" font-size="12" text-anchor="{anchor}">{escape(shown)}</text>'
    )


def _thickness(link: Link, went: int, figures: Figures | None) -> float:
    """From thin to thick by the square root, so that few beside many can still be told from none."""
    most = max(figures.edges.values(), default=0) if figures else 0
    thickest = _THICK_BACK_PX if link.is_back else _THICK_PX
    return _THIN_PX + (thickest - _THIN_PX) * sqrt(min(1.0, went / most)) if most > 0 else _THIN_PX


def _head(route: Route, thick: float) -> str:
    x, y, side = route.head
    half = 3.2 + thick / 2
    if side:
        back = x + side * HEAD_PX
        return f"M{x:.1f} {y:.1f}L{back:.1f} {y - half:.1f}V{y + half:.1f}Z"
    return f"M{x:.1f} {y:.1f}L{x - half:.1f} {y - HEAD_PX:.1f}H{x + half:.1f}Z"


def _step(node: Node, face: Face, corner: tuple[float, float]) -> str:
    """Steps that end the flow have round ends."""
    x, y = corner
    kinds = ["step"] + ["start"] * node.is_start + ["end"] * node.is_end + ["worst"] * face.is_worst
    radius = min(face.height, 44) / 2 if node.is_end else 6
    inset = 8 if not node.is_end else radius
    lost = (face.width - 2 * inset) * face.abandoned
    bar = f'<rect class="lost" {_PAINT["lost"]} x="{x + inset:.1f}" y="{y + face.height - 6:.1f}" width="{lost:.1f}" height="3"/>'
    return (
        f'<g class="{" ".join(kinds)}" data-step="{_text(node.id)}"><title>{escape(face.told)}</title>'
        f'<rect class="box" {_PAINT["box"]} x="{x:.1f}" y="{y:.1f}" width="{face.width:.1f}" height="{face.height:.1f}" rx="{radius:.0f}"/>'
        f"{bar if face.abandoned >= _TOLD_FROM else ''}{''.join(_line(*line, x + face.width / 2, y) for line in face.lines)}</g>"
    )


def _line(kind: str, text: str, below: float, x: float, top: float) -> str:
    name = "note" if kind == "worst" else kind
    size = 14 if kind == "name" else 12
    return f'<text class="{name}" x="{x:.1f}" y="{top + below:.1f}" font-size="{size}" text-anchor="middle">{escape(text)}</text>'
