"""Trust test 41: hours of calls, and nothing in the service has grown. What has, names itself.

``benchmarks/bench_memory.py`` does the same for six hours' worth.
"""

from pathlib import Path

import pytest

from tests import heap
from tests.integration.soak import AGENTS, MOST_KEPT, Soak, keep_little, soaking

WARM_UP, LAP = 2 * MOST_KEPT, 200
SLACK = AGENTS.count // 2
"""Entries that come and go by chance: statements of a driver, connections of a pool. A leak has one for every call or desktop."""
BLOCKS_PER_CALL = 20
"""Of memory; statements that a driver keeps come and go by thousands."""
OTHERS = {"blocks of memory", "builtins.tuple.(objects)", "builtins.dict.(objects)", "weakref.ReferenceType.(objects)"}
"""Held by anybody in the interpreter; together they are looked at as memory."""


async def test_41_soak_memory_tasks_sockets_tables_and_every_container_stay_flat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep_little(monkeypatch)
    async with soaking(tmp_path, monkeypatch) as soak:
        await soak.lap(WARM_UP)
        before, rows_before = heap.held(), soak.rows()
        await soak.lap(LAP)
        between, rows_between = heap.held(), soak.rows()
        await soak.lap(LAP)
        after, rows_after = heap.held(), soak.rows()

        assert _named(before, between, after) == {}
        assert after["blocks of memory"] - between["blocks of memory"] < BLOCKS_PER_CALL * LAP
        assert _tables_beyond_calls(rows_before, rows_between, rows_after) == {}
        assert_all_is_over(soak, rows_after)


def assert_all_is_over(soak: Soak, rows: dict[str, int]) -> None:
    assert soak.link.calls == ()
    assert rows["call_open"] == 0
    assert (soak.lost_early, soak.link.figures.connects) == (0, 1), "a desktop or the PBX went on its way"
    assert rows["interaction"] >= soak.calls


def _named(before: heap.Held, between: heap.Held, after: heap.Held) -> dict[str, tuple[int, int]]:
    """Grown in both laps: by a slack in the second, and in sum by more than a lap could leave behind by chance."""
    steadily = heap.grown(between, after, by_more_than=SLACK)
    return {
        name: (before[name], count) for name, (_, count) in steadily.items()
        if name not in OTHERS and between[name] > before[name]
    }  # fmt: skip


def _tables_beyond_calls(
    before: dict[str, int], between: dict[str, int], after: dict[str, int]
) -> dict[str, tuple[int, int]]:
    """Tables whose rows are not of calls, and tables that take more rows for as many calls."""
    first = {name: between[name] - count for name, count in before.items()}
    second = {name: after[name] - count for name, count in between.items()}
    return {name: (first[name], grown) for name, grown in second.items() if grown > 1.2 * first[name] + SLACK}
