"""What nobody foresaw: in a terminal a line, in a service's log the whole of it."""

import sys
from collections.abc import Iterator

import pytest
import structlog

from cti import cli
from cti.cli.service import until_stopped
from cti.errors import StoreUnavailable


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    @cli.app.command(name="fail")
    def fail() -> None:
        raise ExceptionGroup("of a task group", [OverflowError("date value\nout of range")])

    monkeypatch.setattr(sys, "argv", ["cti", "fail"])
    monkeypatch.setattr("cti.log.configure", lambda **_: None)
    yield
    cli.app.registered_commands.pop()


@pytest.mark.usefixtures("failing")
def test_an_unforeseen_mistake_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main()
    words = "cti: unforeseen: OverflowError: date value (please report it, with what CTI_TRACEBACK=1 adds)\n"
    assert (ended.value.code, capsys.readouterr().err) == (cli.FAILED, words)


@pytest.mark.usefixtures("failing")
def test_who_asks_for_the_whole_of_it_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CTI_TRACEBACK", "1")
    with pytest.raises(ExceptionGroup, match="of a task group"):
        cli.main()


@pytest.mark.parametrize(
    ("errors", "raised"),
    [
        ([OverflowError("x"), ExceptionGroup("inner", [StoreUnavailable("away")])], StoreUnavailable),
        ([OverflowError("x")], ExceptionGroup),
    ],
)
def test_the_first_error_of_ours_in_a_task_group_is_the_verbs(errors: list[Exception], raised: type[Exception]) -> None:
    async def work() -> int:
        raise ExceptionGroup("of a task group", errors)

    with pytest.raises(raised):
        cli.run(work)


@pytest.mark.parametrize(("error", "is_logged"), [(OverflowError("x"), True), (StoreUnavailable("away"), False)])
async def test_a_service_that_fails_logs_what_nobody_foresaw(error: Exception, *, is_logged: bool) -> None:
    async def work() -> None:
        raise error

    with structlog.testing.capture_logs() as lines, pytest.raises(ExceptionGroup):
        await until_stopped(work())
    assert [line["event"] for line in lines] == ["service_failed"] * is_logged
