"""Which words carry a score, found while a reviewer looks: a post is read thirty times for it."""

from collections.abc import Sequence
from functools import partial

from labels.records import Post
from labels.results import Explanation, Finding
from serving.console.computing import Background
from serving.engine import Engine

Explanations = tuple[Explanation, ...]


class Explainer:
    """Explains one decision at a time, and keeps the last ones; safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        """With the model that scores."""
        self._engine, self._background = engine, Background("explain")

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
        work = partial(self._engine.explain, post, findings)
        return self._background.find(decision_id, work, wait=0.0)

    def close(self) -> None:
        """Begin no further one."""
        self._background.close()
