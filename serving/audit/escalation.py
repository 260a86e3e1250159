"""What would become of an account, if reviewers confirmed every suspicion in the order of time."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import numpy as np

from policy.cases import proposals
from policy.floors import STEPS
from policy.judge import judge
from policy.ledger import Record, Standing
from serving.audit.ruling import Rules, facts_of
from serving.audit.scoring import HEADS, MACHINE, Scores
from serving.audit.summary import Row


def escalate(flagged: Sequence[Row], scores: Scores, rules: Rules) -> list[dict[str, Any]]:
    """The steps that would follow one another; a proposal for people, never a decision.

    Args:
        flagged: decisions on posts of one account, in the order of time.
        scores: of all inputs.
        rules: pack and history.
    """
    found: list[dict[str, Any]] = []
    history = rules.history
    standings = list(history.record(flagged[0]["account_id"]).standings if flagged else ())
    for row in flagged:
        at = history.moment(row["published_at"])
        if standings:  # of posts without a moment, or of the same, the later row comes later
            at = max(at, standings[-1].at + timedelta(microseconds=1))
        strikes = Record(tuple(standings)).strikes(at, rules.policy.pack.strike_days)
        heads = scores.of(np.array([row["input"]]))
        cases = proposals(heads[:, : len(HEADS)], heads[:, MACHINE], [facts_of(row)], [strikes])
        ruling = judge(cases, rules.policy)
        step, days = STEPS[ruling.step[0]], int(ruling.days[0])
        standings.append(Standing(f"row {row['row']}", at, step, days, None))
        found.append({"row": row["row"], "step": step.value, "days": days})
    return found
