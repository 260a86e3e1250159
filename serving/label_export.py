"""Verdicts of people on kept posts, as label events."""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, select

from labels.label_events import WEIGHTS, LabelEvent, Origin
from labels.masking import masked_post
from labels.records import Post
from labels.results import ScoredPost, Step
from labels.samples import Verdict
from serving.appeals import OVERTURNED
from serving.queue import CaseKind
from serving.review import kept_decision
from serving.store.schema import POST_OF_DECISION, appeals, cases, decisions, posts, reports

_BATCH = 500
#: hexadecimal digits of a reporter's cipher
_CIPHER = 16


def label_events(connection: Connection) -> Iterator[LabelEvent]:
    """A decision of reviewers is one event, and an appeal that was answered another.

    Oldest decision first. Of posts that were erased nothing is left to learn from.
    """
    asked = (
        select(decisions, posts.c.post)
        .join(posts, POST_OF_DECISION)
        .where(decisions.c.decided_at.is_not(None))
        .order_by(decisions.c.decided_at, decisions.c.decision_id)
        .execution_options(yield_per=_BATCH)
    )
    with connection.execute(asked) as rows:
        for row in rows.mappings():
            reporters = _reporters(connection, row["decision_id"])
            yield _of_review(row, reporters)
            answered = _answered(connection, row["decision_id"])
            if answered is not None:
                yield _of_appeal(row, answered, reporters)


def _of_review(row: RowMapping, reporters: tuple[str, ...]) -> LabelEvent:
    findings = kept_decision(row).case.findings
    reviewers = findings.reviewers if findings else ()
    return _event(
        row,
        event_id=f"{row['decision_id']}.review",
        at=row["decided_at"],
        origin=Origin.TWO_REVIEWERS if len(reviewers) > 1 else Origin.REVIEW,
        annotator=" ".join(reviewers),
        verdict=_verdict(row),
        reporters=reporters,
    )


def _of_appeal(row: RowMapping, answered: RowMapping, reporters: tuple[str, ...]) -> LabelEvent:
    """Overturned: the post is clean; upheld: it is what the reviewers found, said once more."""
    overturned = answered["outcome"] == OVERTURNED
    return _event(
        row,
        event_id=f"{row['decision_id']}.appeal",
        at=answered["closed_at"],
        origin=Origin.APPEAL,
        annotator=answered["claimed_by"],
        verdict=Verdict.CLEAN if overturned else _verdict(row),
        reporters=reporters,
    )


def _verdict(row: RowMapping) -> Verdict:
    """Clauses that were upheld but led to no step, such as of an unverified claim, are a doubt."""
    kept = kept_decision(row)
    if not kept.case.findings or not kept.case.findings.clauses:
        return Verdict.CLEAN
    return Verdict.UNSURE if kept.step is Step.NONE else Verdict.VIOLATION


def _event(
    row: RowMapping, *, verdict: Verdict, origin: Origin, at: datetime, **about: Any
) -> LabelEvent:
    findings = kept_decision(row).case.findings
    result = ScoredPost.model_validate(row["result"], strict=False)
    wrong = verdict is Verdict.VIOLATION
    return LabelEvent(
        at=at,
        origin=origin,
        post=masked_post(Post.model_validate(row["post"], strict=False)),
        verdict=verdict,
        clauses=findings.clauses if findings and wrong else (),
        protected=findings.protected if findings and not wrong else (),
        sentence=findings.sentence if findings and wrong else None,
        weight=WEIGHTS[origin],
        model=result.model,
        policy=result.policy,
        **about,
    )


def _reporters(connection: Connection, decision_id: str) -> tuple[str, ...]:
    """Who complained, as ciphers: enough to see that many complaints are one person's."""
    asked = select(reports.c.reporter_id).where(reports.c.decision_id == decision_id).distinct()
    found = connection.scalars(asked.order_by(reports.c.reporter_id))
    return tuple(hashlib.sha256(each.encode()).hexdigest()[:_CIPHER] for each in found)


def _answered(connection: Connection, decision_id: str) -> RowMapping | None:
    asked = (
        select(appeals.c.outcome, cases.c.claimed_by, cases.c.closed_at)
        .join(cases, cases.c.decision_id == appeals.c.decision_id)
        .where(
            appeals.c.decision_id == decision_id,
            appeals.c.outcome.is_not(None),
            cases.c.kind == CaseKind.APPEAL,
        )
    )
    return connection.execute(asked).mappings().first()
