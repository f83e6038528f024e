"""Figures of the IVR, for ``/metrics``. Read when asked, never kept."""

from collections.abc import Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cti.telephony.asterisk.agi_server import AgiFigures


class IvrFigures(Collector):
    """``outcomes``: journeys ended since the start, by flow and outcome; ``pins``: tries, by result."""

    def __init__(self, door: AgiFigures, outcomes: Mapping[tuple[str, str], int], pins: Mapping[str, int]) -> None:
        self._door = door
        self._outcomes = outcomes
        self._pins = pins

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: the names are fixed."""
        return ()

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily("cti_ivr_sessions", "Callers in the IVR", value=self._door.live)
        yield CounterMetricFamily("cti_ivr_served", "Callers the PBX asked about", value=self._door.served)
        yield CounterMetricFamily("cti_ivr_failed", "Sessions that a mistake of ours ended", value=self._door.failed)
        refused = CounterMetricFamily("cti_ivr_refused", "Questions not believed", labels=["reason"])
        for reason, count in self._door.refused.items():
            refused.add_metric([reason], count)
        journeys = CounterMetricFamily("cti_ivr_journeys", "Journeys ended", labels=["flow", "outcome"])
        for (flow, outcome), count in self._outcomes.items():
            journeys.add_metric([flow, outcome], count)
        pins = CounterMetricFamily("cti_ivr_pins", "PINs tried", labels=["result"])
        for result, count in self._pins.items():
            pins.add_metric([result], count)
        yield from (refused, journeys, pins)
