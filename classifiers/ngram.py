"""Character n-grams of a post as hashed features: the input of the linear baseline.

Three groups of features, each scaled to unit length by the model: ``text`` (title and one
window of the text), ``face`` (name, bio, credentials, declared source) and ``facts`` (which
fields were given, and the closed-valued ones). A field that was not sent gives no feature but
``absent``. Platform, ids and dates are not read: they must not become evidence.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from labels.disguise import fold
from labels.records import Post

MAX_N = 4
GROUPS = ("text", "face", "facts")

Keys = npt.NDArray[np.uint64]

# FNV-1a, 64 bit (draft-eastlake-fnv), over code points rather than bytes
_OFFSET = np.uint64(0xCBF29CE484222325)
_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0xFF51AFD7ED558CCD)


@dataclass(frozen=True, slots=True)
class Bag:
    """Distinct feature keys (sorted) and how often each occurs; arrays of equal length."""

    keys: Keys
    counts: npt.NDArray[np.float32]


def look_up(bag: Bag, vocabulary: Keys) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Places in a sorted vocabulary of the features it knows, and their counts."""
    places = np.searchsorted(vocabulary, bag.keys)
    known = places < len(vocabulary)
    known[known] = vocabulary[places[known]] == bag.keys[known]
    return places[known], bag.counts[known]


def text_bag(title: str, window: str) -> Bag:
    """Features of a title and one window of the text."""
    return _bag([*_ngrams("title", title), *_ngrams("text", title), *_ngrams("text", window)])


def face_bag(post: Post) -> Bag:
    """Features of the account's own words and of the declared source."""
    fields: dict[str, str] = {}
    if post.author:
        fields["name"] = post.author.display_name or ""
        fields["bio"] = post.author.bio or ""
        fields["credentials"] = " ".join(post.author.credentials or ())
    if post.declared:
        fields["source"] = post.declared.source or ""
    return _bag([part for name, value in fields.items() for part in _ngrams(name, value)])


def facts_bag(post: Post) -> Bag:
    """One feature for each closed-valued field and for each absence."""
    return _bag([_hash(f"={fact}") for fact in _facts(post)])


def _facts(post: Post) -> Iterator[str]:
    yield f"title:{_given(post.title)}"
    author = post.author
    for name in ("display_name", "bio", "credentials"):
        yield f"{name}:{_given(getattr(author, name, None))}"
    for name in ("verified_as", "field"):
        yield f"{name}:{getattr(author, name, None) or 'absent'}"
    declared = post.declared
    for name in ("ai_generated", "fiction", "repost", "marketing", "opinion", "no_label_needed"):
        yield f"{name}:{getattr(declared, name, None)}"
    yield f"source:{_given(declared and declared.source)}"


def _given(value: object) -> str:
    return "given" if value else "absent"


def _ngrams(field: str, text: str) -> list[Keys]:
    folded = fold(text)
    if not folded:
        return []
    signs = np.frombuffer(f"\x02{folded}\x03".encode("utf-32-le"), dtype=np.uint32)
    codes = signs.astype(np.uint64)
    # a row for each n, a column for each place where an n-gram begins
    states = np.repeat(_seeds(field), len(codes), axis=1)
    for offset in range(MAX_N):
        longer = states[offset:, : len(codes) - offset]
        longer ^= codes[offset:]
        longer *= _PRIME
    hashes = _finish(states)
    return [hashes[n - 1, : len(codes) - n + 1] for n in range(1, MAX_N + 1)]


@cache
def _seeds(field: str) -> Keys:
    """What the hashes of a field's n-grams begin with, shape (``MAX_N``, 1)."""
    return np.stack([_hash(f"{field}/{n}") for n in range(1, MAX_N + 1)])


@lru_cache(maxsize=1024)  # fields, lengths and closed values: a few hundred tokens
def _hash(token: str) -> Keys:
    state = np.array([_OFFSET], dtype=np.uint64)
    for byte in token.encode():
        state = (state ^ np.uint64(byte)) * _PRIME
    return _finish(state)


def _finish(state: Keys) -> Keys:
    """Spread the low bits (murmur3's finaliser, one round)."""
    return (state ^ (state >> np.uint64(33))) * _MIX


def _bag(parts: Sequence[Keys]) -> Bag:
    everything = np.concatenate(parts) if parts else np.empty(0, np.uint64)
    keys, counts = np.unique(everything, return_counts=True)
    return Bag(keys, counts.astype(np.float32))
