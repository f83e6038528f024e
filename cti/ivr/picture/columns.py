"""Where in its row each vertex stands: near its neighbours, and never upon one another."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import inf
from typing import Final

from cti.ivr.picture.layers import Layers

_ROUNDS: Final = 24
_STRAIGHT: Final = 60.0
_OFF_A_STEP: Final = 1.0
"""How dear it is that a line goes sideways: best where it leaves its step, for there many do."""
_GAP_PX: Final = 22.0

Extent = tuple[float, float]
"""How far a vertex reaches to the left and to the right of its x, in pixels."""


def columns(layers: Layers, extents: Sequence[Extent], steps: int) -> list[float]:
    """The x of each vertex. ``steps``: vertices below this number are steps, the others pieces of lines.

    Each row in turn goes where its neighbours pull it, as far as the room between allows: the least squares' answer for one
    row is exact (``spread``), and going over all rows again and again settles the whole.
    """
    pulls = _pulls(layers, steps)
    x = [0.0] * len(extents)
    for row in layers.rows:
        for vertex, place in zip(row, spread([0.0] * len(row), [1.0] * len(row), _apart(row, extents)), strict=True):
            x[vertex] = place
    for round_ in range(_ROUNDS):
        for row in layers.rows if round_ % 2 == 0 else reversed(layers.rows):
            weights = [sum(pulls[vertex].values()) or 0.01 for vertex in row]
            wanted = [_middle(vertex, x, pulls[vertex]) for vertex in row]
            for vertex, place in zip(row, spread(wanted, weights, _apart(row, extents)), strict=True):
                x[vertex] = place
        straighten(layers, extents, x)
    return x


def straighten(layers: Layers, extents: Sequence[Extent], x: list[float]) -> None:
    """Put as much of each long line as the rows leave room for upon one x."""
    room = _room(layers, extents, x)
    for chain in layers.chains:
        run: list[int] = []
        for vertex in chain:
            if run and _common(room, [*run, vertex]) is None:
                _align(room, run, x)
                run = []
            run.append(vertex)
        _align(room, run, x)


def _room(layers: Layers, extents: Sequence[Extent], x: Sequence[float]) -> list[Extent]:
    """From where to where each vertex may stand, the others of its row staying half way: two that move never meet."""
    room = [(-inf, inf)] * len(x)
    for row in layers.rows:
        for (left, right), apart in zip(pairwise(row), _apart(row, extents), strict=True):
            slack = (x[right] - x[left] - apart) / 2
            room[left] = (room[left][0], x[left] + slack)
            room[right] = (x[right] - slack, room[right][1])
    return room


def _common(room: Sequence[Extent], run: Sequence[int]) -> Extent | None:
    low, high = max(room[vertex][0] for vertex in run), min(room[vertex][1] for vertex in run)
    return (low, high) if low <= high else None


def _align(room: Sequence[Extent], run: Sequence[int], x: list[float]) -> None:
    common = _common(room, run) if len(run) > 1 else None
    if common:
        place = min(max(sum(x[vertex] for vertex in run) / len(run), common[0]), common[1])
        for vertex in run:
            x[vertex] = place


def spread(wanted: Sequence[float], weights: Sequence[float], apart: Sequence[float]) -> list[float]:
    """The places nearest to those ``wanted`` (least squares) that keep their order and are ``apart`` so far at least.

    Less the room before it, each place must only not be smaller than the one before: isotonic regression, by pooling
    neighbours that violate it. ``apart[i]`` is between ``i`` and ``i + 1``.
    """
    room, pools = 0.0, list[tuple[float, float, int]]()  # mean, weight, members
    rooms: list[float] = []
    for index, (place, weight) in enumerate(zip(wanted, weights, strict=True)):
        room += apart[index - 1] if index else 0.0
        rooms.append(room)
        pool = (place - room, weight, 1)
        while pools and pools[-1][0] > pool[0]:
            mean, heavy, members = pools.pop()
            both = heavy + pool[1]
            pool = ((mean * heavy + pool[0] * pool[1]) / both, both, members + pool[2])
        pools.append(pool)
    means = [mean for mean, _, members in pools for _ in range(members)]
    return [mean + room for mean, room in zip(means, rooms, strict=True)]


def _pulls(layers: Layers, steps: int) -> list[dict[int, float]]:
    found: list[dict[int, float]] = [{} for row in layers.rows for _ in row]
    for upper, lower in layers.ties():
        found[upper][lower] = found[lower][upper] = _OFF_A_STEP if upper < steps else _STRAIGHT
    return found


def _middle(vertex: int, x: Sequence[float], pulls: Mapping[int, float]) -> float:
    return sum(x[each] * pull for each, pull in pulls.items()) / sum(pulls.values()) if pulls else x[vertex]


def _apart(row: Sequence[int], extents: Sequence[Extent]) -> list[float]:
    return [extents[left][1] + _GAP_PX + extents[right][0] for left, right in pairwise(row)]
