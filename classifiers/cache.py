"""Scores of exact reposts, kept within a bound of memory."""

from threading import Lock
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from cachetools import LRUCache

from labels.results import ScoringStage

#: bytes of an entry beside its probabilities: key, array, tuple and the cache's own tables
_AROUND = 750


class Answer(NamedTuple):
    """Probabilities of shape (heads,), NaN where the model abstains, and the stage they are of."""

    probabilities: npt.NDArray[np.float64]
    stage: ScoringStage


class ScoreCache:
    """The answers that were last asked for, of any number of models; threads may share it.

    A key is what a model reads of a post and the version of the model, so an answer from the
    cache is the one that the model would give again.
    """

    def __init__(self, max_bytes: int) -> None:
        """An empty cache.

        Args:
            max_bytes: of memory that the answers take, > 0.
        """
        self._kept: LRUCache[bytes, Answer] = LRUCache(max_bytes, getsizeof=_bytes)
        self._lock = Lock()
        #: how often an answer was asked for and there, and how often not
        self.hits, self.misses = 0, 0

    @property
    def size(self) -> int:
        """Bytes of memory that the answers take."""
        return int(self._kept.currsize)

    def get(self, key: bytes) -> Answer | None:
        """The answer, if it is there."""
        with self._lock:
            found = self._kept.get(key)
            if found is None:
                self.misses += 1
            else:
                self.hits += 1
            return found

    def put(self, key: bytes, answer: Answer) -> None:
        """Keep an answer; those that nobody asked for longest give way."""
        if _bytes(answer) <= self._kept.maxsize:
            with self._lock:
                self._kept[key] = answer


def _bytes(answer: Answer) -> int:
    return answer.probabilities.nbytes + _AROUND
