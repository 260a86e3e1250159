"""Which words carry a score, found while a reviewer looks: a post is read thirty times for it."""

from collections.abc import Sequence
from concurrent.futures import Future
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

    def begin(
        self, decision_id: str, post: Post, findings: Sequence[Finding]
    ) -> Future[Explanations]:
        """Go on with the explanation of a decision beside whatever else is done.

        Args:
            decision_id: names it.
            post: as it was scored.
            findings: what is to be explained.
        """
        return self._background.begin(decision_id, partial(self._engine.explain, post, findings))

    def explain(
        self, decision_id: str, post: Post, findings: Sequence[Finding]
    ) -> Explanations | None:
        """The explanation of a decision; None while it is being found.

        Raises:
            ScoringError: the model failed.
        """
        return self._background.find(decision_id, partial(self._engine.explain, post, findings))

    def close(self) -> None:
        """Begin no further one."""
        self._background.close()
