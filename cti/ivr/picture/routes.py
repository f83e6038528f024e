"""From rows and columns to places on paper: the boxes, and the ways between them, which touch no box but their own.

A line passes each row straight down, in the column kept for it, and bends in the gaps between rows only. A line back leaves
its step below, runs to a channel beside the rows, up, and into its target's side, or from above where that side is taken.
Lines back to the same step share the channel.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cti.ivr.picture.columns import columns, spread
from cti.ivr.picture.faces import Face
from cti.ivr.picture.layers import Layers, Link
from cti.ivr.picture.text import width

HEAD_PX: Final = 8.0
LABEL_PX: Final = 12.0
_LABEL_ROW_PX: Final = 16.0
_GAP_PX: Final = 14.0
_GAP_MORE_PX: Final = 50.0
_NEAR_PX: Final = 60.0
_LINE_PX: Final = 6.0
_LOOP_PX: Final = 30.0
_TRACK_PX: Final = 10.0
_CHANNEL_PX: Final = 16.0
_CORNER_PX: Final = 8.0
_PORT_PX: Final = 16.0
_PORT_FROM_CORNER_PX: Final = 22.0


@dataclass(frozen=True, slots=True)
class Route:
    path: str
    head: tuple[float, float, int]
    """The tip, and where it points: 0 down, 1 to the left, -1 to the right."""
    label: tuple[float, float, str]
    """Its anchor's place, and ``middle`` or ``start``."""


@dataclass(frozen=True, slots=True)
class Paper:
    left: float
    top: float
    right: float
    bottom: float
    boxes: tuple[tuple[float, float], ...]
    """The top left corner of each step's box."""
    routes: tuple[Route, ...]
    """In the order of the layers' links."""


