"""Posts as points, so that a drift of what is written can be seen.

The shipped transformer exports log-odds and no state of its own, so a point is made of the words
alone: character n-grams (those of the n-gram model) hashed with signs into 128 numbers, which is
a fixed sparse random projection that keeps angles on average (Weinberger et al. 2009). It sees
topics and wording, not meaning.
"""

import numpy as np
import numpy.typing as npt

from classifiers.ngram import text_bag
from labels.records import Post

DIMENSIONS = 128
_SIGN = np.uint64(1 << 20)


def embedding(post: Post) -> npt.NDArray[np.float32]:
    """Shape (128,), of unit length: title and text."""
    bag = text_bag(post.title or "", post.text or "")
    places = (bag.keys % np.uint64(DIMENSIONS)).astype(np.int64)
    signs = np.where(bag.keys & _SIGN, 1.0, -1.0)
    point = np.bincount(places, np.log1p(bag.counts) * signs, DIMENSIONS)
    length = np.linalg.norm(point)
    return (point / length if length else point).astype(np.float32)
