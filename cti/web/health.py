"""Is it alive, is it ready, how fast are its pops."""

from collections.abc import Iterable
from typing import Final

from cti.screenpop.access import Deed
from cti.screenpop.figures import STEPS
from cti.web.asked import Asked, Reply, Route
from cti.web.ports import PartHealth
from cti.web.schemas import AliveView, PartView, PopFigures, ReadyView, StepFigures


async def alive(asked: Asked[None, None]) -> Reply:
    """The process answers; nothing else is asked."""
    return Reply(body=AliveView(version=asked.parts.site.version))


async def ready(asked: Asked[None, None]) -> Reply:
    """Each part by name. 503 when one has failed."""
    view = ready_view(await asked.parts.health())
    return Reply(body=view, status=200 if view.ready else 503)


def ready_view(parts: Iterable[PartHealth]) -> ReadyView:
    views = tuple(PartView(name=part.name, state=part.state, detail=part.detail) for part in parts)
    return ReadyView(ready=all(part.state != "failed" for part in views), parts=views)


async def pop_figures(asked: Asked[None, None]) -> Reply:
    """How fast pops reach the desktops: decided, sent, received, shown."""
    known = asked.parts.hub.receipts.steps
    steps = tuple(
        StepFigures(
            step=step, count=known[step].count, p50_ms=known[step].quantile_ms(0.5), p95_ms=known[step].quantile_ms(0.95),
            p99_ms=known[step].quantile_ms(0.99), max_ms=known[step].quantile_ms(1.0),
        )
        for step in STEPS
    )  # fmt: skip
    return Reply(body=PopFigures(steps=steps))


ROUTES: Final = (
    Route(method="GET", path="/healthz", handler=alive, deed=None, gives=AliveView),
    Route(method="GET", path="/readyz", handler=ready, deed=None, gives=ReadyView, refuses=(503,)),
    Route(method="GET", path="/api/v1/pops/figures", handler=pop_figures, deed=Deed.FIGURES_SEE, gives=PopFigures),
)
