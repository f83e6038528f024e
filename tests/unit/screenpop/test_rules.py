"""Who is told what: a pop for whoever's phone rings, and for nobody else."""

import pytest

from cti.calls.call import Direction
from cti.calls.transitions import CallChanged
from cti.screenpop.rules import Left, Popped, Shown, Told, Withdrawn, decide
from tests.unit.screenpop.stories import BY_DEVICE, JON, MARA, Story


def told(change: CallChanged) -> list[Told]:
    return list(decide(change.before, change.after, BY_DEVICE))


def kinds(change: CallChanged) -> list[tuple[str, str]]:
    return [(type(one).__name__, one.agent) for one in told(change)]


def ringing(agent=MARA) -> Story:  # noqa: ANN001
    story = Story()
    story.offered()
    story.queued()
    story.rings(agent)
    return story


def test_a_waiting_call_is_nobodys_news() -> None:
    story = Story()
    assert told(story.offered()) == []
    assert told(story.queued()) == []


def test_the_agent_whose_phone_rings_gets_the_pop_and_nobody_else() -> None:
    story = Story()
    story.offered()
    assert kinds(story.rings(MARA)) == [("Popped", "mara"), ("Shown", "mara")]


def test_a_phone_of_nobody_rings_for_nobody() -> None:
    story = Story()
    story.offered()
    change = story.rings(MARA)
    assert decide(change.before, change.after, {"PJSIP/9": JON.id}) == ()


def test_a_ring_told_twice_is_one_pop() -> None:
    assert kinds(ringing().rings(MARA)) == [("Shown", "mara")]


def test_the_same_phone_rung_again_is_a_new_pop() -> None:
    story = ringing()
    story.stops(MARA, "no_answer")
    assert ("Popped", "mara") in kinds(story.rings(MARA, "again"))


def test_answering_withdraws_the_pop_and_shows_the_call() -> None:
    assert [Withdrawn(MARA.id, "answered"), Shown(MARA.id)] == told(ringing().answers(MARA))


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        ("no_answer", "no_answer"),
        ("unreachable", "no_answer"),
        ("declined", "declined"),
        ("busy", "declined"),
        ("forwarded", "declined"),
        ("answered_elsewhere", "answered_elsewhere"),
        ("picked_up", "answered_elsewhere"),
        ("cancelled", "caller_gone"),
    ],
)
def test_a_phone_that_stops_ringing_says_why(cause: str, reason: str) -> None:
    assert [Withdrawn(MARA.id, reason), Left(MARA.id)] == told(ringing().stops(MARA, cause))  # type: ignore[arg-type]


def test_ring_all_pops_everywhere_and_one_answer_withdraws_the_rest() -> None:
    story = ringing()
    assert kinds(story.rings(JON)) == [("Popped", "jon"), ("Shown", "mara"), ("Shown", "jon")]
    story.answers(JON)
    assert Withdrawn(MARA.id, "answered_elsewhere") in told(story.stops(MARA, "cancelled"))


def test_a_caller_who_gives_up_takes_the_pop_along() -> None:
    assert [Withdrawn(MARA.id, "caller_gone"), Left(MARA.id)] == told(ringing().ends())


def test_ones_own_phone_of_click_to_dial_does_not_pop() -> None:
    story = Story(direction=Direction.OUTBOUND)
    assert kinds(story.placed_by(MARA)) == [("Shown", "mara")]
    assert kinds(story.rings(MARA)) == [("Shown", "mara")]


def test_a_colleague_who_is_dialled_gets_a_pop_and_the_one_who_dials_does_not() -> None:
    story = Story(direction=Direction.INTERNAL)
    story.placed_by(MARA, to="1002")
    assert kinds(story.rings(JON)) == [("Popped", "jon"), ("Shown", "mara"), ("Shown", "jon")]


def test_a_consulted_colleague_gets_a_pop() -> None:
    story = ringing()
    story.answers(MARA)
    assert ("Popped", "jon") in kinds(story.rings(JON, consult=True))


def test_an_outbound_call_handed_on_pops_at_the_target() -> None:
    story = Story(direction=Direction.OUTBOUND)
    story.placed_by(MARA)
    assert ("Popped", "jon") in kinds(story.rings(JON))


def test_who_leaves_a_call_that_goes_on_is_told_so_once() -> None:
    story = ringing()
    story.answers(MARA)
    story.rings(JON)
    story.answers(JON)
    assert kinds(story.leaves(MARA)) == [("Shown", "jon"), ("Left", "mara")]
    assert kinds(story.ends()) == [("Left", "jon")]


def test_a_call_taken_up_in_mid_ring_pops() -> None:
    story = ringing()
    assert [Popped(MARA.id, story.call.legs[1]), Shown(MARA.id)] == list(decide(None, story.call, BY_DEVICE))


def test_a_phone_with_two_contacts_rings_as_one() -> None:
    story = ringing()
    assert kinds(story.rings(MARA, "deskphone")) == [("Shown", "mara")]


def test_whichever_contact_is_picked_up_the_pop_is_answered() -> None:
    story = ringing()
    story.rings(MARA, "deskphone")
    assert Withdrawn(MARA.id, "answered") in told(story.answers(MARA, "deskphone"))
    assert kinds(story.stops(MARA, "answered_elsewhere")) == [("Shown", "mara")]


def test_one_of_two_contacts_declining_leaves_the_pop() -> None:
    story = ringing()
    story.rings(MARA, "deskphone")
    assert kinds(story.stops(MARA, "declined")) == [("Shown", "mara")]


def test_a_transfer_that_comes_back_pops_again() -> None:
    story = ringing()
    story.answers(MARA)
    assert ("Popped", "mara") in kinds(story.rings(MARA, "comes back"))
