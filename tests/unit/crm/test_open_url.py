"""The link to a record: from a template, or none at all."""

from dataclasses import replace

import pytest

from cti.crm.contact import Contact, ContactId
from cti.crm.open_url import open_url

ANNA = Contact(id=ContactId("a/1?"), code="70012", email="anna+x@berg.example")


@pytest.mark.parametrize(
    ("template", "link"),
    [
        ("https://crm.example.org/c/{id}", "https://crm.example.org/c/a%2F1%3F"),
        ("http://crm/find?code={code}&mail={email}", "http://crm/find?code=70012&mail=anna%2Bx%40berg.example"),
        ("https://crm.example.org/", "https://crm.example.org/"),
        ("", ""),
        ("javascript:alert('{id}')", ""),
        ("ftp://crm/{id}", ""),
        ("https:///{id}", ""),
        ("https://crm/{name}", "https://crm/{name}"),
    ],
)
def test_a_template_is_filled(template: str, link: str) -> None:
    assert open_url(template, ANNA) == link


@pytest.mark.parametrize("field", ["id", "code", "email"])
def test_what_the_contact_has_not_makes_no_link(field: str) -> None:
    assert open_url(f"https://crm/{{{field}}}", replace(ANNA, **{field: ""})) == ""


def test_what_a_field_holds_is_no_template() -> None:
    assert open_url("https://crm/{code}", replace(ANNA, code="{email}")) == "https://crm/%7Bemail%7D"
