"""What goes over a desktop's socket, and when it is taken for gone."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from websockets.frames import Frame, Opcode

from cti.screenpop.socket import _PING, IN_A_TURN, NOT_THERE, OUR_MISTAKE, Pulse, Socket, Writer, text_frame


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 300_000])
def test_a_frame_is_what_the_library_would_write(size: int) -> None:
    payload = b"x" * size
    assert Frame(Opcode.TEXT, payload).serialize(mask=False) == text_frame(payload)


def test_so_is_a_ping() -> None:
    assert Frame(Opcode.PING, b"").serialize(mask=False) == _PING


@dataclass(slots=True)
class Line:
    heard_at_s: float = 0.0


@dataclass(slots=True)
class PaperSocket:
    ws: Line = field(default_factory=Line)
    is_open: bool = True
    pings: int = 0
    is_cut: bool = False
    closed: list[int] = field(default_factory=list)

    def cut_soon(self) -> None:
        self.is_cut = True

    def ping(self) -> None:
        self.pings += 1

    def close(self, code: int, _reason: str) -> None:
        self.closed.append(code)
        self.is_open = False


def begun(*sockets: PaperSocket) -> Pulse:
    pulse = Pulse(5.0)
    for socket in sockets:
        pulse.begin(cast("Socket", cast("Any", socket)), 0.0)
    return pulse


def test_each_is_asked_in_its_turn() -> None:
    socket = PaperSocket()
    pulse = begun(socket)
    for now_s, pings in ((4.9, 0), (5.0, 1), (9.9, 1), (10.1, 2)):
        socket.ws.heard_at_s = now_s
        pulse.feel(now_s)
        assert pings == socket.pings


def test_one_that_says_nothing_for_two_turns_is_gone_and_the_others_stay() -> None:
    silent, alive = PaperSocket(), PaperSocket()
    pulse = begun(silent, alive)
    for now_s in (5.0, 10.0, 15.0):
        alive.ws.heard_at_s = now_s
        pulse.feel(now_s)
    assert (silent.closed, silent.pings) == ([NOT_THERE], 1)
    assert (alive.closed, alive.pings) == ([], 3)


def test_one_that_began_to_close_is_cut_if_it_does_not_end_it_and_is_asked_no_more() -> None:
    socket = PaperSocket(is_open=False)
    begun(socket).feel(5.0)
    assert (socket.pings, socket.closed, socket.is_cut) == (0, [], True)


@dataclass(eq=False, slots=True)
class Desk:
    """A socket that notes when it is written."""

    agent: str
    written: list[str]
    fails: bool = False
    closed: list[int] = field(default_factory=list)

    def write(self) -> None:
        if self.fails:
            raise ValueError("cannot be encoded")
        self.written.append(self.agent)

    def close(self, code: int, _reason: str) -> None:
        self.closed.append(code)


class Turns(list[Callable[[], None]]):
    """What is to be called soon, called by hand."""

    def go(self) -> None:
        due = self[:]
        self.clear()
        for turn in due:
            turn()


def desks(count: int) -> tuple[list[Socket], list[str]]:
    written: list[str] = []
    return [cast("Socket", Desk(str(number), written)) for number in range(count)], written


def test_whose_phone_rings_is_written_before_those_who_were_woken_earlier() -> None:
    (first, second, ringing), written = desks(3)
    turns = Turns()
    writer = Writer(turns.append)
    writer.wants(first, is_urgent=False)
    writer.wants(ringing, is_urgent=False)
    writer.wants(second, is_urgent=False)
    writer.wants(ringing, is_urgent=True)
    turns.go()
    assert (written, list(turns)) == (["2", "0", "1"], [])


def test_news_for_everybody_leaves_a_turn_to_others_and_a_ring_does_not_wait_for_it() -> None:
    (ringing, *everybody), written = desks(2 * IN_A_TURN)
    turns = Turns()
    writer = Writer(turns.append)
    for one in everybody:
        writer.wants(one, is_urgent=False)
    turns.go()
    assert len(written) == IN_A_TURN
    writer.wants(ringing, is_urgent=True)
    turns.go()
    assert written[IN_A_TURN] == "0"
    assert sorted(written, key=int) == [str(number) for number in range(2 * IN_A_TURN)]


def test_one_that_is_woken_again_while_it_waits_is_written_once() -> None:
    (one,), written = desks(1)
    turns = Turns()
    writer = Writer(turns.append)
    for is_urgent in (False, True, False):
        writer.wants(one, is_urgent=is_urgent)
    turns.go()
    assert written == ["0"]


def test_one_that_cannot_be_written_is_closed_and_the_others_are_written() -> None:
    written: list[str] = []
    bad, good = Desk("bad", written, fails=True), Desk("good", written)
    turns = Turns()
    writer = Writer(turns.append)
    for one in (bad, good):
        writer.wants(cast("Socket", one), is_urgent=False)
    turns.go()
    assert (bad.closed, good.closed, written) == ([OUR_MISTAKE], [], ["good"])
