"""Which words carry a score, found while a reviewer looks: a post is read thirty times for it."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet

from labels.records import Post
from labels.results import Explanation, Finding
from serving.engine import Engine

#: decisions whose explanations are kept in mind
_KEPT = 512
#: how long a page waits for one
_WAIT_SECONDS = 0.05

Explanations = tuple[Explanation, ...]


class Explainer:
    """Explains one decision at a time, and keeps the last ones; safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        """With the model that scores."""
        self._engine = engine
        self._worker = ThreadPoolExecutor(1, "explain")
        self._found: OrderedDict[str, Future[Explanations]] = OrderedDict()
        self._lock = threading.Lock()

    def explain(
        self, decision_id: str, post: Post, findings: Sequence[Finding]
    ) -> Explanations | None:
        """The explanation of a decision; None while it is being found.

        Args:
            decision_id: names it.
            post: as it was scored.
            findings: what is to be explained.

        Raises:
            ScoringError: the model failed.
        """
        with self._lock:
            future = self._found.get(decision_id)
            if future is None:
                future = self._worker.submit(self._engine.explain, post, findings)
                self._found[decision_id] = future
                while len(self._found) > _KEPT:
                    self._found.popitem(last=False)[1].cancel()
            self._found.move_to_end(decision_id)
        try:
            return future.result(_WAIT_SECONDS)
        except (NotYet, CancelledError):
            return None

    def close(self) -> None:
        """Begin no further one."""
        self._worker.shutdown(cancel_futures=True)
