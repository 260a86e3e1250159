"""How much more rows would help: the learning curve of the linear baseline."""

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import average_precision_score

from labels.records import LabelledPost
from labels.taxonomy import Category
from training.config import NgramConfig
from training.evaluate import grouped_folds
from training.ngram import fit, logits, targets

SHARES = (0.125, 0.25, 0.5, 1.0)


def learning_curve(
    posts: Sequence[LabelledPost],
    groups: Sequence[str],
    writers: Sequence[str],
    config: NgramConfig,
    *,
    jobs: int,
) -> list[dict[str, float]]:
    """Macro average precision over the categories on unseen writers, by share of the rows.

    Rows are left out by whole pair groups, drawn with the configuration's seed, so a smaller
    share keeps the mixture of writers. The mean number of rows learned from stands beside it.
    """
    return [_point(posts, groups, writers, config, share=share, jobs=jobs) for share in SHARES]


def _point(
    posts: Sequence[LabelledPost],
    groups: Sequence[str],
    writers: Sequence[str],
    config: NgramConfig,
    *,
    share: float,
    jobs: int,
) -> dict[str, float]:
    categories = tuple(Category)
    scores = np.zeros((len(posts), len(categories)))
    learned = []
    random = np.random.default_rng(config.seed)
    for train, test in grouped_folds(writers, config.folds, config.seed):
        kept = _thinned([groups[i] for i in train], share, random)
        rows = [posts[i] for i, keep in zip(train, kept, strict=True) if keep]
        labels = targets(rows, categories).astype(np.float64)
        model = fit(rows, labels, config, jobs=jobs)
        scores[test] = logits(model, [posts[i] for i in test], config)
        learned.append(len(rows))
    marks = targets(posts, categories)
    precision = [average_precision_score(marks[:, c], scores[:, c]) for c in range(len(categories))]
    return {
        "rows": round(float(np.mean(learned))),
        "macro_average_precision": round(float(np.mean(precision)), 4),
    }


def _thinned(groups: Sequence[str], share: float, random: np.random.Generator) -> list[bool]:
    names = sorted(set(groups))
    kept = set(random.permutation(names)[: round(len(names) * share)])
    return [group in kept for group in groups]
