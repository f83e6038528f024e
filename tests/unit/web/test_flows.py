"""The picture of a flow over REST: the flow as it is, with what happened in it, in the words and period asked for."""

import threading
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from xml.etree import ElementTree as ET

import pytest
from aiohttp import web

from cti.agents.agent import AgentRole
from cti.errors import NotFound, RequestError
from cti.ivr.flow_file import parse
from cti.reports.ivr_flow import flow_report
from cti.screenpop.access import Reach, reach
from cti.web import flows, server
from cti.web.asked import Asked
from cti.web.files import FileReply, as_response
from cti.web.periods import period_of
from cti.web.schemas import PictureQuery
from tests.integration.desktop.house import House, build
from tests.unit.store.call_stories import NINE
from tests.unit.store.journey_stories import gave_up, self_served

DAY: Final[dict[str, Any]] = {"since": NINE - timedelta(hours=1), "until": NINE + timedelta(hours=1)}
EVIL: Final = '<script>alert(1)</script>" onload="x'
BANK: Final = parse(
    f"""label = "Bank"
start = "menu"
[steps.menu]
kind = "menu"
label = '{EVIL}'
prompt = "For orders, press 1."
choices.1 = {{ to = "code", label = "Orders" }}
otherwise = "status"
[steps.code]
kind = "identify"
found = "status"
unknown = "status"
[steps.status]
kind = "hang_up"
""",
    file=Path("bank.toml"),
)


@pytest.fixture
async def house() -> House:
    built = await build()
    built.parts = replace(built.parts, flow={"bank": BANK}.get, clock=lambda: NINE + timedelta(days=1))
    for nr in range(3):
        await built.log.append(self_served(f"{nr}.1", begins=NINE + timedelta(minutes=nr)))
    await built.log.append(gave_up("9.1"))
    return built


async def drawn(house: House, flow: str = "bank", **query: Any) -> FileReply:
    asked: Any = Asked(
        parts=house.parts, who=None, path={"flow": flow}, body=None, query=PictureQuery(**query), address="",  # type: ignore[arg-type]
    )  # fmt: skip
    return await flows.flow_picture(asked)


async def text_of(house: House, **query: Any) -> str:
    content = (await drawn(house, **query)).content
    assert isinstance(content, bytes)
    return content.decode()


async def test_the_picture_is_an_svg_with_the_figures_of_the_period(house: House) -> None:
    reply = await drawn(house, **DAY)
    response = as_response(reply)
    assert isinstance(response, web.Response)
    assert response.content_type == "image/svg+xml"
    assert "Content-Disposition" not in response.headers
    words = " ".join(ET.fromstring(reply.content).itertext())  # type: ignore[arg-type]  # noqa: S314 - our own
    assert "4" in words.split()


async def test_it_is_drawn_beside_the_loop(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    where, draw = [], flows.picture

    def noting(*given: Any, **more: Any) -> str:
        where.append(threading.current_thread())
        return draw(*given, **more)

    monkeypatch.setattr(flows, "picture", noting)
    await drawn(house, **DAY)
    assert len(where) == 1
    assert where[0] is not threading.main_thread()


async def test_each_step_has_its_own_figures(house: House) -> None:
    period = period_of(PictureQuery(**DAY), NINE)
    figures = flows.figures_of(flow_report("bank", await house.log.flow_counts("bank", period), period))
    assert {name: (node.came, node.abandoned) for name, node in figures.nodes.items()} == {
        "menu": (4, 0), "code": (4, 1), "status": (3, 0),
    }  # fmt: skip
    assert figures.edges == {("menu", "code"): 4, ("code", "status"): 3}
    assert (figures.worst, figures.nodes["menu"].mean_s) == ("code", 3.8)


async def test_another_period_has_other_figures(house: House) -> None:
    quiet = await text_of(house, since=NINE - timedelta(days=9), until=NINE - timedelta(days=8))
    assert quiet != await text_of(house, **DAY)


async def test_without_a_period_it_is_the_last_week(house: House) -> None:
    with_them = await text_of(house, **DAY)
    house.parts = replace(house.parts, clock=lambda: NINE + timedelta(days=6.5))
    assert await text_of(house) == with_them
    house.parts = replace(house.parts, clock=lambda: NINE + timedelta(days=7.5))
    assert await text_of(house) != with_them


@pytest.mark.parametrize(
    ("since", "until"),
    [(0, 0), (1, 0), (-367, 0)],
    ids=["empty", "backwards", "more than a year"],
)
async def test_a_period_that_is_none_is_refused(house: House, since: int, until: int) -> None:
    with pytest.raises(RequestError, match="up to 366 days"):
        await drawn(house, since=NINE + timedelta(days=since), until=NINE + timedelta(days=until))


async def test_a_flow_that_is_not_in_use_is_not_found(house: House) -> None:
    with pytest.raises(NotFound, match="no such flow is in use"):
        await drawn(house, "bnak")


async def test_it_speaks_the_language_asked_for(house: House) -> None:
    said = {lang: await text_of(house, lang=lang) for lang in ("en", "zh-Hant", "zh-Hans")}
    assert len(set(said.values())) == 3


async def test_a_style_of_its_own_only_for_who_keeps_it(house: House) -> None:
    assert "<style" not in await text_of(house)
    assert "<style" in await text_of(house, standalone=True)


@pytest.mark.parametrize("standalone", [False, True])
async def test_nothing_in_it_can_run(house: House, standalone: bool) -> None:  # noqa: FBT001
    """Also not what an integrator wrote as a label."""
    svg = ET.fromstring(await text_of(house, standalone=standalone))  # noqa: S314 - our own
    tags = {element.tag.rpartition("}")[2].lower() for element in svg.iter()}
    assert tags & {"script", "foreignobject", "iframe", "a", "image", "use"} == set()
    names = {name.rpartition("}")[2].lower() for element in svg.iter() for name in element.attrib}
    assert [name for name in names if name.startswith("on") or name == "href"] == []


def test_it_is_for_those_who_may_see_figures() -> None:
    (route,) = flows.ROUTES
    assert route in server.ROUTES
    assert route.deed is not None
    assert [reach(role, route.deed) is not Reach.NONE for role in AgentRole] == [
        role is not AgentRole.AGENT for role in AgentRole
    ]
