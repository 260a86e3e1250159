"""A bundle as its users see it: posts in, calibrated probabilities out."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from classifiers.ahead import ahead
from classifiers.bundle import Bundle, NgramPart, TransformerPart, read_bundle
from classifiers.cache import Answer, ScoreCache
from classifiers.cascade import FirstStage
from classifiers.ngram_model import NgramModel
from classifiers.rendering import content, input_digest
from classifiers.traffic import Traffic
from classifiers.transformer_model import TransformerModel
from classifiers.windows import coverage
from labels.errors import ModelError, ScoringError
from labels.operating import Operating
from labels.records import Post
from labels.results import HeadScores, ScoringStage, Version
from labels.taxonomy import MACHINE_WRITTEN

#: fewer characters of title and text do not tell who wrote them
MIN_ORIGIN_CHARS = 100
#: posts that each thread is given at a time: one it reads, one that waits
_AHEAD = 2


class Reader(Protocol):
    """One part of a bundle."""

    def read(self, post: Post) -> npt.NDArray[np.float32]:
        """Log-odds of shape (windows, heads), for the bundle's windows over the content.

        Raises:
            ScoringError: the runtime failed.
        """
        ...


#: one number, or shape (heads,)
Weights = float | npt.NDArray[np.float64]
#: log-odds by window that a reader gave of the post at hand
Known = Mapping[Reader, npt.NDArray[np.float32]]
_NOTHING: Known = MappingProxyType({})


class Blend:
    """The weighted sum of readers' log-odds over the same windows; the worst window counts."""

    def __init__(self, parts: Sequence[tuple[Weights, Reader]]) -> None:
        """``parts``: readers, each with one weight for all heads or with one a head."""
        self._parts = parts

    def read(self, post: Post) -> npt.NDArray[np.float64]:
        """Log-odds of shape (heads,); raises ``ScoringError`` if the runtime failed."""
        return np.asarray(self.by_window(post).max(axis=0))

    def by_window(self, post: Post) -> npt.NDArray[np.float64]:
        """Log-odds of shape (windows, heads); raises ``ScoringError`` if the runtime failed."""
        return self.sum(self.apart(post))

    def apart(self, post: Post, known: Known = _NOTHING) -> list[npt.NDArray[np.float32]]:
        """Each reader's own log-odds of shape (windows, heads).

        Args:
            post: to be read.
            known: what some of the readers said of it already.

        Raises:
            ScoringError: the runtime failed.
        """
        return [
            known[reader] if reader in known else reader.read(post) for _, reader in self._parts
        ]

    def sum(self, apart: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float64]:
        """What :meth:`apart` found, weighted and summed."""
        rows = [weight * each for (weight, _), each in zip(self._parts, apart, strict=True)]
        return np.asarray(np.sum(rows, axis=0), dtype=np.float64)


