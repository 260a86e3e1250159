"""Work on threads: answers in order, nobody waits for longer than must be."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest

from classifiers.ahead import ahead

COUNT, MOST = 50, 4


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def test_one_long_item_keeps_no_other_thread_waiting(pool: ThreadPoolExecutor) -> None:
    """The first is done only after the last, and its answer still comes first."""
    last = Event()

    def work(item: int) -> bool:
        if item == COUNT - 1:
            last.set()
        return last.wait(60) if item == 0 else False

    assert list(ahead(pool, work, range(COUNT), MOST)) == [True] + [False] * (COUNT - 1)


def test_only_a_few_are_handed_out_at_a_time(pool: ThreadPoolExecutor) -> None:
    """Whoever else has work for the threads gets at it soon."""
    taken, done, waiting, lock = 0, 0, [], Lock()

    def items() -> Iterator[int]:
        nonlocal taken
        for item in range(COUNT):
            with lock:
                taken += 1
            yield item

    def work(item: int) -> int:
        nonlocal done
        with lock:
            waiting.append(taken - done)
            done += 1
        return item

    assert list(ahead(pool, work, items(), MOST)) == list(range(COUNT))
    assert max(waiting) <= MOST + 1  # one more may be at hand before there is room for it


def test_a_failure_is_raised_in_its_turn(pool: ThreadPoolExecutor) -> None:
    """After the answers before it; work that was handed out already ends by itself."""
    found = ahead(pool, lambda item: 6 // (3 - item), range(COUNT), MOST)
    assert [next(found) for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(found)
    assert list(ahead(pool, abs, [-1], MOST)) == [1]
