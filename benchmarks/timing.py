"""Timing that every system of `make bench` shares; needs nothing but NumPy."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

CORES = os.cpu_count() or 1

Call = Callable[[], Any]


@dataclass(frozen=True)
class Speed:
    """How fast a system is, and on what.

    ``cores`` it may use in batches, ``cores_for_one`` for a single post; ``batch_size`` is the
    number of posts in one run of its model; ``tokens_a_post`` is the mean of what it reads.
    Latencies are of ``single_posts`` posts, one after the other.
    """

    cores: int
    cores_for_one: int
    tokens_a_post: float
    batch_size: int
    posts_per_second: float
    single_posts: int
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Reading:
    """What a system reads, and on how many cores."""

    posts: int
    tokens_a_post: float
    cores: int = CORES
    cores_for_one: int = CORES


def measure(reading: Reading, batches: Mapping[int, Call], ones: Sequence[Call]) -> Speed:
    """Time a system that is warm.

    Args:
        reading: what it reads.
        batches: by batch size, a call that scores all posts; the fastest counts.
        ones: a call for each single post.
    """
    rates = {size: reading.posts / seconds(work) for size, work in batches.items()}
    fastest = max(rates, key=rates.__getitem__)
    p50, p99 = np.percentile([1e3 * seconds(one) for one in ones], [50, 99])
    return Speed(
        reading.cores,
        reading.cores_for_one,
        round(reading.tokens_a_post, 1),
        fastest,
        round(rates[fastest], 2),
        len(ones),
        round(float(p50), 2),
        round(float(p99), 2),
    )


def seconds(work: Call) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
