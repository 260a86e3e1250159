"""Fits the first stage of a cascade to a bundle, with bounds that keep its risk.

The rows that the model did not learn from are parted by group: from some the first stage learns
what the whole model says, on some its bounds rest, and on the others it is measured.
"""

import hashlib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import Ridge

from classifiers.bundle import FIRST_STAGE, Bundle, Cascade, file_sha256, read_bundle
from classifiers.cascade import expected
from classifiers.ngram_model import NgramModel
from classifiers.rendering import content
from classifiers.scorer import Scorer
from labels.errors import ModelError
from labels.results import Suggestion
from labels.taxonomy import Category
from policy.decide import Decision
from policy.pack import PolicyPack
from policy.resolve import resolve
from training.bundle import write_manifest
from training.lessons import HEADS, Lessons
from training.ngram import Floats
from training.release.scored import CATEGORIES, Model, Scored, score

#: what a first stage may lose: a share of a category's posts that reach the level
RISKS: Mapping[Suggestion, float] = MappingProxyType(
    {Suggestion.PROMPT: 0.02, Suggestion.REVIEW: 0.01}
)
#: of the ridge regression
_SHRINKAGE = 10.0
_TINY = 1e-9

Weights = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


class Part(StrEnum):
    """What the rows of a group are used for."""

    LEARNED = "learned"
    BOUNDED = "bounded"
    MEASURED = "measured"


#: the bounds get half of the groups: they need flagged rows, the map hardly any more
_QUARTERS = (Part.LEARNED, Part.BOUNDED, Part.BOUNDED, Part.MEASURED)


class TooFewFlaggedError(ModelError):
    """The whole model flags so few rows that no bound keeps the risk."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """A first stage: weights of shape (heads, heads), a bias a head, and its bounds."""

    weights: Weights
    bias: Weights
    cascade: Cascade


def fit_cascade(
    folder: Path, held_out: Lessons, pack: PolicyPack, risks: Mapping[Suggestion, float] = RISKS
) -> Fitted:
    """The first stage of a bundle.

    Args:
        folder: of the bundle.
        held_out: rows that it did not learn from.
        pack: whose thresholds tell what is flagged.
        risks: share of a category's posts that may be cleared, by the level that they reach.

    Raises:
        ModelError: the bundle has no n-gram part.
        TooFewFlaggedError: of a category, so that nothing could be cleared.
        ScoringError: the model failed.
    """
    bundle = read_bundle(folder)
    scorer = Scorer(bundle, threads=os.cpu_count() or 1)
    model = Model.load(bundle, scorer, resolve(pack, scorer.operating))
    if model.ngrams is None:
        raise ModelError(f"{folder}: no cascade without an n-gram part")
    learned, bounded = (
        score(model, held_out.at(places_of(held_out.groups, part)))
        for part in (Part.LEARNED, Part.BOUNDED)
    )
    weights, bias = _learn(bundle, model.ngrams, learned)
    expects = np.array(
        [expected(model.ngrams.read(post), weights, bias) for post in bounded.rows.posts]
    )
    columns = [bundle.manifest.heads.index(category) for category in CATEGORIES]
    return Fitted(weights, bias, _bounds(expects[:, columns], levels(bounded.decisions), risks))


def write_cascade(folder: Path, fitted: Fitted) -> None:
    """Into the bundle that it was fitted to, whose manifest and hash change with it."""
    manifest = read_bundle(folder).manifest
    path = folder / FIRST_STAGE
    np.savez_compressed(path, allow_pickle=False, weights=fitted.weights, bias=fitted.bias)
    files = manifest.files | {FIRST_STAGE: file_sha256(path)}
    changed = {"cascade": fitted.cascade, "files": files}
    write_manifest(folder, manifest.model_copy(update=changed))


def places_of(groups: Sequence[str], part: Part) -> list[int]:
    """Where the rows of one part are; a group's part depends on nothing but its name."""

    def part_of(group: str) -> Part:
        digest = hashlib.sha256(f"cascade {group}".encode()).digest()
        return _QUARTERS[digest[0] % len(_QUARTERS)]

    return [place for place, group in enumerate(groups) if part_of(group) is part]


def levels(decisions: Sequence[Decision]) -> Ints:
    """Shape (decisions, categories): how far scores raise each, as a place in ``Suggestion``."""
    order = list(Suggestion)
    found = np.zeros((len(decisions), len(CATEGORIES)), dtype=np.int64)
    for row, decision in enumerate(decisions):
        for finding in decision.findings:
            if finding.threshold is not None:
                column = CATEGORIES.index(finding.category)
                found[row, column] = max(found[row, column], order.index(finding.level))
    return found


def reach(levels: Ints, level: Suggestion) -> npt.NDArray[np.bool_]:
    """Which of :func:`levels` are this one or harsher."""
    return np.asarray(levels >= list(Suggestion).index(level))


def bound(expects: Floats, risk: float) -> float | None:
    """The highest bound below which another value like these lies with at most that probability.

    Source: Angelopoulos et al. 2022, *Conformal Risk Control*: of n values k may lie below it if
    (k + 1) / (n + 1) is at most the risk. None if none may.

    Args:
        expects: shape (rows,), what the first stage expects of flagged rows.
        risk: between 0 and 1.
    """
    allowed = math.floor(risk * (len(expects) + 1)) - 1
    return float(np.sort(expects)[allowed]) if allowed >= 0 else None


def _learn(bundle: Bundle, ngrams: NgramModel, scored: Scored) -> tuple[Weights, Weights]:
    """Weights and bias from the n-gram part's log-odds to the whole model's, head by head.

    Only posts of one window tell what one window says. Where the model abstains it says nothing.
    """
    windows = bundle.manifest.windows
    short = [
        place
        for place, post in enumerate(scored.rows.posts)
        if len(windows.over(content(post))) == 1
    ]
    read = np.array([ngrams.read(scored.rows.posts[place])[0] for place in short], np.float64)
    columns = [HEADS.index(head) for head in bundle.manifest.heads]
    said = np.clip(scored.scores[short][:, columns], _TINY, 1 - _TINY)
    odds = np.log(said / (1 - said))
    fits = [
        Ridge(alpha=_SHRINKAGE).fit(read[~np.isnan(mine)], mine[~np.isnan(mine)]) for mine in odds.T
    ]
    weights = np.stack([fit.coef_ for fit in fits], axis=1).astype(np.float32)
    return weights, np.array([fit.intercept_ for fit in fits], dtype=np.float32)


def _bounds(expects: Floats, reached: Ints, risks: Mapping[Suggestion, float]) -> Cascade:
    """Of rows: what is expected of each category, and how far the whole model raises it."""
    clears, flagged = {}, {}
    for column, category in enumerate(CATEGORIES):
        mine, levels = expects[:, column], reached[:, column]
        flagged[category] = int(reach(levels, Suggestion.PROMPT).sum())
        clears[category] = min(
            _bound(mine, levels, level, risk, category) for level, risk in risks.items()
        )
    return Cascade(risks=dict(risks), clears=clears, flagged=flagged)


def _bound(
    expects: Floats, reached: Ints, level: Suggestion, risk: float, category: Category
) -> float:
    """Where too few rows reach a level, as few of all that are flagged may be lost."""
    for rows in (reach(reached, level), reach(reached, Suggestion.PROMPT)):
        at = bound(expects[rows], risk)
        if at is not None:
            return at
    raise TooFewFlaggedError(
        f"no cascade: {rows.sum()} rows are flagged for {category}, and a risk of {risk} takes "
        f"{math.ceil(1 / risk) - 1}",
        remedy="hold more rows out",
    )
