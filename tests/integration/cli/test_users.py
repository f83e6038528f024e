"""``cti user``: who may log in, as an operator adds them."""

import json
from pathlib import Path

import pytest

from tests.integration.cli.conftest import Run


async def test_a_user_is_added_with_queues_and_penalties(cti: Run, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/cti.db"
    added = await cti("user", "add", "zoe", "--queues", "support,billing:2", CTI_DATABASE__URL=url)
    assert (added.code, added.out.startswith("added zoe; the password is ")) == (0, True)
    listed = await cti("user", "list", "--json", CTI_DATABASE__URL=url)
    zoe = json.loads(listed.out.splitlines()[0])
    assert (zoe["queues"], zoe["penalties"]) == (["support", "billing"], {"billing": 2})


async def test_a_penalty_that_is_none_is_refused(cti: Run, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/cti.db"
    refused = await cti("user", "add", "zoe", "--queues", "billing:much", CTI_DATABASE__URL=url)
    assert (refused.code, "penalty of billing" in refused.err) == (2, True)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("z" * 65,), "the log-in name 'zzz"),
        (("zoe", "--name", "z" * 201), "--name 'zzz"),
        (("zoe", "--device", "PJSIP/" + "1" * 26), "the extension '111"),
        (("zoe", "--queues", "support," + "q" * 201), "--queues 'qqq"),
        (("zoe", "--queues", "billing:1001"), "the penalty of billing 1001: "),
    ],
    ids=["log_in_name", "name", "extension_of_the_device", "queue", "penalty"],
)
async def test_what_rest_would_refuse_is_refused(cti: Run, tmp_path: Path, given: tuple[str, ...], told: str) -> None:
    url = f"sqlite:///{tmp_path}/cti.db"
    refused = await cti("user", "add", *given, CTI_DATABASE__URL=url)
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(f"cti: {told}")
