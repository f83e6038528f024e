"""What stands in a step's box, and how large the box is for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cti.ivr.picture.graph import WORDS, Figures, Graph, Node, NodeFigures
from cti.ivr.picture.text import clean, cut, width, wrapped

LABEL_PX: Final = 14.0
SMALL_PX: Final = 12.0
_WIDEST_PX: Final = 184.0
_NARROWEST_PX: Final = 84.0
_PAD_X: Final = 14.0
_PAD_Y: Final = 9.0
_LINE_PX: Final = {"kind": 16.0, "name": 18.0, "figures": 17.0, "worst": 17.0}


@dataclass(frozen=True, slots=True)
class Face:
    """``lines``: the class of each line, its text, and its base line below the box's top."""

    lines: tuple[tuple[str, str, float], ...]
    width: float
    height: float
    told: str
    """All of it, uncut, for a tooltip and for who cannot see."""
    abandoned: float
    """Share of those who came, 0..1."""
    is_worst: bool


class Said:
    """The picture's words, filled in."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self._words = {**WORDS, **words}

    def word(self, key: str) -> str:
        """Kinds of steps that nobody gave a word for are shown as they are."""
        return clean(self._words.get(key, key))

    def count(self, key: str, number: int) -> str:
        return self.word(key).replace("{count}", f"{number:,}".replace(",", self._words["thousands"]))

    def seconds(self, key: str, seconds: float) -> str:
        return self.word(key).replace("{seconds}", f"{seconds:.1f}".replace(".", self._words["decimal"]))

    def about(self, graph: Graph) -> str:
        start = next((clean(node.label) for node in graph.nodes if node.is_start), "-")
        return self.word("about").replace("{steps}", str(len(graph.nodes))).replace("{start}", start)


def face(node: Node, figures: Figures | None, said: Said) -> Face:
    label = clean(node.label) or clean(node.id) or "-"
    shown = figures.nodes.get(node.id, NodeFigures(came=0)) if figures else None
    is_worst = figures is not None and figures.worst == node.id
    head = [said.word("start")] * node.is_start + [said.word(node.kind)] * bool(node.kind)
    lines = [("kind", cut(" · ".join(head), SMALL_PX, _WIDEST_PX))] * bool(head)
    lines += [("name", line) for line in wrapped(label, LABEL_PX, _WIDEST_PX)]
    if shown:
        lines.append(("figures", f"{said.count('came', shown.came)} · {said.seconds('mean', shown.mean_s)}"))
    if is_worst:
        lines.append(("worst", cut(said.word("worst"), SMALL_PX, _WIDEST_PX)))
    widest = max(_NARROWEST_PX, *(width(text, LABEL_PX if kind == "name" else SMALL_PX) for kind, text in lines))
    return Face(
        lines=tuple(_placed(lines)), width=round(widest + 2 * _PAD_X),
        height=sum(_LINE_PX[kind] for kind, _ in lines) + 2 * _PAD_Y,
        told=_told(" · ".join([*head, label]), shown, said), is_worst=is_worst,
        abandoned=min(1.0, shown.abandoned / shown.came) if shown and shown.came else 0.0,
    )  # fmt: skip


def _placed(lines: list[tuple[str, str]]) -> list[tuple[str, str, float]]:
    placed, y = [], _PAD_Y
    for kind, text in lines:
        y += _LINE_PX[kind]
        placed.append((kind, text, y - 4.5))
    return placed


def _told(name: str, shown: NodeFigures | None, said: Said) -> str:
    if shown is None:
        return name
    counts = (("came", shown.came), ("abandoned", shown.abandoned), ("failed", shown.failed))
    return f"{name}: {', '.join(said.count(*each) for each in counts)}, {said.seconds('mean', shown.mean_s)}"
