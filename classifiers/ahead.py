"""Work on threads, handed out a little at a time, with answers in order."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Semaphore
from typing import TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")


def ahead(
    pool: ThreadPoolExecutor, work: Callable[[Item], Answer], items: Iterable[Item], most: int
) -> Iterator[Answer]:
    """One answer an item, in order.

    So a caller with one item waits for a few of a caller with hundreds, not for all; and while
    one item takes long, the other threads go on with those behind it.

    Args:
        pool: may be shared.
        work: what it raises is raised in the item's turn.
        items: taken as they are handed out.
        most: items handed out and not done at a time; with fewer than the pool has threads, some
            of these are left to others.
    """
    room = Semaphore(most)
    handed: deque[Future[Answer]] = deque()
    for item in items:
        room.acquire()
        handed.append(pool.submit(work, item))
        handed[-1].add_done_callback(lambda _: room.release())
        while handed and handed[0].done():
            yield handed.popleft().result()
    for each in handed:
        yield each.result()
