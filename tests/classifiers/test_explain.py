"""Explanations point at words that carry the score, wherever they stand."""

import random

import numpy as np
import pytest

from classifiers.bundle import default_model_folder
from classifiers.explain import spans
from classifiers.rendering import content
from classifiers.scorer import Scorer, load_scorer
from labels.records import Post
from labels.results import Span
from labels.suite import load_suite, suite_folder
from labels.taxonomy import Category
from tests.conftest import FAKE_DOCTOR, make_post

SPECIALIST = Category.FALSE_SPECIALIST


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    """The model in the package."""
    return load_scorer(default_model_folder(), threads=2)


def words(post: Post, span: Span) -> str:
    """What a span points at."""
    source = post.author if span.field in ("display_name", "bio") else post
    return str(getattr(source, span.field))[span.start : span.end]


def without(post: Post, start: int, end: int) -> Post:
    """The post less a stretch of its text."""
    text = post.text or ""
    return post.model_copy(update={"text": text[:start] + text[end:]})


def test_deleting_the_span_costs_more_than_deleting_others(scorer: Scorer) -> None:
    """On posts the model never saw, of one window, against random stretches of the same length."""
    rng = random.Random(11)
    cases = load_suite(suite_folder()).cases
    violations = [case for case in cases if case.expect and len(content(case.post)) <= 200]
    ours, others = [], []
    for case in rng.sample(violations, 30):
        assert case.expect
        found = spans(scorer, case.post, [case.expect], at_most=3)[case.expect]
        in_text = [span for span in found if span.field == "text"]
        if not in_text:
            continue
        start, end = in_text[0].start, in_text[0].end
        starts = [rng.randint(0, len(case.post.text or "") - (end - start)) for _ in range(5)]
        random_ones = [without(case.post, at, at + end - start) for at in starts]
        posts = [case.post, without(case.post, start, end), *random_ones]
        odds = scorer.log_odds(posts, [case.expect])[:, 0]
        ours.append(odds[0] - odds[1])
        others.append(np.mean(odds[0] - odds[2:]))
        assert ours[-1] == pytest.approx(in_text[0].effect, abs=1e-3)
    assert len(ours) >= 20
    assert np.mean(ours) > 2 * np.mean(others)
    assert np.mean(np.array(ours) > np.array(others)) >= 0.9


def test_offsets_are_code_points_of_the_original(scorer: Scorer) -> None:
    """Emoji, traditional and full-width characters before a span move nothing."""
    plain = make_post(**FAKE_DOCTOR)
    dressed = make_post(**{**FAKE_DOCTOR, "text": "👨‍⚕️🇨🇳㈱ﷺ" + FAKE_DOCTOR["text"]})
    for post in (plain, dressed):
        found = spans(scorer, post, [SPECIALIST], at_most=3)[SPECIALIST]
        assert found
        assert all(words(post, span) for span in found)
        assert [span.effect for span in found] == sorted((s.effect for s in found), reverse=True)
    texts = [words(dressed, span) for span in found if span.field == "text"]
    assert texts
    assert all(text in FAKE_DOCTOR["text"] or text.startswith("👨‍⚕️") for text in texts)


def test_no_emoji_is_split(scorer: Scorer) -> None:
    """A family of seven code points is one sign."""
    family = "👨‍👩‍👧‍👦"
    post = make_post(text=family * 12 + "三个疗程停掉降压药，私信领")
    for span in spans(scorer, post, [SPECIALIST], at_most=20)[SPECIALIST]:
        text = words(post, span)
        assert text.count(family) * len(family) == len(text.rstrip("三个疗程停掉降压药，私信领"))


def test_the_offence_in_a_long_text_is_found(scorer: Scorer) -> None:
    """Only the window that decides is searched, and offsets are those of the whole."""
    calm = "早上去菜市场买了两斤青菜，回家煮了面。" * 120
    offence = "我是三甲主任，喝我配的药茶三个疗程就能停掉降压药，私信领方子。"
    post = make_post(title="日常", text=calm + offence + calm)
    found = spans(scorer, post, [SPECIALIST], at_most=3)[SPECIALIST]
    assert found
    assert all(span.field == "text" for span in found)
    strongest = words(post, found[0])
    assert strongest in offence


def test_fields_of_the_account_are_explained_too(scorer: Scorer) -> None:
    """A bio that gives the game away is pointed at."""
    post = make_post(
        text="今天聊聊血压。",
        author={"display_name": "老刘", "bio": "祖传秘方根治高血压，加微信领药"},
    )
    found = spans(scorer, post, [SPECIALIST], at_most=3)[SPECIALIST]
    assert "bio" in {span.field for span in found}
