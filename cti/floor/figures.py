"""Where agents are and how well the PBXs follow, for ``/metrics``. Read when asked, never kept."""

from collections.abc import Iterable

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cti.agents.presence import AgentState
from cti.floor.floor import Floor


class FloorFigures(Collector):
    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: the names are fixed."""
        return ()

    def collect(self) -> Iterable[Metric]:
        agents = GaugeMetricFamily("cti_agents", "People with a phone, by state", labels=["state"])
        counts = self._floor.counts
        for state in AgentState:
            agents.add_metric([state.value], counts[state])
        yield agents
        yield GaugeMetricFamily(
            "cti_agents_unconfirmed",
            "Those whom a PBX does not have in its queues as it should",
            value=self._floor.unconfirmed,
        )
        yield CounterMetricFamily(
            "cti_members_mended", "Queue members found to be other than wanted, and put right", value=self._floor.mended
        )
