"""Figures of what agents asked for, for ``/metrics``. Read when asked, never kept."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from cti.switchboard.guard import TollGuard
from cti.toll import Why


class SwitchboardFigures(Collector):
    def __init__(self, guard: TollGuard) -> None:
        self._guard = guard

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: the names are fixed."""
        return ()

    def collect(self) -> Iterable[Metric]:
        family = CounterMetricFamily("cti_numbers_refused", "Numbers agents were not allowed to call", labels=["why"])
        for why in Why:
            family.add_metric([why.value], self._guard.refused[why])
        yield family
