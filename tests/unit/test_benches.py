"""What benches must not pass over: whoever was turned away, what never came, and what is not on this machine."""

import asyncio

import bench_ivr
import bench_pop
import harness
import log_ground
import pytest
import report
import run

from tests.testbed import parts


async def called(*lines: bytes) -> bench_ivr.Figures:
    """One caller, whom the service tells these and then hangs up on."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\n\n")
        for line in lines:
            writer.write(line)
            await reader.readline()
        writer.close()

    figures = bench_ivr.Figures()
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        await bench_ivr.session(port, 1, ["1234"], figures, lambda: 0.0)
    return figures


async def test_a_caller_who_is_hung_up_on_before_the_end_is_lost() -> None:
    turned_away, half_way = await called(), await called(*bench_ivr.FLOOR_SAYS[:-1])
    assert [(one.sessions, one.lost) for one in (turned_away, half_way)] == [(0, 1), (0, 1)]
    served = await called(*bench_ivr.FLOOR_SAYS)
    assert (served.sessions, served.lost, len(served.steps_ms)) == (1, 0, len(bench_ivr.FLOOR_SAYS))


def test_a_bench_of_the_record_leaves_loudly_where_there_is_no_postgresql(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(parts._HAVE, "postgres", lambda: None)
    assert log_ground.wanted_kinds(["SQLite"]) == ["SQLite"]
    with pytest.raises(SystemExit) as left:
        log_ground.wanted_kinds(None)
    assert left.value.code == harness.LACKS_PARTS
    assert "NOT MEASURED: postgres missing" in capsys.readouterr().err


def test_a_short_run_leaves_the_results_and_the_page_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    written = list[str]()
    monkeypatch.setattr(report, "write", lambda: written.append("page"))
    monkeypatch.setattr(run, "names", list)
    monkeypatch.setattr("sys.argv", ["run.py"])
    monkeypatch.delenv("BENCH_RESULTS", raising=False)
    monkeypatch.setenv("QUICK", "1")
    assert (run.main(), harness.results_folder(), written) == (0, harness.SHORT_RESULTS, [])
    monkeypatch.setenv("QUICK", "0")
    assert (run.main(), harness.results_folder(), written) == (0, harness.RESULTS, ["page"])


def test_a_card_that_never_came_is_counted_and_fails_the_aims() -> None:
    def aims(cards: int, look_up: str = "cold") -> list[bool]:
        found = bench_pop.Found(pops=[1.0] * 100, cards=[1.0] * cards, calls=100, cpu=0.1)
        cell = bench_pop.Cell(calls_per_s=bench_pop.AIMED_AT, seconds=1.0, look_up=look_up)
        one = bench_pop.Measured(database="SQLite", desktops=1000, cell=cell, found=found, floor=found)
        assert dict(zip(bench_pop.COLUMNS, bench_pop.row(one), strict=True))["no card"] == 100 - cards
        return [aim.is_met for aim in bench_pop.aims([one])]

    assert all(aims(100))
    headline, *others, cards = aims(99)
    assert (headline, cards) == (False, False)
    assert all(others)
    assert aims(99, "warm") == [True, False]
    assert all(aims(0, "dead"))