class Drawing:
    """Used once: ``paper``. ``labels``: of each link, as they will be shown."""

    def __init__(self, layers: Layers, faces: Sequence[Face], labels: Sequence[str]) -> None:
        self._layers, self._faces, self._labels = layers, faces, labels
        self._extents = self._extents_of()
        self._x = columns(layers, self._extents, len(faces))
        self._row_of = {vertex: row for row, vertices in enumerate(layers.rows) for vertex in vertices}
        self._sides = layers.sides
        self._sideways: dict[int, float] = {}
        for upper, lower in layers.ties():
            row, far = self._row_of[upper], abs(self._x[upper] - self._x[lower])
            self._sideways[row] = max(far, self._sideways.get(row, 0.0))
        self._tracks = self._tracks_of()
        self._tops, self._heights = self._rows()
        self._rights = [max((self._x[v] + self._extents[v][1] for v in row), default=0.0) for row in layers.rows]
        self._lefts = [min((self._x[v] - self._extents[v][0] for v in row), default=0.0) for row in layers.rows]
        self._channels = self._channels_of()
        self._ports = self._ports_of()

    def paper(self) -> Paper:
        pairs = list(zip(self._layers.links, self._layers.chains, strict=True))
        routes = tuple(
            self._loop(link) if link.is_loop else self._back(link, chain) if link.is_back else self._down(link, chain)
            for link, chain in pairs
        )
        boxes = tuple((self._x[node] - face.width / 2, self._box_top(node)) for node, face in enumerate(self._faces))
        top = -max((track for gap, track in self._tracks.values() if gap < 0), default=0.0)
        last = len(self._tops) - 1 - (not self._layers.rows[-1])
        bottom = self._tops[last] + self._heights[last] + self._tracks_height(last)
        return Paper(min(self._lefts, default=0.0), top, max(self._rights, default=0.0), bottom, boxes, routes)

    def _extents_of(self) -> list[tuple[float, float]]:
        """Loops hang on the right of their box, and have room there."""
        extents = [(face.width / 2, face.width / 2) for face in self._faces]
        for link, chain, label in zip(self._layers.links, self._layers.chains, self._labels, strict=True):
            room = max(_LINE_PX, width(label, LABEL_PX) / 2)
            extents += [(room, room) if nth == 0 else (_LINE_PX, _LINE_PX) for nth in range(len(chain))]
            if link.is_loop:
                left, right = extents[link.source]
                extents[link.source] = (left, right + _LOOP_PX + width(label, LABEL_PX))
        return extents

    def _rows(self) -> tuple[list[float], list[float]]:
        """Where each row begins, and how high it is. The farther lines go sideways, the more room they have to."""
        tops, heights, y = list[float](), list[float](), 0.0
        for row, vertices in enumerate(self._layers.rows):
            heights.append(self._height(row, vertices))
            tops.append(y)
            y += heights[-1] + self._tracks_height(row) + self._gap(row)
        return tops, heights

    def _height(self, row: int, vertices: Sequence[int]) -> float:
        if row % 2 == 0:
            return max((self._faces[v].height for v in vertices if v < len(self._faces)), default=0.0)
        is_labelled = any(self._extents[v][0] > _LINE_PX for v in vertices)
        return _LABEL_ROW_PX if is_labelled else 0.0

    def _gap(self, row: int) -> float:
        far = max(0.0, self._sideways.get(row, 0.0) - _NEAR_PX)
        return _GAP_PX + min(_GAP_MORE_PX, far * 0.09) + HEAD_PX * (row % 2)

    def _tracks_height(self, row: int) -> float:
        return max((track + _TRACK_PX / 2 for gap, track in self._tracks.values() if gap == row), default=0.0)

    def _tracks_of(self) -> dict[tuple[int, int], tuple[int, float]]:
        """(row it leaves, target) -> the gap below that row, and how deep in it the line runs; (-1, target): the line into it
        from above."""
        found: dict[tuple[int, int], tuple[int, float]] = {}
        filled: dict[int, int] = {}
        for link in self._layers.links:
            if not link.is_back or link.is_loop:
                continue
            ways = [(self._row_of[link.source] + 1, (self._row_of[link.source] + 1, link.target))]
            if self._sides[link.target] == 0:
                ways.append((self._row_of[link.target] - 1, (-1, link.target)))
            for gap, key in ways:
                if key not in found:
                    filled[gap] = filled.get(gap, 0) + 1
                    found[key] = (gap, filled[gap] * _TRACK_PX)
        return found

    def _channels_of(self) -> dict[int, float]:
        """The x of the channel to each step that lines lead back to: short ones near the rows, longer ones outside."""
        last: dict[int, int] = {}
        for link in self._layers.links:
            if link.is_back and not link.is_loop:
                last[link.target] = max(last.get(link.target, 0), self._row_of[link.source] + 1)
        channels: dict[int, float] = {}
        for target in sorted(last, key=lambda target: (last[target] - self._row_of[target], self._row_of[target])):
            rows = range(max(0, self._row_of[target] - 1), min(last[target] + 2, len(self._layers.rows)))
            side = self._sides[target] or 1
            outer = self._rights if side > 0 else self._lefts
            channels[target] = side * (max(side * outer[row] for row in rows) + _CHANNEL_PX)
            for row in rows:
                outer[row] = channels[target]
        return channels

    def _ports_of(self) -> dict[tuple[int, int, bool], float]:
        """(source, target, is it the target's end) -> x."""
        ends: dict[tuple[int, bool], list[tuple[float, Link]]] = {}
        for link, chain in zip(self._layers.links, self._layers.chains, strict=True):
            if chain:
                ends.setdefault((link.source, False), []).append((self._x[chain[0]], link))
            if chain and not link.is_back:
                ends.setdefault((link.target, True), []).append((self._x[chain[-1]], link))
        return {
            (link.source, link.target, is_target): port
            for (node, is_target), wanting in ends.items()
            for (_, link), port in self._along(node, sorted(wanting, key=lambda each: each[0]))
        }

    def _along(self, node: int, wanting: list[tuple[float, Link]]) -> list[tuple[tuple[float, Link], float]]:
        """Along the edge of the box: as straight above or below the line as the box allows."""
        half, last = self._faces[node].width / 2 - _PORT_FROM_CORNER_PX, len(wanting) - 1
        left, right = self._x[node] - half, self._x[node] + half
        apart = min(_PORT_PX, 2 * half / max(1, last))
        wanted = [min(max(x, left), right) for x, _ in wanting]
        ports = spread(wanted, [1.0] * len(wanted), [apart] * last)
        inside = [min(max(port, left + nth * apart), right - (last - nth) * apart) for nth, port in enumerate(ports)]
        return list(zip(wanting, inside, strict=True))

    def _box_top(self, node: int) -> float:
        row = self._row_of[node]
        return self._tops[row] + (self._heights[row] - self._faces[node].height) / 2

    def _label(self, chain: Sequence[int]) -> tuple[float, float, str]:
        row = self._row_of[chain[0]]
        return self._x[chain[0]], self._tops[row] + self._heights[row] / 2, "middle"

    def _down(self, link: Link, chain: Sequence[int]) -> Route:
        port = self._ports[link.source, link.target, False]
        x, y = port, self._below(self._row_of[link.source])
        path = f"M{x:.1f} {self._box_top(link.source) + self._faces[link.source].height:.1f}V{y:.1f}"
        for vertex in chain:
            row = self._row_of[vertex]
            path += _bend(x, y, self._x[vertex], self._tops[row])
            x, y = self._x[vertex], self._below(row)
            path += f"V{y:.1f}"
        end, tip = self._ports[link.source, link.target, True], self._box_top(link.target)
        path += _bend(x, y, end, self._tops[self._row_of[link.target]] - HEAD_PX)
        return Route(path + f"V{tip - HEAD_PX + 1:.1f}", (end, tip, 0), self._label(chain))

    def _below(self, row: int) -> float:
        """The end of a row and of the tracks below it: here lines may bend."""
        return self._tops[row] + self._heights[row] + self._tracks_height(row)

    def _back(self, link: Link, chain: Sequence[int]) -> Route:
        """Drawn from its target, so that the dashes of lines that share a channel fall upon each other."""
        row, target, side = self._row_of[chain[0]], link.target, self._sides[link.target]
        channel, port = self._channels[target], self._ports[link.source, target, False]
        depth = self._tracks[row, target][1]
        track, x = self._tops[row] + self._heights[row] + depth, self._x[chain[0]]
        start, head = self._into(target, side)
        path = start + _corners(
            [channel, x], [head[1] if side else self._above(target), track, self._tops[row]], side or 1
        )
        path += _bend(x, self._tops[row], port, self._below(row - 1))
        path += f"V{self._box_top(link.source) + self._faces[link.source].height:.1f}"
        return Route(path, head, self._label(chain))

    def _above(self, node: int) -> float:
        gap, depth = self._tracks[-1, node]
        return (self._tops[gap] + self._heights[gap] if gap >= 0 else -2 * _TRACK_PX) + depth * (1 if gap >= 0 else -1)

    def _into(self, node: int, side: int) -> tuple[str, tuple[float, float, int]]:
        face, top = self._faces[node], self._box_top(node)
        if side:
            tip, y = self._x[node] + side * face.width / 2, top + face.height / 2
            return f"M{tip + side * (HEAD_PX - 1):.1f} {y:.1f}", (tip, y, side)
        tip = self._x[node] + face.width / 2 - 12
        y = self._above(node)
        start = (
            f"M{tip:.1f} {top - HEAD_PX + 1:.1f}V{y + _CORNER_PX:.1f}Q{tip:.1f} {y:.1f} {tip + _CORNER_PX:.1f} {y:.1f}"
        )
        return start, (tip, top, 0)

    def _loop(self, link: Link) -> Route:
        face, top = self._faces[link.source], self._box_top(link.source)
        x, y = self._x[link.source] + face.width / 2, top + face.height / 2
        tip, far = x + HEAD_PX - 1, x + _LOOP_PX
        path = f"M{tip:.1f} {y - 9:.1f}C{far:.1f} {y - 13:.1f} {far:.1f} {y + 13:.1f} {x:.1f} {y + 9:.1f}"
        return Route(path, (x, y - 9, 1), (x + _LOOP_PX - 2, y, "start"))


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
