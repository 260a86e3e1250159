"""Texts that are copies of one another, or of what models are measured on."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import HashingVectorizer

from classifiers.rendering import content
from labels.disguise import fold
from labels.records import Post

#: cosine of two texts' pieces from which on one is a copy of the other; two texts of 100
#: characters that share two thirds of a passage lie near it
SAME_TEXT = 0.6
_PIECE = (4, 4)
_BATCH = 512

_PIECES = HashingVectorizer(
    analyzer="char", ngram_range=_PIECE, n_features=2**20, binary=True, alternate_sign=False
)


def stories(posts: Sequence[Post]) -> npt.NDArray[np.int64]:
    """A number for each post, the same for copies and copies of copies; shape (posts,)."""
    if not posts:
        return np.zeros(0, dtype=np.int64)
    pieces = _pieces(posts)
    near = sp.vstack([rows >= SAME_TEXT for _, rows in _products(pieces, pieces)])
    return np.asarray(connected_components(near, directed=False)[1], dtype=np.int64)


def copied(posts: Sequence[Post], others: Sequence[Post]) -> npt.NDArray[np.int64]:
    """For each post the place of the post among ``others`` that it copies, or -1."""
    found = np.full(len(posts), -1, dtype=np.int64)
    if not posts or not others:
        return found
    for start, rows in _products(_pieces(posts), _pieces(others)):
        nearest = np.asarray(rows.argmax(axis=1)).ravel()
        reached = np.asarray(rows.max(axis=1).todense()).ravel() >= SAME_TEXT
        found[start : start + len(nearest)] = np.where(reached, nearest, -1)
    return found


def _pieces(posts: Sequence[Post]) -> sp.csr_matrix:
    return _PIECES.transform([fold(content(post)) for post in posts])


def _products(left: sp.csr_matrix, right: sp.csr_matrix) -> Iterator[tuple[int, sp.csr_matrix]]:
    """Cosines of some rows of the left with all of the right, batch by batch."""
    turned = right.T.tocsr()
    for start in range(0, left.shape[0], _BATCH):
        yield start, left[start : start + _BATCH] @ turned
