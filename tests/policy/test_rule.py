"""What reviewers find becomes a step: the table of cases, and the floors for any case."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from labels.cases import Aggravator, Case, ClaimStatus, Findings, Mitigator, Strikes
from labels.results import Step
from labels.taxonomy import taxonomy
from policy.cases import many
from policy.judge import judge
from policy.resolve import Policy
from policy.rule import rule
from tests.policy.conftest import MODEL, make_case, make_findings, make_policy

TABLE = yaml.safe_load((Path(__file__).parent / "table.yaml").read_text(encoding="utf-8"))
POLICY = make_policy()
STEPS = tuple(Step)
CLAUSES = tuple(taxonomy().clauses)

findings = st.builds(
    Findings,
    clauses=st.lists(st.sampled_from(CLAUSES), max_size=3, unique=True).map(tuple),
    claim_status=st.sampled_from(ClaimStatus),
    evidence=st.sampled_from([(), ("e",)]),
    account_evidence=st.sampled_from([(), ("e",)]),
    intent=st.booleans(),
    sentence=st.sampled_from([None, "原句"]),
    protected=st.sampled_from([(), ("policy_criticism",)]),
    forwarded=st.booleans(),
    aggravators=st.lists(st.sampled_from(Aggravator), max_size=2, unique=True).map(tuple),
    mitigators=st.lists(st.sampled_from(Mitigator), max_size=2, unique=True).map(tuple),
    reviewers=st.sampled_from([(), ("a",), ("a", "b")]),
    closure=st.booleans(),
)
strikes = st.builds(
    Strikes, warning=st.integers(0, 3), short_mute=st.integers(0, 4), long_mute=st.integers(0, 4)
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any findings on any record."""
    return Case(
        decision_id="d",
        account_id="a",
        scores=dict.fromkeys(taxonomy().heads, 0.01),
        strikes=draw(strikes),
        findings=draw(findings),
        model=MODEL,
    )


def changed(case: Case, **found: Any) -> Case:
    """The same case with other findings."""
    assert case.findings
    return case.model_copy(update={"findings": case.findings.model_copy(update=found)})


def step(case: Case) -> int:
    """Place in the ladder."""
    return STEPS.index(rule(case, POLICY).step)


def test_the_table_is_long_enough_and_says_why() -> None:
    """At least 60 cases, every clause among them, each with its reason."""
    assert len(TABLE) >= 60
    assert {clause for row in TABLE for clause in row["clauses"]} == set(CLAUSES)
    assert all(row["why"] for row in TABLE)


@pytest.mark.parametrize("row", TABLE, ids=[f"{n}-{row['why']}" for n, row in enumerate(TABLE)])
def test_the_table_of_cases(row: Mapping[str, Any]) -> None:
    """Expected step and days."""
    given = {name: value for name, value in row.items() if name not in ("step", "days", "why")}
    ruled = rule(make_case(**given), POLICY)
    assert (ruled.step, ruled.days) == (row["step"], row.get("days", 0)), ruled.trace


@given(cases())
def test_no_case_passes_a_floor(case: Case) -> None:
    """Whatever was found: persons, evidence, claims, labels, speech, accounts, closure."""
    found, got = case.findings, rule(case, POLICY).step
    assert found
    if STEPS.index(got) > STEPS.index(Step.PROMPT):
        assert found.clauses
        assert found.evidence
        assert len(found.reviewers) >= (2 if got in (Step.LONG_MUTE, Step.CLOSURE) else 1)
        assert found.sentence or not found.protected
    upheld = set(found.clauses)
    if upheld and all(clause.startswith("3.") for clause in upheld):
        cap = Step.SHORT_MUTE if upheld & {"3.3", "3.6"} else Step.WARNING
        assert STEPS.index(got) <= STEPS.index(cap)
    if found.claim_status not in (ClaimStatus.FALSE, ClaimStatus.MISLEADING) and not any(
        clause.startswith("3.") for clause in upheld
    ):
        assert STEPS.index(got) <= STEPS.index(Step.PROMPT)
    if got is Step.CLOSURE:
        assert found.closure
        assert found.claim_status is ClaimStatus.FALSE


@given(cases(), st.sampled_from(Aggravator), st.sampled_from(Mitigator))
def test_steps_move_the_right_way(case: Case, worse: Aggravator, milder: Mitigator) -> None:
    """An aggravator never makes a step milder, a mitigator or a missing person never harsher."""
    found = case.findings
    assert found
    assert step(changed(case, aggravators=(*found.aggravators, worse))) >= step(case)
    assert step(changed(case, mitigators=(*found.mitigators, milder))) <= step(case)
    assert step(changed(case, reviewers=found.reviewers[:-1])) <= step(case)
    assert step(changed(case, claim_status=ClaimStatus.UNVERIFIED)) <= step(case)
    assert step(changed(case, clauses=found.clauses[:-1])) <= step(case)


@given(cases())
def test_a_record_never_makes_a_step_milder_nor_jumps(case: Case) -> None:
    """One strike more leads at most one step further than a clean record, unless aggravated."""
    clean = case.model_copy(update={"strikes": Strikes()})
    closing = case.findings is not None and case.findings.closure
    assert step(case) >= step(clean)
    if not closing:
        assert step(case) <= step(clean) + 1
    more = case.strikes.model_copy(update={"short_mute": case.strikes.short_mute + 1})
    assert step(case.model_copy(update={"strikes": more})) >= step(case)


@given(st.lists(cases(), min_size=1, max_size=6))
def test_a_case_is_ruled_alike_alone_and_among_others(some: list[Case]) -> None:
    """The online path is a batch of one."""
    together = judge(many(some), POLICY)
    for place, case in enumerate(some):
        alone = rule(case, POLICY)
        assert STEPS[together.step[place]] is alone.step
        assert together.days[place] == alone.days


def test_a_trace_names_what_was_given_what_fired_and_what_bound(policy: Policy) -> None:
    """So that a decision can be replayed and defended."""
    case = make_case(clauses=["1.1"], reviewers=1, account=True, aggravators=["profit_route"])
    trace = rule(case, policy).trace
    assert "clause=1.1 severity=S4" in trace
    assert "aggravator=profit_route" in trace
    assert "wanted=long_mute" in trace
    assert "cap=people_decide" in trace
    assert trace[-1] == "step=short_mute days=7"


def test_no_cases_are_ruled_on_too(policy: Policy) -> None:
    """An empty column is an empty answer."""
    assert len(judge(many([]), policy).step) == 0


def test_findings_name_what_exists() -> None:
    """A mistyped clause, or a reviewer counted twice, decides nothing."""
    with pytest.raises(ValueError, match="not in the taxonomy"):
        make_findings(clauses=["9.9"])
    with pytest.raises(ValueError, match="named twice"):
        Findings(clauses=(), claim_status=ClaimStatus.FALSE, reviewers=("a", "a"))


def test_earnings_pause_longer_than_a_mute(policy: Policy) -> None:
    """Twice as long, as the pack says."""
    ruled = rule(make_case(clauses=["1.3"]), policy)
    assert (ruled.days, ruled.pause_days) == (7, 14)
    assert np.isclose(policy.pack.mutes.pause_factor, 2)
