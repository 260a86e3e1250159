"""Long text is read whole."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.windows import Windows

TEXTS = st.text(alphabet="今天下雨了。！\n“”a", max_size=1200)


@given(TEXTS, st.integers(20, 200), st.integers(0, 9))
def test_windows_cover_everything_in_order(text: str, size: int, overlap: int) -> None:
    """No character is left out, no window is too long, and none starts before the last."""
    spans = Windows(chars=size, overlap=overlap).over(text)
    assert spans[0][0] == 0
    assert spans[-1][1] == len(text)
    assert all(end - start <= size for start, end in spans)
    for (start, end), (following, _) in pairwise(spans):
        assert start < following <= end


def test_a_window_ends_with_a_sentence() -> None:
    """An offence is read with its own beginning."""
    text = "第一句话在这里。" * 10
    spans = Windows(chars=30, overlap=8).over(text)
    assert all(text[end - 1] == "。" for _, end in spans)


def test_short_and_empty_text_are_one_window() -> None:
    """Most posts are not cut."""
    assert Windows(chars=30, overlap=8).over("短") == [(0, 1)]
    assert Windows(chars=30, overlap=8).over("") == [(0, 0)]


def test_windows_that_do_not_go_forward_are_refused() -> None:
    """A window must end past the next one's beginning."""
    with pytest.raises(ValueError, match="twice overlap"):
        Windows(chars=30, overlap=15)
