"""How a model under a policy does on MisinfoCheck-zh, functionality by functionality."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from classifiers.scorer import Scorer
from labels.reader import read_labels
from labels.results import Suggestion
from labels.suite import Case, Suite
from policy.decide import Decision, decide
from policy.resolve import Policy


def suite_report(suite: Suite, scorer: Scorer, policy: Policy) -> dict[str, Any]:
    """Pass rates overall and by functionality, and the cases that failed.

    A violation passes if its category is raised, as prompt, review or act; a clear post passes
    if nothing is suggested.

    Raises:
        ScoringError: the model failed.
    """
    scores = scorer.score([case.post for case in suite.cases])
    decisions = [
        decide(found, read_labels(case.post), policy)
        for case, found in zip(suite.cases, scores, strict=True)
    ]
    passed = [passes(c, d) for c, d in zip(suite.cases, decisions, strict=True)]
    return {
        "passed": _rate(passed),
        "cases": len(passed),
        "functionalities": [
            {
                "id": functionality.id,
                "zh": functionality.zh,
                "en": functionality.en,
                **_of(functionality.id, suite.cases, passed),
            }
            for functionality in suite.functionalities
        ],
    }


def passes(case: Case, decision: Decision) -> bool:
    """Whether the decision on a case is what it asks for."""
    if case.expect is None:
        return decision.suggestion is Suggestion.PASS
    return any(finding.category is case.expect for finding in decision.findings)


def _of(functionality: str, cases: Sequence[Case], passed: Sequence[bool]) -> dict[str, Any]:
    mine = [
        (case.post.data_id, well)
        for case, well in zip(cases, passed, strict=True)
        if case.functionality == functionality
    ]
    failed = [data_id for data_id, well in mine if not well]
    return {"passed": _rate([well for _, well in mine]), "cases": len(mine), "failed": failed}


def _rate(passed: Sequence[bool]) -> float:
    return round(float(np.mean(passed)), 4)
