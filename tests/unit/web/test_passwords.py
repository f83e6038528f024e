"""Passwords are kept as argon2id, and too short ones not at all."""

import pytest

from cti.errors import RequestError, TooMany
from cti.web import passwords
from cti.web.passwords import PasswordBooth, hash_password, is_right

GOOD = "ten letters"


def test_a_password_is_kept_as_argon2id_and_never_the_same() -> None:
    assert hash_password(GOOD).startswith("$argon2id$")
    assert hash_password(GOOD) != hash_password(GOOD)


def test_only_the_right_one_is_right() -> None:
    known = hash_password(GOOD)
    assert [is_right(known, GOOD), is_right(known, "another one"), is_right("no hash", GOOD)] == [True, False, False]


@pytest.mark.parametrize("length", [0, 9, 201])
def test_too_short_and_too_long_are_refused(length: int) -> None:
    with pytest.raises(RequestError):
        hash_password("x" * length)


@pytest.mark.parametrize("known", [None, ""], ids=["unknown", "without"])
async def test_whoever_has_no_password_gets_in_with_none(known: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords.secrets, "token_urlsafe", lambda: GOOD)
    booth = PasswordBooth()
    assert not await booth.is_right(known, GOOD)
    booth.close()


async def test_who_comes_when_too_many_wait_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_WAITING_LIMIT", 0)
    booth = PasswordBooth()
    with pytest.raises(TooMany):
        await booth.is_right(None, "anything")
    booth.close()
