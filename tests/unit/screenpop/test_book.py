"""What the hub knows of calls is bounded."""

from cti.calls.call import CallId
from cti.screenpop.book import Book
from cti.screenpop.messages import JourneyView
from tests.unit.screenpop.stories import Story, at


def journey(flow: str = "bank") -> JourneyView:
    return JourneyView(flow=flow, label=flow, entered_at=at(0), spent_s=1.0)


def test_a_journey_is_known_as_long_as_its_call_and_no_longer() -> None:
    book = Book(ended_kept=2)
    stories = [Story(str(number)) for number in range(3)]
    for story in stories:
        story.offered()
        book.put_journey(story.id, journey())
        book.put(story.call)
        book.close(story.call)
    assert [book.journey(story.id) is not None for story in stories] == [False, True, True]
    assert [book.call(story.id) is not None for story in stories] == [False, True, True]


def test_journeys_of_calls_never_heard_of_do_not_pile_up() -> None:
    book = Book(journeys_kept=2)
    for number in range(3):
        book.put_journey(CallId(f"main-{number}"), journey())
    assert [book.journey(CallId(f"main-{number}")) is not None for number in range(3)] == [False, True, True]


def test_the_latest_word_about_a_journey_counts() -> None:
    book = Book()
    book.put_journey(CallId("main-1"), journey("old"))
    book.put_journey(CallId("main-1"), journey("new"))
    assert book.journey(CallId("main-1")) == journey("new")
