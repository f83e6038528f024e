"""A mapping file is right, or every mistake in it is told at once, each with its line."""

from pathlib import Path

import pytest

from cti.crm import mapping, shipped
from cti.crm.contact import Flag
from cti.crm.mapping import CrmMapping
from cti.errors import ConfigError

GOOD = """\
name = "shop"
[contact]
id = "id"
name = ["first", "last"]
[queries]
find_by_number = "SELECT * FROM p WHERE tel LIKE :loose7 OR tel = :e164"
find_by_code = "SELECT * FROM p WHERE code = :code"
get = "SELECT * FROM p WHERE id = :id"
search = "SELECT * FROM p WHERE name LIKE :holds ESCAPE '!' LIMIT :limit"
"""


def findings(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        mapping.parse(text, place="shop.toml")
    return list(caught.value.findings)


def test_a_small_mapping_is_enough() -> None:
    made = mapping.parse(GOOD, place="shop.toml")
    assert (made.name, made.contact["name"], made.parts) == ("shop", ("first", "last"), {})


def test_the_shipped_mapping_is_good() -> None:
    made = mapping.load(shipped.config_file("crm/own.toml"))
    assert (made.name, set(made.parts)) == ("own", set(mapping.PARTS))


def test_the_commented_example_is_good() -> None:
    made = mapping.load(shipped.config_file("crm/example-sql.toml"))
    assert set(made.questions) == set(mapping.QUESTIONS)
    assert made.flags == {Flag.DO_NOT_CALL: "opted_out"}
    assert made.numbers == {"office": "phone", "mobile": "mobile"}


def test_every_mistake_is_told_with_its_line() -> None:
    text = """\
nmae = "shop"
[contact]
name = 5
url = "crm.example.org/{phone}"
[contact.flags]
vip = "vip"
[queries]
find_by_number = "SELECT * FROM p WHERE tel = :phone"
find_by_code = "DELETE FROM p WHERE code = :code"
get = \"\"\"
  SELECT * FROM p; SELECT 1
\"\"\"
[cases]
query = "SELECT * FROM cases"
contact = "p"
id = "id"
"""
    assert findings(text) == [
        "shop.toml:1: nmae is not known here; there are cases, contact, database, flags, name, numbers, orders, preferences, queries",
        'shop.toml:2: which column is the contact\'s id? id = "..."',
        "shop.toml:3: name is a column, or a list of columns",
        "shop.toml:4: url begins with https:// or http://",
        "shop.toml:4: {phone} is not known in url; {id} and {code} are",
        "shop.toml:6: vip is no flag; there are complaint_open, deletion_requested, do_not_call, recording_refused",
        "shop.toml:7: the query search is missing",
        "shop.toml:8: :phone is no parameter of find_by_number; it has digits, e164, national, trunk",
        "shop.toml:9: is no question: it should begin with SELECT or WITH",
        "shop.toml:10: holds several statements; one is asked",
        "shop.toml:13: title is missing",
        "shop.toml:14: asks for all contacts at once: ... WHERE <the contact's id> IN :ids",
    ]


def test_what_is_no_toml_is_told_with_its_line() -> None:
    assert findings("name = 'x'\n[contact\n") == ["shop.toml:2: Expected ']' at the end of a table declaration"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        mapping.load(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("[contact]\n", "contact = 5\n[other]\n", "[contact] is a table"),
        ('id = "id"', 'id = ""', "id is a column"),
        ('id = "id"', 'id = "id"\nid_type = "number"', "id_type is one of integer, text, uuid"),
        ('id = "id"', 'id = "id"\nnumbers = "tel"', "[contact.numbers] is a table"),
        ('name = "shop"', "name = 7", "name should be text"),
        ('id = "id"', 'id = "id"\nbalance = "owes"', "balance needs currency"),
        (
            "[queries]",
            '[queries]\npin_hash = "SELECT pin FROM p WHERE code = :code"',
            ":code is no parameter of pin_hash",
        ),
    ],
)
def test_each_kind_of_mistake_has_its_words(old: str, new: str, words: str) -> None:
    assert any(words in finding for finding in findings(GOOD.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("x = :a AND y = :b", {"a", "b"}),
        ("x::text = :a", {"a"}),
        (r"time '10\:30' = :a", {"a"}),
        ("no parameters", set()),
    ],
)
def test_parameters_are_found_and_casts_are_none(query: str, names: set[str]) -> None:
    assert mapping.parameters_of(query) == names


def test_a_mapping_without_a_name_is_called_as_its_file() -> None:
    made: CrmMapping = mapping.parse(GOOD.replace('name = "shop"\n', "", 1), place="/etc/cti/crm/salesware.toml")
    assert made.name == "salesware"
