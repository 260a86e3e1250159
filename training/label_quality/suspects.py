"""Labels that are likely wrong, by confident learning (Northcutt, Jiang and Chuang 2021).

A label is suspected where a model that did not learn from it is surer of the opposite than it is,
on average, of rows that are labelled so.
"""

from dataclasses import dataclass

import numpy as np

from labels.taxonomy import Category
from training.config import NgramConfig
from training.evaluate import calibrate, calibrated, grouped_folds
from training.lessons import Lessons
from training.ngram import Floats, fit, logits


@dataclass(frozen=True, slots=True)
class Suspect:
    """A row whose label of a category is doubted; ``margin`` is how far beyond the bar it is."""

    row: int
    category: Category
    labelled: bool
    probability: float
    margin: float


def suspects(lessons: Lessons, config: NgramConfig, *, jobs: int) -> list[Suspect]:
    """The rows whose labels are suspected, the surest first.

    Args:
        lessons: rows with both labels of every category.
        config: the n-gram model's, which is learned on all but a fold of groups at a time.
        jobs: heads learned at the same time.
    """
    labels = lessons.labels_of(tuple(Category))
    scores = _out_of_fold(lessons, labels, config, jobs)
    probabilities = calibrated(scores, calibrate(scores, labels))
    found = [
        suspect
        for column, category in enumerate(Category)
        for suspect in _of_category(category, probabilities[:, column], labels[:, column])
    ]
    return sorted(found, key=lambda suspect: (-suspect.margin, suspect.row))


def _of_category(category: Category, probability: Floats, labels: Floats) -> list[Suspect]:
    held, free = labels == 1, labels == 0
    bars = {True: float((1 - probability[free]).mean()), False: float(probability[held].mean())}
    found = []
    for row in np.flatnonzero(held | free):
        labelled = bool(held[row])
        opposite = 1 - probability[row] if labelled else probability[row]
        margin = float(opposite) - max(bars[labelled], 0.5)
        if margin > 0:
            found.append(
                Suspect(int(row), category, labelled, float(probability[row]), round(margin, 4))
            )
    return found


def _out_of_fold(lessons: Lessons, labels: Floats, config: NgramConfig, jobs: int) -> Floats:
    """Log-odds of shape (rows, categories) by models that did not learn from the row."""
    found = np.zeros_like(labels)
    for known, unseen in grouped_folds(lessons.groups, config.folds, config.seed):
        learned = lessons.at(known)
        model = fit(learned.posts, labels[known], config, jobs=jobs, trust=learned.trust)
        found[unseen] = logits(model, lessons.at(unseen).posts, config)
    return found
