"""Which posts teach most once people label them: doubtful, costly to get wrong, unlike each other.

Pure, on columns, and needs no model: scores in, places out. What is chosen is no random sample, so
no share of anything can be reckoned from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from classifiers.ngram import Bag
from serving.audit.costs import Costs

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Keys = npt.NDArray[np.uint64]

#: for each post that is chosen so many of the most valuable are compared
CANDIDATES = 2
#: length of a hashed bag of n-grams
WIDTH = 256
_WIDTH, _SIGN = np.uint64(WIDTH), np.uint64(63)
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Worth:
    """Columns: what a label on each post is worth, and for which category.

    ``doubt`` is in bits, 1 where the score is the threshold; ``cost`` is what being wrong there
    costs; ``value`` is their product; ``category`` the place of the one where it is highest.
    """

    value: Floats
    doubt: Floats
    cost: Floats
    category: Ints


def worth(scores: Floats, levels: Floats, suggested: Ints, protected: Bools, costs: Costs) -> Worth:
    """What labels are worth: doubt about the nearest threshold times the cost of an error.

    The doubt is the entropy of the score (Lewis and Gale 1994) after its odds are divided by the
    threshold's, so that it is highest where the decision turns and not at even odds (Elkan 2001).

    Args:
        scores: shape (posts, categories), probabilities at the population's rates.
        levels: shape (categories, 2), where review and act begin; infinite where a level is off.
        suggested: shape (posts,), what the decision came to: 2 act, 1 review, 0 less. A score
            above a level may lead to less, for a label that the post has or a mild clause.
        protected: shape (posts,), what seems to be protected speech.
        costs: of the errors.
    """
    turns = _log_odds(scores)[:, :, None] - _log_odds(levels)[None, :, :]
    doubts = _entropy(1 / (1 + np.exp(-turns))).max(axis=2)
    reached = np.minimum((scores[:, :, None] >= levels).sum(axis=2), suggested[:, None])
    by_level = np.array([costs.miss, costs.wrong_review, costs.wrong_act])
    weights = np.where(
        (reached > 0) & protected[:, None], costs.protected_flagged, by_level[reached]
    )
    category = (doubts * weights).argmax(axis=1)
    rows = np.arange(len(scores))
    doubt, cost = doubts[rows, category], weights[rows, category]
    return Worth(doubt * cost, doubt, cost, category)


@dataclass(frozen=True, slots=True)
class Pool:
    """Columns of posts to choose from: what each is worth, its cluster and who posted it.

    Near-duplicates have the same number in ``clusters``, posts of an account in ``accounts``.
    """

    value: Floats
    clusters: Keys
    accounts: Keys


def best(pool: Pool, number: int, *, per_account: int, seed: int) -> Ints:
    """Places of the most valuable, falling: one of a cluster, so many of an account.

    Args:
        pool: to choose from.
        number: so many at most, at least 1.
        per_account: of one account so many at most.
        seed: of the order among equals.
    """
    if number < 1:
        raise ValueError(f"number is {number}, not at least 1")
    ties = np.random.default_rng(seed).permutation(len(pool.value))
    order = np.lexsort((ties, -pool.value))
    order = order[_earlier(pool.clusters[order]) < 1]
    return order[_earlier(pool.accounts[order]) < per_account][:number]


def choose(
    pool: Pool, features: npt.NDArray[np.float32], number: int, *, per_account: int, seed: int
) -> Ints:
    """Places of the posts whose labels teach most, in the order they were chosen.

    Of ``CANDIDATES`` times as many of the :func:`best`, farthest-first (Gonzalez 1985): each next
    one is the most valuable after weighing by 1 less its cosine to the nearest chosen, at most 1.

    Args:
        pool: to choose from.
        features: shape (posts, width), rows of unit length or zero, such as of :func:`hashed`.
        number: so many, at least 1; fewer if the pool, clusters and accounts leave fewer.
        per_account: of one account so many at most.
        seed: of the order among equals.
    """
    places = best(pool, CANDIDATES * number, per_account=per_account, seed=seed)
    value, near = pool.value[places], features[places]
    far, left = np.ones(len(places)), np.ones(len(places), dtype=bool)
    chosen = np.empty(min(number, len(places)), dtype=np.int64)
    for turn in range(len(chosen)):
        place = int(np.where(left, value * far, -1.0).argmax())
        chosen[turn], left[place] = places[place], False
        np.minimum(far, np.clip(1 - near @ near[place], 0, 1), out=far)
    return chosen


def hashed(bags: Sequence[Bag]) -> npt.NDArray[np.float32]:
    """Shape (bags, ``WIDTH``): n-grams hashed with signs (Weinberger 2009), of unit length."""
    rows = np.zeros((len(bags), WIDTH), dtype=np.float32)
    for row, bag in zip(rows, bags, strict=True):
        signs = np.where(bag.keys >> _SIGN, np.float32(1), np.float32(-1))
        np.add.at(row, (bag.keys % _WIDTH).astype(np.int64), signs * np.log1p(bag.counts))
    return np.asarray(
        rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(_TINY))
    )


def _earlier(names: Keys) -> Ints:
    """Shape (names,): how many equal ones stand before each."""
    order = np.argsort(names, kind="stable")
    ordered = names[order]
    begins = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]][: len(names)])
    lengths = np.diff(np.r_[begins, len(names)])
    found = np.empty(len(names), dtype=np.int64)
    found[order] = np.arange(len(names)) - np.repeat(begins, lengths)
    return found


def _log_odds(probabilities: Floats) -> Floats:
    bounded = np.clip(probabilities, _TINY, 1 - _TINY)
    return np.where(np.isinf(probabilities), np.inf, np.log(bounded) - np.log1p(-bounded))


def _entropy(probabilities: Floats) -> Floats:
    """In bits."""
    p = np.clip(probabilities, _TINY, 1 - _TINY)
    return np.asarray(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)))
