"""Whether a corpus is large, varied and clean enough to learn from."""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from sklearn.feature_extraction.text import TfidfVectorizer

from labels.disguise import fold
from labels.records import LabelledPost
from labels.yamlfile import Strict

_CHUNK = 500

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(gt=0, le=1)]


class Floors(Strict):
    """What is asked of the corpus; see ``configs/corpus.yaml``."""

    rows: Count
    rows_per_clause: Count
    rows_per_protected_class: Count
    contrast_pairs: Count
    platform_share: Share
    near_duplicate_at: Share


def shortfalls(card: dict[str, Any], floors: Floors) -> Iterator[str]:
    """Each count of a data card that does not reach its floor, in words."""
    if card["rows"] < floors.rows:
        yield f"rows: {card['rows']} of {floors.rows}"
    if card["pairs"] < floors.contrast_pairs:
        yield f"contrast pairs: {card['pairs']} of {floors.contrast_pairs}"
    for kind, least in (
        ("clauses", floors.rows_per_clause),
        ("protected", floors.rows_per_protected_class),
    ):
        for name, count in card[kind].items():
            if count < least:
                yield f"{kind}: {name} has {count} rows of {least}"
    for platform, count in card["platforms"].items():
        if count > floors.platform_share * card["rows"]:
            yield f"platform: {platform} holds {count / card['rows']:.0%} of the rows"


def pair_faults(posts: Sequence[LabelledPost]) -> Iterator[str]:
    """Pairs that lack a side, or whose sides carry the same labels."""
    by_id = {post.data_id: post for post in posts}
    stems = Counter(i[:-2] for i in by_id if i.endswith(("-a", "-b")))
    for stem, sides in stems.items():
        if sides < len("ab"):
            yield f"{stem}: a side is missing"
        elif by_id[f"{stem}-a"].labels == by_id[f"{stem}-b"].labels:
            yield f"{stem}: both sides carry {by_id[f'{stem}-a'].labels}"


def folded_texts(posts: Sequence[LabelledPost]) -> list[str]:
    """Title and text of each post, as a character model reads them."""
    return [fold(f"{post.title or ''} {post.text or ''}") for post in posts]


def near_duplicates(
    posts: Sequence[LabelledPost], groups: Sequence[str], at: float
) -> Iterator[str]:
    """Posts of different split groups whose text is nearly the same.

    Args:
        posts: the corpus.
        groups: one a post; rows of a group never part in a split, so they may be alike.
        at: cosine of TF-IDF weighted character 3-grams, 0 to 1.
    """
    texts = folded_texts(posts)
    matrix = TfidfVectorizer(analyzer="char", ngram_range=(3, 3)).fit_transform(texts)
    for start in range(0, len(posts), _CHUNK):
        alike = (matrix[start : start + _CHUNK] @ matrix.T).tocoo()
        close = alike.data >= at
        pairs = zip(alike.row[close] + start, alike.col[close], alike.data[close], strict=True)
        for one, other, cosine in pairs:
            if one < other and groups[one] != groups[other]:
                yield f"{posts[one].data_id} and {posts[other].data_id}: {cosine:.2f}"


def text_lengths(posts: Sequence[LabelledPost]) -> dict[str, float]:
    """Shares of posts by characters of text."""
    lengths = np.array([len(post.text or "") for post in posts])
    edges = (0, 40, 150, 400, 900, 20_001)
    return {
        f"{low}-{high - 1}": round(float(((lengths >= low) & (lengths < high)).mean()), 3)
        for low, high in pairwise(edges)
    }
