"""Contacts for tests, as a foreign customer system has them: typed by people."""

from datetime import UTC, date, datetime
from decimal import Decimal

from cti.crm.contact import Case, Contact, ContactId, ContactNumber, Flag, Money, Order

ADA = Contact(
    id=ContactId("1"),
    code="4711",
    name="Ada Example",
    company="Example & Söhne",
    language="en",
    tier="gold",
    numbers=(
        ContactNumber(typed="030 / 123 45-67", e164="+49301234567", label="office"),
        ContactNumber(typed="+49 171 5550101", e164="+491715550101", label="mobile"),
    ),
    preferences=(("contact by", "phone"),),
    flags=frozenset({Flag.DO_NOT_CALL}),
    cases=(Case(id="T1", title="Late delivery", status="open", opened_at=datetime(2026, 11, 2, 8, 0, tzinfo=UTC)),),
    orders=(Order(id="A-88301", title="Router", status="paid", ordered_on=date(2026, 10, 1), amount="129.00 EUR"),),
    balance=Money(Decimal("1140.10"), "EUR"),
)
WANG = Contact(
    id=ContactId("2"), code="4712", name="王小明", language="zh-Hant",
    numbers=(ContactNumber(typed="+886 2 2345-6789 ext. 12", e164="+886223456789", label="office"),),
    orders=(Order(id="by word of mouth", title="Repair"),),
)  # fmt: skip
SHARED = (ContactNumber(typed="+44 20 7946 0018 ", e164="+442079460018", label="switchboard"),)
BELL = Contact(
    id=ContactId("3"), code="4713", name="Kate Bell", company="100%_Harbour", numbers=SHARED,
    orders=(Order(id="B-55", title="Headset"),), balance=Money(Decimal(-300), "TWD"),
)  # fmt: skip
CARTER = Contact(
    id=ContactId("4"), code="4714", name="Tom Carter",
    numbers=(ContactNumber(typed="020 7946 0018", e164="+49207946 0018".replace(" ", ""), label="office"), *SHARED),
    orders=(Order(id="C 55", title="Fibre"),),
)  # fmt: skip
NAMELESS = Contact(
    id=ContactId("5"), numbers=(ContactNumber(typed="0171/5550199", e164="+491715550199", label="mobile"),)
)
TWO_IN_ONE = Contact(
    id=ContactId("6"), name="Eva Two",
    numbers=(ContactNumber(typed="030 7654321 oder 0171 5550177", e164="", label="phone"),),
)  # fmt: skip
RUBBISH = Contact(id=ContactId("7"), name="No Number", numbers=(ContactNumber(typed="see e-mail", label="phone"),))
EVERYBODY = (ADA, WANG, BELL, CARTER, NAMELESS, TWO_IN_ONE, RUBBISH)
