"""What every model looks like to its users, and how one is loaded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from classifiers.bundle import read_bundle
from classifiers.ngram_model import NgramModel
from labels.records import Post
from labels.results import HeadScores, Version


class Scorer(Protocol):
    """A loaded model."""

    @property
    def version(self) -> Version:
        """What a decision records of the model."""
        ...

    def score(self, posts: Sequence[Post]) -> list[HeadScores]:
        """One result a post, in order.

        A post's scores depend on nothing but the post and the model: neither its neighbours nor
        the number of threads changes a bit of them.

        Raises:
            ScoringError: the runtime failed; no partial result is returned.
        """
        ...


def load_scorer(folder: Path, *, threads: int) -> Scorer:
    """The model in a bundle folder, checked and ready.

    Args:
        folder: see :func:`classifiers.bundle.read_bundle`.
        threads: posts scored at the same time, >= 1.

    Raises:
        ModelError: the bundle is not whole, or does not fit its own manifest.
    """
    return NgramModel(read_bundle(folder), threads=threads)
