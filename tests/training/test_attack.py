"""Disguised posts score as the plain ones do."""

import pytest

from classifiers.bundle import default_model_folder
from classifiers.scorer import Scorer, load_scorer
from labels.reader import read_labels
from labels.records import Post
from labels.suite import load_suite, suite_folder
from policy.decide import decide
from policy.pack import default_pack_path, load_pack
from policy.resolve import resolve
from training.attack import KINDS, attacked
from training.suite import passes

CASES = [case for case in load_suite(suite_folder()).cases if case.expect][::3]


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    """The model in the package."""
    return load_scorer(default_model_folder(), threads=2)


def flagged(scorer: Scorer, posts: list[Post]) -> list[bool]:
    """Whether each case's category is raised."""
    scores = scorer.score(posts)
    policy = resolve(load_pack(default_pack_path()).pack, scorer.operating)
    return [
        passes(case, decide(found, read_labels(post), policy))
        for case, post, found in zip(CASES, posts, scores, strict=True)
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_an_attack_changes_the_text_and_is_repeatable(kind: str) -> None:
    """The same seed gives the same disguise, none at share nought."""
    text = "".join(case.post.text or "" for case in CASES[:20]) + "医生 1"
    once = attacked(text, kind, 0.5, seed=1)
    assert once == attacked(text, kind, 0.5, seed=1)
    assert once != text
    assert attacked(text, kind, 0.0, seed=1) == text


def test_attacked_posts_keep_their_flags(scorer: Scorer) -> None:
    """At least nine in ten over all disguises; the words were not shown to the tables' makers."""
    plain = flagged(scorer, [case.post for case in CASES])
    kept = []
    for kind in KINDS:
        disguised = [
            case.post.model_copy(update={"text": attacked(case.post.text or "", kind, 0.3, seed=2)})
            for case in CASES
        ]
        after = flagged(scorer, disguised)
        kept += [still for was, still in zip(plain, after, strict=True) if was]
    assert sum(plain) > 0.7 * len(plain)
    assert sum(kept) >= 0.9 * len(kept)
