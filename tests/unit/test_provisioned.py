"""What ``cti init asterisk`` makes of its options."""

import pytest

from cti.cli.provision import Secrets, files
from cti.errors import RequestError

SECRETS = Secrets("e" * 32, "c" * 32, "f" * 32)


def made(*queues: str) -> dict[str, str]:
    return files(SECRETS, trunk="mytrunk", agents=("2001", "2002"), queues=queues)


def test_two_lines_may_lead_to_one_queue() -> None:
    told = made("support=0800100100", "support=0800100101", "sales=0800100200", "support=0800100100")
    headers = [line for line in told["queues_cti.conf"].splitlines() if line.startswith("[s")]
    assert headers == ["[support]", "[sales]"]
    begins = [
        line for line in told["extensions_cti.conf"].splitlines() if line.startswith(("exten => 0800", "exten => 300"))
    ]
    assert [line.split(",")[0].removeprefix("exten => ") for line in begins if ",1," in line] == [
        "0800100100", "0800100101", "0800100200", "3001", "3002",
    ]  # fmt: skip


def test_a_line_leads_to_one_queue() -> None:
    with pytest.raises(RequestError, match="0800100100 leads to support already"):
        made("support=0800100100", "sales=0800100100")
