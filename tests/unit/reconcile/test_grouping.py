"""Records that name the same channel are of one call, as long as the PBX has not been started between."""

from cti.reconcile.grouping import grouped
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.records import cdr, queue_log
from cti.telephony.asterisk.records.cdr import CdrRow
from tests.unit.telephony.test_records import TAIPEI

BEGAN = 1795290000


def row(unique: str, channel: str, other: str, second: int, linked: str = "") -> CdrRow:
    """A talk of ten seconds."""
    start, end = BEGAN + second, BEGAN + second + 10
    line = (
        f'cti1,{unique},{linked or unique},{second},{start}.5,{start}.5,{end}.5,ANSWERED,"0912","2001","in","",'
        f'"{channel}","{other}","Dial",""\n'
    )
    (made,) = cdr.of_csv([line], TAIPEI)
    return made


def groups(*rows: CdrRow, started: int | None = None) -> list[set[str]]:
    text = f"{BEGAN + started}|NONE|NONE|NONE|QUEUESTART|\n" if started is not None else ""
    lines = queue_log.of_lines(text.splitlines(keepends=True))
    return [{one.uniqueid for one in records.rows} for records in grouped(lines, rows, Endpoints())]


def test_ids_given_by_hand_between_are_no_start_of_the_pbx() -> None:
    first, dialled, rest = f"{BEGAN}.40", f"cti0a0b0c0d-{BEGAN + 5}.1", f"{BEGAN + 9}.44"
    assert groups(
        row(first, "PJSIP/trunk-00000005", "PJSIP/2001-00000006", 0),
        row(dialled, "PJSIP/2002-00000007", "PJSIP/trunk-00000008", 5),
        row(rest, "PJSIP/2001-00000006", "PJSIP/2003-00000009", 9),
    ) == [{first, rest}, {dialled}]


def test_a_name_that_comes_again_after_a_start_of_the_pbx_is_another_call_whoever_gave_its_id() -> None:
    before, after = f"cti0a0b0c0d-{BEGAN}.3", f"cti0a0b0c0d-{BEGAN + 700}.4"
    assert groups(
        row(f"{BEGAN - 5}.80", "PJSIP/trunk-00000005", "PJSIP/2001-00000006", -5),
        row(before, "PJSIP/2002-00000001", "PJSIP/trunk-00000002", 0),
        row(f"{BEGAN + 600}.0", "PJSIP/trunk-00000000", "PJSIP/2001-00000004", 600),
        row(after, "PJSIP/2002-00000001", "PJSIP/trunk-00000002", 700),
    ) == [{f"{BEGAN - 5}.80"}, {before}, {f"{BEGAN + 600}.0"}, {after}]


def test_an_id_that_is_none_has_its_place_by_its_time() -> None:
    assert groups(
        row("by-hand", "PJSIP/2002-00000001", "PJSIP/trunk-00000002", 0),
        row(f"{BEGAN + 1}.80", "PJSIP/trunk-00000005", "PJSIP/2001-00000006", 1),
        row(f"{BEGAN + 600}.0", "PJSIP/trunk-00000000", "PJSIP/2001-00000004", 600),
        row("by-another-hand", "PJSIP/2002-00000001", "PJSIP/trunk-00000002", 700),
    ) == [{f"{BEGAN + 1}.80"}, {f"{BEGAN + 600}.0"}, {"by-another-hand"}, {"by-hand"}]


def test_two_channels_made_at_once_are_no_start_of_the_pbx() -> None:
    """One took its number first, and the second of its id later."""
    first, rest = f"{BEGAN}.41", f"{BEGAN + 1}.40"
    assert groups(
        row(first, "PJSIP/trunk-00000005", "PJSIP/2001-00000006", 0),
        row(rest, "PJSIP/2001-00000006", "PJSIP/2003-00000009", 1),
    ) == [{first, rest}]


def test_a_start_that_the_ids_do_not_show_is_in_the_queue_log() -> None:
    """After it, 132 channels came without a record of their own."""
    before, after = f"{BEGAN}.0", f"{BEGAN + 200}.132"
    rows = [row(one, "PJSIP/trunk-00000000", "PJSIP/2001-00000001", at) for one, at in ((before, 0), (after, 200))]
    assert groups(*rows, started=30) == [{before}, {after}]


def test_a_start_that_both_tell_is_one() -> None:
    """A call that was dialled by us before the first id of Asterisk's own is in the same run as that."""
    dialled, rest = f"cti0a0b0c0d-{BEGAN + 101}.1", f"{BEGAN + 105}.2"
    assert groups(
        row(f"{BEGAN}.80", "PJSIP/trunk-00000005", "PJSIP/2001-00000006", 0),
        row(dialled, "PJSIP/2002-00000000", "PJSIP/trunk-00000001", 101),
        row(rest, "PJSIP/trunk-00000001", "PJSIP/2003-00000002", 105),
        started=100,
    ) == [{f"{BEGAN}.80"}, {dialled, rest}]
