"""Runtime of the linear n-gram model: hashed features in, log-odds out."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from classifiers.ngram import GROUPS, Bag, Keys, face_bag, facts_bag, look_up, text_bag
from classifiers.rendering import content, text_span
from classifiers.session import Feed, Session
from classifiers.windows import Windows
from labels.records import Post

VOCABULARY = "ngram_vocabulary.npz"
GRAPH = "ngram.onnx"


class NgramModel:
    """A :class:`classifiers.scorer.Reader` over hashed character n-grams.

    The graph takes, for each group of features, ``<group>_ids`` (int64) and ``<group>_counts``
    (float32), both of shape (windows, length) and padded with the row past the vocabulary,
    which weighs nothing. Only windows of one post share a run.
    """

    def __init__(self, folder: Path, windows: Windows, heads: int) -> None:
        """Load the part of a checked bundle; raises ``ModelError`` if it does not fit."""
        self._windows = windows
        with np.load(folder / VOCABULARY, allow_pickle=False) as arrays:
            self._vocabulary: dict[str, Keys] = {group: arrays[group] for group in GROUPS}
        self._session = Session(folder / GRAPH, heads)

    def read(self, post: Post) -> npt.NDArray[np.float32]:
        """Log-odds of shape (windows, heads)."""
        return self._session.run(self._feed(post))

    def _feed(self, post: Post) -> Feed:
        bags = {
            "text": [text_bag(post.title or "", text) for text in self._texts(post)],
            "face": [face_bag(post)],
            "facts": [facts_bag(post)],
        }
        feed: Feed = {}
        for group, group_bags in bags.items():
            ids, counts = _padded(group_bags, self._vocabulary[group])
            feed[f"{group}_ids"], feed[f"{group}_counts"] = ids, counts
        return feed

    def _texts(self, post: Post) -> Iterator[str]:
        """What each window of the content holds of the text."""
        for window in self._windows.over(content(post)):
            yield (post.text or "")[slice(*text_span(post, window))]


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
