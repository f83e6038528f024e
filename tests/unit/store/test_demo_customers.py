"""Made-up customers are the same each time, and are callers one can look up."""

from itertools import islice

from cti import numbers
from cti.store.demo_customers import demo_customers

MANY = tuple(demo_customers(2_000))


def test_the_same_seed_makes_the_same_customers() -> None:
    assert tuple(islice(demo_customers(2_000), 100)) == MANY[:100]
    assert next(demo_customers(1, seed=2)) != MANY[0]


def test_what_was_typed_means_the_number_it_stands_for() -> None:
    for customer in MANY:
        for number in customer.numbers:
            read = numbers.parse(number.typed, country="TW")
            assert read
            assert read.e164 == number.e164


def test_there_are_people_of_three_scripts() -> None:
    assert {customer.language for customer in MANY} == {"en", "zh-Hant", "zh-Hans"}


def test_codes_and_ids_are_nobody_elses() -> None:
    assert len({customer.code for customer in MANY}) == len({customer.id for customer in MANY}) == len(MANY)


def test_some_numbers_are_shared_by_two_and_none_by_more() -> None:
    owners: dict[str, set[str]] = {}
    for customer in MANY:
        for number in customer.numbers:
            owners.setdefault(number.e164 or "", set()).add(customer.id)
    sizes = [len(ids) for ids in owners.values()]
    assert max(sizes) == 2
    assert sizes.count(2) > len(MANY) / 60


def test_some_numbers_are_typed_as_people_type_them() -> None:
    typed = [number.typed for customer in MANY for number in customer.numbers]
    assert any(text.startswith("0") for text in typed)
    assert any("ext." in text for text in typed)
    assert any(text.endswith(" ") for text in typed)


def test_some_owe_something_and_some_are_owed() -> None:
    balances = [customer.balance for customer in MANY]
    owed = [balance for balance in balances if balance is not None]
    assert len(MANY) / 2 < len(owed) < len(MANY)
    assert min(owed) < 0 < max(owed)
    assert {customer.currency for customer in MANY} == {"TWD", "CNY", "GBP", "EUR"}


def test_every_order_can_be_keyed_and_is_one_customers() -> None:
    keyed = [numbers.dialled_digits(order.id) for customer in MANY for order in customer.orders]
    assert all(keyed)
    assert len(set(keyed)) == len(keyed)
