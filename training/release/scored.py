"""Rows with what a model, its n-gram baseline and a policy say of them; figures over them."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.metrics import average_precision_score, roc_auc_score

from classifiers.bundle import Bundle, NgramPart
from classifiers.cascade import FirstStage
from classifiers.ngram_model import NgramModel
from classifiers.scorer import Scorer
from labels.reader import read_labels
from labels.records import Post
from labels.results import HeadScores, Suggestion
from labels.taxonomy import MACHINE_WRITTEN, Category, taxonomy
from policy.decide import Decision, decide
from policy.resolve import Policy
from training.lessons import HEADS, Lessons
from training.ngram import Floats

CATEGORIES = tuple(Category)
#: fewer known positives or negatives give no figure worth printing
MIN_KNOWN = 20
_RESAMPLES = 200
_SEED = 20250729
_INTERVAL = (2.5, 97.5)

Bools = npt.NDArray[np.bool_]
Metric = Callable[[Floats, Floats], float]


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded bundle under a policy; its n-gram part alone and its first stage, if it has them."""

    scorer: Scorer
    policy: Policy
    ngrams: NgramModel | None
    first: FirstStage | None
    heads: tuple[str, ...]

    @classmethod
    def load(cls, bundle: Bundle, scorer: Scorer, policy: Policy) -> "Model":
        """Join a bundle with its scorer and the policy that is resolved for it."""
        manifest, first = bundle.manifest, None
        if not any(isinstance(part, NgramPart) for part in manifest.parts):
            return cls(scorer, policy, None, None, manifest.heads)
        part = NgramModel(bundle.folder, manifest.windows, len(manifest.heads))
        if manifest.cascade:
            first = FirstStage(bundle, part)
        return cls(scorer, policy, part, first, manifest.heads)


@dataclass(frozen=True, slots=True)
class Scored:
    """Rows, scores of shape (rows, ``HEADS``) with NaN where there is no answer, decisions.

    ``baseline`` has the same shape, and is None where the model has no n-gram part. ``cleared``,
    shape (rows,), is what a first stage would clear, none without one.
    """

    rows: Lessons
    scores: Floats
    baseline: Floats | None
    decisions: tuple[Decision, ...]
    cleared: Bools

    @property
    def suggestions(self) -> npt.NDArray[np.str_]:
        """Shape (rows,)."""
        return np.array([decision.suggestion.value for decision in self.decisions])

    @property
    def wrong(self) -> Bools:
        """Whether a category is known to hold, shape (rows,)."""
        columns = [HEADS.index(category) for category in CATEGORIES]
        found: Bools = (self.rows.labels[:, columns] == 1).any(axis=1)
        return found

    @property
    def protected(self) -> Bools:
        """Whether a protected class is known to hold, shape (rows,)."""
        columns = [HEADS.index(code) for code in taxonomy().protected]
        found: Bools = (self.rows.labels[:, columns] == 1).any(axis=1)
        return found

    def at(self, places: Iterable[int]) -> "Scored":
        """The rows at these places."""
        places = list(places)
        return Scored(
            self.rows.at(places),
            self.scores[places],
            None if self.baseline is None else self.baseline[places],
            tuple(self.decisions[place] for place in places),
            self.cleared[places],
        )

    def __add__(self, other: "Scored") -> "Scored":
        """Both, one after the other; of the same model."""
        both = None
        if self.baseline is not None and other.baseline is not None:
            both = np.vstack([self.baseline, other.baseline])
        return Scored(
            self.rows + other.rows,
            np.vstack([self.scores, other.scores]),
            both,
            (*self.decisions, *other.decisions),
            np.append(self.cleared, other.cleared),
        )


def score(model: Model, rows: Lessons) -> Scored:
    """Score rows; raises ``ScoringError`` if the model fails."""
    found = model.scorer.score(rows.posts)
    decisions = [
        decide(each, read_labels(post), model.policy)
        for post, each in zip(rows.posts, found, strict=True)
    ]
    baseline, cleared = by_ngrams(model, rows.posts)
    return Scored(
        rows, np.array([_by_head(each) for each in found]), baseline, tuple(decisions), cleared
    )


