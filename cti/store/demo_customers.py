"""Made-up customers in any number, the same ones each time: for the demo, for tests and for measuring.

Names are in English, Traditional and Simplified Chinese; people have several numbers, some typed as people type them; now
and then two people share one (a switchboard, a family), so that a caller may be several. The numbers are shaped like those of
their countries. They may be somebody's: nothing here calls them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final

from cti.store.customers import Customer, CustomerCase, CustomerNumber, CustomerOrder

TODAY: Final = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SHARED_EVERY: Final = 40
"""Each fortieth has the next one's office number too."""


@dataclass(frozen=True, slots=True)
class _Land:
    """Where a customer lives: how people are called there, and how they write their numbers."""

    language: str
    country_code: str
    mobile: str
    """What mobile numbers begin with, nationally and without the trunk prefix; the rest is counted up."""
    office: str
    trunk: str
    family: tuple[str, ...]
    given: tuple[str, ...]
    companies: tuple[str, ...]
    joined: str
    """Between the names; Chinese puts the family first, and nothing between."""
    currency: str


_TAIWAN: Final = _Land(
    "zh-Hant", "886", "9", "2", "0",
    tuple("陳林黃張李王吳劉蔡楊許鄭謝郭洪曾邱廖賴周徐蘇葉莊"),
    ("怡君", "志明", "淑芬", "俊傑", "雅婷", "建宏", "美玲", "家豪", "佩珊", "宗翰", "詩涵", "冠宇", "欣怡", "承恩", "宜蓁", "柏翰", "曉薇", "國華"),
    ("大同貿易", "遠山科技", "宏泰精密", "晨曦書店", "青田食品", "永和旅行社", "聯安診所", "北辰物流"),
    "", "TWD",
)  # fmt: skip
_CHINA: Final = _Land(
    "zh-Hans", "86", "13", "10", "0",
    ("王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙", "胡", "朱", "高", "林", "何", "郭", "马", "罗", "欧阳"),
    ("伟", "芳", "秀英", "娜", "敏", "静", "丽", "强", "磊", "军", "洋", "勇", "艳", "杰", "雨桐", "浩然", "梓涵", "子轩"),
    ("东方贸易", "远山科技", "华兴机械", "晨光书店", "绿洲食品", "长城旅行社", "康宁诊所", "北辰物流"),
    "", "CNY",
)  # fmt: skip
_BRITAIN: Final = _Land(
    "en", "44", "77", "20", "0",
    ("Ashworth", "Bell", "Carter", "Dunn", "Ellis", "Forsyth", "Grant", "Hughes", "Iqbal", "Jones", "Kaur", "Lewis", "Morgan", "Nolan",
     "O'Brien", "Patel", "Quinn", "Reid", "Shah", "Turner", "Underwood", "Vaughan", "Walsh", "Young"),
    ("Ada", "Ben", "Chloe", "Daniel", "Ella", "Farah", "George", "Hannah", "Imran", "Jack", "Kate", "Liam", "Maya", "Noah", "Olivia",
     "Priya", "Ruth", "Sam", "Tom", "Zoe"),
    ("Northgate Supplies", "Harbour & Co", "Kestrel Engineering", "Larkfield Books", "Meadow Foods", "Ridgeway Travel", "Oak Clinic"),
    " ", "GBP",
)  # fmt: skip
_GERMANY: Final = _Land(
    "en", "49", "171", "30", "0",
    ("Albrecht", "Böhm", "Celik", "Dietrich", "Engel", "Fuchs", "Groß", "Huber", "Jansen", "Krüger", "Lang", "Müller", "Nowak", "Özdemir"),
    ("Anna", "Bernd", "Clara", "Deniz", "Eva", "Felix", "Greta", "Hannes", "Ida", "Jonas", "Käthe", "Lukas", "Mia", "Nils", "Paula"),
    ("Spree Logistik", "Hansa Werkzeuge", "Bergmann & Söhne", "Lindenbuch", "Havel Reisen"),
    " ", "EUR",
)  # fmt: skip
_LANDS: Final = (_TAIWAN, _TAIWAN, _TAIWAN, _TAIWAN, _CHINA, _CHINA, _BRITAIN, _BRITAIN, _BRITAIN, _GERMANY)
_DIGITS_AFTER: Final = {"9": 8, "2": 8, "13": 9, "10": 8, "77": 8, "20": 8, "171": 7, "30": 8}
"""How many digits follow the beginnings above."""

_SEGMENTS: Final = ("private", "private", "private", "business", "business", "public")
_TIERS: Final = ("standard", "standard", "standard", "silver", "gold", "platinum")
_FLAGS: Final = ("do_not_call", "recording_refused", "complaint_open", "deletion_requested")
_CONTACT_BY: Final = ("phone", "e-mail", "letter", "SMS")
_CASES: Final = (
    "Invoice disputed",
    "Delivery is late",
    "Cannot log in",
    "Wants to cancel",
    "Meter reading wrong",
    "Address changed",
)
_ORDERS: Final = ("Router X2", "Annual plan", "Headset", "Fibre 500", "Extended warranty", "SIM card")
_STATES: Final = ("delivered", "delivered", "on its way", "paid", "returned")


