"""A flow as a picture. What it looks like is for the eye; that nothing is lost and nothing covers anything is for here."""

import re
from collections import Counter
from itertools import combinations, pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.ivr.picture import Edge, Figures, Graph, Node, NodeFigures, picture, style
from cti.ivr.picture.columns import spread, straighten
from cti.ivr.picture.layers import Layers, Link
from cti.ivr.picture.text import clean, cut, width, wrapped

SVG = "{http://www.w3.org/2000/svg}"
FLOW = Graph(
    title="Main line",
    nodes=(
        Node(id="hello", label="Welcome", kind="say", is_start=True),
        Node(id="menu", label="Main menu", kind="menu"),
        Node(id="code", label="Customer code", kind="identify"),
        Node(id="support", label="Support", kind="to_queue", is_end=True),
        Node(id="bye", label="Goodbye", kind="hang_up", is_end=True),
    ),
    edges=(
        Edge(source="hello", target="menu"),
        Edge(source="menu", target="code", label="1 My orders"),
        Edge(source="menu", target="support", label="0 A person"),
        Edge(source="menu", target="support", label="no input"),
        Edge(source="menu", target="menu", label="9 again"),
        Edge(source="code", target="menu", label="not found"),
        Edge(source="code", target="bye", label="found"),
    ),
)
FIGURES = Figures(
    nodes={
        "hello": NodeFigures(came=1204, mean_s=3.14),
        "menu": NodeFigures(came=1200, abandoned=300, failed=2, mean_s=9),
    },
    edges={("hello", "menu"): 1200, ("menu", "code"): 300, ("menu", "support"): 12},
    worst="menu",
)
Rect = tuple[float, float, float, float]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Anything: cycles, loops, what nothing leads to, several edges between the same two, no start or several."""
    count = draw(st.integers(1, 12))
    label = st.text(max_size=40) | st.sampled_from(
        ["請輸入您的客戶代碼,輸入完畢請按井字鍵", "<b>&\"'", "x" * 60, "\x00\u202e\ud800"]
    )
    names = st.integers(0, count - 1).map(str)
    nodes = [
        Node(
            id=str(nth),
            label=draw(label),
            kind=draw(st.sampled_from(["", "menu"])),
            is_start=nth == 0,
            is_end=draw(st.booleans()),
        )
        for nth in range(count)
    ]
    edges = draw(st.lists(st.builds(Edge, source=names, target=names, label=label | st.just("")), max_size=25))
    return Graph(title=draw(label), nodes=tuple(nodes), edges=tuple(edges))


def parsed(svg: str) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own


def groups(svg: str, kind: str) -> list[ET.Element]:
    return [each for each in parsed(svg).iter(SVG + "g") if kind in each.attrib["class"].split()]


def texts(svg: str, kind: str) -> list[str]:
    return [each.text or "" for each in parsed(svg).iter(SVG + "text") if each.attrib["class"].split()[0] == kind]


def rects(svg: str, kind: str) -> list[Rect]:
    return [
        (float(each.attrib["x"]), float(each.attrib["y"]), float(each.attrib["width"]), float(each.attrib["height"]))
        for each in parsed(svg).iter(SVG + "rect")
        if each.attrib["class"] == kind
    ]


def overlap(a: Rect, b: Rect) -> bool:
    return a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]


def points(way: ET.Element) -> list[tuple[float, float]]:
    """The way of a line, corner by corner; curves by their ends."""
    x = y = 0.0
    found = []
    for letter, numbers in re.findall(r"([MVHCQ])([^MVHCQ]*)", way.find(SVG + "path").attrib["d"]):  # type: ignore[union-attr]
        values = [float(number) for number in numbers.split()]
        x = values[0] if letter == "H" else values[-2] if letter in "MCQ" else x
        y = values[-1] if letter != "H" else y
        found.append((x, y))
    return found


def assert_no_line_runs_through_a_box(svg: str) -> None:
    """The straight pieces; what bends does so between the rows."""
    inner = [(x + 1, y + 1, w - 2, h - 2) for x, y, w, h in rects(svg, "box")]
    left, top, wide, high = map(float, parsed(svg).attrib["viewBox"].split())
    for way in groups(svg, "way"):
        for (x, y), (to_x, to_y) in pairwise(points(way)):
            piece = (min(x, to_x), min(y, to_y), abs(x - to_x), abs(y - to_y))
            is_straight = x == to_x or y == to_y
            assert not (is_straight and any(overlap(piece, box) for box in inner))
            assert left <= to_x <= left + wide
            assert top <= to_y <= top + high


@settings(max_examples=60, deadline=None)
@given(graph=graphs(), has_figures=st.booleans())
def test_whatever_the_graph_everything_is_there_once_and_nothing_covers_anything(
    *, graph: Graph, has_figures: bool
) -> None:
    svg = picture(graph, Figures(nodes={"0": NodeFigures(came=3, abandoned=2)}, worst="1") if has_figures else None)
    assert len(groups(svg, "step")) == len(graph.nodes)
    assert len(groups(svg, "way")) == len({(edge.source, edge.target) for edge in graph.edges})
    boxes, labels = rects(svg, "box"), rects(svg, "under")
    assert not any(overlap(*pair) for pair in combinations(boxes + labels, 2))
    left, top, wide, high = map(float, parsed(svg).attrib["viewBox"].split())
    for x, y, w, h in boxes + labels:
        assert left < x < x + w < left + wide
        assert top < y < y + h < top + high


@settings(max_examples=60, deadline=None)
@given(graphs())
def test_whatever_the_graph_no_line_runs_through_a_box(graph: Graph) -> None:
    assert_no_line_runs_through_a_box(picture(graph))


def test_a_line_back_to_a_step_of_the_first_row_with_others_on_both_sides_comes_from_above_them() -> None:
    nodes = tuple(Node(id=name, label=name) for name in "abcd")
    svg = picture(Graph(title="", nodes=nodes, edges=(Edge(source="b", target="d"), Edge(source="d", target="b"))))
    assert len({y for _, y, _, _ in rects(svg, "box")}) == 2
    assert_no_line_runs_through_a_box(svg)


@settings(max_examples=10, deadline=None)
@given(graphs())
def test_the_same_graph_is_the_same_picture(graph: Graph) -> None:
    assert picture(graph) == picture(graph)


def test_edges_between_the_same_two_steps_are_one_line_with_both_labels() -> None:
    assert sorted(texts(picture(FLOW), "label")) == [
        "0 A person, no input",
        "1 My orders",
        "9 again",
        "found",
        "not found",
    ]


def test_lines_back_are_dashed_and_no_others() -> None:
    back = [way.findtext(SVG + "title") for way in groups(picture(FLOW), "back")]
    assert sorted(map(str, back)) == ["Customer code → Main menu · not found", "Main menu → Main menu · 9 again"]


def test_ends_and_the_start_can_be_told() -> None:
    svg = picture(FLOW)
    assert [len(groups(svg, kind)) for kind in ("start", "end")] == [1, 2]
    assert texts(svg, "kind")[0] == "Start · say"
    radii = {box.attrib["rx"] for end in groups(svg, "end") for box in end.findall(SVG + "rect")}
    assert radii.isdisjoint(box.attrib["rx"] for start in groups(svg, "start") for box in start.findall(SVG + "rect"))


def test_who_cannot_see_it_hears_what_it_is() -> None:
    root = parsed(picture(FLOW, FIGURES))
    assert root.attrib["role"] == "img"
    assert root.findtext(SVG + "title") == "Main line"
    assert root.findtext(SVG + "desc") == "A flow of 5 steps that starts with Welcome."
    told = [step.findtext(SVG + "title") for step in root.iter(SVG + "g")]
    assert "menu · Main menu: 1,200 came, 300 hung up, 2 failed, 9.0 s" in told
    assert "Welcome → Main menu · 1,200 went this way" in told


def test_figures_stand_under_the_label() -> None:
    assert texts(picture(FLOW, FIGURES), "figures")[:3] == [
        "1,204 came · 3.1 s",
        "1,200 came · 9.0 s",
        "0 came · 0.0 s",
    ]


def test_the_bar_is_the_share_of_callers_who_hung_up() -> None:
    svg = picture(FLOW, FIGURES)
    (bar,) = rects(svg, "lost")
    (box,) = [rect for rect in rects(svg, "box") if overlap(rect, bar)]
    assert bar[2] == pytest.approx((box[2] - 16) / 4, abs=0.1)
    assert bar[1] + bar[3] < box[1] + box[3]


def test_the_worst_step_is_marked_by_a_word_too() -> None:
    svg = picture(FLOW, FIGURES)
    assert texts(svg, "note") == ["Most callers lost here"]
    assert len(groups(svg, "worst")) == 1
    assert groups(picture(FLOW), "worst") == []


def test_more_callers_are_a_thicker_line_within_bounds() -> None:
    ways = groups(picture(FLOW, FIGURES), "way")
    thick = {way.findtext(SVG + "title", ""): float(way.find(SVG + "path").attrib["stroke-width"]) for way in ways}  # type: ignore[union-attr]
    by_count = [
        next(value for name, value in thick.items() if f"· {count} went" in name)
        for count in ("1,200", "300", "12", "0")
    ]
    assert by_count == sorted(by_count, reverse=True)
    assert len(set(by_count)) == 4
    assert (by_count[0], by_count[-1]) == (7.0, 1.5)


def test_words_are_the_reader_s() -> None:
    words = {
        "start": "開始",
        "say": "播放",
        "came": "{count} 通",
        "mean": "{seconds} 秒",
        "thousands": ".",
        "decimal": ",",
    }
    svg = picture(FLOW, FIGURES, words=words)
    assert texts(svg, "kind")[0] == "開始 · 播放"
    assert texts(svg, "figures")[0] == "1.204 通 · 3,1 秒"


def test_inside_a_page_it_brings_no_style_of_its_own() -> None:
    inside = picture(FLOW, FIGURES, is_standalone=False)
    assert "<style" not in inside
    assert "style=" not in inside + picture(FLOW, FIGURES)
    assert style() in picture(FLOW)
    assert {"prefers-color-scheme: dark"} == set(re.findall(r"prefers-color-scheme: \w+", style()))


def test_every_class_that_is_drawn_has_a_look() -> None:
    svg = picture(FLOW, FIGURES, is_standalone=False)
    plain = {"step", "label", "middle", "start", "flow"}
    drawn = {name for names in re.findall(r'class="([^"]+)"', svg) for name in names.split()}
    assert drawn - plain <= set(re.findall(r"\.([a-z]+)", style()))


def test_what_an_operator_writes_stays_text() -> None:
    evil = "</text><script>alert(1)</script>&\u202e"
    svg = picture(
        Graph(
            title=evil, nodes=(Node(id="a", label=evil, kind=evil),), edges=(Edge(source="a", target="a", label=evil),)
        ),
        words={"about": evil},
    )
    assert Counter(each.tag for each in parsed(svg).iter())[SVG + "script"] == 0
    assert "\u202e" not in svg


def test_a_long_chain_of_steps_is_drawn() -> None:
    nodes = tuple(Node(id=str(nth), label="Step", is_start=nth == 0) for nth in range(1500))
    edges = tuple(Edge(source=str(nth), target=str(nth + 1)) for nth in range(1499))
    assert len(groups(picture(Graph(title="", nodes=nodes, edges=edges)), "step")) == 1500


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(0.1, 50), st.floats(0, 100)), min_size=1, max_size=8))
def test_places_are_apart_and_none_nearer_to_the_wish_could_be(row: list[tuple[float, float, float]]) -> None:
    """Optimal: shifting the row's end, from any place on, makes it worse; and likewise its beginning."""
    wanted, weights, apart = ([each[nth] for each in row] for nth in range(3))
    places = spread(wanted, weights, apart[1:])
    gaps = [right - left - room for (left, right), room in zip(pairwise(places), apart[1:], strict=True)]
    assert all(gap > -1e-6 for gap in gaps)
    pulls = [weight * (place - wish) for place, wish, weight in zip(places, wanted, weights, strict=True)]
    assert sum(pulls) == pytest.approx(0, abs=1e-3)
    for nth, gap in enumerate(gaps):
        tail = sum(pulls[nth + 1 :])
        assert tail == pytest.approx(0, abs=1e-3) if gap > 1e-3 else tail > -1e-3


