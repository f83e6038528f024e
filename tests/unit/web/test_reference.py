"""The reference pages name what there is, and nothing else."""

import re
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry

from cti.ivr.figures import IvrFigures
from cti.screenpop.hub import Hub, HubSettings
from cti.screenpop.views import Site
from cti.telephony.asterisk.agi_server import AgiFigures
from cti.web import metrics
from cti.web.server import ROUTES

REFERENCE = Path(__file__).parents[3] / "docs" / "reference"
BESIDE = {("GET", "/metrics"), ("GET", "/api/v1/openapi.json")}


def test_the_rest_page_has_every_route() -> None:
    text = (REFERENCE / "rest.md").read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `([A-Z]+) (/\S+)` \|", text, flags=re.MULTILINE))
    assert named == {(route.method, route.path) for route in ROUTES} | BESIDE


def test_the_metrics_page_has_every_figure_of_this_room() -> None:
    registry = CollectorRegistry()
    registry.register(metrics.HubFigures(Hub(HubSettings(site=Site("DE"))), lambda: datetime.now(UTC)))
    metrics.middleware(registry)
    registry.register(IvrFigures(AgiFigures(), {}, {}))
    made = set(re.findall(r"^# TYPE (\w+) ", metrics.text(registry).decode(), flags=re.MULTILINE))
    named = set(
        re.findall(r"^\| `(\w+)` \|", (REFERENCE / "metrics.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    )
    assert {name for name in made if not name.endswith("_created")} <= named


def test_every_close_code_is_explained() -> None:
    source = (Path(metrics.__file__).parents[1] / "screenpop").glob("*.py")
    used = {code for file in source for code in re.findall(r"\b4[04]\d\d\b", file.read_text(encoding="utf-8"))} - {
        "4096"
    }
    text = (REFERENCE / "desktop-protocol.md").read_text(encoding="utf-8")
    assert used <= set(re.findall(r"^\| (4\d\d\d) \|", text, flags=re.MULTILINE))
