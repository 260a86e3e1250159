"""Posts are checked strictly, and every refusal leads to the fault."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from labels.records import MAX_TEXT_CHARS, LabelledPost, Post, PostError, parse_post


def refusal(item: Any) -> PostError:
    with pytest.raises(PostError) as caught:
        parse_post(item if isinstance(item, str) else json.dumps(item))
    return caught.value


@pytest.mark.parametrize(
    ("item", "code", "pointer", "data_id"),
    [
        ('{"data_id":"a","text":"被截断', "invalid_json", "", None),
        ("", "invalid_json", "", None),
        ("[]", "invalid_type", "", None),
        ({"text": "没有编号"}, "missing_field", "/data_id", None),
        ({"data_id": 7, "text": "x"}, "invalid_type", "/data_id", None),
        ({"data_id": "a", "text": 5}, "invalid_type", "/text", "a"),
        ({"data_id": "a", "text": " \u200b\n", "title": ""}, "blank", "/text", "a"),
        ({"data_id": "a"}, "blank", "/text", "a"),
        ({"data_id": "  ", "text": "x"}, "blank", "/data_id", "  "),
        ({"data_id": "a", "text": "x", "tags": []}, "unknown_field", "/tags", "a"),
        ({"data_id": "a", "text": "x", "a/b~c": 1}, "unknown_field", "/a~1b~0c", "a"),
        (
            {"data_id": "a", "text": "x", "author": {"verified_as": "vip"}},
            "unknown_value",
            "/author/verified_as",
            "a",
        ),
        (
            {"data_id": "a", "text": "x", "declared": {"fiction": "false"}},
            "invalid_type",
            "/declared/fiction",
            "a",
        ),
        (
            {"data_id": "a", "text": "x", "declared": {"event_date": "去年"}},
            "invalid_type",
            "/declared/event_date",
            "a",
        ),
        ({"data_id": "a", "text": "长" * (MAX_TEXT_CHARS + 1)}, "too_long", "/text", "a"),
        ('{"data_id":"a","text":"\\ud800"}', "invalid_json", "", "a"),
        ({"data_id": "a\0", "text": "x"}, "control_character", "/data_id", None),
        (
            {"data_id": "a", "text": "x", "author": {"account_id": "u\n"}},
            "control_character",
            "/author/account_id",
            "a",
        ),
        ('{"data_id":"a","text":"x","metadata":{"b":[1e999]}}', "not_finite", "/metadata", "a"),
        ('{"data_id":"a","text":"x","callback":NaN}', "not_finite", "/callback", "a"),
    ],
)
def test_a_refusal_names_code_pointer_and_id(
    item: Any, code: str, pointer: str, data_id: str | None
) -> None:
    """A caller can find the fault in its own data from the answer alone."""
    error = refusal(item)
    assert (error.code, error.pointer, error.data_id) == (code, pointer, data_id)
    assert error.detail


def test_further_faults_are_counted() -> None:
    """The first fault is told, the others are not hidden."""
    assert "and 1 more" in refusal({"data_id": "a", "text": "x", "b": 1, "c": 2}).detail


def test_null_is_not_asked(post: Callable[..., Post]) -> None:
    """Null and absent read the same, and neither reads as 'no'."""
    asked = post(declared={"fiction": None, "ai_generated": False})
    assert asked.declared
    assert asked.declared.fiction is None
    assert asked.declared.marketing is None
    assert asked.declared.ai_generated is False


def test_title_alone_and_longest_text_are_posts(post: Callable[..., Post]) -> None:
    """Either field will do, and the limit is inclusive."""
    assert post(text=None, title="只有标题").title
    assert len(post(text="长" * MAX_TEXT_CHARS).text or "") == MAX_TEXT_CHARS


def test_an_edit_is_another_revision(post: Callable[..., Post]) -> None:
    """The content hash follows what an author edits and nothing else."""
    first = post(text="原文", callback="a")
    assert post(text="原文", callback="b").content_sha256 == first.content_sha256
    assert post(text="改过的原文").content_sha256 != first.content_sha256
    assert post(text="原文", declared={"fiction": True}).content_sha256 != first.content_sha256


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"clauses": ["9.9"]}, "not in the taxonomy"),
        ({"clauses": ["2.1"]}, "disagree"),
        ({"protected": ["opinion_or_forecast"]}, "protected"),
        ({"severity": 0}, "severity"),
    ],
)
def test_labels_that_contradict_themselves_are_refused(change: dict[str, Any], told: str) -> None:
    """The corpus cannot hold a row that a reader could take two ways."""
    row = {
        "data_id": "a",
        "text": "x",
        "labels": ["impersonation"],
        "clauses": ["1.1"],
        "protected": [],
        "evidence": ["x"],
        "severity": 4,
        "note": "",
    }
    LabelledPost.model_validate_json(json.dumps(row))
    with pytest.raises(ValueError, match=told):
        LabelledPost.model_validate_json(json.dumps(row | change))
