"""The posts of an audit whose labels teach most; beside, never instead of, the random sample."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from classifiers.ngram import text_bag
from labels.records import Post
from labels.results import Suggestion
from labels.taxonomy import Category
from serving.audit.choosing import CANDIDATES, Floats, Pool, best, choose, hashed, worth
from serving.audit.costs import Costs
from serving.audit.sample import CHOSEN
from serving.audit.summary import Found, Row

_SEED = 20250729
#: columns of a sheet that say why a post was chosen
WHY = ("category", "doubt", "cost")
_CATEGORIES = tuple(Category)
_FLAGS = {Suggestion.REVIEW: 1, Suggestion.ACT: 2}


def candidates(
    found: Found, levels: Floats, costs: Costs, number: int, *, per_account: int
) -> list[Row]:
    """The most valuable decisions to choose a number from, each with ``WHY``.

    Read in parts, so that memory does not grow with the audit.

    Args:
        found: of the audit.
        levels: see :func:`levels_of`.
        costs: of errors.
        number: how many are to be chosen.
        per_account: of one account so many at most.
    """
    kept: list[Row] = []
    for part in found.clustered():
        rows = [*kept, *_weighed(part, levels, costs)]
        places = best(_pool(rows), CANDIDATES * number, per_account=per_account, seed=_SEED)
        kept = [rows[place] for place in places]
    return sorted(kept, key=lambda row: int(row["row"]))


def chosen(
    sample: Sequence[tuple[Row, Post]], number: int, *, per_account: int
) -> list[tuple[Row, Post]]:
    """Of candidates with their posts so many, unlike one another, in the order of rows."""
    rows = [row for row, _ in sample]
    features = hashed([text_bag(post.title or "", post.text or "") for _, post in sample])
    places = choose(_pool(rows), features, number, per_account=per_account, seed=_SEED)
    return [sample[place] for place in np.sort(places)]


def levels_of(summary: Mapping[str, Any]) -> Floats:
    """Shape (categories, 2): where review and act begin; infinite where a level is off."""
    thresholds = [summary["categories"][name.value]["thresholds"] for name in _CATEGORIES]
    rows = [[np.inf if at[name] is None else at[name] for name in ("review", "act")]
            for at in thresholds]  # fmt: skip
    return np.array(rows, dtype=np.float64)


def _weighed(rows: Sequence[Row], levels: Floats, costs: Costs) -> list[Row]:
    scores = np.array([[row[name.value] for name in _CATEGORIES] for row in rows])
    suggested = np.array([_FLAGS.get(row["suggestion"], 0) for row in rows])
    protected = np.array([bool(row["protected"]) for row in rows])
    found = worth(scores, levels, suggested, protected, costs)
    return [
        {
            **row,
            "stratum": CHOSEN,
            "value": value,
            "category": _CATEGORIES[category].value,
            "doubt": round(float(doubt), 4),
            "cost": float(cost),
        }
        for row, value, doubt, cost, category in zip(
            rows, found.value, found.doubt, found.cost, found.category, strict=True
        )
    ]


def _pool(rows: Sequence[Row]) -> Pool:
    return Pool(
        value=np.array([row["value"] for row in rows], dtype=np.float64),
        clusters=np.array([row["cluster"] for row in rows], dtype=np.uint64),
        accounts=np.array([row["account"] for row in rows], dtype=np.uint64),
    )
