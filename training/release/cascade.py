"""What the first stage of a cascade clears, and what of that the whole model would have flagged."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import binomtest

from labels.reader import read_labels
from labels.records import LabelledPost
from labels.results import Suggestion
from labels.suite import Suite
from policy.decide import Decision, decide
from training.cascade import RISKS, Part, levels, places_of, reach
from training.operating import MIN_GENRE_ROWS
from training.release.scored import CATEGORIES, Bools, Model, Scored, by_ngrams

_INTERVAL = 0.95


def cascade(
    model: Model,
    corpus: Scored,
    strangers: Scored,
    public: Scored | None,
    unseen: Scored | None,
    suite: Suite,
) -> dict[str, Any]:
    """Shares cleared and losses by split, protected class and genre.

    Args:
        model: with a first stage.
        corpus: held-out groups of the corpus; those that the first stage was fitted to are left
            out, and so are those of ``public``.
        strangers: writers who have no part in the corpus.
        public: held-out groups of the public sets.
        unseen: sets of which nothing was learned.
        suite: functional tests.

    Raises:
        ScoringError: the model failed.
    """
    ours, theirs = _measured(corpus), _measured(public) if public else None
    splits = [
        ("held-out groups, corpus", "语料库留出组", ours),
        ("unseen writers", "没有学过的作者", strangers),
        ("held-out groups, public sets", "公开数据留出组", theirs),
        ("unseen sources", "没有学过的来源", unseen),
    ]
    told = [
        {"en": en, "zh": zh, **_told(scored.decisions, scored.cleared)}
        for en, zh, scored in splits
        if scored
    ]
    told.append({"en": "MisinfoCheck-zh", "zh": "MisinfoCheck-zh", **_of_suite(model, suite)})
    return {
        "risks": dict(RISKS),
        "splits": told,
        "protected": _by_protected_class(ours + strangers),
        "genres": _by_genre([each for each in (theirs, unseen) if each]),
    }


def lost(flagged: Bools, cleared: Bools) -> dict[str, Any]:
    """Flagged posts, how many of them are cleared, and the 95 % interval of that share.

    The interval is exact (Clopper and Pearson 1934); None where nothing is flagged.
    """
    posts, gone = int(flagged.sum()), int((flagged & cleared).sum())
    interval = None
    if posts:
        found = binomtest(gone, posts).proportion_ci(_INTERVAL, method="exact")
        interval = [round(float(found.low), 4), round(float(found.high), 4)]
    return {"flagged": posts, "cleared": gone, "interval": interval}


def _measured(scored: Scored) -> Scored:
    return scored.at(places_of(scored.rows.groups, Part.MEASURED))


def _told(decisions: Sequence[Decision], cleared: Bools) -> dict[str, Any]:
    reached = levels(decisions)
    passed = ~reach(reached, Suggestion.PROMPT).any(axis=1)
    return {
        "rows": len(cleared),
        "cleared": _share(cleared),
        "cleared_of_passed": _share(cleared[passed]),
        "categories": {
            category.value: {
                level.value: lost(reach(reached[:, place], level), cleared) for level in RISKS
            }
            for place, category in enumerate(CATEGORIES)
        },
    }


def _of_suite(model: Model, suite: Suite) -> dict[str, Any]:
    posts = [case.post for case in suite.cases]
    decisions = [
        decide(found, read_labels(post), model.policy)
        for post, found in zip(posts, model.scorer.score(posts), strict=True)
    ]
    return _told(decisions, by_ngrams(model, posts)[1])


def _by_protected_class(scored: Scored) -> dict[str, Any]:
    """What is lost of the flagged posts of each class, in any category."""
    flagged = reach(levels(scored.decisions), Suggestion.PROMPT).any(axis=1)
    marks = [post.protected if isinstance(post, LabelledPost) else () for post in scored.rows.posts]
    names = sorted({name for each in marks for name in each})
    of = {name: np.array([name in each for each in marks]) for name in names}
    return {
        name: {"rows": int(mine.sum()), **lost(flagged & mine, scored.cleared)}
        for name, mine in of.items()
    }


def _by_genre(measured: Sequence[Scored]) -> dict[str, Any]:
    """Share cleared of each genre with enough rows, what is wrong and what is not alike."""
    genres = np.array([genre for each in measured for genre in each.rows.genres])
    gone = np.array([each for scored in measured for each in scored.cleared], dtype=bool)
    return {
        genre: {"rows": int((genres == genre).sum()), "cleared": _share(gone[genres == genre])}
        for genre in sorted(set(genres.tolist()))
        if (genres == genre).sum() >= MIN_GENRE_ROWS
    }


def _share(marks: Bools) -> float | None:
    return round(float(marks.mean()), 4) if len(marks) else None
