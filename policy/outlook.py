"""What a further violation would lead to, so that an account's owner and a reviewer can see it."""

from labels.cases import Case, ClaimStatus, Findings, Strikes
from labels.results import Step, Version
from labels.taxonomy import taxonomy
from policy.floors import ACCOUNT_CLAUSES
from policy.resolve import Policy
from policy.rule import rule

_NOBODY = Version(id="none", version="none", sha256="0" * 64)


def outlook(strikes: Strikes, policy: Policy) -> dict[str, tuple[Step, int]]:
    """By severity (S1 to S4): the step and days of the next upheld violation.

    The rule itself says so, of a plain clause of each severity that the pack has, found false
    with evidence by two reviewers and without aggravators.
    """
    found = {}
    for clause, weighed in policy.pack.clauses.items():
        plain = clause not in ACCOUNT_CLAUSES and not weighed.intent
        if plain and weighed.severity not in found:
            ruled = rule(_case(clause, strikes), policy)
            found[weighed.severity] = (ruled.step, ruled.days)
    return dict(sorted(found.items()))


def _case(clause: str, strikes: Strikes) -> Case:
    return Case(
        decision_id="next",
        account_id="next",
        scores=dict.fromkeys(taxonomy().heads, 0.0),
        strikes=strikes,
        findings=Findings(
            clauses=(clause,),
            claim_status=ClaimStatus.FALSE,
            evidence=("assumed",),
            sentence="assumed",
            reviewers=("first", "second"),
        ),
        model=_NOBODY,
    )
