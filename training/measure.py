"""What an exported model does on rows that it did not learn from, and what that calibrates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifiers.scorer import Blend
from labels.errors import ModelError
from labels.records import LabelledPost, Post
from labels.taxonomy import taxonomy
from training.evaluate import (
    Calibrations,
    calibrate,
    calibrated,
    metrics,
    ranking,
    threshold_table,
)
from training.lessons import Lessons
from training.ngram import Floats, stripped, targets

#: a head's average precision may move by this much in the export to 8 bits
MAX_EXPORT_LOSS = 0.005
#: with fewer held-out positives two rows that swap places move a head by more than that
MIN_POSITIVES = 50


@dataclass(frozen=True, slots=True)
class Candidate:
    """A model as exported, and what it is measured beside.

    ``exact`` is the same before the export, ``transformer`` that without its expert, and
    ``baseline`` the log-odds of the expert alone.
    """

    heads: tuple[str, ...]
    exported: Blend
    exact: Blend
    transformer: Blend
    baseline: Callable[[Sequence[Post]], Floats]


def figures(
    candidate: Candidate, corpus: Lessons, public: Lessons | None
) -> tuple[dict[str, Any], Calibrations]:
    """Figures by split, and a calibration of every head, on held-out rows.

    Args:
        candidate: learned from none of the rows.
        corpus: held-out rows of the labelled corpus.
        public: held-out rows of public sets, None if they were not learned from.

    Raises:
        ModelError: the export to 8 bits costs a head more than ``MAX_EXPORT_LOSS``.
    """
    rows = [post for post in corpus.posts if isinstance(post, LabelledPost)]
    whole = _log_odds(candidate.exported, rows)
    found: dict[str, Any] = {
        "held_out_groups": metrics(rows, whole),
        "held_out_groups_stripped": metrics(
            rows, _log_odds(candidate.exported, [stripped(post) for post in rows])
        ),
        "held_out_groups_transformer": metrics(rows, _log_odds(candidate.transformer, rows)),
        "held_out_groups_ngram": metrics(rows, candidate.baseline(rows)),
        "export_loss": _export_loss(rows, _log_odds(candidate.exact, rows), whole),
    }
    scores, labels = [whole], [corpus.labels_of(candidate.heads)]
    if public:
        scores.append(_log_odds(candidate.exported, public.posts))
        labels.append(public.labels_of(candidate.heads))
        alone = candidate.baseline(public.posts)
        found["public_groups"] = ranking(scores[-1], labels[-1], candidate.heads)
        found["public_groups_ngram"] = ranking(alone, labels[-1], candidate.heads)
    calibrations = calibrate(np.vstack(scores), np.vstack(labels))
    marks = targets(rows, candidate.heads)
    found["thresholds"] = threshold_table(calibrated(whole, calibrations), marks)
    return found, calibrations


def _log_odds(blend: Blend, rows: Sequence[Post]) -> Floats:
    """Shape (posts, heads)."""
    return np.array([blend.read(post) for post in rows])


def _export_loss(rows: Sequence[LabelledPost], exact: Floats, exported: Floats) -> dict[str, float]:
    """Average precision lost by each head in the export to 8 bits.

    Raises:
        ModelError: a head with ``MIN_POSITIVES`` or more lost more than ``MAX_EXPORT_LOSS``.
    """
    before = metrics(rows, exact)["average_precision"]
    after = metrics(rows, exported)["average_precision"]
    lost = {head: round(before[head] - after[head], 4) for head in before}
    counts = dict(zip(taxonomy().heads, targets(rows).sum(axis=0).tolist(), strict=True))
    worse = {
        head: loss
        for head, loss in lost.items()
        if loss > MAX_EXPORT_LOSS and counts[head] >= MIN_POSITIVES
    }
    if worse:
        raise ModelError(f"the export to 8 bits costs average precision: {worse}")
    return lost
