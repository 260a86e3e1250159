"""A post's words in pieces: which of them carry a score, and which are links."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pydantic import JsonValue

from labels.records import Post
from labels.results import Explanation, Field

_LINK = re.compile(r"(?:https?://|www\.)[^\s，。！？；、“”‘’（）《》<>\"]+", re.IGNORECASE)
#: links of a file's metadata that are shown
_LINKS = 20


@dataclass(frozen=True, slots=True)
class Piece:
    """Words of a field; ``clauses`` are those whose score they carry."""

    text: str
    clauses: tuple[str, ...]
    link: bool


@dataclass(frozen=True, slots=True)
class Passage:
    """A field of the post or of its author, whole."""

    field: Field
    pieces: tuple[Piece, ...]


def passages(post: Post, explanations: Sequence[Explanation]) -> list[Passage]:
    """Every field that can carry a score, in the order in which people read them."""
    author = post.author
    said: tuple[tuple[Field, str | None], ...] = (
        ("display_name", author.display_name if author else None),
        ("bio", author.bio if author else None),
        ("title", post.title),
        ("text", post.text),
    )
    return [
        Passage(field, tuple(_pieces(text, _marks(field, explanations))))
        for field, text in said
        if text
    ]


def pieces(text: str) -> tuple[Piece, ...]:
    """Words in which nothing is marked, links apart."""
    return tuple(_pieces(text, ())) if text else ()


def media_links(metadata: JsonValue) -> list[str]:
    """Links anywhere in a file's metadata, each once."""
    found: dict[str, None] = {}
    waiting = [metadata]
    while waiting and len(found) < _LINKS:
        each = waiting.pop()
        if isinstance(each, str) and _LINK.match(each):
            found[each] = None
        elif isinstance(each, dict | list):
            waiting.extend(each.values() if isinstance(each, dict) else each)
    return list(found)


def _marks(field: Field, explanations: Sequence[Explanation]) -> list[tuple[int, int, str]]:
    """Where spans of a field begin and end, and the clause of each."""
    return [
        (span.start, span.end, each.clause)
        for each in explanations
        for span in each.spans
        if span.field == field
    ]


def _pieces(text: str, marks: Sequence[tuple[int, int, str]]) -> Iterator[Piece]:
    links = [match.span() for match in _LINK.finditer(text)]
    edges = {0, len(text)}
    edges |= {edge for start, end, _ in marks for edge in (start, end)}
    edges |= {edge for link in links for edge in link}
    starts = dict(links)
    link_end = 0
    for start, end in pairwise(sorted(edges)):
        link_end = starts.get(start, link_end)
        clauses = tuple(clause for low, high, clause in marks if low <= start and end <= high)
        yield Piece(text[start:end], clauses, start < link_end)
