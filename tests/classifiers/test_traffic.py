"""A post that is alone, and one that is not."""

import pytest

from classifiers.traffic import Traffic


def test_a_post_is_alone_until_others_come() -> None:
    """Whoever comes with several, or while one is there, is not alone."""
    traffic = Traffic(2)
    assert not traffic.lone
    with traffic.of(1):
        assert traffic.lone
        with traffic.of(1):
            assert not traffic.lone
        assert traffic.lone
    with traffic.of(2):
        assert not traffic.lone


def test_a_post_that_failed_is_gone() -> None:
    """An error within takes nobody's place for good."""
    traffic = Traffic(2)
    with pytest.raises(RuntimeError), traffic.of(1):
        raise RuntimeError
    with traffic.of(1):
        assert traffic.lone
