"""What every threshold of a head does on held-out rows: the table that policies look up."""

from collections.abc import Mapping, Sequence

import numpy as np

from labels.operating import Operating, OperatingPoint
from labels.taxonomy import MACHINE_WRITTEN, Category
from training.ngram import Floats

#: log-odds of the thresholds, so close that a policy gets about the rate that it asks for
_GRID = np.linspace(-8.0, 8.0, 321)
#: a genre with fewer negatives does not tell a share
MIN_GENRE_ROWS = 100


def operating_table(
    probabilities: Floats, labels: Floats, genres: Sequence[str], heads: Sequence[str]
) -> dict[str, Operating]:
    """By head: every category, and ``machine_written`` if the model has it.

    Args:
        probabilities: calibrated, of rows the model did not learn from, shape (rows, heads).
        labels: the same shape, 1 or 0, NaN where unknown; each head needs one of both.
        genres: of each row.
        heads: in order.
    """
    asked = [head for head in heads if head in (*Category, MACHINE_WRITTEN)]
    return {
        head: _curve(probabilities[:, place], labels[:, place], np.array(genres))
        for head in asked
        for place in [heads.index(head)]
    }


def _flagged_by_genre(flagged: Floats, genres: Sequence[str]) -> Mapping[str, float]:
    """Share of flagged rows in each genre with ``MIN_GENRE_ROWS`` or more.

    Args:
        flagged: shape (rows,), 1 or 0.
        genres: of each row.
    """
    names = np.array(genres)
    found = {}
    for genre in sorted(set(genres)):
        mine = flagged[names == genre]
        if len(mine) >= MIN_GENRE_ROWS:
            found[genre] = float(mine.mean())
    return found


def _curve(score: Floats, held: Floats, genres: np.ndarray) -> Operating:
    positive, negative = score[held == 1], score[held == 0]
    known = genres[held == 0].tolist()
    points = []
    for at in 1 / (1 + np.exp(-_GRID)):
        flagged = (negative >= at).astype(np.float64)
        points.append(
            OperatingPoint(
                threshold=round(float(at), 6),
                recall=round(float((positive >= at).mean()), 4),
                fpr=round((float(flagged.sum()) + 1) / (len(flagged) + 1), 6),
                worst_genre_fpr=round(
                    max(_flagged_by_genre(flagged, known).values(), default=1.0), 4
                ),
            )
        )
    return Operating(rate=len(positive) / (len(positive) + len(negative)), points=tuple(points))
