"""A post that is alone, and one that is not."""

from contextlib import suppress

from classifiers.traffic import Traffic


class _Clock:
    """Stands still until it is put forward."""

    now = 100.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def test_a_post_is_alone_until_others_come() -> None:
    """Whoever comes with several, or while one is there, is not alone, nor right after."""
    clock = _Clock()
    traffic = Traffic(2, clock)
    assert not traffic.lone
    with traffic.of(1):
        assert traffic.lone
        with traffic.of(1):
            assert not traffic.lone
        assert not traffic.lone
        clock.now += 1
        assert traffic.lone
    with traffic.of(2):
        clock.now += 1
        assert not traffic.lone
    with traffic.of(1):
        assert not traffic.lone


def test_one_after_the_other_is_alone_each_time() -> None:
    """What has gone counts no more, however it went."""
    traffic = Traffic(2, _Clock())
    for _ in range(3):
        with suppress(RuntimeError), traffic.of(1):
            assert traffic.lone
            raise RuntimeError
