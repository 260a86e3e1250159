"""Which words of a post carry a score: the score falls when they are deleted.

Source: leave-one-out erasure (Li et al. 2016, *Understanding Neural Networks through
Representation Erasure*). It is slower than gradients and faithful by construction.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from classifiers.rendering import text_span
from classifiers.scorer import Scorer
from labels.normalize import SKIN_TONES
from labels.records import Post
from labels.results import Field, Span

#: a piece is a clause of a sentence, cut further where it is longer than this
_MAX_CHARS = 24
#: pieces of a long field are longer, so that no more than this many are deleted in turn
_MAX_PIECES = 20
#: a span lowers the log-odds by this at least, and by this share of what the strongest does
_MIN_EFFECT, _MIN_SHARE = 0.1, 0.25
_CLAUSE = re.compile(
    r"[^，。！？；：、,!?;:…\n]*[，。！？；：、,!?;:…\n]+|[^，。！？；：、,!?;:…\n]+$"
)
_JOINER = "\u200d"
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)


class _Piece(NamedTuple):
    field: Field
    start: int
    end: int


def spans(
    scorer: Scorer, post: Post, heads: Sequence[str], at_most: int, *, in_turn: bool = False
) -> dict[str, list[Span]]:
    """For each head the spans that carry its score, the strongest first.

    Of a long text only the window that decides the head's score is searched. A score may also
    come from what cannot be deleted, such as an account that is not verified; then there are few
    spans or none.

    Args:
        scorer: the model.
        post: as it was scored.
        heads: names among the model's.
        at_most: spans a head, >= 1.
        in_turn: as in :meth:`Scorer.log_odds`.

    Raises:
        ScoringError: the model failed.
    """
    windows: dict[tuple[int, int], list[str]] = {}
    for head, window in zip(heads, scorer.deciding_windows(post, heads), strict=True):
        windows.setdefault(window, []).append(head)
    found: dict[str, list[Span]] = {}
    for window, decided in windows.items():
        seen, shift = _only(post, window)
        pieces = list(_pieces(seen))
        variants = [seen, *(_without(seen, piece) for piece in pieces)]
        odds = scorer.log_odds(variants, decided, in_turn=in_turn)
        effects = odds[0] - odds[1:]
        for column, head in enumerate(decided):
            found[head] = _strongest(pieces, effects[:, column], shift, at_most)
    return {head: found[head] for head in heads}


def _only(post: Post, window: tuple[int, int]) -> tuple[Post, Mapping[Field, int]]:
    """The post as this window of its content shows it, and where its title and text begin."""
    start, end = text_span(post, window)
    shown = {
        "title": (post.title or "")[slice(*window)] or None,
        "text": (post.text or "")[start:end] or None,
    }
    return post.model_copy(update=shown), {"title": window[0], "text": start}


def _pieces(post: Post) -> Iterator[_Piece]:
    author = post.author
    fields: tuple[tuple[Field, str | None], ...] = (
        ("title", post.title),
        ("text", post.text),
        ("display_name", author.display_name if author else None),
        ("bio", author.bio if author else None),
    )
    for field, words in fields:
        if words:
            size = max(_MAX_CHARS, -(-len(words) // _MAX_PIECES))
            for clause in _CLAUSE.finditer(words):
                for start, end in _cut(words, clause.start(), clause.end(), size):
                    yield _Piece(field, start, end)


def _cut(words: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    """Even parts of at most about ``size`` characters; no emoji or combined sign is split."""
    count = -(-(end - start) // size)
    cuts = [start + (end - start) * part // count for part in range(count + 1)]
    edges = [start, *(_edge(words, at) for at in cuts[1:-1]), end]
    yield from ((low, high) for low, high in pairwise(edges) if low < high)


def _edge(words: str, at: int) -> int:
    """The first place from here that lies between two signs as people see them."""
    while at < len(words) and _continues(words, at):
        at += 1
    return at


def _continues(words: str, at: int) -> bool:
    sign, before = words[at], words[at - 1]
    return (
        unicodedata.category(sign) in ("Mn", "Me", "Mc")
        or _JOINER in (sign, before)
        or ord(sign) in SKIN_TONES
        or (ord(sign) in _FLAG_LETTERS and ord(before) in _FLAG_LETTERS)
    )


def _without(post: Post, piece: _Piece) -> Post:
    """The post with the piece deleted; a field of which nothing is left was not sent."""

    def rest(words: str | None) -> str | None:
        words = words or ""
        return words[: piece.start] + words[piece.end :] or None

    if piece.field in ("title", "text"):
        return post.model_copy(update={piece.field: rest(getattr(post, piece.field))})
    author = post.author and post.author.model_copy(
        update={piece.field: rest(getattr(post.author, piece.field))}
    )
    return post.model_copy(update={"author": author})


def _strongest(
    pieces: Sequence[_Piece], effects: np.ndarray, shift: Mapping[Field, int], at_most: int
) -> list[Span]:
    floor = max(_MIN_EFFECT, _MIN_SHARE * max(effects, default=0.0))
    order = [place for place in np.argsort(-effects) if effects[place] >= floor]
    return [
        Span(
            field=pieces[place].field,
            start=pieces[place].start + shift.get(pieces[place].field, 0),
            end=pieces[place].end + shift.get(pieces[place].field, 0),
            effect=round(float(effects[place]), 4),
        )
        for place in order[:at_most]
    ]
