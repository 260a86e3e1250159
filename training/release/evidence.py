"""Whether the words that carry a score are those that people marked as evidence."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from classifiers.explain import spans
from labels.records import LabelledPost, Post
from training.release.scored import Model

_SPANS = 3


def evidence_overlap(model: Model, posts: list[LabelledPost]) -> dict[str, Any]:
    """Share of the explained characters that are marked evidence, beside what chance gives.

    Args:
        model: loaded.
        posts: violations with evidence that the model did not learn from.

    Raises:
        ScoringError: the model failed.
    """
    explained, marked = [], []
    for post in posts:
        evidence = dict(_marked(post))
        marked += [np.concatenate(list(evidence.values())).mean()]
        for found in spans(model.scorer, post, list(post.labels), _SPANS).values():
            inside = [evidence[span.field][span.start : span.end] for span in found]
            if inside:
                explained.append(np.concatenate(inside).mean())
    return {
        "posts": len(posts),
        "in_evidence": round(float(np.mean(explained)), 4) if explained else None,
        "by_chance": round(float(np.mean(marked)), 4) if marked else None,
    }


def _marked(post: LabelledPost) -> Iterator[tuple[str, Any]]:
    """By field, which characters are part of a quoted piece of evidence."""
    for name, text in _fields(post):
        marks = np.zeros(len(text), dtype=bool)
        for quote in post.evidence:
            start = text.find(quote)
            while start >= 0:
                marks[start : start + len(quote)] = True
                start = text.find(quote, start + 1)
        yield name, marks


def _fields(post: Post) -> Iterator[tuple[str, str]]:
    author = post.author
    yield "title", post.title or ""
    yield "text", post.text or ""
    yield "display_name", (author and author.display_name) or ""
    yield "bio", (author and author.bio) or ""
