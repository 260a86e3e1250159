"""Runtime of the linear n-gram model: hashed features in, calibrated probabilities out."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

from classifiers.bundle import Bundle
from classifiers.ngram import GROUPS, Bag, Keys, face_bag, facts_bag, look_up, text_bag
from classifiers.windows import windows
from labels.errors import ModelError, ScoringError
from labels.records import Post
from labels.results import HeadScores, Version

VOCABULARY = "vocabulary.npz"
GRAPH = "model.onnx"


class NgramModel:
    """A :class:`classifiers.scorer.Scorer` over one ONNX session.

    The graph takes, for each group of features, ``<group>_ids`` (int64) and ``<group>_counts``
    (float32), both of shape (windows, length) and padded with the row past the vocabulary,
    which weighs nothing. Only windows of one post share a run.
    """

    def __init__(self, bundle: Bundle, *, threads: int) -> None:
        """Load a checked bundle; raises ``ModelError`` if the graph does not fit the manifest."""
        self._manifest = bundle.manifest
        self.version: Version = bundle.version
        with np.load(bundle.folder / VOCABULARY, allow_pickle=False) as arrays:
            self._vocabulary: dict[str, Keys] = {group: arrays[group] for group in GROUPS}
        self._session = _session(bundle)
        self._pool = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="score")

    def score(self, posts: Sequence[Post]) -> list[HeadScores]:
        """One result a post, in order; see :class:`classifiers.scorer.Scorer`."""
        return list(self._pool.map(self._score_one, posts))

    def _score_one(self, post: Post) -> HeadScores:
        spans = windows(
            post.text or "",
            size=self._manifest.window_chars,
            overlap=self._manifest.overlap_chars,
        )
        feed = self._feed(post, spans)
        try:
            (rows,) = self._session.run(None, feed)
        except Exception as error:  # the runtime has no common error type
            raise ScoringError(f"post {post.data_id!r}: the model failed: {error}") from error
        heads = {h: float(p) for h, p in zip(self._manifest.heads, rows[0], strict=True)}
        machine_written = heads.pop("machine_written", None)
        return HeadScores(heads, machine_written, _coverage(post.text or "", spans))

    def _feed(
        self, post: Post, spans: Sequence[tuple[int, int]]
    ) -> dict[str, npt.NDArray[np.generic]]:
        title, text = post.title or "", post.text or ""
        bags = {
            "text": [text_bag(title, text[start:end]) for start, end in spans],
            "face": [face_bag(post)],
            "facts": [facts_bag(post)],
        }
        feed: dict[str, npt.NDArray[np.generic]] = {}
        for group, group_bags in bags.items():
            ids, counts = _padded(group_bags, self._vocabulary[group])
            feed[f"{group}_ids"], feed[f"{group}_counts"] = ids, counts
        return feed


def _session(bundle: Bundle) -> ort.InferenceSession:
    options = ort.SessionOptions()
    # one thread a post: a score must not depend on how a sum was split
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # failures are raised, and warnings concern the exporter
    path = bundle.folder / GRAPH
    try:
        session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the runtime has no common error type
        raise ModelError(f"{path}: cannot be loaded: {error}") from error
    width = session.get_outputs()[0].shape[-1]
    if width != len(bundle.manifest.heads):
        raise ModelError(
            f"{path}: {width} outputs, the manifest names {len(bundle.manifest.heads)} heads",
            remedy="export the model again",
        )
    return session


def _padded(
    bags: Sequence[Bag], vocabulary: Keys
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    known = [look_up(bag, vocabulary) for bag in bags]
    length = max(1, *(len(ids) for ids, _ in known))
    padded_ids = np.full((len(bags), length), len(vocabulary), dtype=np.int64)
    padded_counts = np.ones((len(bags), length), dtype=np.float32)
    for row, (ids, counts) in enumerate(known):
        padded_ids[row, : len(ids)] = ids
        padded_counts[row, : len(ids)] = counts
    return padded_ids, padded_counts


def _coverage(text: str, spans: Sequence[tuple[int, int]]) -> float:
    read = np.zeros(len(text), dtype=bool)
    for start, end in spans:
        read[start:end] = True
    return float(read.mean()) if text else 1.0
