"""Cases and a policy whose scores hold as they are."""

from typing import Any

import pytest

from labels.cases import Case, Findings, Strikes
from labels.operating import Operating, OperatingPoint
from labels.results import Version
from labels.taxonomy import Category, taxonomy
from policy.pack import default_pack_path, load_pack
from policy.resolve import Policy, resolve

MODEL = Version(id="m", version="1", sha256="0" * 64)


def make_policy() -> Policy:
    """The shipped pack for a model that never flags."""
    point = OperatingPoint(threshold=0.99, recall=0.5, fpr=0.0001, worst_genre_fpr=0.0)
    table = Operating(rate=0.02, points=(point,))
    return resolve(load_pack(default_pack_path()).pack, dict.fromkeys(Category, table))


def make_findings(**given: Any) -> Findings:
    """What reviewers found, as the table of cases leaves it out."""
    number = given.pop("reviewers", 2)
    evidence = ("the page, retrieved",) if given.pop("evidence", True) else ()
    account = ("the record",) if given.pop("account", False) else ()
    sentence = "原句" if given.pop("sentence", True) else None
    named = {"claim_status": given.pop("status", "false"), "clauses": (), **given}
    return Findings.model_validate(
        {
            "evidence": evidence,
            "account_evidence": account,
            "sentence": sentence,
            "reviewers": tuple(f"r{n}" for n in range(number)),
            **{k: tuple(v) if isinstance(v, list) else v for k, v in named.items()},
        },
        strict=False,
    )


def make_case(decision_id: str = "d1", strikes: dict[str, int] | None = None, **found: Any) -> Case:
    """A case on which people have looked."""
    return Case(
        decision_id=decision_id,
        account_id="a1",
        scores=dict.fromkeys(taxonomy().heads, 0.01),
        strikes=Strikes(**(strikes or {})),
        findings=make_findings(**found),
        model=MODEL,
    )


@pytest.fixture(scope="session")
def policy() -> Policy:
    """See :func:`make_policy`."""
    return make_policy()
