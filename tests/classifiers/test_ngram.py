"""Features depend on what the model may read, and on nothing else."""

from collections.abc import Callable

import numpy as np
import pytest

from classifiers.ngram import face_bag, facts_bag, look_up, text_bag
from labels.records import Post


def keys(text: str) -> set[int]:
    return set(text_bag("", text).keys.tolist())


@pytest.mark.parametrize(
    ("one", "other"),
    [("ＡＩ生成", "ai生成"), ("這張圖", "这张图"), ("停\u200b水", "停水"), ("停水  了", "停水 了")],
)
def test_spelling_that_only_hides_text_is_folded(one: str, other: str) -> None:
    """Width, case, traditional characters, zero-width marks and spaces change nothing."""
    assert keys(one) == keys(other)


def test_counts_add_up() -> None:
    """A text of n characters with its two edges has n+2, n+1, n and n-1 grams."""
    assert text_bag("", "停水三天").counts.sum() == 6 + 5 + 4 + 3


def test_hashes_never_change() -> None:
    """A trained vocabulary knows its features by them alone."""
    assert keys("水") == {
        0x104FE477BEFE6D99,
        0x174825EB517F7333,
        0x6306EC0B9AA88DD2,
        0x641B13C382E4F463,
        0x6E491B4B080EFA3E,
        0xC1972A37DB4EE7F8,
    }


def test_empty_text_has_no_features() -> None:
    """A post of a title alone leaves the text without evidence."""
    assert text_bag("", "").keys.size == 0


def test_keys_are_sorted_and_distinct() -> None:
    """The vocabulary look-up relies on it."""
    bag = text_bag("标题", "哈哈哈哈哈哈")
    assert np.array_equal(np.unique(bag.keys), bag.keys)


def test_the_account_is_seen_in_its_own_features(post: Callable[..., Post]) -> None:
    """The same words from a verified doctor and a nameless seller differ."""
    doctor = post(author={"verified_as": "professional", "display_name": "温岚"})
    seller = post(author={"verified_as": "none", "display_name": "温岚"})
    assert not np.array_equal(facts_bag(doctor).keys, facts_bag(seller).keys)
    assert np.array_equal(face_bag(doctor).keys, face_bag(seller).keys)


def test_ids_dates_and_platform_are_not_read(post: Callable[..., Post]) -> None:
    """They must not become evidence."""
    one = post(platform="weibo", published_at="2026-01-01T00:00:00Z", author={"account_id": "a"})
    other = post(data_id="p2", platform="zhihu", author={"account_id": "b"})
    for bag in (face_bag, facts_bag):
        assert np.array_equal(bag(one).keys, bag(other).keys)


def test_null_reads_as_absent(post: Callable[..., Post]) -> None:
    """What was not asked is not a 'no'."""
    null = post(author={"verified_as": None, "bio": None}, declared={"fiction": None})
    assert np.array_equal(facts_bag(null).keys, facts_bag(post()).keys)
    no = post(declared={"fiction": False})
    assert not np.array_equal(facts_bag(no).keys, facts_bag(post()).keys)


def test_look_up_keeps_known_features_with_their_counts() -> None:
    """Unknown ones are dropped, past either end of the vocabulary too."""
    bag = text_bag("", "停水停水")
    places, counts = look_up(bag, bag.keys[1:-1])
    assert np.array_equal(places, np.arange(len(bag.keys) - 2))
    assert np.array_equal(counts, bag.counts[1:-1])
    assert look_up(bag, bag.keys[:0])[0].size == 0
