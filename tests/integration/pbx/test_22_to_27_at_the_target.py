"""Every way of handing a call on: one interaction, legs in their order, the right owner; and whoever is to take the call reads
who it is, and that this customer called before.
"""

import asyncio
from typing import Any

import pytest

from cti.calls.call import Outcome, TransferKind
from cti.store.interactions import Interaction
from tests.integration.pbx.service import CUSTOMER, Screen, Service, on_22
from tests.testbed import stories_transfer
from tests.testbed.story import Stage, Story, connect

BOTH = ["2001", "2002"]
STRAIGHT_TO_ANN = "0800100500"
"""Through no queue, which would offer the next call to Bob first."""
Expected = tuple[list[tuple[str, str]], list[str], str]
"""What was handed over, whose phones rang in their order, whose it is in the end."""
BLIND, ATTENDED, BLONDE = TransferKind.BLIND, TransferKind.ATTENDED, TransferKind.BLONDE


def rang(row: Interaction) -> list[str]:
    return [part.number for part in row.handled_by if part.rang_at]


def handed(row: Interaction) -> list[tuple[str, str]]:
    return [(transfer["kind"], transfer["to"]) for transfer in row.transfers]


@on_22
@pytest.mark.usefixtures("heard")
@pytest.mark.parametrize(
    ("story", "expected"),
    [
        pytest.param(
            stories_transfer.blind_transfer_by_key_to_agent, ([(BLIND, "2002")], BOTH, "bob"), id="22_blind_transfer"
        ),
        pytest.param(
            stories_transfer.attended_transfer_by_key, ([(ATTENDED, "2002")], BOTH, "bob"), id="23_atxfer_features"
        ),
        pytest.param(
            stories_transfer.attended_transfer_by_refer, ([(ATTENDED, "2002")], BOTH, "bob"), id="24_refer_replaces"
        ),
        pytest.param(stories_transfer.blonde_transfer_by_key, ([(BLONDE, "2002")], BOTH, "bob"), id="25_blonde"),
        pytest.param(
            stories_transfer.blonde_transfer_comes_back,
            ([(BLONDE, "2002")], [*BOTH, "2001"], "ann"),
            id="26_failed_transfer_recall",
        ),
        pytest.param(stories_transfer.three_way_by_key, ([], BOTH, "bob"), id="27_three_way"),
    ],
)
async def test_one_interaction_and_the_target_reads_the_history(
    stage: Stage, service: Service, story: Story, expected: Expected
) -> None:
    caller, ann = await connect(stage, STRAIGHT_TO_ANN)
    caller.hang_up()
    await ann.until_over()
    earlier = await service.row()

    async with service.screen("bob") as bob:
        playing = asyncio.create_task(story(stage))
        pop = await bob.hears("pop")
        card = await with_history(bob, pop["card"])
        await playing
    assert card["contacts"][0]["name"] == CUSTOMER
    assert [(past["call"], past["agent"], past["outcome"]) for past in card["history"]] == [
        (earlier.call, "ann", "answered")
    ]

    _, row = await service.rows(2)
    assert (pop["call"]["call"], row.outcome) == (row.call, Outcome.ANSWERED)
    assert (handed(row), rang(row), row.agent) == expected


async def with_history(screen: Screen, card: dict[str, Any]) -> dict[str, Any]:
    while not card.get("history"):
        card = await screen.hears("card")
    return card
