"""Who reads the PBXs, and what is heard of it elsewhere, for ``/metrics``. Read when asked, never kept."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cti.app.holding import Holder
from cti.fanout.bus import Bus
from cti.fanout.feeder import Feeder


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


class BusFigures(Collector):
    """``feeder``: None where the PBXs are read."""

    def __init__(self, bus: Bus, feeder: Feeder | None = None) -> None:
        self._bus = bus
        self._feeder = feeder

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: the names are fixed."""
        return ()

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("cti_bus_up", "1 while Redis answers", value=float(self._bus.is_up))
        if self._feeder:
            whole = float(self._feeder.is_whole)
            yield GaugeMetricFamily(
                "cti_news_whole", "1 while nothing is missing of what the reader tells", value=whole
            )
            stale = self._feeder.stale
            yield CounterMetricFamily(
                "cti_news_stale", "News of a reader that had lost its lease, passed over", value=stale
            )
