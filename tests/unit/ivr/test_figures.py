"""What ``/metrics`` says of the IVR."""

from collections import Counter

from prometheus_client import CollectorRegistry, generate_latest

from cti.ivr.figures import IvrFigures
from cti.telephony.asterisk.agi_server import AgiFigures


def test_each_figure_is_there_with_its_labels() -> None:
    registry = CollectorRegistry()
    door = AgiFigures(live=2, served=7, failed=1, refused=Counter(proof=3))
    registry.register(IvrFigures(door, {("bank", "self_served"): 4}, {"wrong": 5}))
    lines = {line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")}
    assert lines == {
        "cti_ivr_sessions 2.0",
        "cti_ivr_served_total 7.0",
        "cti_ivr_failed_total 1.0",
        'cti_ivr_refused_total{reason="proof"} 3.0',
        'cti_ivr_journeys_total{flow="bank",outcome="self_served"} 4.0',
        'cti_ivr_pins_total{result="wrong"} 5.0',
    }
