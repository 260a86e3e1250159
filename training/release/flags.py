"""Who is flagged: ordinary text by genre, protected classes, violations, slices of the corpus."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from classifiers.rendering import content
from labels.records import LabelledPost, Post
from labels.results import Suggestion
from training.lessons import HEADS
from training.operating import MIN_GENRE_ROWS
from training.release.scored import CATEGORIES, MIN_KNOWN, Scored, shares

_UNKNOWN = "unknown"
_LENGTHS = ((0, 60), (60, 120), (120, 200), (200, 10**6))

_Key = Callable[[Post], str]


def by_genre(measured: Sequence[Scored]) -> dict[str, Any]:
    """Suggestions on ordinary text, all sent without author and declarations."""
    ordinary = [each.at(np.flatnonzero(~each.wrong)) for each in measured]
    everything = ordinary[0]
    for each in ordinary[1:]:
        everything += each
    genres = np.array(everything.rows.genres)
    return {
        genre: shares(everything.at(np.flatnonzero(genres == genre)))
        for genre in sorted(set(genres.tolist()))
        if (genres == genre).sum() >= MIN_GENRE_ROWS
    }


def by_protected_class(scored: Scored) -> dict[str, Any]:
    """Suggestions on the rows of each protected class; a row may be of several."""
    places: dict[str, list[int]] = {}
    for place, post in enumerate(scored.rows.posts):
        for key in post.protected if isinstance(post, LabelledPost) else ():
            places.setdefault(key, []).append(place)
    return {key: shares(scored.at(mine)) for key, mine in sorted(places.items())}


def caught(corpus: Scored) -> dict[str, Any]:
    """Suggestions on violations, by category."""
    return {
        category.value: shares(
            corpus.at(np.flatnonzero(corpus.rows.labels[:, HEADS.index(category)] == 1))
        )
        for category in CATEGORIES
    }


def slices(scored: Scored) -> dict[str, Any]:
    """Clean posts flagged and violations caught, by what a post says of itself."""
    return {
        "account": _sliced(scored, _account),
        "characters": _sliced(scored, _length),
        "platform": _sliced(scored, lambda post: post.platform or _UNKNOWN),
        "field": _sliced(scored, lambda post: (post.author and post.author.field) or _UNKNOWN),
    }


def _sliced(scored: Scored, key: _Key) -> dict[str, Any]:
    wrong = scored.wrong
    flagged = scored.suggestions != Suggestion.PASS.value
    names = np.array([key(post) for post in scored.rows.posts])
    found = {}
    for name in sorted(set(names.tolist())):
        mine = names == name
        if min((mine & wrong).sum(), (mine & ~wrong).sum()) >= MIN_KNOWN:
            found[name] = {
                "rows": int(mine.sum()),
                "clean_flagged": round(float(flagged[mine & ~wrong].mean()), 4),
                "violations_caught": round(float(flagged[mine & wrong].mean()), 4),
            }
    return found


def _account(post: Post) -> str:
    return (post.author and post.author.verified_as) or _UNKNOWN


def _length(post: Post) -> str:
    long = len(content(post))
    low, high = next((low, high) for low, high in _LENGTHS if low <= long < high)
    return f"{low}-{high - 1}" if high < _LENGTHS[-1][1] else f"{low}+"
