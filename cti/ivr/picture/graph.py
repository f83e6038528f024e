"""What is to be drawn: a flow's steps, the ways between them, and what happened there."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    id: str
    label: str
    kind: str = ""
    """The kind of step; shown by its word in ``words``, or as it is."""
    is_start: bool = False
    is_end: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """Edges between the same two nodes are drawn as one line, their labels in a row."""

    source: str
    target: str
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Graph:
    """Ids of nodes are unique, and edges name no others. Cycles are welcome."""

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFigures:
    came: int
    abandoned: int = 0
    failed: int = 0
    mean_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one period. What the record knows and the graph does not (any more) is passed over."""

    nodes: Mapping[str, NodeFigures] = field(default_factory=dict)
    edges: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """How many went from one node to the other."""
    worst: str = ""
    """The node that is to be looked at first."""


WORDS: Final[Mapping[str, str]] = {
    "start": "Start",
    "came": "{count} came",
    "mean": "{seconds} s",
    "abandoned": "{count} hung up",
    "failed": "{count} failed",
    "worst": "Most callers lost here",
    "took": "{count} went this way",
    "about": "A flow of {steps} steps that starts with {start}.",
    "thousands": ",",
    "decimal": ".",
}
"""English. A mapping of one's own may also hold the kinds of steps: ``{"to_queue": "Queue"}``."""
