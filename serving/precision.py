"""Live precision: of the reviews that people closed, those from which something follows, still."""

from collections.abc import Iterator

from sqlalchemy import Connection, func, select

from serving.queue import CaseKind, CaseState
from serving.sanctions import STANDS
from serving.store.schema import cases, decisions, sanctions


def verdict_counts(
    connection: Connection, model: str | None = None
) -> Iterator[tuple[str, bool, int]]:
    """Category of the first suspicion, whether it was upheld, and how many reviews.

    Args:
        connection: to read from.
        model: hash of the one whose decisions are counted; None for all.
    """
    asked = (
        select(cases.c.category, STANDS.label("upheld"), func.count())
        .join_from(cases, sanctions, cases.c.decision_id == sanctions.c.decision_id, isouter=True)
        .where(
            cases.c.kind == CaseKind.REVIEW,
            cases.c.state == CaseState.CLOSED,
            cases.c.category.is_not(None),
        )
        .group_by(cases.c.category, STANDS)
    )
    if model is not None:
        made = decisions.c.decision_id == cases.c.decision_id
        asked = asked.join(decisions, made).where(decisions.c.versions.startswith(f"{model} "))
    for category, upheld, count in connection.execute(asked):
        yield category, bool(upheld), count
