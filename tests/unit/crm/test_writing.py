"""What people type into a customer's card, read: numbers above all."""

from dataclasses import replace

import pytest

from cti.crm.contact import Contact, ContactId, ContactNumber, Flag
from cti.crm.writing import ContactChange, differences, read_change
from cti.errors import RequestError

ANNA = Contact(
    id=ContactId("k1"), name="Anna Berg", company="Berg GmbH",
    numbers=(ContactNumber(typed="030 555 12 34", e164="+49305551234", label="office"), ContactNumber(typed="see e-mail")),
)  # fmt: skip


def typed(*texts: str, label: str = "") -> ContactChange:
    return ContactChange(numbers=tuple(ContactNumber(typed=text, label=label) for text in texts))


def test_a_number_keeps_how_it_was_typed_beside_what_it_means() -> None:
    read = read_change(typed(" 0151 / 2345 6789 ", label=" mobile "), ANNA, country="DE")
    assert read.numbers == (ContactNumber(typed="0151 / 2345 6789", e164="+4915123456789", label="mobile"),)


def test_every_number_that_is_none_is_named() -> None:
    with pytest.raises(
        RequestError, match=r"^ring twice is no telephone number in DE; call me is no telephone number in DE$"
    ):
        read_change(typed("030 555 12 34", "ring twice", "call me"), None, country="DE")


def test_what_could_not_be_read_before_may_stay() -> None:
    read = read_change(ContactChange(numbers=ANNA.numbers), ANNA, country="DE")
    assert read.numbers == ANNA.numbers


def test_a_number_that_the_customer_system_reads_otherwise_keeps_its_meaning() -> None:
    foreign = replace(ANNA, numbers=(ContactNumber(typed="020 7946 0018", e164="+442079460018"),))
    assert read_change(ContactChange(numbers=foreign.numbers), foreign, country="DE").numbers == foreign.numbers


def test_the_same_number_twice_is_once() -> None:
    read = read_change(typed("030 5551234", "+49 30 555 1234"), None, country="DE")
    assert [one.typed for one in read.numbers or ()] == ["030 5551234"]


def test_names_are_one_line() -> None:
    read = read_change(ContactChange(name="  Anna\r\nBerg\x00 "), None, country="DE")
    assert read.name == "Anna Berg\ufffd"


@pytest.mark.parametrize("change", [ContactChange(), ContactChange(name="  ", language="de"), typed()])
def test_a_contact_that_says_nothing_is_none(change: ContactChange) -> None:
    with pytest.raises(RequestError, match="a name, a company or a number"):
        read_change(change, None, country="DE")


def test_the_record_says_what_changed_and_nothing_else() -> None:
    after = replace(ANNA, name="Anna Berg-Ek", flags=frozenset({Flag.DO_NOT_CALL}))
    assert differences(ANNA, after) == (
        {"name": "Anna Berg", "flags": []},
        {"name": "Anna Berg-Ek", "flags": ["do_not_call"]},
    )
    assert differences(ANNA, ANNA) == ({}, {})


def test_of_a_new_contact_nothing_was_before() -> None:
    new = Contact(id=ContactId("k9"), name="Tom")
    assert differences(None, new) == ({}, {"name": "Tom"})
