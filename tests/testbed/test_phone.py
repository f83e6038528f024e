"""A story that is out of step with the PBX hears of it."""

from collections.abc import AsyncIterator

import pytest

from tests.ports import free_port
from tests.testbed.phone import Phone, PhoneSurprisedError
from tests.testbed.story import hang_up

PARTIES = "From: <sip:0912345678@127.0.0.1>;tag=a\r\nTo: <sip:2001@127.0.0.1>\r\nCall-ID: c"


@pytest.fixture
async def phone() -> AsyncIterator[Phone]:
    async with Phone("2001", port=free_port(), server_port=free_port()) as phone:
        yield phone


def asks(phone: Phone, method: str) -> None:
    phone.received(f"{method} sip:2001@127.0.0.1 SIP/2.0\r\n{PARTIES}\r\nCSeq: 1 {method}\r\n\r\n".encode())


async def test_a_phone_that_rings_no_more_cannot_answer(phone: Phone) -> None:
    asks(phone, "INVITE")
    asks(phone, "CANCEL")
    call = await phone.rings()
    with pytest.raises(PhoneSurprisedError, match=r"2001: rings no more: .*CANCEL"):
        call.answer()
    assert call.answered_at == 0.0


async def test_a_caller_whom_the_pbx_hung_up_cannot_hang_up(phone: Phone) -> None:
    asks(phone, "INVITE")
    call = await phone.rings()
    call.answer()
    asks(phone, "BYE")
    with pytest.raises(PhoneSurprisedError, match=r"2001: the PBX hung up first: .*BYE"):
        await hang_up(call, after_s=0)
