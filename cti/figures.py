"""Figures of what runs beneath the desktops, for ``/metrics``: PBX links, journal, look-up. Read when asked, never kept."""

from collections.abc import Iterable, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from cti.calls.call import PbxName
from cti.crm.lookup import Lookup
from cti.store.journal import Journal
from cti.telephony.asterisk.ami_link import AmiLink
from cti.telephony.link import PbxLink


class ServiceFigures(Collector):
    def __init__(self, links: Mapping[PbxName, PbxLink], lookup: Lookup) -> None:
        self._links = [link for link in links.values() if isinstance(link, AmiLink)]
        self._lookup = lookup

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: the names are fixed."""
        return ()

    def collect(self) -> Iterable[Metric]:
        yield from self._ami()
        yield GaugeMetricFamily(
            "cti_crm_breaker_open",
            "1 while the customer system is not asked",
            value=float(self._lookup.breaker.is_open),
        )

    def _ami(self) -> Iterable[Metric]:
        events = CounterMetricFamily("cti_ami_events", "Events read", labels=["pbx"])
        connects = CounterMetricFamily("cti_ami_connects", "Connections made, with their snapshot", labels=["pbx"])
        lag = GaugeMetricFamily(
            "cti_ami_event_lag_seconds", "From the PBX's stamp to us, of the last event told", labels=["pbx"]
        )
        resync = GaugeMetricFamily("cti_ami_resync_seconds", "How long the last snapshot took", labels=["pbx"])
        rejected = CounterMetricFamily("cti_ami_rejected_events", "Blocks not believed", labels=["pbx", "reason"])
        anomalies = CounterMetricFamily(
            "cti_call_anomalies", "Events a call could not have had", labels=["pbx", "kind"]
        )
        for link in self._links:
            events.add_metric([link.name], link.figures.events)
            connects.add_metric([link.name], link.figures.connects)
            lag.add_metric([link.name], link.figures.lag_s)
            resync.add_metric([link.name], link.figures.last_resync_s)
            for reason, count in link.narrator.quarantined.items():
                rejected.add_metric([link.name, reason], count)
            for kind, count in link.narrator.anomalies.items():
                anomalies.add_metric([link.name, kind], count)
        yield from (events, connects, lag, resync, rejected, anomalies)


class RecordFigures(Collector):
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def describe(self) -> Iterable[Metric]:
        """Nothing ahead of time: the names are fixed."""
        return ()

    def collect(self) -> Iterable[Metric]:
        status = self._journal.status
        yield CounterMetricFamily("cti_facts_stored", "Facts in the database since the start", value=status.stored)
        yield CounterMetricFamily("cti_facts_lost", "Facts that neither database nor spool took", value=status.lost)
        yield CounterMetricFamily(
            "cti_facts_refused", "Facts told after another process had taken the lease", value=status.refused
        )
        yield CounterMetricFamily(
            "cti_facts_late_dropped",
            "Facts of an earlier epoch, of which the record knew better",
            value=status.late_dropped,
        )
        yield GaugeMetricFamily("cti_facts_waiting", "Facts in memory", value=status.waiting)
        yield GaugeMetricFamily(
            "cti_facts_in_memory_alone", "Facts in memory that the tail does not have", value=status.in_memory_alone
        )
        yield GaugeMetricFamily("cti_spool_facts", "Facts that wait for the database", value=status.spooled)
        yield GaugeMetricFamily("cti_spool_bytes", "Size of the spool", value=status.spool_bytes)