def demo_customers(count: int, seed: int = 1) -> Iterator[Customer]:
    """The same for the same ``seed``; fewer are the first of more."""
    return (_customer(index, Random(f"{seed}/{index}"), seed) for index in range(count))  # noqa: S311 - nothing is secret here


def _customer(index: int, dice: Random, seed: int) -> Customer:
    land = _land_of(index, seed)
    family, given = dice.choice(land.family), dice.choice(land.given)
    segment = dice.choice(_SEGMENTS)
    return Customer(
        id=f"C{index + 1:06d}",
        code=f"{100_000 + index}",
        name=f"{given} {family}" if land.joined else f"{family}{given}",
        company="" if segment == "private" else dice.choice(land.companies),
        language=land.language,
        segment=segment,
        tier=dice.choice(_TIERS),
        email=f"customer{index + 1}@example.org",
        numbers=tuple(_numbers(index, land, dice, seed)),
        preferences=(("contact by", dice.choice(_CONTACT_BY)), ("best time", f"{dice.randint(8, 18)}:00")),
        flags=frozenset({dice.choice(_FLAGS)} if dice.random() < 0.08 else ()),  # noqa: PLR2004 - one in twelve
        cases=tuple(_cases(index, dice)),
        orders=tuple(_orders(index, dice, land)),
        balance=_balance(dice, land),
        currency=land.currency,
    )


def _land_of(index: int, seed: int) -> _Land:
    return _LANDS[(index * 7 + seed) % len(_LANDS)]


def _numbers(index: int, land: _Land, dice: Random, seed: int) -> Iterator[CustomerNumber]:
    yield _number(land, land.mobile, index, dice, "mobile")
    if index % 3 == 0:
        yield _number(land, land.office, index, dice, "office")
    if index % SHARED_EVERY == 0:
        neighbour = _land_of(index + 3 - (index % 3), seed)
        yield _number(neighbour, neighbour.office, index + 3 - (index % 3), dice, "office")


def _number(land: _Land, begins: str, index: int, dice: Random, label: str) -> CustomerNumber:
    """Numbers of neighbours lie far apart, so that nobody gets another's by a slip of one digit."""
    digits = _DIGITS_AFTER[begins]
    rest = f"{(20_000_003 + index * 7_919) % 10**digits:0{digits}d}"
    typed = _typed(land, begins, rest, dice)
    if label == "office" and dice.randrange(10) == 0:
        typed += f" ext. {dice.randint(1, 99)}"
    return CustomerNumber(typed=typed, e164=f"+{land.country_code}{begins}{rest}", label=label)


def _typed(land: _Land, begins: str, rest: str, dice: Random) -> str:
    """Mostly as it should be; of Taiwan, the site's country, also as people there write it."""
    way = dice.randrange(10)
    if way == 1:
        return f"+{land.country_code} {begins} {rest[:4]}-{rest[4:]} "
    if land is _TAIWAN and way in {2, 3, 4}:
        return (
            f"{land.trunk}{begins}{rest}",
            f"({land.trunk}{begins}) {rest[:4]} {rest[4:]}",
            f"{land.trunk}{begins}-{rest}",
        )[way - 2]
    return f"+{land.country_code}{begins}{rest}"


def _cases(index: int, dice: Random) -> Iterator[CustomerCase]:
    for n in range(dice.choice((0, 0, 0, 0, 1, 1, 2))):
        opened_at = TODAY - timedelta(hours=dice.randint(2, 900))
        yield CustomerCase(id=f"S{index + 1:06d}-{n + 1}", title=dice.choice(_CASES), opened_at=opened_at)


def _orders(index: int, dice: Random, land: _Land) -> Iterator[CustomerOrder]:
    for n in range(dice.choice((0, 0, 1, 1, 2, 3))):
        ordered_on: date = (TODAY - timedelta(days=dice.randint(1, 400))).date()
        amount = f"{dice.randint(5, 900)}.00 {land.currency}"
        yield CustomerOrder(
            id=f"O{index + 1:06d}-{n + 1}",
            title=dice.choice(_ORDERS),
            status=dice.choice(_STATES),
            ordered_on=ordered_on,
            amount=amount,
        )


def _balance(dice: Random, land: _Land) -> Decimal | None:
    """Two in three have one, and some of those a credit. Nobody in Taiwan pays in cents."""
    if dice.randrange(3) == 0:
        return None
    owed = Decimal(dice.randint(-9_000, 120_000)).scaleb(-2)
    return owed.to_integral_value() if land is _TAIWAN else owed
