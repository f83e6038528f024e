from tests.again import MOST, worth_repeating

CALL = "tests/integration/pbx/test_calls.py::test_18_basic_inbound_golden[22]"


def test_a_few_tests_of_real_parts_are_repeated() -> None:
    assert worth_repeating([CALL] * MOST)


def test_nothing_else_is() -> None:
    assert not worth_repeating([CALL, "tests/unit/test_docs.py::test_all_pages_are_linked"])


def test_many_do_not_fail_by_chance() -> None:
    assert not worth_repeating([CALL] * (MOST + 1))


def test_a_file_that_cannot_be_read_is_no_bad_luck() -> None:
    assert not worth_repeating(["tests/integration/pbx/test_calls.py"])


def test_a_run_that_failed_without_a_failed_test_stays_failed() -> None:
    assert not worth_repeating([])
