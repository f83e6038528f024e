"""The IVR in ``/metrics``: counted where it happens, read when asked."""

from collections import Counter

from prometheus_client import CollectorRegistry, generate_latest

from cti.ivr.figures import IvrFigures
from cti.telephony.asterisk.agi_server import AgiFigures


def lines(registry: CollectorRegistry) -> set[str]:
    return {line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")}


def test_what_was_counted_is_shown_as_it_is_now() -> None:
    door, journeys, pins = AgiFigures(), Counter[tuple[str, str]](), Counter[str]()
    registry = CollectorRegistry()
    registry.register(IvrFigures(door, journeys, pins))
    assert lines(registry) == {"cti_ivr_sessions 0.0", "cti_ivr_served_total 0.0", "cti_ivr_failed_total 0.0"}
    door.live, door.served, door.failed = 2, 7, 1
    door.refused["proof"] += 3
    journeys["bank", "to_agent"] += 4
    pins["wrong"] += 5
    assert lines(registry) == {
        "cti_ivr_sessions 2.0",
        "cti_ivr_served_total 7.0",
        "cti_ivr_failed_total 1.0",
        'cti_ivr_refused_total{reason="proof"} 3.0',
        'cti_ivr_journeys_total{flow="bank",outcome="to_agent"} 4.0',
        'cti_ivr_pins_total{result="wrong"} 5.0',
    }
