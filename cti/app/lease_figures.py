"""Who reads the PBXs, for ``/metrics``. Read when asked, never kept."""

from collections.abc import Iterable

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cti.app.holding import Holder


class LeaseFigures(Collector):
    def __init__(self, holder: Holder) -> None:
        self._holder = holder

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: the names are fixed."""
        return ()

    def collect(self) -> Iterable[Metric]:
        standing = self._holder.standing
        active = float(standing.state == "active")
        yield GaugeMetricFamily("cti_lease_active", "1 while this process reads the PBXs", value=active)
        yield GaugeMetricFamily(
            "cti_lease_epoch", "Of the lease, as last seen; it grows at each takeover", value=standing.epoch
        )
