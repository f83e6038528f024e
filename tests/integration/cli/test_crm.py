"""``cti crm``: who a caller would be found to be, and a customer's PIN as an operator sets it."""

import asyncio
import os
import pty
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cti.crm.connectors import Setup, connect
from cti.crm.contact import ContactId
from cti.crm.pin import check
from cti.store import schema
from cti.store.customers import Customer, CustomerNumber, put_customers
from cti.store.database import Database
from tests.conftest import Canaries
from tests.integration.cli.conftest import CTI, Run, Said

ADA = Customer(id="C1", code="4711", name="Ada Example", numbers=(CustomerNumber(typed="+49 171 5550101"),))
BELL = Customer(id="C4", code="4714", name="Kate Bell")
TWINS = (Customer(id="C2", code="4712"), Customer(id="C3", code="4712"))


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    made = f"sqlite:///{tmp_path}/cti.db"
    await schema.make_ready(made)
    database = Database(made)
    await put_customers(database, [ADA, BELL, *TWINS], country="TW")
    yield made
    await database.close()


async def process(url: str, stdin: int, *arguments: str, **environment: str) -> asyncio.subprocess.Process:
    """In a session of its own, so that the only terminal it has is the one handed in."""
    return await asyncio.create_subprocess_exec(
        CTI, "crm", "pin", *arguments, env={"PATH": os.environ["PATH"], "CTI_DATABASE__URL": url, **environment},
        cwd=Path(url.removeprefix("sqlite:///")).parent, stdin=stdin, start_new_session=True,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def given(url: str, line: str, *arguments: str, **environment: str) -> Said:
    """Through a pipe, as a script would."""
    running = await process(url, asyncio.subprocess.PIPE, *arguments, **environment)
    async with asyncio.timeout(60):
        out, err = await running.communicate(f"{line}\n".encode())
    return Said(running.returncode or 0, out.decode(), err.decode())


async def typed(url: str, *lines: str) -> tuple[Said, str]:
    """At a terminal, each line when it is asked for; and what the terminal showed of it."""
    terminal, stdin = pty.openpty()
    running = await process(url, stdin, "4711")
    os.close(stdin)
    assert running.stdout
    assert running.stderr
    async with asyncio.timeout(60):
        for line in lines:
            await running.stderr.readuntil(b": ")
            os.write(terminal, f"{line}\n".encode())
        out, err = await asyncio.gather(running.stdout.read(), running.stderr.read())
        code = await running.wait()
    shown = shown_on(terminal)
    os.close(terminal)
    return Said(code, out.decode(), err.decode()), shown


def shown_on(terminal: int) -> str:
    os.set_blocking(terminal, False)
    try:
        return os.read(terminal, 4096).decode()
    except (BlockingIOError, OSError):
        return ""


async def pin_hash(url: str, customer: str = "C1") -> str | None:
    own = connect("own", Setup(country="TW", own_url=url))
    try:
        return await own.pin_hash(ContactId(customer))
    finally:
        await own.close()


async def test_a_lookup_says_whose_number_it_is_instead(url: str, cti: Run) -> None:
    said = await cti("crm", "lookup", "+491715550101", "--code", "4714", CTI_DATABASE__URL=url)
    assert said.out.splitlines()[:2] == [
        "Kate Bell  code 4714  by code: 4714",
        "but the number says: Ada Example  code 4711  by number: +49 171 5550101",
    ]


async def test_a_script_sets_a_pin_and_takes_it_away(url: str, canaries: Canaries) -> None:
    said = await given(url, canaries.pin, "4711")
    assert (said.code, said.out, said.err) == (0, "the PIN of customer C1 is set\n", "")
    assert await check(canaries.pin, await pin_hash(url))
    assert await pin_hash(url, "C4") is None
    assert (await given(url, "", "4711", "--remove")).out == "customer C1 has no PIN any more\n"
    assert await pin_hash(url) is None
    assert (await given(url, "", "4711", "--remove")).out == "customer C1 had no PIN\n"


async def test_a_person_types_it_twice_and_nobody_sees_it(url: str, canaries: Canaries) -> None:
    said, shown = await typed(url, canaries.pin, canaries.pin)
    assert (said.code, said.out) == (0, "the PIN of customer C1 is set\n")
    assert await check(canaries.pin, await pin_hash(url))
    assert canaries.found_in(shown + said.out + said.err) == []


async def test_two_that_differ_change_nothing(url: str, canaries: Canaries) -> None:
    said, _ = await typed(url, canaries.pin, "739165")
    assert (said.code, said.err.splitlines()[-1]) == (2, "cti: the two are not the same; nothing is changed")
    assert await pin_hash(url) is None


@pytest.mark.parametrize(
    ("pin", "code", "exit_code", "words"),
    [
        ("111111", "4711", 2, "among the first that anybody tries"),
        ("", "4711", 2, "6 to 12 digits"),
        ("739164", "9999", 1, "there is no customer with the code 9999"),
        ("739164", "4712", 2, "that of several customers: C2, C3"),
    ],
)
async def test_what_cannot_be_set_says_why(url: str, pin: str, code: str, exit_code: int, words: str) -> None:
    said = await given(url, pin, code)
    assert said.code == exit_code
    assert words in said.err
    assert len(said.err.splitlines()) == 1


async def test_pins_of_another_customer_system_are_set_there(url: str) -> None:
    said = await given(url, "739164", "4711", CTI_CRM__CONNECTOR="memory")
    assert (said.code, said.err) == (2, "cti: customers' PINs are in the customer system (memory); set them there\n")
