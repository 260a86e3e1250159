"""Everything a release is judged by, as one JSON document."""

from dataclasses import replace
from typing import Any

import numpy as np

from labels.records import LabelledPost
from labels.suite import Suite
from training.lessons import Lessons
from training.ngram import stripped
from training.release.cascade import cascade
from training.release.evidence import evidence_overlap
from training.release.flags import by_genre, by_protected_class, caught, slices
from training.release.reliability import calibration, thresholds
from training.release.robustness import attacks, speed
from training.release.rows import ScoredRows, Unlearned
from training.release.scored import Model, score, shares
from training.release.splits import source_probe, splits
from training.suite import suite_report

_SPEED_POSTS = 200
#: a post that is explained is read some thirty times
_EXPLAINED_POSTS = 40


def release_report(
    model: Model, rows: Unlearned, frozen: ScoredRows, suite: Suite
) -> dict[str, Any]:
    """Measure a model on every split there is.

    Args:
        model: loaded.
        rows: that it did not learn from.
        frozen: those rows, scored by it.
        suite: functional tests.

    Raises:
        ScoringError: the model failed.
    """
    corpus, strangers, public = frozen.corpus, frozen.strangers, frozen.public
    without = replace(rows.corpus, posts=[stripped(post) for post in rows.corpus.posts])
    bare = score(model, without)
    unseen = score(model, rows.unseen) if rows.unseen else None
    others = [each for each in (public, unseen) if each]
    clean = corpus.at(np.flatnonzero(~corpus.wrong))
    return {
        "splits": list(splits(corpus, bare, strangers, public, unseen)),
        "source_probe": source_probe(clean, others),
        "calibration": calibration(model, [corpus, *others[:1]]),
        "thresholds": thresholds(model),
        "suite": suite_report(suite, model.scorer, model.policy),
        "clean": shares(clean),
        "by_protected_class": by_protected_class(clean),
        "by_genre": by_genre([bare, *others]),
        "caught": caught(corpus),
        "unseen_writers": {
            "clean": shares(strangers.at(np.flatnonzero(~strangers.wrong))),
            "protected": shares(strangers.at(np.flatnonzero(strangers.protected))),
            "caught": shares(strangers.at(np.flatnonzero(strangers.wrong))),
        },
        "slices": slices(corpus),
        "evidence": evidence_overlap(model, _explained(rows.corpus)),
        "attacks": attacks(model, [case for case in suite.cases if case.expect][::4]),
        "cascade": cascade(model, corpus, strangers, public, unseen, suite)
        if model.first
        else None,
        "speed": speed(model, rows.corpus.posts[:_SPEED_POSTS]),
    }


def _explained(corpus: Lessons) -> list[LabelledPost]:
    """Violations with marked evidence, spread over the rows."""
    marked = [
        post
        for post in corpus.posts
        if isinstance(post, LabelledPost) and post.labels and post.evidence
    ]
    return marked[:: max(1, len(marked) // _EXPLAINED_POSTS)][:_EXPLAINED_POSTS]
