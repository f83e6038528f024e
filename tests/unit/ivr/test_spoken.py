"""Values put into words: what a caller hears must be what a person would say, and never a whole name."""

import re
from datetime import date, time
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.ivr.spoken import LANGUAGES, Clock, Count, Day, Digits, MaskedName, Money, Plain, Span, Value, words

NUMBERS = [
    (0, "zero", "零"),
    (2, "two", "兩"),
    (10, "ten", "十"),
    (11, "eleven", "十一"),
    (12, "twelve", "十二"),
    (20, "twenty", "二十"),
    (21, "twenty-one", "二十一"),
    (22, "twenty-two", "二十二"),
    (101, "one hundred one", "一百零一"),
    (110, "one hundred ten", "一百一十"),
    (112, "one hundred twelve", "一百一十二"),
    (200, "two hundred", "兩百"),
    (1001, "one thousand one", "一千零一"),
    (1010, "one thousand ten", "一千零一十"),
    (2222, "two thousand two hundred twenty-two", "兩千兩百二十二"),
    (10010, "ten thousand ten", "一萬零一十"),
    (10110, "ten thousand one hundred ten", "一萬零一百一十"),
    (12000, "twelve thousand", "一萬兩千"),
    (20000, "twenty thousand", "兩萬"),
    (100000, "one hundred thousand", "十萬"),
    (100500, "one hundred thousand five hundred", "十萬零五百"),
    (101000, "one hundred one thousand", "十萬一千"),
    (110000, "one hundred ten thousand", "十一萬"),
    (1000050, "one million fifty", "一百萬零五十"),
    (10**8 + 5, "one hundred million five", "一億零五"),
    (105000000, "one hundred five million", "一億零五百萬"),
    (150000005, "one hundred fifty million five", "一億五千萬零五"),
    (-12, "minus twelve", "負十二"),
]

SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


@pytest.mark.parametrize(("number", "english", "mandarin"), NUMBERS)
def test_how_many(number: int, english: str, mandarin: str) -> None:
    assert (english, mandarin) == (words(Count(number), "en"), words(Count(number), "zh-Hant"))


@pytest.mark.parametrize(
    ("number", "traditional", "simplified"),
    [(2, "兩", "两"), (20000, "兩萬", "两万"), (2 * 10**8, "兩億", "两亿"), (10**12, "一兆", "一万亿"),
     (10**12 + 10**8, "一兆零一億", "一万零一亿"), (-2, "負兩", "负两")],
)  # fmt: skip
def test_the_mainland_counts_past_the_yi_in_its_own_way(number: int, traditional: str, simplified: str) -> None:
    assert (traditional, simplified) == (words(Count(number), "zh-Hant"), words(Count(number), "zh-Hans"))


@given(st.integers(0, 10**15 - 1))
def test_every_number_can_be_understood_again(number: int) -> None:
    assert number == _heard_in_english(words(Count(number), "en"))
    assert number == _heard_in_mandarin(words(Count(number), "zh-Hant"))
    assert number == _heard_in_mandarin(words(Count(number), "zh-Hans"))


def test_a_number_beyond_all_counting_is_said_figure_by_figure() -> None:
    assert words(Count(10**15), "en").startswith("one zero zero zero, zero")
    assert words(Count(10**15), "zh-Hans") == "一" + "零" * 15


@pytest.mark.parametrize(
    ("code", "english", "mandarin"),
    [
        ("2", "two", "二"),
        ("2291", "two two nine one", "二二九一"),
        ("88301", "eight eight, three zero one", "八八、三零一"),
        ("12345678", "one two three four, five six seven eight", "一二三四、五六七八"),
        ("1234567890", "one two three, four five six, seven eight nine zero", "一二三、四五六、七八九零"),
        ("SO-2291", "S, O, two two nine one", "S、O、二二九一"),
        ("a1", "A, one", "A、一"),
        ("+49 30 555", "plus, four nine, three zero, five five five", "加號、四九、三零、五五五"),
        ("*12#", "star, one two, hash", "星號、一二、井號"),
        ("\uff12\uff13", "two three", "二三"),
        ("", "", ""),
    ],
)
def test_a_code_is_said_one_by_one_with_pauses_where_people_make_them(code: str, english: str, mandarin: str) -> None:
    assert (english, mandarin) == (words(Digits(code), "en"), words(Digits(code), "zh-Hant"))


