"""How many posts are being scored, so that one that is alone can have every core."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock


class Traffic:
    """Counts posts between their coming and going; safe to use from several threads."""

    def __init__(self, threads: int) -> None:
        """``threads``: what a lone post may take, >= 1."""
        self.threads = threads
        self._lock, self._posts = Lock(), 0

    @contextmanager
    def of(self, posts: int) -> Iterator[None]:
        """So many posts are being scored meanwhile."""
        with self._lock:
            self._posts += posts
        try:
            yield
        finally:
            with self._lock:
                self._posts -= posts

    @property
    def lone(self) -> bool:
        """Whether there is one post and no other."""
        return self._posts == 1
