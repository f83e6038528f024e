"""A flow as a graph: every step and every way out of it, with what people call them."""

from cti.ivr.graph import graph_of
from cti.ivr.picture.graph import Edge, Node
from tests.unit.ivr.playing import flow_of

FLOW = """label = "Shop"
start = "menu"
after = "how_was_it"
[steps.menu]
kind = "menu"
label = "Main menu"
prompt = "Choose."
choices.1 = { to = "busy", label = "Bills" }
choices.2 = "busy"
otherwise = "bye"
[steps.busy]
kind = "branch"
cases = [{ known = true, to = "bye", label = "known" }, { known = false, to = "how_was_it" }]
otherwise = "bye"
[steps.how_was_it]
kind = "survey"
next = "bye"
[steps.bye]
kind = "hang_up"
"""


def test_every_step_is_a_node_called_as_people_call_it() -> None:
    graph = graph_of(flow_of(FLOW))
    assert graph.title == "Shop"
    assert graph.nodes == (
        Node(id="menu", label="Main menu", kind="menu", is_start=True),
        Node(id="busy", label="busy", kind="branch"),
        Node(id="how_was_it", label="how was it", kind="survey", is_start=True),
        Node(id="bye", label="bye", kind="hang_up", is_end=True),
    )


def test_every_way_is_an_edge_with_its_key_or_its_case() -> None:
    assert graph_of(flow_of(FLOW)).edges == (
        Edge(source="menu", target="busy", label="1 Bills"),
        Edge(source="menu", target="busy", label="2"),
        Edge(source="menu", target="bye", label="otherwise"),
        Edge(source="busy", target="bye", label="known"),
        Edge(source="busy", target="how_was_it", label="case 2"),
        Edge(source="busy", target="bye", label="otherwise"),
        Edge(source="how_was_it", target="bye"),
    )
