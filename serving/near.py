"""Which kept posts are near one another: copies by their words, and cases that read alike.

Nearness is shown to people and never moves a score: the same words alone are ordinary speech.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from sqlalchemy import Connection, func, insert, select

from classifiers.rendering import content
from labels.normalize import normalize
from labels.records import Post
from serving.minhash import BANDS, MIN_CHARS, SIMILARITY, bands, signature
from serving.queue import CaseKind
from serving.store.schema import POST_OF_DECISION, cases, decisions, near, posts

#: entries of the index that are looked at for one post, and posts that are compared word by word
_ENTRIES, _COMPARED = 2_000, 12
#: closed cases of the same category among which the nearest are looked for, newest first
_RECENT = 100
#: characters of each that are compared
_READ = 2_000
#: cases that share less than this of their pairs of characters are not worth showing
_ALIKE = 0.05
#: tells the same value in two bands apart
_PLACE = np.arange(1, BANDS + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)

_Key = TypeVar("_Key")
#: of a post: its id, and the hash of its content
_Revision = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Near:
    """A decision whose post is near another, and the share of what both have, in [0, 1]."""

    decision_id: str
    similarity: float


def keys(text: str) -> list[int]:
    """Under which a text is found again by texts that are near it; none of a short one.

    Signed integers of 64 bits, which both stores keep.
    """
    if len(text) < MIN_CHARS:
        return []
    return [int(key) for key in (bands(signature(text)) ^ _PLACE).view(np.int64)]


def remember(connection: Connection, post: Post, content_sha256: str) -> None:
    """Enter a post that is kept for the first time."""
    rows = [
        {"band": key, "data_id": post.data_id, "content_sha256": content_sha256}
        for key in dict.fromkeys(keys(content(post)))
    ]
    if rows:
        connection.execute(insert(near), rows)


def near_duplicates(
    connection: Connection, post: Post, content_sha256: str, at_most: int
) -> list[Near]:
    """The decisions on near copies, the nearest first, each copy's newest.

    Of very many copies some are looked at.

    Args:
        connection: to read from.
        post: that was kept.
        content_sha256: of its content as kept.
        at_most: copies.
    """
    wanted = keys(content(post))
    if not wanted:
        return []
    entries = (
        select(near.c.data_id, near.c.content_sha256)
        .where(near.c.band.in_(wanted))
        .limit(_ENTRIES)
        .subquery()
    )
    often = func.count().desc()
    met = connection.execute(
        select(entries).group_by(*entries.c).order_by(often, *entries.c).limit(_COMPARED + 1)
    )
    mine = (post.data_id, content_sha256)
    others = [revision for row in met if (revision := tuple(row)) != mine]
    own = signature(content(post))
    found = {
        key: float((signature(content(other)) == own).mean())
        for key, other in _posts(connection, others[:_COMPARED])
    }
    nearest = _best(found, at_most, SIMILARITY)
    newest = _decisions(connection, [key for key, _ in nearest])
    return [Near(newest[key], share) for key, share in nearest if key in newest]


def nearest_labelled(
    connection: Connection, post: Post, decision_id: str, category: str | None, at_most: int
) -> list[Near]:
    """Of the last cases of a category that people closed, those that read most like a post.

    Args:
        connection: to read from.
        post: to compare with.
        decision_id: whose own case is none of them.
        category: of the post's highest label.
        at_most: cases.
    """
    if category is None:
        return []
    # picked before they are joined: PostgreSQL would join every case of the category
    recent = (
        select(cases.c.decision_id, cases.c.closed_at)
        .where(
            cases.c.category == category,
            cases.c.closed_at.is_not(None),
            cases.c.kind == CaseKind.REVIEW,
            cases.c.decision_id != decision_id,
        )
        .order_by(cases.c.closed_at.desc())
        .limit(_RECENT)
        .subquery()
    )
    # of a post its words alone, for to read the whole of so many takes longer than to compare them
    words = [posts.c.post[part].as_string().label(part) for part in ("title", "text")]
    rows = connection.execute(
        select(decisions.c.decision_id, *words)
        .join_from(recent, decisions, recent.c.decision_id == decisions.c.decision_id)
        .join(posts, POST_OF_DECISION)
        .order_by(recent.c.closed_at.desc())
    )
    own = _pairs(content(post))
    shares = {row.decision_id: _common(own, _pairs(_content(row.title, row.text))) for row in rows}
    return [Near(each, share) for each, share in _best(shares, at_most, _ALIKE)]


def _posts(connection: Connection, wanted: Sequence[_Revision]) -> list[tuple[_Revision, Post]]:
    # pairs of columns have no index in SQLite's eyes; the first of them has
    asked = select(posts).where(posts.c.data_id.in_([data_id for data_id, _ in wanted]))
    return [
        ((row.data_id, row.content_sha256), Post.model_validate(row.post, strict=False))
        for row in connection.execute(asked)
        if (row.data_id, row.content_sha256) in wanted
    ]


def _decisions(connection: Connection, wanted: Sequence[_Revision]) -> dict[_Revision, str]:
    """The newest decision on each."""
    columns = (decisions.c.decision_id, decisions.c.data_id, decisions.c.content_sha256)
    asked = select(*columns).where(decisions.c.data_id.in_([data_id for data_id, _ in wanted]))
    found = connection.execute(asked.order_by(decisions.c.decision_id))
    return {(row.data_id, row.content_sha256): row.decision_id for row in found}


def _best(shares: dict[_Key, float], at_most: int, least: float) -> list[tuple[_Key, float]]:
    good = [(key, share) for key, share in shares.items() if share >= least]
    return sorted(good, key=lambda each: -each[1])[:at_most]


def _content(*parts: str | None) -> str:
    """As :func:`classifiers.rendering.content`, of a post whose title and text these are."""
    return "\n".join(part for part in parts if part)


def _pairs(text: str) -> set[str]:
    plain = normalize(text[:_READ]).lower()
    return {plain[place : place + 2] for place in range(len(plain) - 1)}


def _common(one: set[str], other: set[str]) -> float:
    """Jaccard's share."""
    return len(one & other) / len(one | other) if one and other else 0.0
