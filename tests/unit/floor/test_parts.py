"""What a call's steps mean to the agents in it: which part, who offered it, how it ended."""

import pytest

from cti.agents.agent import Agent
from cti.agents.events import PartGone, PartIs
from cti.agents.presence import PartState
from cti.calls.call import Direction, Party, TransferKind
from cti.calls.events import Diverted, Held, Transferred
from cti.calls.frozen import changed
from cti.calls.transitions import CallChanged
from cti.floor.parts import Parts, Told
from tests.unit.screenpop.stories import BY_DEVICE, JON, MARA, Story, at


class Floor:
    """Hears a story step by step."""

    def __init__(self) -> None:
        self.parts = Parts()

    def hears(self, *changes: CallChanged) -> list[Told]:
        return [told for change in changes for told in self.parts.heard(change.after, BY_DEVICE, at(100))]


def offered(agent: Agent, queue: str = "support") -> tuple[Story, Party]:
    """In the queue, which is about to offer it."""
    story = Story()
    story.offered()
    story.queued(queue)
    party = changed(story.phone(agent), member=agent.name)
    story.phone = lambda agent_, _suffix="": party if agent_ == agent else Story.phone(story, agent_)  # type: ignore[method-assign]
    return story, party


def states(told: list[Told]) -> list[tuple[str, str]]:
    return [(agent, event.part.state.value) for agent, event in told if isinstance(event, PartIs)]


def gone(told: list[Told]) -> PartGone:
    (event,) = [event for _, event in told if isinstance(event, PartGone)]
    return event


def test_a_queue_s_call_rings_speaks_is_held_and_ends() -> None:
    floor, (story, party) = Floor(), offered(MARA)
    told = floor.hears(story.rings(MARA), story.answers(MARA))
    told += floor.hears(story.tell(Held(call=story.id, at=at(50), party=party)))
    assert states(told) == [("mara", "ringing"), ("mara", "talking"), ("mara", "held")]
    assert {event.part.queue for _, event in told if isinstance(event, PartIs)} == {"support"}
    end = gone(floor.hears(story.leaves(MARA), story.ends()))
    assert (end.queue, end.has_spoken, end.is_handed_over, end.is_missed) == ("support", True, False, False)


def test_the_same_told_again_is_no_news() -> None:
    floor, (story, _) = Floor(), offered(MARA)
    change = story.rings(MARA)
    assert len(floor.hears(change)) == 1
    assert floor.hears(change) == []


@pytest.mark.parametrize(
    ("cause", "missed", "declined"),
    [
        ("no_answer", True, False),
        ("declined", False, True),
        ("busy", False, True),
        ("answered_elsewhere", False, False),
        ("picked_up", False, False),
        ("cancelled", False, False),
        ("forwarded", False, False),
    ],
)
def test_09_only_a_ring_that_ran_its_time_is_missed(cause: str, *, missed: bool, declined: bool) -> None:
    floor, (story, _) = Floor(), offered(MARA)
    floor.hears(story.rings(MARA))
    end = gone(floor.hears(story.stops(MARA, cause)))
    assert (end.is_missed, end.is_declined, end.has_spoken) == (missed, declined, False)


def test_a_caller_who_hangs_up_while_it_rings_is_nobody_s_missed_call() -> None:
    floor, (story, _) = Floor(), offered(MARA)
    floor.hears(story.rings(MARA))
    assert not gone(floor.hears(story.ends(by="customer"))).is_missed


def test_who_was_rung_beside_the_one_who_answered_has_missed_nothing() -> None:
    floor, story = Floor(), Story()
    floor.hears(story.offered(), story.rings(MARA), story.rings(JON), story.answers(JON))
    assert not gone(floor.hears(story.stops(MARA, "answered_elsewhere"))).is_missed


def test_a_direct_call_is_of_no_queue() -> None:
    floor, story = Floor(), Story()
    ((_, event),) = floor.hears(story.offered(), story.rings(MARA))
    assert isinstance(event, PartIs)
    assert event.part.queue == ""


def test_one_s_own_call_is_dialled_until_somebody_answers() -> None:
    floor, story = Floor(), Story(direction=Direction.OUTBOUND)
    assert states(floor.hears(story.placed_by(MARA))) == [("mara", "dialling")]
    customer = changed(story.customer(), number="+4989123456")
    story.phone = lambda _agent, _suffix="": customer  # type: ignore[method-assign]
    assert states(floor.hears(story.rings(MARA), story.answers(MARA))) == [("mara", "talking")]


def test_an_own_call_that_nobody_answered_was_not_spoken_in() -> None:
    floor, story = Floor(), Story(direction=Direction.OUTBOUND)
    floor.hears(story.placed_by(MARA))
    end = gone(floor.hears(story.ends(by="agent")))
    assert (end.has_spoken, end.is_missed) == (False, False)


def test_a_consulted_colleague_has_a_part_of_no_queue_and_nothing_to_wrap_up() -> None:
    floor, (story, _) = Floor(), offered(MARA)
    floor.hears(story.rings(MARA), story.answers(MARA))
    told = floor.hears(story.rings(JON, consult=True), story.answers(JON, consult=True))
    assert states(told) == [("jon", "ringing"), ("jon", "talking")]
    end = gone(floor.hears(story.leaves(JON)))
    assert (end.queue, end.has_spoken) == ("", False)


def test_who_consults_while_the_customer_is_on_hold_talks() -> None:
    floor, (story, party) = Floor(), offered(MARA)
    floor.hears(story.rings(MARA), story.answers(MARA))
    story.tell(Held(call=story.id, at=at(50), party=party))
    told = floor.hears(story.rings(JON, consult=True))
    assert ("mara", "held") not in states(told)
    assert ("jon", "ringing") in states(told)


def test_who_handed_the_call_over_has_spoken_and_leaves_it_to_a_colleague() -> None:
    floor, (story, party) = Floor(), offered(MARA)
    floor.hears(
        story.rings(MARA), story.answers(MARA), story.rings(JON, consult=True), story.answers(JON, consult=True)
    )
    handed = Transferred(
        call=story.id, at=at(60), kind=TransferKind.ATTENDED, by=party, to_number="1002", to=Story.phone(story, JON)
    )  # fmt: skip
    end = gone(floor.hears(story.tell(handed), story.leaves(MARA)))
    assert (end.call, end.queue, end.has_spoken, end.is_handed_over) == (story.id, "support", True, True)


def test_who_parked_a_call_has_spoken_in_it() -> None:
    floor, (story, _) = Floor(), offered(MARA)
    floor.hears(story.rings(MARA), story.answers(MARA))
    parked = story.tell(Diverted(call=story.id, at=at(60), cause="parked", to="701"))
    end = gone(floor.hears(parked, story.leaves(MARA)))
    assert (end.has_spoken, end.is_handed_over) == (True, True)


def test_a_call_taken_up_after_a_restart_tells_the_part_there_is() -> None:
    (story, _) = offered(MARA)
    story.rings(MARA)
    change = story.answers(MARA)
    ((agent, event),) = Floor().hears(change)
    assert (agent, isinstance(event, PartIs) and event.part.state) == ("mara", PartState.TALKING)
