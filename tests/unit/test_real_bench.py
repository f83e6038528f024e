"""What the bench of a real Asterisk takes for a ring whose pop is wanted."""

import math

import pytest
import real_rings
from real_rings import Popped, Tap, first_rings, pops_ms

ANN, BOB = "100.2", "100.3"


def dial(event: str, leg: str, call: str = "100.1") -> bytes:
    head = f"Event: {event}\r\nUniqueid: {call}\r\nLinkedid: {call}\r\n"
    return f"{head}DestUniqueid: {leg}\r\nDestLinkedid: {call}\r\n\r\n".encode()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Its last is the time."""
    times = [1000.0]
    monkeypatch.setattr(real_rings.time, "monotonic", lambda: times[-1])
    return times


def test_a_ring_that_is_over_at_once_asks_for_no_pop_and_the_next_one_does(clock: list[float]) -> None:
    tap = Tap()
    tap.see(dial("AgentCalled", ANN) + dial("DialBegin", ANN) + dial("DialEnd", ANN))
    assert first_rings(tap.rings.values()) == {"100.1": math.inf}
    clock.append(1001.0)
    tap.see(dial("AgentCalled", BOB))
    assert first_rings(tap.rings.values()) == {"100.1": 1001.0}
    clock.append(1001.5)
    tap.see(dial("DialEnd", BOB))
    assert first_rings(tap.rings.values()) == {"100.1": 1001.0}


def test_the_pop_of_a_ring_is_the_first_after_it_at_any_desk(clock: list[float]) -> None:
    anns, bobs = Popped(), Popped()
    for clock[0], popped in ((999.0, anns), (1000.02, bobs), (1002.0, anns)):
        popped.append("main-100.1")
    assert list(pops_ms({"100.1": 1000.0, "200.1": 1000.0}, [anns, bobs])) == [pytest.approx(20)]


def test_lines_may_come_in_any_pieces() -> None:
    tap, lines = Tap(), dial("DialBegin", ANN) + dial("Newstate", BOB)
    for line in lines.splitlines(keepends=True):
        tap.see(line)
    assert list(tap.rings) == [ANN]
