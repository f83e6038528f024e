"""A flow as a graph, for its picture."""

from cti.ivr.flow import Flow
from cti.ivr.picture.graph import Edge, Graph, Node


def graph_of(flow: Flow) -> Graph:
    return Graph(
        title=flow.label,
        nodes=tuple(
            Node(
                id=name, label=flow.label_of(name), kind=step.kind, is_start=name in {flow.start, flow.after},
                is_end=next(step.leads(), None) is None,
            )
            for name, step in flow.steps.items()
        ),
        edges=tuple(
            Edge(source=name, target=lead.to, label=lead.label)
            for name, step in flow.steps.items()
            for lead in step.leads()
        ),
    )  # fmt: skip