@pytest.mark.parametrize(
    ("amount", "currency", "english", "traditional", "simplified"),
    [
        ("1140.50", "EUR", "one thousand one hundred forty euros and fifty cents", "一千一百四十歐元五十歐分", "一千一百四十欧元五十欧分"),
        ("0", "EUR", "zero euros", "零歐元", "零欧元"),
        ("1", "EUR", "one euro", "一歐元", "一欧元"),
        ("2.00", "EUR", "two euros", "兩歐元", "两欧元"),
        ("0.01", "EUR", "one cent", "一歐分", "一欧分"),
        ("12.5", "CNY", "twelve yuan and fifty fen", "人民幣十二元五角", "十二元五角"),
        ("12.05", "CNY", "twelve yuan and five fen", "人民幣十二元零五分", "十二元零五分"),
        ("0.25", "CNY", "twenty-five fen", "人民幣兩角五分", "两角五分"),
        ("2", "TWD", "two Taiwan dollars", "兩元", "新台币两元"),
        ("12000", "TWD", "twelve thousand Taiwan dollars", "一萬兩千元", "新台币一万两千元"),
        ("-12.20", "USD", "minus twelve dollars and twenty cents", "負十二美元二十美分", "负十二美元二十美分"),
        ("-0.001", "USD", "zero dollars", "零美元", "零美元"),
        ("-0.5", "USD", "minus fifty cents", "負五十美分", "负五十美分"),
        ("2.02", "GBP", "two pounds and two pence", "兩英鎊兩便士", "两英镑两便士"),
        ("1.01", "GBP", "one pound and one penny", "一英鎊一便士", "一英镑一便士"),
        ("100.5", "JPY", "one hundred one yen", "一百零一日圓", "一百零一日元"),
        ("2.005", "EUR", "two euros and one cent", "兩歐元一歐分", "两欧元一欧分"),
        ("12.5", "SEK", "twelve point five zero S, E, K", "十二點五零 S、E、K", "十二点五零 S、E、K"),
        ("12.05", "sek", "twelve point zero five S, E, K", "十二點零五 S、E、K", "十二点零五 S、E、K"),
        ("5", "", "five", "五", "五"),
    ],
)  # fmt: skip
def test_money(amount: str, currency: str, english: str, traditional: str, simplified: str) -> None:
    money = Money(Decimal(amount), currency)
    assert (english, traditional, simplified) == tuple(words(money, said) for said in ("en", "zh-Hant", "zh-Hans"))


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "1e15", "-1e400"])
def test_what_nobody_owes_is_no_amount(amount: str) -> None:
    with pytest.raises(ValueError, match="no amount"):
        Money(Decimal(amount), "EUR")


@pytest.mark.parametrize(
    ("day", "english", "mandarin"),
    [
        (date(2025, 11, 3), "the third of November, twenty twenty-five", "二零二五年十一月三日"),
        (date(2000, 2, 2), "the second of February, two thousand", "二零零零年二月二日"),
        (date(2005, 1, 31), "the thirty-first of January, two thousand five", "二零零五年一月三十一日"),
        (date(1905, 12, 22), "the twenty-second of December, nineteen oh five", "一九零五年十二月二十二日"),
        (date(1900, 8, 12), "the twelfth of August, nineteen hundred", "一九零零年八月十二日"),
        (date(2010, 10, 20), "the twentieth of October, twenty ten", "二零一零年十月二十日"),
    ],
)
def test_a_day(day: date, english: str, mandarin: str) -> None:
    assert (english, mandarin) == (words(Day(day), "en"), words(Day(day), "zh-Hant"))


def test_a_day_soon_needs_no_year() -> None:
    assert words(Day(date(2025, 11, 21), says_year=False), "en") == "the twenty-first of November"
    assert words(Day(date(2025, 11, 21), says_year=False), "zh-Hans") == "十一月二十一日"


@pytest.mark.parametrize(
    ("at", "english", "mandarin"),
    [
        (time(0, 0), "midnight", "凌晨零點"),
        (time(0, 20), "twelve twenty at night", "凌晨零點二十分"),
        (time(2, 2), "two oh two in the morning", "凌晨兩點零二分"),
        (time(9, 5), "nine oh five in the morning", "上午九點零五分"),
        (time(12, 0), "noon", "中午十二點"),
        (time(12, 30), "twelve thirty in the afternoon", "中午十二點三十分"),
        (time(16, 20), "four twenty in the afternoon", "下午四點二十分"),
        (time(18, 0), "six o'clock in the evening", "晚上六點"),
        (time(23, 59), "eleven fifty-nine at night", "晚上十一點五十九分"),
    ],
)
def test_a_time_of_day_cannot_be_taken_for_another(at: time, english: str, mandarin: str) -> None:
    assert (english, mandarin) == (words(Clock(at), "en"), words(Clock(at), "zh-Hant"))


@pytest.mark.parametrize(
    ("seconds", "english", "mandarin"),
    [
        (-3, "less than a minute", "不到一分鐘"),
        (29, "less than a minute", "不到一分鐘"),
        (30, "about one minute", "大約一分鐘"),
        (120, "about two minutes", "大約兩分鐘"),
        (240, "about four minutes", "大約四分鐘"),
        (750, "about fifteen minutes", "大約十五分鐘"),
        (3600, "about one hour", "大約一小時"),
        (4000, "about one hour and five minutes", "大約一小時五分鐘"),
        (7100, "about two hours", "大約兩小時"),
    ],
)
def test_a_wait_is_told_as_roughly_as_it_is_known(seconds: float, english: str, mandarin: str) -> None:
    assert (english, mandarin) == (words(Span(seconds), "en"), words(Span(seconds), "zh-Hant"))


