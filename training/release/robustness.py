"""Flags kept under disguise, and speed."""

import time
from collections.abc import Sequence

import numpy as np

from labels.reader import read_labels
from labels.records import Post
from labels.suite import Case
from policy.decide import decide
from training.attack import KINDS, attacked
from training.release.scored import Model
from training.suite import passes

_ATTACK_SHARE = 0.3
_SEED = 2


def attacks(model: Model, cases: Sequence[Case]) -> dict[str, float]:
    """Share of flags that are kept under each kind of disguise."""

    def raised(posts: Sequence[Post]) -> list[bool]:
        found = model.scorer.score(posts)
        return [
            passes(case, decide(each, read_labels(post), model.policy))
            for case, post, each in zip(cases, posts, found, strict=True)
        ]

    plain = raised([case.post for case in cases])
    kept = {}
    for kind in KINDS:
        after = raised([_disguised(case.post, kind) for case in cases])
        kept[kind] = round(
            float(np.mean([still for was, still in zip(plain, after, strict=True) if was])), 4
        )
    return kept


def _disguised(post: Post, kind: str) -> Post:
    text = attacked(post.text or "", kind, _ATTACK_SHARE, seed=_SEED)
    return post.model_copy(update={"text": text})


def speed(model: Model, posts: Sequence[Post]) -> dict[str, float]:
    """On this machine; `make bench` compares it with peers."""
    start = time.perf_counter()
    model.scorer.score(posts)
    batch = time.perf_counter() - start
    single = []
    for post in posts:
        start = time.perf_counter()
        model.scorer.score([post])
        single.append(1000 * (time.perf_counter() - start))
    return {
        "posts_per_second": round(len(posts) / batch, 1),
        "p50_ms": round(float(np.percentile(single, 50)), 2),
        "p99_ms": round(float(np.percentile(single, 99)), 2),
    }
