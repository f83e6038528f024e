"""Where things are on paper: rows below each other, and the room that lines need between and beside them.

Lines back run below the labels of the step they leave, on a **track**, to a **channel** beside the rows. Each step they lead
to has one channel; those that leave the same row for the same step share a track.
"""

from collections.abc import Sequence
from typing import Final

from cti.ivr.picture.columns import columns, spread
from cti.ivr.picture.faces import Face
from cti.ivr.picture.layers import Layers, Link
from cti.ivr.picture.text import width

HEAD_PX: Final = 8.0
LABEL_PX: Final = 12.0
LOOP_PX: Final = 30.0
_LABEL_ROW_PX: Final = 16.0
_GAP_PX: Final = 14.0
_GAP_MORE_PX: Final = 50.0
_NEAR_PX: Final = 60.0
_LINE_PX: Final = 6.0
_TRACK_PX: Final = 10.0
_CHANNEL_PX: Final = 16.0
_PORT_PX: Final = 16.0
_PORT_FROM_CORNER_PX: Final = 22.0


class Sheet:
    """``labels``: of each link, as they will be shown."""

    def __init__(self, layers: Layers, faces: Sequence[Face], labels: Sequence[str]) -> None:
        self.layers, self.faces = layers, faces
        self._extents = self._extents_of(labels)
        self.x = columns(layers, self._extents, len(faces))
        self.row_of = {vertex: row for row, vertices in enumerate(layers.rows) for vertex in vertices}
        self._sideways: dict[int, float] = {}
        for upper, lower in layers.ties():
            row, far = self.row_of[upper], abs(self.x[upper] - self.x[lower])
            self._sideways[row] = max(far, self._sideways.get(row, 0.0))
        self._tracks = self._tracks_of()
        self.tops, self.heights = self._rows()
        self._rights = [max((self.x[v] + self._extents[v][1] for v in row), default=0.0) for row in layers.rows]
        self._lefts = [min((self.x[v] - self._extents[v][0] for v in row), default=0.0) for row in layers.rows]
        self.channels = self._channels_of()
        self.ports = self._ports_of()

    @property
    def left(self) -> float:
        return min(self._lefts, default=0.0)

    @property
    def right(self) -> float:
        return max(self._rights, default=0.0)

    @property
    def top(self) -> float:
        return min([0.0, *(self.above(node) for row, node in self._tracks if row < 0)])

    @property
    def bottom(self) -> float:
        return self.below(len(self.tops) - 1 - (not self.layers.rows[-1]))

    def corners(self) -> list[tuple[float, float]]:
        """The top left of each step's box."""
        return [(self.x[node] - face.width / 2, self.box_top(node)) for node, face in enumerate(self.faces)]

    def box_top(self, node: int) -> float:
        row = self.row_of[node]
        return self.tops[row] + (self.heights[row] - self.faces[node].height) / 2

    def box_bottom(self, node: int) -> float:
        return self.box_top(node) + self.faces[node].height

    def below(self, row: int) -> float:
        """The end of a row and of the tracks below it: from here on lines may bend."""
        return self.tops[row] + self.heights[row] + self._tracks_height(row)

    def track(self, row: int, target: int) -> float:
        """The y of the line that runs below ``row`` to the channel of ``target``."""
        return self.tops[row] + self.heights[row] + self._tracks[row, target][1]

    def above(self, node: int) -> float:
        """The y of the line that comes to ``node`` from above; over the first row there is all the room in the world."""
        gap, depth = self._tracks[-1, node]
        return self.tops[gap] + self.heights[gap] + depth if gap >= 0 else -HEAD_PX - depth

    def _extents_of(self, labels: Sequence[str]) -> list[tuple[float, float]]:
        """Loops hang on the right of their box, and have room there."""
        extents = [(face.width / 2, face.width / 2) for face in self.faces]
        for link, chain, label in zip(self.layers.links, self.layers.chains, labels, strict=True):
            room = max(_LINE_PX, width(label, LABEL_PX) / 2)
            extents += [(room, room) if nth == 0 else (_LINE_PX, _LINE_PX) for nth in range(len(chain))]
            if link.is_loop:
                left, right = extents[link.source]
                extents[link.source] = (left, right + LOOP_PX + width(label, LABEL_PX))
        return extents

    def _rows(self) -> tuple[list[float], list[float]]:
        """Where each row begins, and how high it is. The farther lines go sideways, the more room they have to."""
        tops, heights, y = list[float](), list[float](), 0.0
        for row, vertices in enumerate(self.layers.rows):
            heights.append(self._height(row, vertices))
            tops.append(y)
            y += heights[-1] + self._tracks_height(row) + self._gap(row)
        return tops, heights

    def _height(self, row: int, vertices: Sequence[int]) -> float:
        if row % 2 == 0:
            return max((self.faces[v].height for v in vertices if v < len(self.faces)), default=0.0)
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
        for link in self.layers.links:
            if not link.is_back or link.is_loop:
                continue
            ways = [(self.row_of[link.source] + 1, (self.row_of[link.source] + 1, link.target))]
            if self.layers.sides[link.target] == 0:
                ways.append((self.row_of[link.target] - 1, (-1, link.target)))
            for gap, key in ways:
                if key not in found:
                    filled[gap] = filled.get(gap, 0) + 1
                    found[key] = (gap, filled[gap] * _TRACK_PX)
        return found

    def _channels_of(self) -> dict[int, float]:
        """The x of the channel to each step that lines lead back to: short ones near the rows, longer ones outside."""
        last: dict[int, int] = {}
        for link in self.layers.links:
            if link.is_back and not link.is_loop:
                last[link.target] = max(last.get(link.target, 0), self.row_of[link.source] + 1)
        channels: dict[int, float] = {}
        for target in sorted(last, key=lambda target: (last[target] - self.row_of[target], self.row_of[target])):
            rows = range(max(0, self.row_of[target] - 1), min(last[target] + 2, len(self.layers.rows)))
            side = self.layers.sides[target] or 1
            outer = self._rights if side > 0 else self._lefts
            channels[target] = side * (max(side * outer[row] for row in rows) + _CHANNEL_PX)
            for row in rows:
                outer[row] = channels[target]
        return channels

    def _ports_of(self) -> dict[tuple[int, int, bool], float]:
        """(source, target, is it the target's end) -> x."""
        ends: dict[tuple[int, bool], list[tuple[float, Link]]] = {}
        for link, chain in zip(self.layers.links, self.layers.chains, strict=True):
            if chain:
                ends.setdefault((link.source, False), []).append((self.x[chain[0]], link))
            if chain and not link.is_back:
                ends.setdefault((link.target, True), []).append((self.x[chain[-1]], link))
        return {
            (link.source, link.target, is_target): port
            for (node, is_target), wanting in ends.items()
            for (_, link), port in self._along(node, sorted(wanting, key=lambda each: each[0]))
        }

    def _along(self, node: int, wanting: list[tuple[float, Link]]) -> list[tuple[tuple[float, Link], float]]:
        """Along the edge of the box: as straight above or below the line as the box allows."""
        half, last = self.faces[node].width / 2 - _PORT_FROM_CORNER_PX, len(wanting) - 1
        left, right = self.x[node] - half, self.x[node] + half
        apart = min(_PORT_PX, 2 * half / max(1, last))
        wanted = [min(max(x, left), right) for x, _ in wanting]
        ports = spread(wanted, [1.0] * len(wanted), [apart] * last)
        inside = [min(max(port, left + nth * apart), right - (last - nth) * apart) for nth, port in enumerate(ports)]
        return list(zip(wanting, inside, strict=True))
