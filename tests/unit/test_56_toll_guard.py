"""Toll fraud ends here: what may be dialled, and what is refused before the PBX hears of it (H22, H23, H29)."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.telephony.asterisk.dialplan import Dialplan, destination
from cti.toll import Allowed, Kind, Refused, TollRules, Why, decide

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)
GERMANY = TollRules(
    country="DE", emergency_numbers=frozenset({"110", "112"}), internal=re.compile(r"\d{2,5}"), calls_per_hour=3
)
ABROAD = replace(GERMANY, allowed_countries=frozenset({"DE", "TW", "US"}))
FULL_WIDTH = {ord(str(digit)): chr(0xFF10 + digit) for digit in range(10)}


def why(typed: str, rules: TollRules = GERMANY) -> Why | None:
    verdict = decide(typed, rules, now=NOW)
    return verdict.why if isinstance(verdict, Refused) else None


@pytest.mark.parametrize(
    ("typed", "to", "kind"),
    [
        ("030 5551234", "+49305551234", Kind.OUTSIDE),
        ("(030) 555-12-34", "+49305551234", Kind.OUTSIDE),
        ("030 / 555 12 34", "+49305551234", Kind.OUTSIDE),
        ("+49 30 555.1234", "+49305551234", Kind.OUTSIDE),
        ("+49\u00a030\u20135551234", "+49305551234", Kind.OUTSIDE),
        ("0049305551234", "+49305551234", Kind.OUTSIDE),
        ("030 5551234".translate(FULL_WIDTH), "+49305551234", Kind.OUTSIDE),
        ("2002", "2002", Kind.INTERNAL),
        (" 2002 ", "2002", Kind.INTERNAL),
        ("112", "112", Kind.EMERGENCY),
        ("1 1 0", "110", Kind.EMERGENCY),
    ],
)
def test_what_people_type_is_written_anew_from_its_digits(typed: str, to: str, kind: Kind) -> None:
    assert Allowed(to, kind) == decide(typed, GERMANY, now=NOW)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "+",
        "abc",
        "++49305551234",
        "2002&PJSIP/itsp/19005551234",
        "500&501",
        "030 5551234,1",
        "030 5551234;ext=12",
        "030 5551234 ext. 12",
        "PJSIP/2002",
        "2002/1",
        "0900/1/2345678",
        "2002@outside",
        "${EXEC}",
        "2002\r\nAction: Originate",
        "2002\x00",
        "*21*0900#",
        "2002\n1",
        "0" * 65,
    ],
)
def test_56_what_is_not_digits_is_refused(typed: str) -> None:
    assert why(typed) is Why.NO_NUMBER


@pytest.mark.parametrize(
    ("typed", "rules", "reason"),
    [
        ("+886223456789", GERMANY, Why.COUNTRY),
        ("+886223456789", ABROAD, None),
        ("+18095551234", ABROAD, Why.COUNTRY),  # looks like the USA, is the Dominican Republic
        ("+870773111632", ABROAD, Why.COUNTRY),  # satellite
        ("+979123456789", ABROAD, Why.COUNTRY),  # premium rate of no country
        ("+4989123456", replace(GERMANY, allowed_countries=frozenset({"TW"})), Why.COUNTRY),
        ("0900 1234567", GERMANY, Why.PREMIUM),
        ("0900/1234567", GERMANY, Why.PREMIUM),
        ("+19005551234", ABROAD, Why.PREMIUM),
        ("0180 1234567", GERMANY, Why.PREMIUM),  # shared cost
        ("0900 1234567", replace(GERMANY, premium=True), None),
        ("010 13 0900 123456", GERMANY, Why.NO_NUMBER),  # another carrier is chosen first
        ("+49305551234", replace(GERMANY, blocked=(re.compile(r"\+4930\d+"),)), Why.BLOCKED),
        ("+4989123456", replace(GERMANY, blocked=(re.compile(r"\+4930\d+"),)), None),
        ("+49305551234", replace(GERMANY, blocked=(re.compile(r"\+4930"),)), None),
    ],
)
def test_56_countries_premium_and_blocked_numbers(typed: str, rules: TollRules, reason: Why | None) -> None:
    assert why(typed, rules) is reason


def test_56_so_many_calls_an_hour_and_no_more() -> None:
    recent = [NOW - timedelta(minutes=minutes) for minutes in (59, 30, 1)]
    verdict = decide("030 5551234", GERMANY, recent=recent, now=NOW)
    assert isinstance(verdict, Refused)
    assert verdict.why is Why.TOO_MANY
    later = NOW + timedelta(minutes=1)
    assert isinstance(decide("030 5551234", GERMANY, recent=recent, now=later), Allowed)


@pytest.mark.parametrize("typed", ["110", "112", "2002"])
def test_h29_emergencies_and_colleagues_can_be_called_however_many_calls_there_were(typed: str) -> None:
    assert isinstance(decide(typed, GERMANY, recent=[NOW] * 100, now=NOW), Allowed)


def test_h29_no_rule_stands_before_an_emergency_number() -> None:
    rules = replace(
        GERMANY,
        allowed_countries=frozenset({"TW"}),
        blocked=(re.compile(r".*"),),
        calls_per_hour=1,
        internal=re.compile(r"\d{1,4}"),
    )
    assert decide("112", rules, recent=[NOW] * 9, now=NOW) == Allowed("112", Kind.EMERGENCY)


@given(typed=st.text(alphabet="0123456789+-/ ().&,;*#@PJSIx\u0663\uff10\n", max_size=30))
def test_56_only_digits_ever_come_out_and_the_pbx_s_own_wall_takes_them(typed: str) -> None:
    verdict = decide(typed, ABROAD, now=NOW)
    if isinstance(verdict, Allowed):
        assert re.fullmatch(r"\+?[0-9]{2,15}", verdict.to)
        dialplan = Dialplan(
            country="DE", internal_pattern=r"\d{2,5}", allowed_countries=ABROAD.allowed_countries,
            emergency_numbers=ABROAD.emergency_numbers,
        )  # fmt: skip
        assert destination(verdict.to, dialplan)[1] == verdict.to
