"""What the bench of a real Asterisk takes for a ring whose pop is wanted."""

import pytest
import real_rings
from real_rings import Popped, Ring, Tap, pops_ms

ANN, BOB = "100.2", "100.3"
PHONES = {ANN: "2001", BOB: "2002"}


def dial(event: str, leg: str, call: str = "100.1") -> bytes:
    phone = f"PJSIP/{PHONES[leg]}-0000000{leg[-1]}"
    head = f"Event: {event}\r\nUniqueid: {call}\r\nLinkedid: {call}\r\nDestChannel: {phone}\r\n"
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
    clock.append(1001.0)
    tap.see(dial("AgentCalled", BOB))
    clock.append(1001.5)
    tap.see(dial("DialEnd", BOB))
    assert [(ring.phone, ring.at, ring.is_brief) for ring in tap.rings.values()] == [
        ("2001", 1000.0, True), ("2002", 1001.0, False),
    ]  # fmt: skip


def test_a_rings_pop_is_the_first_after_it_on_its_own_desktop(clock: list[float]) -> None:
    popped = {"2001": Popped(), "2002": Popped()}
    for clock[0], phone in ((999.0, "2001"), (1000.02, "2001"), (1000.5, "2001"), (1002.03, "2002")):
        popped[phone].append("main-100.1")
    rings = [Ring("100.1", "2001", 1000.0), Ring("100.1", "2002", 1002.0), Ring("200.1", "2001", 1000.0)]
    assert list(pops_ms(rings, popped)) == [pytest.approx(30), pytest.approx(20)]


def test_the_pop_of_a_later_ring_hides_no_lost_one(clock: list[float]) -> None:
    popped = {"2001": Popped(), "2002": Popped()}
    for clock[0], phone in ((1003.01, "2001"), (1000.5, "2002")):
        popped[phone].append("main-100.1")
    lost, shown = Ring("100.1", "2001", 1000.0), Ring("100.1", "2001", 1003.0)
    assert list(pops_ms([lost, shown], popped)) == [pytest.approx(10)]


def test_lines_may_come_in_any_pieces() -> None:
    tap, lines = Tap(), dial("DialBegin", ANN) + dial("Newstate", BOB)
    for line in lines.splitlines(keepends=True):
        tap.see(line)
    assert list(tap.rings) == [ANN]
