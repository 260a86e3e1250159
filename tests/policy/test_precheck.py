"""Prompts before posting: what is missing, and nothing that is there."""

from collections.abc import Callable
from typing import Any

import pytest

from labels.reader import read_labels
from labels.records import Post
from labels.results import HeadScores
from labels.taxonomy import taxonomy
from policy.precheck import precheck
from policy.resolve import Policy

Make = Callable[..., Post]


def prompts(policy: Policy, post: Post, **high: float) -> list[str]:
    """Codes for scores of which some are high."""
    named = {name.replace("c_", "").replace("__", "."): value for name, value in high.items()}
    scores = HeadScores(dict.fromkeys(taxonomy().heads, 0.001) | named, None, 1.0)
    return [prompt.code for prompt in precheck(post, scores, read_labels(post), policy)]


@pytest.mark.parametrize(
    ("category", "clause", "answer", "code"),
    [
        ("unlabeled_ai", "3.1", {"source": "《南渚日报》9月3日"}, "source_missing"),
        ("unlabeled_ai", "3.4", {"ai_generated": True}, "ai_label_missing"),
        ("unlabeled_ai", "3.5", {"fiction": True}, "fiction_label_missing"),
        ("distortion", "2.5", {"event_date": "2019-10-01"}, "old_news_undated"),
    ],
)
def test_what_is_missing_is_asked_and_what_is_there_is_not(
    policy: Policy, post: Make, category: str, clause: str, answer: dict[str, Any], code: str
) -> None:
    """Each prompt goes away with its answer."""
    high = {category: 1.0, "c_" + clause.replace(".", "__"): 1.0}
    assert prompts(policy, post(), **high) == [code]
    assert prompts(policy, post(declared=answer), **high) == []


def test_a_gated_field_asks_for_a_qualification(policy: Policy, post: Make) -> None:
    """An uncertified account in medicine is asked, a certified one and a cook are not."""
    doctor = {"field": "medical", "verified_as": "none", "credentials": []}
    assert prompts(policy, post(author=doctor)) == ["qualification_missing"]
    for certified in ({"verified_as": "professional"}, {"credentials": ["医师执业证书"]}):
        assert prompts(policy, post(author={**doctor, **certified})) == []
    assert prompts(policy, post(author={**doctor, "field": "food"})) == []


def test_what_was_not_sent_is_not_held_against_anyone(policy: Policy, post: Make) -> None:
    """No author, low scores: nothing to ask."""
    assert prompts(policy, post()) == []
