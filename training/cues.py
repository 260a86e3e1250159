"""Which single cues give the label away: what a model may learn instead of the offence."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.feature_extraction import DictVectorizer
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict

from labels.disguise import fold
from labels.records import LabelledPost
from training.corpus_check import folded_texts
from training.evaluate import grouped_folds

_MIN_POSTS = 20
_FOLDS = 5
_BUCKETS = (20, 40, 80, 150, 300)


def _length(post: LabelledPost) -> dict[str, Any]:
    size = len(post.text or "")
    return {"characters": sum(size >= edge for edge in _BUCKETS), "title": bool(post.title)} | {
        f"from {edge}": size >= edge for edge in _BUCKETS
    }


def _account(post: LabelledPost) -> dict[str, Any]:
    author = post.author
    return {
        "verified_as": author and author.verified_as,
        "credentials": bool(author and author.credentials),
        "bio": bool(author and author.bio),
        "field": author and author.field,
    }


def _declared(post: LabelledPost) -> dict[str, Any]:
    declared = post.declared
    names = ("ai_generated", "fiction", "repost")
    said = {name: str(getattr(declared, name, None)) for name in names}
    return said | {"source": bool(declared and declared.source)}


def _platform(post: LabelledPost) -> dict[str, Any]:
    return {"platform": post.platform}


#: families of cues that say nothing of the offence itself
_FAMILIES: dict[str, Callable[[LabelledPost], dict[str, Any]]] = {
    "length": _length,
    "platform": _platform,
    "account type": _account,
    "declarations": _declared,
}


def family_auc(posts: Sequence[LabelledPost], writers: Sequence[str]) -> dict[str, float]:
    """AUC of 'anything wrong' from one family of cues alone, on unseen writers; 0.5 is chance."""
    wrong = np.array([bool(post.labels) for post in posts])
    found = {}
    for family, cues in _FAMILIES.items():
        rows = [{k: v for k, v in cues(post).items() if v is not None} for post in posts]
        matrix = DictVectorizer().fit_transform(rows)
        found[family] = _unseen_auc(matrix, wrong, writers)
    names = [fold((post.author and post.author.display_name) or "") for post in posts]
    matrix = CountVectorizer(analyzer="char", ngram_range=(1, 3), min_df=3, binary=True)
    found["display name"] = _unseen_auc(matrix.fit_transform(names), wrong, writers)
    return found


def _unseen_auc(matrix: sparse.csr_matrix, wrong: Any, writers: Sequence[str]) -> float:
    folds = grouped_folds(writers, _FOLDS, seed=0)
    model = LogisticRegression(max_iter=1000)
    scores = cross_val_predict(model, matrix, wrong, cv=list(folds), method="decision_function")
    return round(float(roc_auc_score(wrong, scores)), 3)


def telling_ngrams(posts: Sequence[LabelledPost], most: int) -> list[dict[str, Any]]:
    """Character 1-4-grams of title and text that stand most one-sidedly, by z-score.

    Source: log-odds against chance with a 0.5 prior, after Monroe et al. 2008, section 3.5.
    """
    texts = folded_texts(posts)
    wrong = np.array([bool(post.labels) for post in posts])
    counter = CountVectorizer(analyzer="char", ngram_range=(1, 4), min_df=_MIN_POSTS, binary=True)
    matrix = counter.fit_transform(texts)
    bad = np.asarray(matrix[wrong].sum(axis=0)).ravel()
    good = np.asarray(matrix[~wrong].sum(axis=0)).ravel()
    odds = np.log((bad + 0.5) / (wrong.sum() - bad + 0.5))
    odds -= np.log((good + 0.5) / ((~wrong).sum() - good + 0.5))
    z = odds / np.sqrt(1 / (bad + 0.5) + 1 / (good + 0.5))
    names = counter.get_feature_names_out()
    return [
        {"ngram": str(names[i]), "wrong": int(bad[i]), "clean": int(good[i]), "z": round(z[i], 1)}
        for i in np.argsort(-np.abs(z))[:most]
    ]
