"""Figures for Prometheus: read off the hub when asked, and counted by the one middleware. Labels are few and bounded:
never a number, an agent or a call.
"""

import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from aiohttp import web
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from cti.screenpop.figures import BUCKETS_S
from cti.screenpop.hub import Hub


class HubFigures(Collector):
    def __init__(self, hub: Hub, clock: Callable[[], datetime]) -> None:
        self._hub = hub
        self._clock = clock

    def collect(self) -> Iterable[Metric]:
        hub = self._hub
        yield GaugeMetricFamily("cti_calls_active", "Live calls", value=hub.live_count)
        yield GaugeMetricFamily("cti_ws_clients", "Desktops with an open socket", value=hub.desktops.count)
        yield CounterMetricFamily(
            "cti_ws_dropped", "Desktops closed because they fell too far behind", value=hub.dropped
        )
        yield self._refused()
        yield self._pops()
        yield self._pbxs()
        yield from self._queues()

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: the names are fixed, and asking for them would read the hub."""
        return ()

    def _refused(self) -> Metric:
        family = CounterMetricFamily(
            "cti_ws_refused", "Sockets turned away or closed for what they did", labels=["reason"]
        )
        for reason, count in self._hub.refused.items():
            family.add_metric([reason], count)
        return family

    def _pops(self) -> Metric:
        text = "From the decision to show a pop until it was sent, received, painted"
        family = HistogramMetricFamily("cti_screenpop_seconds", text, labels=["step"])
        for step, histogram in self._hub.receipts.steps.items():
            bounds, seen = [*map(str, BUCKETS_S), "+Inf"], 0
            buckets = [
                (bound, float(seen := seen + count)) for bound, count in zip(bounds, histogram.counts, strict=True)
            ]
            family.add_metric([step], buckets, histogram.sum_s)
        return family

    def _pbxs(self) -> Metric:
        family = GaugeMetricFamily("cti_pbx_connected", "1 while the PBX's events arrive", labels=["pbx"])
        for pbx in self._hub.pbxs:
            family.add_metric([pbx.name], float(pbx.state == "connected"))
        return family

    def _queues(self) -> Iterable[Metric]:
        waiting = GaugeMetricFamily("cti_queue_waiting", "Calls waiting", labels=["queue"])
        oldest = GaugeMetricFamily("cti_queue_oldest_wait_seconds", "The longest wait now", labels=["queue"])
        for queue in self._hub.queues:
            waiting.add_metric([queue.name], queue.waiting)
            wait_s = (self._clock() - queue.oldest_since).total_seconds() if queue.oldest_since else 0.0
            oldest.add_metric([queue.name], max(0.0, wait_s))
        return waiting, oldest


def middleware(registry: CollectorRegistry) -> Callable[..., Awaitable[web.StreamResponse]]:
    """Counts requests by the route they matched, not by their address."""
    requests = Counter("cti_http_requests", "Requests", ["method", "route", "status"], registry=registry)
    seconds = Histogram("cti_http_request_seconds", "Time to answer", ["route"], registry=registry)

    @web.middleware
    async def count(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        began = time.monotonic()
        response = await handler(request)
        resource = request.match_info.route.resource
        route = resource.canonical if resource else "none"
        method = request.method if request.method in _METHODS else "other"
        requests.labels(method, route, str(response.status)).inc()
        seconds.labels(route).observe(time.monotonic() - began)
        return response

    return count


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def text(registry: CollectorRegistry) -> bytes:
    return generate_latest(registry)
