"""How well scores rank, split by split; never on rows the model learned from."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.model_selection import GroupKFold

from classifiers.scorer import probabilities
from labels.dataset import contrast_pairs
from labels.records import LabelledPost
from labels.taxonomy import Category, taxonomy
from training.config import NgramConfig
from training.ngram import Floats, fit, logits, stripped, targets

Split = Iterator[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]
#: slope and offset of each head
Calibrations = tuple[Floats, Floats]


def grouped_folds(groups: Sequence[str], folds: int, seed: int) -> Split:
    """Folds that never part a group.

    Over the corpus' pair groups: same writers on both sides. Over its writers: each writer is
    scored by a model that never read that writer, the harder and more honest split.
    """
    folds = min(folds, len(set(groups)))
    order = np.arange(len(groups))
    yield from GroupKFold(folds, shuffle=True, random_state=seed).split(order, groups=groups)


def out_of_fold(
    posts: Sequence[LabelledPost], splits: Split, config: NgramConfig, *, jobs: int
) -> tuple[Floats, Floats]:
    """Log-odds of each post by a model that did not learn from it: whole, and stripped.

    Returns:
        Two arrays of shape (posts, heads).
    """
    whole = np.zeros((len(posts), len(taxonomy().heads)))
    bare = np.zeros_like(whole)
    for train, test in splits:
        learned = [posts[i] for i in train]
        model = fit(learned, targets(learned).astype(np.float64), config, jobs=jobs)
        unseen = [posts[i] for i in test]
        whole[test] = logits(model, unseen, config)
        bare[test] = logits(model, [stripped(post) for post in unseen], config)
    return whole, bare


def calibrate(scores: Floats, labels: Floats) -> Calibrations:
    """Slope and offset a head that turn out-of-fold log-odds into probabilities.

    Source: Platt 1999; fitted at the rows' own rates, so probabilities hold at those.

    Args:
        scores: shape (posts, heads).
        labels: the same shape, 1 or 0, NaN where unknown.
    """
    known = ~np.isnan(labels)
    fits = [
        LogisticRegression(C=1e6).fit(scores[known[:, h]][:, [h]], labels[known[:, h], h])
        for h in range(scores.shape[1])
    ]
    slopes = np.array([max(float(f.coef_[0, 0]), 1e-3) for f in fits])
    return slopes, np.array([float(f.intercept_[0]) for f in fits])


def calibrated(scores: Floats, calibration: Calibrations) -> Floats:
    """Probabilities from log-odds of shape (posts, heads)."""
    return probabilities(scores, *calibration)


def metrics(posts: Sequence[LabelledPost], scores: Floats) -> dict[str, Any]:
    """Average precision by head, AUC of 'anything wrong', and contrast pairs ranked right."""
    marks = targets(posts)
    heads = taxonomy().heads
    by_head = {
        head: _rounded(average_precision_score, marks[:, column], scores[:, column])
        for column, head in enumerate(heads)
        if marks[:, column].any()
    }
    highest = scores[:, : len(Category)].max(axis=1)
    wrong = np.array([bool(post.labels) for post in posts])
    return {
        "average_precision": by_head,
        "macro_average_precision": round(float(np.mean([by_head[c] for c in Category])), 4),
        "auc_anything_wrong": _rounded(roc_auc_score, wrong, highest),
        "pairs_ranked_right": _pairs_ranked_right(posts, scores),
    }


def ranking(scores: Floats, labels: Floats, heads: Sequence[str]) -> dict[str, dict[str, float]]:
    """AUC, average precision, rows and positives of each head that knows both labels.

    Args:
        scores: shape (posts, heads).
        labels: the same shape, 1 or 0, NaN where unknown.
        heads: their names.
    """
    found = {}
    for column, head in enumerate(heads):
        known = ~np.isnan(labels[:, column])
        held, odds = labels[known, column], scores[known, column]
        if len(set(held.tolist())) > 1:
            found[head] = {
                "rows": len(held),
                "positives": int(held.sum()),
                "auc": _rounded(roc_auc_score, held, odds),
                "average_precision": _rounded(average_precision_score, held, odds),
            }
    return found


def _rounded(metric: Callable[..., float], marks: Any, scores: Any) -> float:
    return round(float(metric(marks, scores)), 4)


def _pairs_ranked_right(posts: Sequence[LabelledPost], scores: Floats) -> float | None:
    """Share of pairs whose violating side scores higher, on the categories it violates.

    None if there is no pair.
    """
    column = {category: place for place, category in enumerate(Category)}
    won = []
    for pair in contrast_pairs(posts):
        clean, violating = sorted(pair, key=lambda row: bool(posts[row].labels))
        if posts[clean].labels or not posts[violating].labels:
            continue
        columns = [column[label] for label in posts[violating].labels]
        won.append(scores[violating, columns].max() > scores[clean, columns].max())
    return round(float(np.mean(won)), 4) if won else None
