"""Rows and their order: which step stands in which row, and beside which. Layered drawing after Sugiyama and others.

Rows of steps alternate with rows of labels, so that a label has room of its own as a step has. A line is a chain of
vertices, one in each row it passes; the first is the one with its label. Vertices are numbers: steps first, in the graph's
order, then the lines' own. Lines that lead back take no part in the rows but for that first vertex.
"""

from bisect import bisect_right, insort
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Final

from cti.ivr.picture.graph import Graph

_SWEEPS: Final = 12
Rows = list[list[int]]


@dataclass(frozen=True, slots=True)
class Link:
    """All edges between two nodes, by their places in the graph."""

    source: int
    target: int
    labels: tuple[str, ...]
    is_back: bool

    @property
    def is_loop(self) -> bool:
        return self.source == self.target


@dataclass(frozen=True, slots=True)
class Layers:
    rows: Rows
    """Even rows hold steps and lines that pass them, odd rows labels and lines."""
    links: tuple[Link, ...]
    chains: tuple[tuple[int, ...], ...]
    """Of each link the vertices between source and target, from above; of a loop none."""
    sides: Mapping[int, int]
    """Of each step that links lead back to, where they come in: 1 from the right, -1 from the left, 0 from above."""

    def ties(self) -> list[tuple[int, int]]:
        """Every two vertices with a piece of line between them, the upper one first."""
        return [
            tie
            for link, chain in zip(self.links, self.chains, strict=True)
            for tie in _ties((link.source, *chain) if link.is_back else (link.source, *chain, link.target))
        ]


def layers_of(graph: Graph) -> Layers:
    seen, links = _links(graph)
    ranks = _ranks(len(graph.nodes), links)
    rows: Rows = [[] for _ in range(2 * max(ranks, default=0) + 2)]
    for node in seen:
        rows[2 * ranks[node]].append(node)
    chains, fresh = [], len(graph.nodes)
    for link in links:
        first = 2 * ranks[link.source] + 1
        last = first + 1 if link.is_back else 2 * ranks[link.target]
        passed = range(first, first if link.is_loop else last)
        chains.append(tuple(range(fresh, fresh + len(passed))))
        for row, vertex in zip(passed, chains[-1], strict=True):
            rows[row].append(vertex)
        fresh += len(passed)
    unordered = Layers(rows, links, tuple(chains), {})
    rows = _ordered(rows, unordered.ties())
    loops = {link.source for link in links if link.is_loop}
    steps = [[vertex for vertex in row if vertex < len(ranks)] for row in rows[::2]]
    sides = {link.target: _side(link.target, steps[ranks[link.target]], loops) for link in links if link.is_back}
    _turn_outward(rows, unordered, sides)
    return Layers(rows, links, unordered.chains, sides)


def _links(graph: Graph) -> tuple[list[int], tuple[Link, ...]]:
    """The nodes as a caller may come to them first, depth first from the start; the links from each in its file's order.

    A link back leads to a node that is on the way from the start already.
    """
    place = {node.id: index for index, node in enumerate(graph.nodes)}
    labels: dict[tuple[int, int], list[str]] = {}
    for edge in graph.edges:
        labels.setdefault((place[edge.source], place[edge.target]), []).append(edge.label)
    ways: dict[int, list[int]] = {}
    for source, target in labels:
        ways.setdefault(source, []).append(target)
    starts = sorted(place.values(), key=lambda index: not graph.nodes[index].is_start)
    seen, back = _walk(starts, ways)
    nth = {node: index for index, node in enumerate(seen)}
    return seen, tuple(
        Link(source, target, tuple(filter(None, labels[source, target])), (source, target) in back)
        for source, target in sorted(labels, key=lambda pair: nth[pair[0]])
    )


