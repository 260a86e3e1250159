"""`mingbian evaluate --suite misinfocheck` counts what the decisions say."""

import json

import pytest

from labels.results import Finding, ProposedSanction, RiskLevel, Step, Suggestion
from labels.suite import Case
from labels.taxonomy import Category
from policy.decide import Decision
from tests.conftest import Run, make_post
from training.suite import passes

NONE = ProposedSanction(step=Step.NONE, days=0, reviewers=0, requires=(), because=())


def decision(suggestion: Suggestion, *categories: Category) -> Decision:
    """One that raises these categories."""
    findings = tuple(
        Finding(category=c, clause="2.4", score=0.9, threshold=0.5, level=suggestion)
        for c in categories
    )
    return Decision({}, suggestion, RiskLevel.LOW, findings, (), NONE, ())


@pytest.mark.parametrize(
    ("expect", "found", "well"),
    [
        (None, decision(Suggestion.PASS), True),
        (None, decision(Suggestion.PROMPT, Category.UNLABELED_AI), False),
        (Category.DISTORTION, decision(Suggestion.REVIEW, Category.DISTORTION), True),
        (Category.DISTORTION, decision(Suggestion.REVIEW, Category.IMPERSONATION), False),
        (Category.DISTORTION, decision(Suggestion.PASS), False),
    ],
)
def test_a_case_passes_if_what_it_asks_for_is_raised(
    expect: Category | None, found: Decision, *, well: bool
) -> None:
    """The right category on a violation, nothing at all on a clear post."""
    assert passes(Case("F01", expect, make_post()), found) is well


def test_the_bundled_model_holds_the_suites_floor(call: Run) -> None:
    """85 % overall and no functionality under one half; figures and failures add up."""
    done = call("evaluate", "--suite", "misinfocheck", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["passed"] >= 0.85
    assert report["model"]["id"] == "mingbian_zh"
    failed = 0
    for found in report["functionalities"]:
        assert found["passed"] >= 0.5, found
        assert len(found["failed"]) == round((1 - found["passed"]) * found["cases"])
        failed += len(found["failed"])
    assert failed == round((1 - report["passed"]) * report["cases"])