def test_two_lines_that_are_straightened_towards_each_other_do_not_meet() -> None:
    down, up = (Link(source, target, (), is_back=False) for source, target in ((0, 2), (3, 1)))
    layers = Layers(rows=[[5], [4, 6], [7]], links=(down, up), chains=((4, 7), (5, 6)), sides={})
    x = [0.0, 0.0, 0.0, 0.0, 0.0, -100.0, 100.0, 200.0]
    straighten(layers, [(6.0, 6.0)] * 8, x)
    assert x[6] - x[4] >= 34


@given(st.text(max_size=80), st.floats(30, 300))
def test_text_is_cut_and_wrapped_to_fit(text: str, most: float) -> None:
    plain = clean(text)
    lines = wrapped(plain, 14, most)
    assert len(lines) <= 2
    assert all(width(line, 14) <= most for line in [*lines, cut(plain, 14, most)])
    if width(plain, 14) <= most:
        assert (lines, cut(plain, 14, most)) == ((plain,), plain)
    if not lines[-1].endswith("…"):
        assert "".join(lines).replace(" ", "") == plain.replace(" ", "")


def test_chinese_is_as_wide_as_it_is() -> None:
    assert width("客服中心", 14) == 4 * 14
    assert wrapped("請輸入您的客戶代碼輸入完畢", 14, 100) == ("請輸入您的客戶", "代碼輸入完畢")
    assert wrapped("one two three", 14, 60) == ("one two", "three")


def test_each_box_carries_its_step_s_name_for_a_page_that_points_at_it() -> None:
    graph = Graph(
        title="Main", nodes=(Node(id="menu", label="Menu"), Node(id="end", label="Goodbye")),
        edges=(Edge(source="menu", target="end"),),
    )  # fmt: skip
    assert re.findall(r'data-step="(\w+)"', picture(graph)) == ["menu", "end"]
