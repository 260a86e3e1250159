"""Timing that every system of `make bench` shares; needs nothing but NumPy."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import itemgetter
from typing import Any, TypeVar

import numpy as np

CORES = os.cpu_count() or 1

#: posts of each system at a time: what a machine's speed does in between does not tell them apart
_PART = 100

Call = Callable[[], Any]
_Row = TypeVar("_Row")


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


@dataclass(frozen=True)
class System:
    """What is timed, warm.

    ``batches``: by batch size, what scores a part of the posts; the fastest counts. ``ones``: a
    call for each single post.
    """

    reading: Reading
    batches: Mapping[int, Callable[[slice], Any]]
    ones: Sequence[Call] = ()


def in_turns(systems: Sequence[System]) -> list[Speed]:
    """Time systems on the same posts, some posts of each at a time; then single posts.

    Those are not timed in turns: threads of one system spin for a while after each.
    """
    fastest = rates_in_turns(systems)
    return [
        _speed(system, size, rate) for system, (size, rate) in zip(systems, fastest, strict=True)
    ]


def rates_in_turns(systems: Sequence[System]) -> list[tuple[int, float]]:
    """Of each the batch size that is fastest, and its posts a second."""
    taken = [dict.fromkeys(system.batches, 0.0) for system in systems]
    posts = systems[0].reading.posts
    for start in range(0, posts, _PART):
        part = slice(start, start + _PART)
        for system, times in zip(systems, taken, strict=True):
            for size, score in system.batches.items():
                times[size] += seconds(partial(score, part))
    fastest = [min(times.items(), key=itemgetter(1)) for times in taken]
    return [(size, posts / time) for size, time in fastest]


def _speed(system: System, size: int, rate: float) -> Speed:
    reading = system.reading
    p50, p99 = np.percentile([1e3 * seconds(one) for one in system.ones], [50, 99])
    return Speed(
        reading.cores,
        reading.cores_for_one,
        round(reading.tokens_a_post, 1),
        size,
        round(rate, 2),
        len(system.ones),
        round(float(p50), 2),
        round(float(p99), 2),
    )


def seconds(work: Call) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def spread(rows: Sequence[_Row], count: int) -> list[_Row]:
    """So many of them, from the first to the last."""
    chosen = np.linspace(0, len(rows) - 1, count).astype(int)
    return [rows[place] for place in chosen]
