"""The command line: one function a verb, ``(settings, arguments) -> exit code``. Only this room prints.

Exit codes: 0 done, 1 failed, 2 asked wrongly or configured wrongly. ``--json`` on every read.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from cti import __version__
from cti.errors import ConfigError, CtiError, NotFound, RequestError

app = typer.Typer(
    name="cti",
    help="The contact-center CTI service for Asterisk.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
init_verbs = typer.Typer(no_args_is_help=True, help="Print configuration for other programs.")
db_verbs = typer.Typer(no_args_is_help=True, help="The database's tables.")
user_verbs = typer.Typer(no_args_is_help=True, help="The people who log in.")
crm_verbs = typer.Typer(no_args_is_help=True, help="The customer system.")
ivr_verbs = typer.Typer(no_args_is_help=True, help="What callers go through before a person answers.")
app.add_typer(init_verbs, name="init")
app.add_typer(db_verbs, name="db")
app.add_typer(user_verbs, name="user")
app.add_typer(crm_verbs, name="crm")
app.add_typer(ivr_verbs, name="ivr")

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The settings; else $CTI_CONFIG, else ./config/cti.toml.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]

DONE, FAILED, ASKED_WRONGLY = 0, 1, 2


def main() -> None:
    """The console script. Every error of ours becomes its words and an exit code."""
    from cti import log
    from cti.cli import verbs  # noqa: F401 - the table of verbs; each imports what it needs when it runs

    log.configure(level="error")  # `cti run` says more; the other verbs speak for themselves
    try:
        app()
    except ConfigError as error:
        for finding in error.findings:
            say_error(finding)
        sys.exit(ASKED_WRONGLY)
    except CtiError as error:
        say_error(str(error) or type(error).__name__)
        sys.exit(ASKED_WRONGLY if isinstance(error, RequestError) and not isinstance(error, NotFound) else FAILED)
    except KeyboardInterrupt:
        sys.exit(DONE)
    except Exception as error:
        if os.environ.get("CTI_TRACEBACK"):
            raise
        say_error(_unforeseen(error))
        sys.exit(FAILED)


def run(work: Callable[[], Coroutine[Any, Any, int]]) -> None:
    """Run a verb's coroutine to its exit code. The first error of ours in a task group is the verb's."""
    try:
        code = asyncio.run(work())
    except BaseExceptionGroup as group:  # not `except*`: before 3.11.4 it wraps what is raised in it
        ours = group.subgroup(CtiError)
        raise (_first(ours) if ours else group) from None
    raise typer.Exit(code)


def _unforeseen(error: BaseException) -> str:
    """A mistake of ours, most likely; whoever meets it can do more with its words than with forty lines of code."""
    error = _first(error) if isinstance(error, BaseExceptionGroup) else error
    words = str(error).partition("\n")[0]
    return f"unforeseen: {type(error).__name__}: {words} (please report it, with what CTI_TRACEBACK=1 adds)"


def _first(group: BaseExceptionGroup[Any]) -> BaseException:
    inner = group.exceptions[0]
    return _first(inner) if isinstance(inner, BaseExceptionGroup) else inner


def say(text: str = "") -> None:
    print(text, flush=True)


def say_error(text: str) -> None:
    print(f"cti: {text}", file=sys.stderr, flush=True)


def _version(wanted: bool) -> None:
    if wanted:
        say(f"cti {__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The contact-center CTI service for Asterisk."""
