"""Whether probabilities mean what they say, and what each level of a policy does."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from labels.operating import Operating
from policy.statistics import moved, shift
from training.lessons import HEADS
from training.ngram import Floats
from training.release.scored import CATEGORIES, Model, Scored

_BINS = 10


def calibration(model: Model, measured: Sequence[Scored]) -> dict[str, Any]:
    """Reliability of each category at the population's rate, rows weighted to that rate."""
    found = {}
    for category in CATEGORIES:
        column = HEADS.index(category)
        labels = np.concatenate([each.rows.labels[:, column] for each in measured])
        scores = np.concatenate([each.scores[:, column] for each in measured])
        known = ~np.isnan(labels)
        rate = getattr(model.policy.pack.population_rate, category)
        found[category.value] = {
            "rate": rate,
            **_reliability(model.policy.shifts[category], scores[known], labels[known], rate),
        }
    return found


def _reliability(by: float, scores: Floats, labels: Floats, rate: float) -> dict[str, Any]:
    predicted = np.array([moved(score, by) for score in scores])
    seen = labels.mean()
    weights = np.where(labels == 1, rate / seen, (1 - rate) / (1 - seen))
    bins = np.minimum((predicted * _BINS).astype(int), _BINS - 1)
    curve, error = [], 0.0
    for place in range(_BINS):
        mine = bins == place
        if not mine.any():
            continue
        weight = weights[mine]
        said = float(np.average(predicted[mine], weights=weight))
        was = float(np.average(labels[mine], weights=weight))
        error += float(weight.sum() / weights.sum()) * abs(said - was)
        curve.append({"said": round(said, 4), "was": round(was, 4), "rows": int(mine.sum())})
    return {"expected_error": round(error, 4), "curve": curve}


def thresholds(model: Model) -> dict[str, Any]:
    """What each level of the policy does; reviews in 1,000 posts at the population's rates."""
    policy, found, to_review = model.policy, {}, 0.0
    for category in CATEGORIES:
        table = model.scorer.operating[category]
        rate = getattr(policy.pack.population_rate, category)
        levels = {}
        for name, asked in getattr(policy.pack.categories, category):
            at = getattr(policy.levels[category], name)
            levels[name] = {"asked": asked, "threshold": at and round(at, 4)}
            if at is not None:
                point = _point(table, moved(at, shift(rate, table.rate)))
                levels[name] |= point
                if name == "review":
                    to_review += rate * point["recall"] + (1 - rate) * point["fpr"]
        found[category.value] = {"rate": rate, "levels": levels}
    return {
        "categories": found,
        "machine_written": policy.machine_prompt,
        "off": list(policy.warnings),
        "reviews_per_1000_posts_at_most": round(1000 * to_review, 1),
    }


def _point(table: Operating, at: float) -> dict[str, float]:
    """The point whose threshold is nearest."""
    point = min(table.points, key=lambda each: abs(each.threshold - at))
    return {"recall": point.recall, "fpr": point.fpr, "worst_genre_fpr": point.worst_genre_fpr}
