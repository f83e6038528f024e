"""A busy queue's figures do not flood its agents, and the last ones always come."""

from cti.screenpop.messages import QueueView
from cti.screenpop.queue_news import QueueNews
from tests.unit.screenpop.stories import at

EVERY_S = 1.0


def queue(waiting: int, name: str = "support") -> QueueView:
    return QueueView(name=name, waiting=waiting)


def test_the_first_figures_are_told_at_once() -> None:
    news = QueueNews(EVERY_S)
    assert news.heard(queue(1), at(0)) == (queue(1),)
    assert news.next_deadline() is None


def test_what_comes_too_soon_waits_its_turn_and_only_the_last_is_told() -> None:
    news = QueueNews(EVERY_S)
    news.heard(queue(1), at(0))
    assert [news.heard(queue(2), at(0.2)), news.heard(queue(3), at(0.4))] == [(), ()]
    assert news.next_deadline() == at(1)
    assert news.expire(at(0.9)) == ()
    assert news.expire(at(1)) == (queue(3),)
    assert news.next_deadline() is None


def test_each_queue_has_a_turn_of_its_own() -> None:
    news = QueueNews(EVERY_S)
    news.heard(queue(1), at(0))
    assert news.heard(queue(2, "sales"), at(0.5)) == (queue(2, "sales"),)


def test_who_asks_sees_the_latest_figures_told_or_not() -> None:
    news = QueueNews(EVERY_S)
    news.heard(queue(1), at(0))
    news.heard(queue(2), at(0.2))
    assert news.views == (queue(2),)
