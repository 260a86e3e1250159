"""Shows that memory stays flat over many scored posts and many exact reposts.

python benchmarks/memory.py [--posts N] [--hits N]

Distinct posts, made of those of the corpus, are scored with a cache of scores; then reposts are
answered from it. Prints resident memory as it goes; exits with 1 if it grew by more than a
twentieth in the second half. The corpus that posts are made of is in it.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from itertools import islice

from load import resident_mb
from peer import real_length_posts
from timing import CORES

from classifiers.bundle import default_model_folder
from classifiers.cache import ScoreCache
from classifiers.scorer import Scorer, load_scorer
from labels.records import Post

_CACHE_BYTES = 64 << 20
_BATCH = 1_000
_MOST_GROWTH = 1.05
#: what the rest is held against: the allocator and the cache have settled by then
_SETTLED = 0.5
_STEPS = 10


def main() -> None:
    """Score, repeat, print; exit with 1 if memory grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--posts", type=int, default=200_000)
    parser.add_argument("--hits", type=int, default=10_000_000)
    asked = parser.parse_args()
    cache = ScoreCache(_CACHE_BYTES)
    scorer = load_scorer(default_model_folder(), threads=CORES, cache=cache)
    scored = _watched("scored", scorer, _distinct(), asked.posts)
    again = list(islice(_distinct(), _BATCH))
    scorer.score(again)
    before = cache.hits
    hits = _watched("hits", scorer, iter(lambda: again[0], None), asked.hits)
    print(f"{cache.hits - before:,} of {asked.hits:,} from the cache, {cache.size >> 20} MB in it")
    flat = all(map(_flat, (scored, hits))) and cache.hits - before == asked.hits
    print("memory is flat" if flat else "memory grew")
    sys.exit(not flat)


def _watched(what: str, scorer: Scorer, posts: Iterator[Post], count: int) -> list[float]:
    """Resident memory after each tenth of the posts, megabytes."""
    found, start = [], time.perf_counter()
    for step in range(_STEPS):
        for _ in range(count // _STEPS // _BATCH):
            scorer.score(list(islice(posts, _BATCH)))
        found.append(resident_mb(os.getpid()))
        rate = count * (step + 1) / _STEPS / (time.perf_counter() - start)
        done = count * (step + 1) // _STEPS
        print(f"{what} {done:,}: {found[-1]:.0f} MB, {rate:,.0f}/s", flush=True)
    return found


def _flat(found: list[float]) -> bool:
    settled = found[int(_SETTLED * _STEPS) - 1]
    return found[-1] <= _MOST_GROWTH * settled


def _distinct() -> Iterator[Post]:
    """Posts of real length, no two of the same words."""
    rows = real_length_posts(2_000)
    number = 0
    while True:
        for row in rows:
            yield row.model_copy(update={"text": f"{row.text or ''}{number}"})
            number += 1


if __name__ == "__main__":
    main()
