"""What Asterisk 16 and 22 wrote of the recorded stories, read without AMI, tells the calls that AMI told."""

from pathlib import Path

import pytest

from cti.reconcile.compare import Difference, compare
from tests.unit.reconcile.recorded_traces import TRUTHS, interactions_of, name_of, written

HAS_SEEN_LESS = {
    # Two calls were missed or seen late while the connection was down: that is what backfill is for.
    "connection_lost_in_mid_call",
    # A caller whose number forges AMI events is not believed there; here it is only a text.
    "hostile_caller_number_forges_an_event",
    "hostile_caller_number_not_cleaned",
}
CANNOT_TELL = {
    "conference_room",  # who was joined by others has no record of its own for the rest
    "16-pickup_of_a_direct_call",  # 16 takes the phone that rang for answered
}
every_story = pytest.mark.parametrize("truth", TRUTHS, ids=[name_of(truth) for truth in TRUTHS])


def differences(truth: Path, **given: bool) -> list[Difference]:
    return list(compare(written(truth).calls(**given), interactions_of(truth)).differences)


def is_of(truth: Path, names: set[str]) -> bool:
    return name_of(truth) in names or name_of(truth).partition("-")[2] in names


@every_story
def test_queue_log_and_cdr_agree_with_what_ami_told_call_by_call(truth: Path) -> None:
    if not is_of(truth, HAS_SEEN_LESS | CANNOT_TELL):
        assert [difference.words for difference in differences(truth)] == []


@every_story
def test_either_alone_agrees_in_plain_calls(truth: Path) -> None:
    alone = {
        "dialler_customer_first", "forwarded_at_the_phone", "pickup_of_a_queue_call", "attended_transfer_by_refer_to_queue",
        "bridged_late_by_command", "asterisk_killed_in_mid_call", "attended_transfer_customer_leaves",
    }  # fmt: skip
    if not is_of(truth, HAS_SEEN_LESS | CANNOT_TELL | alone):
        assert [difference.words for difference in differences(truth, cdr=False)] == []
        if written(truth).rows:
            assert [difference.words for difference in differences(truth, queue_log=False)] == []


def test_a_call_that_began_and_ended_while_nobody_listened_is_missing_here() -> None:
    (truth,) = [one for one in TRUTHS if name_of(one) == "22-connection_lost_in_mid_call"]
    missing = [one for one in differences(truth) if one.kind == "missing_here"]
    assert [one.call for one in missing] == ["pbx-1795291320.4"]
    assert "abandoned, empty" in missing[0].words


def test_a_call_that_is_no_more_on_record_there_is_missing_there() -> None:
    (truth,) = [one for one in TRUTHS if name_of(one) == "22-plain_inbound_caller_hangs_up"]
    found = compare((), interactions_of(truth)).differences
    assert [one.kind for one in found] == ["missing_there"]