def _walk(starts: Iterable[int], ways: Mapping[int, Sequence[int]]) -> tuple[list[int], set[tuple[int, int]]]:
    """Without recursion: a chain of steps may be longer than Python's stack."""
    seen: dict[int, bool] = {}
    """A node, and whether it is on the way to where the walk is."""
    back: set[tuple[int, int]] = set()
    for start in starts:
        stack = [] if start in seen else [(start, iter(ways.get(start, ())))]
        seen.setdefault(start, True)
        while stack:
            node, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                seen[node] = False
                stack.pop()
            elif following not in seen:
                seen[following] = True
                stack.append((following, iter(ways.get(following, ()))))
            elif seen[following]:
                back.add((node, following))
    return list(seen), back


def _ranks(count: int, links: Iterable[Link]) -> list[int]:
    """Each node's longest way from a beginning."""
    ranks, waiting_for = [0] * count, [0] * count
    onward: list[list[int]] = [[] for _ in range(count)]
    for link in links:
        if not link.is_back:
            onward[link.source].append(link.target)
            waiting_for[link.target] += 1
    ready = [node for node in range(count) if not waiting_for[node]]
    while ready:
        node = ready.pop()
        for target in onward[node]:
            ranks[target] = max(ranks[target], ranks[node] + 1)
            waiting_for[target] -= 1
            if not waiting_for[target]:
                ready.append(target)
    return ranks


def _ordered(rows: Rows, ties: Sequence[tuple[int, int]]) -> Rows:
    """Each row by the middle of its neighbours, downwards and upwards in turn; the best that was seen."""
    above, below = neighbours(ties), neighbours([(lower, upper) for upper, lower in ties])
    best, fewest = [row[:] for row in rows], _crossings(rows, above)
    for sweep in range(_SWEEPS):
        is_down = sweep % 2 == 0
        for index in range(1, len(rows)) if is_down else range(len(rows) - 2, -1, -1):
            fixed = rows[index - 1 if is_down else index + 1]
            rows[index] = _by_middle(rows[index], fixed, above if is_down else below)
        crossings = _crossings(rows, above)
        if crossings < fewest:
            best, fewest = [row[:] for row in rows], crossings
    return best


def _side(node: int, row: Sequence[int], loops: Collection[int]) -> int:
    """The side on which no other step of its row stands, nor a loop of its own."""
    if row[-1] == node and node not in loops:
        return 1
    return -1 if row[0] == node else 0


def _turn_outward(rows: Rows, layers: Layers, sides: Mapping[int, int]) -> None:
    """Of one step's labels side by side, those of lines back stand on the side to which they leave."""
    firsts = {chain[0]: link for link, chain in zip(layers.links, layers.chains, strict=True) if chain}
    for row in rows[1::2]:
        groups = groupby(row, key=lambda vertex: firsts[vertex].source if vertex in firsts else -vertex)
        row[:] = [
            vertex
            for _, group in groups
            for vertex in sorted(
                group, key=lambda v: (sides[firsts[v].target] or 1) if v in firsts and firsts[v].is_back else 0
            )
        ]


def neighbours(ties: Iterable[tuple[int, int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for upper, lower in ties:
        found.setdefault(lower, []).append(upper)
    return found


def _by_middle(row: list[int], fixed: list[int], beside: Mapping[int, Sequence[int]]) -> list[int]:
    """Who has no neighbour stays about where it is."""
    at = {vertex: (index + 0.5) / len(fixed) for index, vertex in enumerate(fixed)}
    keys = {vertex: (index + 0.5) / len(row) for index, vertex in enumerate(row)}
    for vertex in row:
        if near := beside.get(vertex):
            keys[vertex] = sum(at[each] for each in near) / len(near)
    return sorted(row, key=keys.__getitem__)


def _crossings(rows: Rows, above: Mapping[int, Sequence[int]]) -> int:
    total = 0
    for upper, lower in pairwise(rows):
        at = {vertex: index for index, vertex in enumerate(upper)}
        passed: list[int] = []
        for vertex in lower:
            ends = sorted(at[each] for each in above.get(vertex, ()))
            total += sum(len(passed) - bisect_right(passed, end) for end in ends)
            for end in ends:
                insort(passed, end)
    return total


def _ties(vertices: tuple[int, ...]) -> Iterable[tuple[int, int]]:
    return pairwise(vertices)
