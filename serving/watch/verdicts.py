"""What people found in a period: live precision and overturned appeals."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, RowMapping, select

from labels.results import ScoredPost
from serving.appeals import OVERTURNED
from serving.queue import CaseKind, CaseState
from serving.sanctions import STANDS
from serving.store.schema import appeals, cases, decisions, sanctions
from serving.watch.collect import Expected
from serving.watch.periods import Period

_BATCH = 500
#: what a share is told by
BY = ("category", "clause", "reviewer")
#: counts everything
WHOLE = ("whole", "whole")


@dataclass
class Verdicts:
    """Counts by kind of name and name, such as ``("category", "distortion")``; ``WHOLE`` of all.

    ``judged``: reviews that were closed; ``upheld``: those from which something follows that
    still stands. ``answered``: appeals; ``overturned``: those that succeeded. ``expected``: by
    category what the scores said of the reviews that were closed.
    """

    judged: Counter[tuple[str, str]] = field(default_factory=Counter)
    upheld: Counter[tuple[str, str]] = field(default_factory=Counter)
    answered: Counter[tuple[str, str]] = field(default_factory=Counter)
    overturned: Counter[tuple[str, str]] = field(default_factory=Counter)
    expected: dict[str, Expected] = field(default_factory=dict)


def verdicts(connection: Connection, period: Period) -> Verdicts:
    """Of the cases that were closed in a period, each with what stands of it today.

    Reviews of posts that were passed, which a sample or a report asked for, are left out: there
    is no suspicion that could be right. A clause was right if reviewers uphold it and the
    decision stands.
    """
    found = Verdicts()
    for row in _closed(connection, period):
        if row["kind"] == CaseKind.REVIEW and row["category"] is not None:
            _see_review(found, row)
        elif row["kind"] == CaseKind.APPEAL:
            _see_appeal(found, row)
    return found


def _closed(connection: Connection, period: Period) -> Iterator[RowMapping]:
    asked = (
        select(
            cases.c.kind,
            cases.c.category,
            decisions.c.result,
            decisions.c.ruled,
            STANDS.label("stands"),
            appeals.c.outcome,
        )
        .join(decisions, decisions.c.decision_id == cases.c.decision_id)
        .join(sanctions, sanctions.c.decision_id == cases.c.decision_id, isouter=True)
        .join(appeals, appeals.c.decision_id == cases.c.decision_id, isouter=True)
        .where(
            cases.c.state == CaseState.CLOSED,
            cases.c.closed_at >= period.start,
            cases.c.closed_at < period.end,
        )
        .execution_options(yield_per=_BATCH)
    )
    with connection.execute(asked) as rows:
        yield from rows.mappings()


def _see_review(found: Verdicts, row: RowMapping) -> None:
    result = ScoredPost.model_validate(row["result"], strict=False)
    findings, stands = row["ruled"]["case"]["findings"], bool(row["stands"])
    clauses = {finding.clause for finding in result.labels}
    names = [
        WHOLE,
        ("category", row["category"]),
        *(("reviewer", who) for who in findings["reviewers"]),
    ]
    found.judged.update([*names, *(("clause", clause) for clause in clauses)])
    if stands:
        right = clauses & set(findings["clauses"])
        found.upheld.update([*names, *(("clause", clause) for clause in right)])
    probability = result.scores[result.labels[0].category] if result.labels else 0.0
    found.expected.setdefault(row["category"], Expected()).add([probability])


def _see_appeal(found: Verdicts, row: RowMapping) -> None:
    """An appeal speaks of what was decided: of the clauses upheld and of who upheld them."""
    findings = row["ruled"]["case"]["findings"]
    names = [
        WHOLE,
        *([("category", row["category"])] if row["category"] is not None else []),
        *(("reviewer", who) for who in findings["reviewers"]),
        *(("clause", clause) for clause in findings["clauses"]),
    ]
    found.answered.update(names)
    if row["outcome"] == OVERTURNED:
        found.overturned.update(names)
