"""How many posts are being scored, so that one that is alone can have every core."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

#: after two posts that met, the next ones are not taken for lone so soon: between two requests a
#: busy server scores only one, and the other cores have the rest of its work to do
_QUIET_SECONDS = 0.1


class Traffic:
    """Counts posts between their coming and going; safe to use from several threads."""

    def __init__(self, threads: int, clock: Callable[[], float] = time.monotonic) -> None:
        """``threads``: what a lone post may take, >= 1; ``clock``: in seconds."""
        self.threads = threads
        self._clock, self._lock = clock, Lock()
        self._posts, self._met = 0, -_QUIET_SECONDS

    @contextmanager
    def of(self, posts: int) -> Iterator[None]:
        """So many posts are being scored meanwhile."""
        self._count(posts)
        try:
            yield
        finally:
            self._count(-posts)

    @property
    def lone(self) -> bool:
        """Whether there is one post, and it is a while since there were several."""
        return self._posts == 1 and self._clock() - self._met >= _QUIET_SECONDS

    def _count(self, posts: int) -> None:
        with self._lock:
            before, self._posts = self._posts, self._posts + posts
            if max(before, self._posts) > 1:
                self._met = self._clock()
