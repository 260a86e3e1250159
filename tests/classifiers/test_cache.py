"""Scores of exact reposts come from memory that does not grow, and are the model's own."""

import tracemalloc
from threading import Thread

import numpy as np
import pytest

from classifiers.bundle import default_model_folder
from classifiers.cache import Answer, ScoreCache
from classifiers.scorer import load_scorer
from labels.records import Post
from labels.results import ScoringStage
from tests.conftest import FAKE_DOCTOR, REAL_DOCTOR, make_post

HEADS = 43
MEGABYTE = 1 << 20


def an_answer(number: int) -> Answer:
    """Of so many heads, none like another's."""
    return Answer(np.full(HEADS, float(number)), ScoringStage.FULL)


def a_key(number: int) -> bytes:
    """As long as those of a scorer."""
    return number.to_bytes(49, "big")


def doctors() -> list[Post]:
    """Two posts, and one of them again under another number from another account."""
    again = {**FAKE_DOCTOR, "data_id": "again"}
    again["author"] = {**FAKE_DOCTOR["author"], "account_id": "u9"}
    return [make_post(**FAKE_DOCTOR), make_post(**REAL_DOCTOR), make_post(**again)]


@pytest.mark.parametrize("cascade", [False, True])
def test_a_repost_is_answered_from_memory_with_the_same_bits(cascade: bool) -> None:
    """Whoever reposts, and in whatever batch."""
    cache = ScoreCache(MEGABYTE)
    plain = load_scorer(default_model_folder(), threads=1, cascade=cascade)
    scorer = load_scorer(default_model_folder(), threads=2, cascade=cascade, cache=cache)
    posts = doctors()
    assert scorer.score(posts[:2]) == plain.score(posts[:2])
    assert (cache.hits, cache.misses) == (0, 2)
    assert scorer.score(posts) == plain.score(posts)
    assert (cache.hits, cache.misses) == (3, 2)


def test_what_the_model_reads_otherwise_is_scored_anew() -> None:
    """Another bio, or the same words with the cascade, is not what was kept."""
    cache = ScoreCache(MEGABYTE)
    scorer = load_scorer(default_model_folder(), threads=1, cache=cache)
    quick = load_scorer(default_model_folder(), threads=1, cascade=True, cache=cache)
    post = doctors()[0]
    other = make_post(**{**FAKE_DOCTOR, "author": {**FAKE_DOCTOR["author"], "bio": "爱喝茶"}})
    scorer.score([post])
    scorer.score([other])
    quick.score([post])
    assert cache.hits == 0


def test_memory_stays_within_its_bound() -> None:
    """However much is put in, and those last asked for are those still there."""
    cache = ScoreCache(MEGABYTE)
    tracemalloc.start()
    for number in range(5_000):
        cache.put(a_key(number), an_answer(number))
        assert cache.get(a_key(0)) is not None
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 0.5 * MEGABYTE < held < MEGABYTE
    assert cache.size <= MEGABYTE
    assert cache.get(a_key(1)) is None
    last = cache.get(a_key(4_999))
    assert last is not None
    assert last.probabilities[0] == 4_999


def test_an_answer_larger_than_the_cache_is_not_kept() -> None:
    """It does no harm either."""
    cache = ScoreCache(10)
    cache.put(a_key(1), an_answer(1))
    assert cache.get(a_key(1)) is None


def test_threads_share_it() -> None:
    """Every question is counted once, and every answer is that of its key."""
    cache, wrong = ScoreCache(MEGABYTE // 16), []

    def ask() -> None:
        for number in range(3_000):
            found = cache.get(a_key(number % 200))
            if found is not None and found.probabilities[0] != number % 200:
                wrong.append(number)
            cache.put(a_key(number % 200), an_answer(number % 200))

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert cache.hits + cache.misses == 4 * 3_000
