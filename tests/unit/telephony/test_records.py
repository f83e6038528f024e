"""queue_log and CDR are read as Asterisk writes them, whatever strangers put into them and wherever they break off."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from cti.telephony.asterisk.records import cdr, queue_log

TAIPEI = ZoneInfo("Asia/Taipei")
AT = datetime(2026, 11, 21, 19, 53, 23, tzinfo=UTC)
CSV = (
    '"","0912345678","2002","cti-transfer","{name}","PJSIP/trunk-00000000","PJSIP/2001-00000001","Queue","support,tk,,,60",'
    '"2026-11-22 03:53:23","2026-11-22 03:53:23","2026-11-22 03:53:26",3,3,"ANSWERED","DOCUMENTATION","1795290803.0"{more}\n'
)
PLAIN = CSV.format(name='""Ann"" <0912345678>', more="")


def lines(text: str) -> list[queue_log.QueueLine]:
    return list(queue_log.of_lines(text.splitlines(keepends=True)))


def rows(text: str) -> list[cdr.CdrRow]:
    return list(cdr.of_csv(text.splitlines(keepends=True), TAIPEI))


# ---- queue_log


def test_a_line_says_when_who_where_and_what() -> None:
    (line,) = lines("1795290804|1795290803.0|support|Ann|CONNECT|1|1795290803.1|0\n")
    assert (AT + timedelta(seconds=1), "1795290803.0", "support", "Ann", "CONNECT") == (
        line.at, line.call, line.queue, line.member, line.event,
    )  # fmt: skip
    assert (line.seconds(0), line.detail(1), line.seconds(2)) == (1.0, "1795290803.1", 0.0)


def test_nobody_is_no_member_and_a_start_is_told() -> None:
    start, entered = lines(
        "1795290803|NONE|NONE|NONE|QUEUESTART|\n1795290803|taipei-1795290803.0|support|NONE|ENTERQUEUE||0912|1\n"
    )
    assert (start.event, entered.member) == (queue_log.STARTED, "")


def test_a_members_name_may_hold_bars_and_events() -> None:
    (line,) = lines("1795290804|1795290803.0|support|Ann | the CONNECT one|CONNECT|1|1795290803.1|0\n")
    assert (line.member, line.event) == ("Ann | the CONNECT one", "CONNECT")


def test_a_callers_number_may_hold_bars() -> None:
    (line,) = lines("1795290803|1795290803.0|support|NONE|ENTERQUEUE||09|12|34|1\n")
    assert line.details == ("", "09|12|34", "1")


def test_what_a_caller_wrote_between_a_cut_line_and_its_tail_is_not_believed() -> None:
    forged = (
        "1795290803|1795290803.0|support|NONE|ENTERQUEUE||0912\n"
        "1795290803|1795290700.0|support|Ann|COMPLETECALLER|1|1|1\n"
        "Event: Hangup|1\n"
        "1795290804|1795290803.0|support|Ann|CONNECT|1|1795290803.1|0\n"
    )
    assert [line.event for line in lines(forged)] == ["ENTERQUEUE", "CONNECT"]


def test_a_line_that_a_crash_cut_costs_none_behind_it_and_not_the_start_that_follows_on_it() -> None:
    after = "".join(f"179529100{number}|1795291000.{number}|support|NONE|ENTERQUEUE||0913|1\n" for number in range(8))
    text = (
        "1795290803|1795290803.0|support|NONE|ENTERQUEUE||09111795290999|NONE|NONE|NONE|QUEUESTART|\n"
        f"{after}1795291010|1795291000.0|sup1795291020|NONE|NONE|NONE|QUEUESTART|\n{after}"
    )
    entered, start, *others = lines(text)
    assert (entered.event, entered.detail(1), entered.at) == ("ENTERQUEUE", "0911", AT)
    assert (start.event, start.at) == (queue_log.STARTED, datetime.fromtimestamp(1795290999, UTC))
    assert [line.event for line in others] == ["ENTERQUEUE"] * 8 + [queue_log.STARTED] + ["ENTERQUEUE"] * 8


def test_a_start_that_a_caller_wrote_is_not_believed() -> None:
    forged = (
        "1795290803|1795290803.0|support|NONE|ENTERQUEUE||09121795290999|NONE|NONE|NONE|QUEUESTART|\n"
        "1795291000|NONE|NONE|NONE|QUEUESTART|\n"
        "|1\n"
        "1795290804|1795290803.0|support|Ann|CONNECT|1|1795290803.1|0\n"
    )
    assert [line.event for line in lines(forged)] == ["ENTERQUEUE", "CONNECT"]


def test_half_lines_and_strange_ones_are_passed_over() -> None:
    text = (
        "0803.0|support|Ann|CONNECT|1|1|0\n\n|||||\n1795290804|x|support|Ann|CONNECT|1\n1795290804|1795290803.0|sup\n"
    )
    assert lines(text) == []


@given(st.lists(st.text(alphabet="|0123456789.\nACENOT\x00é", max_size=60)))
def test_no_text_upsets_the_reader(texts: list[str]) -> None:
    list(queue_log.of_lines(texts))
    list(cdr.of_csv(texts, TAIPEI))


def test_a_tables_rows_are_lines_by_the_wall_clock_that_their_ids_set_right() -> None:
    entered = {
        "time": "2026-11-22 03:53:25.250000", "callid": "1795290803.0", "queuename": "support", "agent": "NONE", "event": "ENTERQUEUE",
        "data1": "", "data2": "0912345678", "data3": "1", "data4": "", "data5": "",
    }  # fmt: skip
    connect = entered | {
        "time": "2026-11-22 03:53:26.500000",
        "agent": "Ann",
        "event": "CONNECT",
        "data1": "1",
        "data2": "1795290803.1",
        "data3": "0",
    }
    first, second = queue_log.of_rows([entered, connect], ZoneInfo("UTC"))
    assert (AT + timedelta(seconds=2.25), AT + timedelta(seconds=3.5)) == (first.at, second.at)
    assert first.details == ("", "0912345678", "1")


# ---- CDR


def test_a_record_of_cdr_csv_by_a_wall_clock_without_a_zone() -> None:
    (row,) = rows(PLAIN)
    assert (AT, AT, AT + timedelta(seconds=3)) == (row.start, row.answer, row.end)
    assert (row.uniqueid, row.src, row.dst, row.name) == ("1795290803.0", "0912345678", "2002", "Ann")
    assert row.is_answered


def test_userfield_and_newer_columns_do_not_shift_the_others() -> None:
    more = ',"what ""they"" said, twice","","1795290800.7",12'
    (row,) = rows(CSV.format(name="", more=more))
    assert (row.uniqueid, row.linkedid, row.sequence) == ("1795290803.0", "1795290800.7", 12)


def test_our_own_layout_has_microseconds_and_the_linkedid() -> None:
    text = (
        'cti1,1795290803.0,1795290800.7,12,1795290803.250000,0.000000,1795290806.500000,NO ANSWER,"0912345678","2002",'
        '"cti-inbound","""Ann"" <0912345678>","PJSIP/trunk-00000000","PJSIP/2001-00000001","Dial","PJSIP/2001,6,tk"\n'
    )
    (row,) = rows(text)
    assert (AT + timedelta(seconds=0.25), None, AT + timedelta(seconds=3.5)) == (row.start, row.answer, row.end)
    assert (row.linkedid, row.name, row.last_app) == ("1795290800.7", "Ann", "Dial")


