"""Labels with their gaps: data sets label different things, and unknown is never negative."""

from collections.abc import Sequence

import numpy as np

from labels.records import LabelledPost
from labels.taxonomy import taxonomy
from training.ngram import Bools, Floats, targets

#: every head a model may have: the taxonomy's, then whether a machine wrote the text
HEADS = (*taxonomy().heads, "machine_written")


def known_labels(posts: Sequence[LabelledPost]) -> Floats:
    """Shape (posts, ``HEADS``): 1 holds, 0 does not, NaN where nobody knows.

    Labelled posts say nothing of who wrote them: the corpus' rows have no human provenance, so
    ``machine_written`` is unknown in all of them.
    """
    unknown = np.full((len(posts), 1), np.nan)
    return np.hstack([targets(posts).astype(np.float64), unknown])


def learnable(labels: Floats) -> Bools:
    """Shape (``HEADS``,): which columns know both a positive and a negative.

    A model has no head for the others, so that it cannot answer what it never learned.
    """
    return np.asarray((labels == 1).any(axis=0) & (labels == 0).any(axis=0))
