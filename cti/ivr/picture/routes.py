"""The ways between the boxes, which touch no box but their own.

A line passes each row straight down, in the column kept for it, and bends in the gaps between rows only. A line back leaves
its step below, runs along its track to its channel, up, and into its target's side, or from above where that side is taken.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cti.ivr.picture.layers import Link
from cti.ivr.picture.sheet import HEAD_PX, LOOP_PX, Sheet

_CORNER_PX: Final = 8.0
_FROM_CORNER_PX: Final = 12.0


@dataclass(frozen=True, slots=True)
class Route:
    path: str
    head: tuple[float, float, int]
    """The tip, and the side of the box it is at: 0 above, 1 right, -1 left."""
    label: tuple[float, float, str]
    """Its anchor's place, and ``middle`` or ``start``."""


def routes(sheet: Sheet) -> list[Route]:
    """In the order of the layers' links."""
    return [_route(sheet, *each) for each in zip(sheet.layers.links, sheet.layers.chains, strict=True)]


def _route(sheet: Sheet, link: Link, chain: Sequence[int]) -> Route:
    if link.is_loop:
        return _loop(sheet, link.source)
    row = sheet.row_of[chain[0]]
    label = (sheet.x[chain[0]], sheet.tops[row] + sheet.heights[row] / 2, "middle")
    path, head = _back(sheet, link, chain[0]) if link.is_back else _down(sheet, link, chain)
    return Route(path, head, label)


def _down(sheet: Sheet, link: Link, chain: Sequence[int]) -> tuple[str, tuple[float, float, int]]:
    x, y = sheet.ports[link.source, link.target, False], sheet.below(sheet.row_of[link.source])
    path = f"M{x:.1f} {sheet.box_bottom(link.source):.1f}V{y:.1f}"
    for vertex in chain:
        row = sheet.row_of[vertex]
        path += _bend(x, y, sheet.x[vertex], sheet.tops[row])
        x, y = sheet.x[vertex], sheet.below(row)
        path += f"V{y:.1f}"
    end, tip = sheet.ports[link.source, link.target, True], sheet.box_top(link.target)
    path += _bend(x, y, end, sheet.tops[sheet.row_of[link.target]] - HEAD_PX)
    return f"{path}V{tip - HEAD_PX + 1:.1f}", (end, tip, 0)


def _back(sheet: Sheet, link: Link, label: int) -> tuple[str, tuple[float, float, int]]:
    """Drawn from its target, so that the dashes of lines that share a channel fall upon each other."""
    row, side = sheet.row_of[label], sheet.layers.sides[link.target]
    start, head = _beside(sheet, link.target, side) if side else _from_above(sheet, link.target)
    first_y = head[1] if side else sheet.above(link.target)
    xs, ys = (sheet.channels[link.target], sheet.x[label]), (first_y, sheet.track(row, link.target), sheet.tops[row])
    port = sheet.ports[link.source, link.target, False]
    path = start + _corners(xs, ys, side or 1) + _bend(xs[1], sheet.tops[row], port, sheet.below(row - 1))
    return f"{path}V{sheet.box_bottom(link.source):.1f}", head


def _beside(sheet: Sheet, node: int, side: int) -> tuple[str, tuple[float, float, int]]:
    face = sheet.faces[node]
    tip, y = sheet.x[node] + side * face.width / 2, sheet.box_top(node) + face.height / 2
    return f"M{tip + side * (HEAD_PX - 1):.1f} {y:.1f}", (tip, y, side)


def _from_above(sheet: Sheet, node: int) -> tuple[str, tuple[float, float, int]]:
    x, top, y = sheet.x[node] + sheet.faces[node].width / 2 - _FROM_CORNER_PX, sheet.box_top(node), sheet.above(node)
    turn = f"V{y + _CORNER_PX:.1f}Q{x:.1f} {y:.1f} {x + _CORNER_PX:.1f} {y:.1f}"
    return f"M{x:.1f} {top - HEAD_PX + 1:.1f}{turn}", (x, top, 0)


def _loop(sheet: Sheet, node: int) -> Route:
    face = sheet.faces[node]
    x, y = sheet.x[node] + face.width / 2, sheet.box_top(node) + face.height / 2
    tip, far = x + HEAD_PX - 1, x + LOOP_PX
    path = f"M{tip:.1f} {y - 9:.1f}C{far:.1f} {y - 13:.1f} {far:.1f} {y + 13:.1f} {x:.1f} {y + 9:.1f}"
    return Route(path, (x, y - 9, 1), (x + LOOP_PX - 2, y, "start"))


def _bend(x: float, y: float, to_x: float, to_y: float) -> str:
    if abs(x - to_x) < 0.5:  # noqa: PLR2004
        return f"V{to_y:.1f}"
    middle = (y + to_y) / 2
    return f"C{x:.1f} {middle:.1f} {to_x:.1f} {middle:.1f} {to_x:.1f} {to_y:.1f}"


def _corners(xs: Sequence[float], ys: Sequence[float], side: int) -> str:
    """Along to the channel, down it, back along the track, and up again."""
    (channel, x), (start, track, end), r = xs, ys, _CORNER_PX
    inner = min(r, abs(channel - x) / 2)
    up = min(inner, track - end)
    return (
        f"H{channel - side * r:.1f}Q{channel:.1f} {start:.1f} {channel:.1f} {start + r:.1f}"
        f"V{track - r:.1f}Q{channel:.1f} {track:.1f} {channel - side * inner:.1f} {track:.1f}"
        f"H{x + side * up:.1f}Q{x:.1f} {track:.1f} {x:.1f} {track - up:.1f}V{end:.1f}"
    )