class Scorer:
    """A loaded bundle: its parts' log-odds, blended, and calibrated head by head."""

    def __init__(
        self,
        bundle: Bundle,
        *,
        threads: int,
        cascade: bool = False,
        cache: ScoreCache | None = None,
    ) -> None:
        """Load a checked bundle; see :func:`load_scorer`.

        Raises:
            ModelError: a part does not fit the manifest, or there is no cascade to use.
        """
        manifest = bundle.manifest
        self.version: Version = bundle.version
        #: the model that training began from
        self.parent: Version | None = manifest.lineage.parent if manifest.lineage else None
        self.operating: Mapping[str, Operating] = manifest.operating
        self._heads = manifest.heads
        self._windows = manifest.windows
        self._traffic = Traffic(threads)
        parts = [
            (part.weights(self._heads), load_reader(bundle, part, self._traffic))
            for part in manifest.parts
        ]
        self._blend = Blend(parts)
        self._first = _first_stage(bundle, parts) if cascade else None
        self._slopes = np.array([c.slope for c in manifest.calibration])
        self._offsets = np.array([c.offset for c in manifest.calibration])
        self._middles = np.array(manifest.origin_middles)
        self._cache = cache
        self._key = bytes.fromhex(bundle.sha256) + bytes([cascade])
        self._most = _AHEAD * threads
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="score")

    @property
    def cascade(self) -> bool:
        """Whether a first stage clears posts in :meth:`score`."""
        return self._first is not None

    def score(self, posts: Sequence[Post]) -> list[HeadScores]:
        """One result a post, in order.

        A post's scores depend on nothing but the post and the model: neither its neighbours nor
        the number of threads changes a bit of them.

        Raises:
            ScoringError: the runtime failed; no partial result is returned.
        """
        with self._traffic.of(len(posts)):
            if self._cache is None:
                answers = list(ahead(self._pool, self._answer, posts, self._most))
            else:
                answers = self._remembered(self._cache, posts)
        return [self._told(post, answer) for post, answer in zip(posts, answers, strict=True)]

    def log_odds(
        self, posts: Sequence[Post], heads: Sequence[str], *, in_turn: bool = False
    ) -> npt.NDArray[np.float64]:
        """Shape (posts, heads): what the probabilities are made of, calibrated.

        Args:
            posts: to be read.
            heads: names among the model's.
            in_turn: one post at a time, which leaves the other threads to others.

        Raises:
            ScoringError: the runtime failed.
        """
        columns = [self._heads.index(head) for head in heads]
        most = 1 if in_turn else self._most
        raw = np.array(list(ahead(self._pool, self._read, posts, most)))
        return np.asarray((raw * self._slopes + self._offsets)[:, columns])

    def deciding_windows(self, post: Post, heads: Sequence[str]) -> list[tuple[int, int]]:
        """For each head the span of title and text whose score is the post's.

        Raises:
            ScoringError: the runtime failed.
        """
        spans = self._windows.over(content(post))
        highest = self._blend.by_window(post).argmax(axis=0)
        return [spans[highest[self._heads.index(head)]] for head in heads]

    def _read(self, post: Post) -> npt.NDArray[np.float64]:
        with _naming(post):
            return self._blend.read(post)

    def _remembered(self, cache: ScoreCache, posts: Sequence[Post]) -> list[Answer]:
        """Answers in order: those in the cache, and those that are found and kept there."""
        keys = [self._key + input_digest(post) for post in posts]
        answers = [cache.get(key) for key in keys]
        missing = (post for post, answer in zip(posts, answers, strict=True) if answer is None)
        fresh = ahead(self._pool, self._answer, missing, self._most)
        found = []
        for key, answer in zip(keys, answers, strict=True):
            if answer is None:
                answer = next(fresh)  # noqa: PLW2901
                cache.put(key, answer)
            found.append(answer)
        return found

    def _answer(self, post: Post) -> Answer:
        known = _NOTHING
        with _naming(post):
            if self._first:
                rows = self._first.part.read(post)
                look = self._first.look(rows)
                if look.cleared:
                    return Answer(look.expected, ScoringStage.FIRST)
                known = {self._first.part: rows}
            apart = self._blend.apart(post, known)
        found = probabilities(self._blend.sum(apart).max(axis=0), self._slopes, self._offsets)
        if self._contradictory(apart):
            found[self._heads.index(MACHINE_WRITTEN)] = np.nan
        return Answer(found, ScoringStage.FULL)

    def _contradictory(self, apart: Sequence[npt.NDArray[np.float32]]) -> bool:
        """Whether one part says that a machine wrote it, and another that a person did.

        Parts that disagree know no such text (Lakshminarayanan et al. 2017, *Simple and Scalable
        Predictive Uncertainty Estimation using Deep Ensembles*).
        """
        if not self._middles.size:
            return False
        column = self._heads.index(MACHINE_WRITTEN)
        says = np.array([rows[:, column].max() for rows in apart]) > self._middles
        return bool(says.any() and not says.all())

    def _told(self, post: Post, answer: Answer) -> HeadScores:
        found, stage = answer
        heads = dict(zip(self._heads, found.tolist(), strict=True))
        machine_written = heads.pop(MACHINE_WRITTEN, None)
        text = content(post)
        if len(text) < MIN_ORIGIN_CHARS or np.isnan(machine_written or 0.0):
            machine_written = None
        read = coverage(len(text), self._windows.over(text))
        return HeadScores(heads, machine_written, read, stage)


@contextmanager
def _naming(post: Post) -> Iterator[None]:
    """A failure within says which post it was."""
    try:
        yield
    except ScoringError as error:
        raise ScoringError(f"post {post.data_id!r}: {error}") from error


def probabilities(
    logits: npt.NDArray[np.float64],
    slopes: npt.NDArray[np.float64],
    offsets: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Log-odds, whose last axis is the heads, calibrated head by head (Platt 1999)."""
    return np.asarray(1 / (1 + np.exp(-(logits * slopes + offsets))))


def load_reader(
    bundle: Bundle, part: NgramPart | TransformerPart, traffic: Traffic | None = None
) -> Reader:
    """One part of a checked bundle, ready to be called from several threads.

    Args:
        bundle: checked.
        part: of its manifest.
        traffic: counts what is scored, where a lone post may take several threads.

    Raises:
        ModelError: it does not fit the manifest.
    """
    windows, heads = bundle.manifest.windows, len(bundle.manifest.heads)
    if isinstance(part, NgramPart):
        return NgramModel(bundle.folder, windows, heads)
    return TransformerModel(bundle.folder, part, windows, heads, traffic or Traffic(1))


def load_scorer(
    folder: Path, *, threads: int, cascade: bool = False, cache: ScoreCache | None = None
) -> Scorer:
    """The model in a bundle folder, checked and ready.

    Args:
        folder: see :func:`classifiers.bundle.read_bundle`.
        threads: posts scored at the same time, >= 1; a post that is alone takes all of them.
        cascade: let the first stage answer for plainly ordinary posts.
        cache: where answers are looked for and kept; None finds every answer anew.

    Raises:
        ModelError: the bundle is not whole, does not fit its own manifest, or has no cascade.
    """
    return Scorer(read_bundle(folder), threads=threads, cascade=cascade, cache=cache)


def _first_stage(bundle: Bundle, parts: Sequence[tuple[Weights, Reader]]) -> FirstStage:
    part = next((reader for _, reader in parts if isinstance(reader, NgramModel)), None)
    if part is None:
        raise ModelError(f"{bundle.folder}: no cascade without an n-gram part")
    return FirstStage(bundle, part)
