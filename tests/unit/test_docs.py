"""README and docs are true: links lead somewhere, commands exist, and what is drawn from the code is current.

``python tests/unit/test_docs.py`` draws those pages anew.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import typer.main

from cti.agents.presence import SYSTEM_REASONS, AgentState, Cause, Maker
from cti.agents.refusals import REFUSALS
from cti.agents.transitions import MADE_BY
from cti.calls.call import CallState
from cti.calls.transitions import BY_LEGS, NEXT, STAYS
from cti.cli import app, verbs  # noqa: F401 - the table of verbs
from cti.envelope import TYPE_OF

ROOT: Final = Path(__file__).parents[2]
PAGES: Final = (
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)
CALL_MODEL: Final = ROOT / "docs/explanation/call-model.md"
AGENT_STATES: Final = ROOT / "docs/reference/agent-states.md"
CLI: Final = ROOT / "docs/reference/cli.md"
BEGIN, END = "<!-- drawn by tests/unit/test_docs.py -->", "<!-- end -->"
_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE: Final = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
_COMMAND: Final = re.compile(r"(?<![\w/.-])cti((?: +[a-z][a-z-]*)+)")

_FILE: Final = re.compile(r"`((?:cti|tests|docs|docker|benchmarks|console)/(?!web/static)[\w./-]+)`")

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


# ---- drawing


def state_table() -> str:
    """The table of states as it stands in ``transitions.NEXT``: rows are states, columns events."""
    events = sorted({event for _, event in NEXT}, key=list(TYPE_OF).index)
    lines = [
        "| in \\ comes | " + " | ".join(short(TYPE_OF[event]) for event in events) + " |",
        "|---" * (len(events) + 1) + "|",
    ]
    for state in CallState:
        cells = [words(NEXT.get((state, event))) for event in events]
        lines.append(f"| **{state}** | " + " | ".join(cells) + " |")
    return "\n".join(lines)


LETTERS: Final = {Maker.AGENT: "A", Maker.SUPERVISOR: "S", Maker.SYSTEM: "Y", Maker.PBX: "P"}


def agents_table() -> str:
    """The table of states as it stands in ``transitions.MADE_BY``: from rows to columns."""
    states = [state for state in AgentState if any(state in pair for pair in MADE_BY)]
    lines = ["| from \\ to | " + " | ".join(states) + " |", "|---" * (len(states) + 1) + "|"]
    for before in states:
        cells = [
            " ".join(letter for maker, letter in LETTERS.items() if maker in MADE_BY.get((before, after), ()))
            for after in states
        ]
        lines.append(f"| **{before}** | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def words(following: str | None) -> str:
    return {None: "", BY_LEGS: "*by legs*", STAYS: "stays"}.get(following, str(following))


def short(event: str) -> str:
    return event.split(".")[2].replace("_", " ")


def cli_page() -> str:
    """Every command, with what it takes, as the program itself says it."""
    lines = [
        "# Command line",
        "",
        "Exit codes: 0 done, 1 failed, 2 asked or configured wrongly. `--json` on every read. Drawn by `python tests/unit/test_docs.py`.",
    ]
    for name, command in sorted(commands()):
        lines += ["", f"## {name}", "", (command.help or "").strip(), ""]
        lines += [f"- `{spelt(one)}` {told(one)}".rstrip() for one in command.params if one.name != "help"]
    return "\n".join(lines).rstrip() + "\n"


def commands() -> Iterator[tuple[str, Any]]:
    yield from _below("cti", typer.main.get_command(app))


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield name, command
        return
    for verb, one in below.items():
        yield from _below(f"{name} {verb}", one)


def spelt(one: Any) -> str:
    return ", ".join(one.opts) if one.param_type_name == "option" else str(one.name).upper()


def told(one: Any) -> str:
    default = one.default
    shown = "" if default in (None, "", False, ()) or callable(default) else f" Default: {default}."
    return f"{getattr(one, 'help', None) or ''}{shown}"


def with_drawn(text: str, drawn: str) -> str:
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}\n{drawn}\n{END}{rest.partition(END)[2]}"


def draw() -> None:
    CALL_MODEL.write_text(with_drawn(CALL_MODEL.read_text(encoding="utf-8"), state_table()), encoding="utf-8")
    AGENT_STATES.write_text(with_drawn(AGENT_STATES.read_text(encoding="utf-8"), agents_table()), encoding="utf-8")
    CLI.write_text(cli_page(), encoding="utf-8")


# ---- holding


def test_the_table_of_states_is_current() -> None:
    text = CALL_MODEL.read_text(encoding="utf-8")
    assert text == with_drawn(text, state_table()), f"run: python {Path(__file__).relative_to(ROOT)}"


def test_the_table_of_agents_states_is_current() -> None:
    text = AGENT_STATES.read_text(encoding="utf-8")
    assert text == with_drawn(text, agents_table()), f"run: python {Path(__file__).relative_to(ROOT)}"


def test_every_arrow_between_agents_states_is_in_the_table() -> None:
    arrows = re.findall(r"^    (\w+) --> (\w+):", AGENT_STATES.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(arrows) > 10
    assert [arrow for arrow in arrows if (AgentState(arrow[0]), AgentState(arrow[1])) not in MADE_BY] == []


def test_every_cause_and_every_refusal_is_named_with_the_agents_states() -> None:
    text = AGENT_STATES.read_text(encoding="utf-8")
    rows = [f"| `{cause}` | {SYSTEM_REASONS[cause].code}" for cause in Cause if cause in SYSTEM_REASONS]
    assert [row for row in (*rows, *(f"| `{code}` |" for code in REFUSALS)) if row not in text] == []


def test_the_page_of_commands_is_current() -> None:
    assert cli_page() == CLI.read_text(encoding="utf-8"), f"run: python {Path(__file__).relative_to(ROOT)}"


def test_every_event_is_named_in_the_call_model() -> None:
    text = CALL_MODEL.read_text(encoding="utf-8")
    assert [name for name in TYPE_OF.values() if f"`{name.split('.')[2]}`" not in text] == []


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    targets = [
        target
        for target in _LINK.findall(page.read_text(encoding="utf-8"))
        if "://" not in target and not target.startswith("mailto:")
    ]
    assert [target for target in targets if not is_there(page, target)] == []


def is_there(page: Path, target: str) -> bool:
    path, _, anchor = target.partition("#")
    file = (page.parent / path).resolve() if path else page
    return file.exists() and (not anchor or file.suffix != ".md" or anchor in anchors(file))


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@every_page
def test_every_command_that_is_named_exists(page: Path) -> None:
    known = {name.removeprefix("cti ") for name, _ in commands()}
    groups = {name.split()[0] for name in known if " " in name}
    named = {found for code in _CODE.findall(page.read_text(encoding="utf-8")) for found in _COMMAND.findall(code)}
    assert sorted(verb for found in named if not is_command(verb := " ".join(found.split()), known, groups)) == []


def is_command(verb: str, known: set[str], groups: set[str]) -> bool:
    """``db upgrade`` is one; of ``replay file`` the first word is; ``db`` alone speaks of the group."""
    first, two = verb.split(maxsplit=1)[0], " ".join(verb.split()[:2])
    return two in known if first in groups and " " in verb else first in known | groups


@every_page
def test_files_that_are_named_exist(page: Path) -> None:
    named = set(_FILE.findall(page.read_text(encoding="utf-8")))
    assert sorted(name for name in named if not (ROOT / name).exists()) == []


@every_page
def test_no_page_is_longer_than_a_sitting(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= (250 if page.name == "README.md" else 600)


if __name__ == "__main__":
    draw()
    sys.stdout.write(f"drawn: {CALL_MODEL.name}, {AGENT_STATES.name}, {CLI.name}\n")
