"""Whether a head ranks worse than the champion's, beyond what chance explains."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score

from training.lessons import HEADS
from training.ngram import Floats
from training.release.scored import MIN_KNOWN, Scored, drawn_again


@dataclass(frozen=True, slots=True)
class Difference:
    """A head on one split: average precision before and after, and how likely chance made it.

    ``p`` is one-sided: the chance of a fall as large where nothing changed.
    """

    split: str
    head: str
    before: float
    after: float
    p: float


def differences(
    before: Mapping[str, Scored], after: Mapping[str, Scored], min_positives: int
) -> list[Difference]:
    """Each head with enough positives on each split, the same rows scored by both models.

    The standard error is that of the paired difference over groups of rows drawn again with
    replacement (Efron and Tibshirani 1993, chapter 6), the p-value that of the normal law.
    """
    found = []
    for split, old in before.items():
        new = after[split]
        for column, head in enumerate(HEADS):
            labels = old.rows.labels[:, column]
            scores = np.stack([old.scores[:, column], new.scores[:, column]])
            known = ~np.isnan(labels) & ~np.isnan(scores).any(axis=0)
            held = labels[known]
            if (held == 1).sum() < min_positives or (held == 0).sum() < MIN_KNOWN:
                continue
            groups = np.unique(np.array(old.rows.groups)[known], return_inverse=True)[1]
            found.append(_difference(split, head, held, scores[:, known], groups))
    return found


def worse(found: Sequence[Difference], significance: float) -> list[Difference]:
    """Heads that fell, after Holm's correction (Holm 1979), the surest first."""
    ordered = sorted(found, key=lambda each: each.p)
    fallen = []
    for place, each in enumerate(ordered):
        if each.p > significance / (len(ordered) - place):
            break
        fallen.append(each)
    return fallen


def _difference(
    split: str, head: str, held: Floats, scores: Floats, groups: npt.NDArray[np.int64]
) -> Difference:
    before, after = (float(average_precision_score(held, mine)) for mine in scores)
    drawn = []
    for places in drawn_again(groups):
        if held[places].any():
            old, new = (average_precision_score(held[places], mine[places]) for mine in scores)
            drawn.append(new - old)
    error = float(np.std(drawn))
    fell = after - before
    p = NormalDist().cdf(fell / error) if error else float(fell >= 0)
    return Difference(split, head, round(before, 4), round(after, 4), p)