def by_ngrams(model: Model, posts: Sequence[Post]) -> tuple[Floats | None, Bools]:
    """What the n-gram part says by itself, and which posts the first stage clears on that.

    Returns:
        Log-odds of shape (posts, ``HEADS``), None without the part; shape (posts,), nothing
        cleared without a first stage.
    """
    cleared = np.zeros(len(posts), dtype=bool)
    if model.ngrams is None:
        return None, cleared
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        read = list(pool.map(model.ngrams.read, posts))
    said = np.full((len(posts), len(HEADS)), np.nan)
    said[:, [HEADS.index(head) for head in model.heads]] = [rows.max(axis=0) for rows in read]
    if model.first:
        cleared[:] = [model.first.look(rows).cleared for rows in read]
    return said, cleared


def suggestions(model: Model, posts: Sequence[Post]) -> list[str]:
    """What is suggested for each post; raises ``ScoringError`` if the model fails."""
    found = model.scorer.score(posts)
    return [
        decide(each, read_labels(post), model.policy).suggestion.value
        for post, each in zip(posts, found, strict=True)
    ]


def head_figures(scored: Scored) -> dict[str, dict[str, Any]]:
    """By head: AUC and average precision with 95 % intervals, the n-gram baseline beside each.

    Intervals are of groups drawn again with replacement. Rows on which the model abstains are
    counted and left out.
    """
    found = {}
    for column, head in enumerate(HEADS):
        labels, scores = scored.rows.labels[:, column], scored.scores[:, column]
        known = ~np.isnan(labels)
        answered = known & ~np.isnan(scores)
        held = labels[answered]
        if min((held == 1).sum(), (held == 0).sum()) < MIN_KNOWN:
            continue
        groups = np.unique(np.array(scored.rows.groups)[answered], return_inverse=True)[1]
        found[head] = {
            "rows": int(known.sum()),
            "positives": int((labels == 1).sum()),
            "abstained": round(1 - float(answered.sum() / known.sum()), 4),
            "auc": _with_interval(roc_auc_score, held, scores[answered], groups),
            "average_precision": _with_interval(
                average_precision_score, held, scores[answered], groups
            ),
        }
        if scored.baseline is not None:
            alone = scored.baseline[answered, column]
            found[head]["ngram_auc"] = _rounded(roc_auc_score(held, alone))
            found[head]["ngram_average_precision"] = _rounded(average_precision_score(held, alone))
    return found


def shares(scored: Scored) -> dict[str, Any]:
    """Rows, and the share of them that each suggestion is made of."""
    made = scored.suggestions
    return {"rows": len(made)} | {
        each.value: _rounded(np.mean(made == each.value)) for each in Suggestion if len(made)
    }


def _by_head(found: HeadScores) -> list[float]:
    machine = np.nan if found.machine_written is None else found.machine_written
    return [found.heads.get(head, machine if head == MACHINE_WRITTEN else np.nan) for head in HEADS]


def _with_interval(
    metric: Metric, held: Floats, scores: Floats, groups: npt.NDArray[np.int64]
) -> list[float]:
    """The figure, and the bounds of its 95 % interval."""
    drawn = [
        metric(held[places], scores[places])
        for places in drawn_again(groups)
        if len(set(held[places].tolist())) > 1
    ]
    bounds = np.percentile(drawn, _INTERVAL) if drawn else (np.nan, np.nan)
    return [_rounded(metric(held, scores)), *(_rounded(bound) for bound in bounds)]


def drawn_again(
    groups: npt.NDArray[np.int64], times: int = _RESAMPLES
) -> Iterator[npt.NDArray[np.int64]]:
    """Places of rows, so often as intervals need: as many groups, drawn with replacement.

    Source: Efron and Tibshirani 1993, *An Introduction to the Bootstrap*.

    Args:
        groups: shape (rows,), numbered from 0 without gaps.
        times: how often they are drawn, >= 1.
    """
    rng = np.random.default_rng(_SEED)
    order = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[order], np.arange(groups.max() + 2))
    for _ in range(times):
        chosen = rng.integers(0, len(starts) - 1, len(starts) - 1)
        yield np.concatenate([order[starts[g] : starts[g + 1]] for g in chosen])


def _rounded(value: Any) -> float:
    return round(float(value), 4)
