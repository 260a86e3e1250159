"""What hides in a stranger's words is shown, and what carries a score is found again in place."""

import pytest

from labels.results import Explanation, Span
from labels.taxonomy import Category
from serving.console.passages import media_links, passages
from serving.hidden import visible
from tests.conftest import make_post


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("好\u200b吃", "好‹U+200B›吃"),
        ("好\u200b\u200b\u200b吃", "好‹U+200B ×3›吃"),
        ("\u202e\u2066x", "‹U+202E U+2066›x"),
        ("\u200b\u200c\u200d\u2060" * 2, "‹U+200B U+200C U+200D… ×8›"),
        ("e\u0301\u0323 e\u0301\u0323\u0336\u0336", "e\u0301\u0323 e\u0301\u0323‹U+0336 ×2›"),
        ("a\u200b\u0301\u200b\u0301", "a‹U+200B U+0301 ×4›"),
        ("\u3164\u2800", "‹U+3164 U+2800›"),
        ("👨\u200d👩\ufe0f 一行\n二行\t", "👨\u200d👩\ufe0f 一行\n二行\t"),
    ],
)
def test_hidden_characters_are_written_out(text: str, told: str) -> None:
    """Once a run; what joins emoji and what breaks lines stays."""
    assert visible(text) == told


def test_marks_and_links_stand_where_they_are() -> None:
    """Pieces make the field again; spans of two clauses may overlap, and links may lie in them."""
    text = "先看https://x.example/a.mp4，再喝我的茶。"
    spans = {"4.1": (0, 4), "4.3": (2, len(text) - 3)}
    found = [
        Explanation(
            category=Category.FALSE_SPECIALIST,
            clause=clause,
            spans=(Span(field="text", start=start, end=end, effect=1.0),),
            evidence_needed_zh="",
            evidence_needed="",
        )
        for clause, (start, end) in spans.items()
    ]
    (passage,) = passages(make_post(text=text), found)
    assert "".join(piece.text for piece in passage.pieces) == text
    assert "".join(piece.text for piece in passage.pieces if piece.link) == (
        "https://x.example/a.mp4"
    )
    for clause, (start, end) in spans.items():
        marked = "".join(piece.text for piece in passage.pieces if clause in piece.clauses)
        assert marked == text[start:end]


def test_links_in_metadata_are_found_at_any_depth() -> None:
    """Each once; what is no link is none."""
    inner = {"media": ["https://x.example/1.jpg", {"again": "https://x.example/1.jpg"}], "n": 1}
    assert media_links({"a": [inner, "no"]}) == ["https://x.example/1.jpg"]