@pytest.mark.parametrize(
    ("name", "english", "traditional"),
    [
        ("Anna Berg", "A, B", "姓名縮寫A、B的客戶"),
        ("Zoë", "Z", "姓名縮寫Z的客戶"),
        ("Øystein Ödegård-Łukasz", "O, O, L", "姓名縮寫O、O、L的客戶"),
        ("王小明", "Wang", "王姓客戶"),
        ("王明", "Wang", "王姓客戶"),
        ("王 小明", "Wang", "王姓客戶"),
        ("歐陽小明", "Ouyang", "歐陽姓客戶"),
        ("歐陽", "Ou", "歐姓客戶"),
        ("Tom Wang (王小明)", "T, W", "王姓客戶"),
        ("璩小明", "the customer on record", "璩姓客戶"),
        ("王", "the customer on record", "登記的客戶"),
        ("A B", "the customer on record", "登記的客戶"),
        ("Иван Петров", "the customer on record", "登記的客戶"),
        ("", "the customer on record", "登記的客戶"),
    ],
)
def test_a_name_is_told_to_whom_it_belongs_and_hardly_to_others(name: str, english: str, traditional: str) -> None:
    assert (english, traditional) == (words(MaskedName(name), "en"), words(MaskedName(name), "zh-Hant"))


def test_a_name_keeps_its_own_signs_in_the_other_writing() -> None:
    assert words(MaskedName("歐陽小明"), "zh-Hans") == "歐陽姓客户"


@given(st.text(st.sampled_from("王小明歐陽司馬AnBergé -'"), max_size=12))
def test_a_masked_name_is_never_the_whole_name(name: str) -> None:
    for language in LANGUAGES:
        said = words(MaskedName(name), language)
        assert not [part for part in re.findall(r"[A-Za-zé']{2,}", name) if part in re.split(r"\W+", said)]
        signs = "".join(re.findall(r"[\u4e00-\u9fff]", name))
        assert not signs or not said.startswith(f"{signs}姓")


@pytest.mark.parametrize("language", sorted(LANGUAGES))
@given(
    value=st.one_of(
        st.builds(Digits, st.text("0123456789*#+- abc", max_size=20)),
        st.builds(Count, st.integers()),
        st.builds(
            Money, st.decimals(-(10**12), 10**12, places=3), st.sampled_from(["EUR", "TWD", "CNY", "JPY", "XXX"])
        ),
        st.builds(Day, st.dates(), st.booleans()),
        st.builds(Clock, st.times()),
        st.builds(Span, st.floats(0, 10**6)),
        st.builds(MaskedName, st.text(max_size=20)),
    )
)
def test_nothing_is_left_for_the_speech_program_to_guess(language: str, value: Value) -> None:
    assert re.fullmatch(r"[A-Za-z ,'\-、\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]*", words(value, language))


def test_plain_text_loses_what_would_be_taken_for_a_command() -> None:
    assert words(Plain("  Size [[XL]]\x00,\n<b>5 %</b> off!"), "en") == "Size XL , b 5 % b off!"


def test_plain_text_keeps_what_makes_a_pause() -> None:
    assert words(Plain("已出貨\uff0c謝謝。"), "zh-Hant") == "已出貨\uff0c謝謝。"
    assert words(Plain("Sent; it’s on its way…"), "en") == "Sent; it’s on its way…"  # noqa: RUF001 - as people write it


def test_a_language_without_words_is_named() -> None:
    with pytest.raises(ValueError, match=r"'fr'; there are en, zh-Hans, zh-Hant"):
        words(Count(1), "fr")


def _heard_in_english(said: str) -> int:
    scales = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
    total = group = 0
    for word in re.split(r"[ -]", said):
        if word in scales:
            total, group = total + group * scales[word], 0
        elif word == "hundred":
            group *= 100
        else:
            group += SMALL.index(word) if word in SMALL else 10 * (TENS.index(word) + 2)
    return total + group


def _heard_in_mandarin(said: str) -> int:
    said = said.translate(str.maketrans("两万亿", "兩萬億"))
    for unit, size in (("兆", 10**12), ("億", 10**8), ("萬", 10**4)):
        head, found, rest = said.rpartition(unit)
        if found:
            return _heard_in_mandarin(head) * size + (_heard_in_mandarin(rest) if rest else 0)
    total = figure = 0
    for sign in said:
        if sign in "十百千":
            total, figure = total + (figure or 1) * 10 ** ("十百千".index(sign) + 1), 0
        else:
            figure = 2 if sign == "兩" else "零一二三四五六七八九".index(sign)
    return total + figure