def test_the_sample_of_cdr_custom_is_read() -> None:
    text = (
        '"""Ann"" <0912>","0912","2002","in","PJSIP/trunk-00000000","PJSIP/2001-00000001","Dial","PJSIP/2001",'
        '"2026-11-22 03:53:23","","2026-11-22 03:53:26","3","0","NO ANSWER","DOCUMENTATION","","1795290803.0","",1\n'
    )
    (row,) = rows(text)
    assert (row.uniqueid, row.disposition, row.answer, row.start) == ("1795290803.0", "NO ANSWER", None, AT)


def test_names_with_quotes_commas_and_line_breaks_stay_names() -> None:
    hostile = '""Bob"", ""x""\n"",0999,2001,in,"",PJSIP/a,PJSIP/b,Dial,x,2026-11-22 03:53:23,,2026-11-22 03:53:26'
    first, second = rows(CSV.format(name=hostile, more="") + PLAIN)
    assert (first.src, second.name) == ("0912345678", "Ann")


def test_a_record_that_breaks_off_costs_itself_only() -> None:
    half = PLAIN[:60]
    assert [row.name for row in rows(half + "\n" + PLAIN)] == ["Ann"]
    assert [row.name for row in rows(PLAIN[40:] + PLAIN)] == ["Ann"]
    assert [row.name for row in rows(PLAIN + half)] == ["Ann"]
    assert len(rows(half + "\n" + PLAIN * 200)) == 200


def test_a_transfer_long_after_the_channel_was_made_does_not_set_the_clock_wrong() -> None:
    later = PLAIN.replace("03:53", "04:08")
    first, second = rows(PLAIN + later)
    assert timedelta(minutes=15) == second.start - first.start


def test_a_table_without_start_and_end_has_calldate_and_durations() -> None:
    table = {
        "calldate": datetime.fromisoformat("2026-11-22 03:53:23"), "clid": '"Ann" <0912>', "src": "0912", "dst": "2002", "dcontext": "in",
        "channel": "PJSIP/trunk-00000000", "dstchannel": "PJSIP/2001-00000001", "lastapp": "Dial", "lastdata": "PJSIP/2001",
        "duration": 10, "billsec": 4, "disposition": "ANSWERED", "uniqueid": "1795290803.0", "linkedid": "1795290803.0",
    }  # fmt: skip
    (row,) = cdr.of_rows([table], UTC)
    assert (AT, AT + timedelta(seconds=6), AT + timedelta(seconds=10)) == (row.start, row.answer, row.end)
