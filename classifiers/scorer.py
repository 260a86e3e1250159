"""A bundle as its users see it: posts in, calibrated probabilities out."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from classifiers.bundle import Bundle, NgramPart, TransformerPart, read_bundle
from classifiers.ngram_model import NgramModel
from classifiers.transformer_model import TransformerModel
from labels.errors import ScoringError
from labels.records import Post
from labels.results import HeadScores, Version


class Reader(Protocol):
    """One part of a bundle."""

    def read(self, post: Post) -> tuple[npt.NDArray[np.float32], float]:
        """Log-odds of shape (heads,), and the share of the text that was read.

        Raises:
            ScoringError: the runtime failed.
        """
        ...


class Scorer:
    """A loaded bundle: the weighted sum of its parts' log-odds, calibrated head by head."""

    def __init__(self, bundle: Bundle, *, threads: int) -> None:
        """Load a checked bundle; raises ``ModelError`` if a part does not fit the manifest."""
        manifest = bundle.manifest
        self.version: Version = bundle.version
        self._heads = manifest.heads
        self._parts = [
            (part.weight, load_reader(bundle.folder, part, len(manifest.heads)))
            for part in manifest.parts
        ]
        self._slopes = np.array([c.slope for c in manifest.calibration])
        self._offsets = np.array([c.offset for c in manifest.calibration])
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="score")

    def score(self, posts: Sequence[Post]) -> list[HeadScores]:
        """One result a post, in order.

        A post's scores depend on nothing but the post and the model: neither its neighbours nor
        the number of threads changes a bit of them.

        Raises:
            ScoringError: the runtime failed; no partial result is returned.
        """
        return list(self._pool.map(self._score_one, posts))

    def _score_one(self, post: Post) -> HeadScores:
        try:
            readings = [(weight, reader.read(post)) for weight, reader in self._parts]
        except ScoringError as error:
            raise ScoringError(f"post {post.data_id!r}: {error}") from error
        logits = np.sum([weight * odds for weight, (odds, _) in readings], axis=0)
        coverage = min(share for _, (_, share) in readings)
        found = probabilities(logits, self._slopes, self._offsets)
        heads = {h: float(p) for h, p in zip(self._heads, found, strict=True)}
        machine_written = heads.pop("machine_written", None)
        return HeadScores(heads, machine_written, coverage)


def probabilities(
    logits: npt.NDArray[np.float64],
    slopes: npt.NDArray[np.float64],
    offsets: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Log-odds, whose last axis is the heads, calibrated head by head (Platt 1999)."""
    return np.asarray(1 / (1 + np.exp(-(logits * slopes + offsets))))


def load_reader(folder: Path, part: NgramPart | TransformerPart, heads: int) -> Reader:
    """One part of a checked bundle; raises ``ModelError`` if it does not fit the manifest."""
    if isinstance(part, NgramPart):
        return NgramModel(folder, part, heads)
    return TransformerModel(folder, part, heads)


def load_scorer(folder: Path, *, threads: int) -> Scorer:
    """The model in a bundle folder, checked and ready.

    Args:
        folder: see :func:`classifiers.bundle.read_bundle`.
        threads: posts scored at the same time, >= 1.

    Raises:
        ModelError: the bundle is not whole, or does not fit its own manifest.
    """
    return Scorer(read_bundle(folder), threads=threads)
