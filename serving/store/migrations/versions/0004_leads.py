"""What leads ask of many decisions: by protected class, and of some days.

Cases learn their protected classes from their decisions.
"""

import sqlalchemy as sa
from alembic import op

from labels.results import ScoredPost
from serving.queue import classes_of
from serving.store.schema import cases, decisions

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make and fill them."""
    # a column that is added to rows needs a default; it is right for all that are not protected
    column = sa.Column("protected_classes", sa.String(400), nullable=False, server_default="  ")
    op.add_column("cases", column)
    for name, table, columns in (
        ("cases_by_state", "cases", ["state", "case_id"]),
        ("cases_by_closing", "cases", ["state", "closed_at"]),
        ("decisions_by_time", "decisions", ["at"]),
        ("decisions_by_ruling", "decisions", ["decided_at"]),
        ("verdicts_by_time", "verdicts", ["at"]),
    ):
        op.create_index(name, table, columns)
    connection = op.get_bind()
    asked = sa.select(cases.c.case_id, cases.c.decision_id).where(cases.c.protected)
    for case_id, decision_id in connection.execute(asked).all():
        result = connection.scalar(
            sa.select(decisions.c.result).where(decisions.c.decision_id == decision_id)
        )
        found = ScoredPost.model_validate(result, strict=False)
        connection.execute(
            sa.update(cases)
            .where(cases.c.case_id == case_id)
            .values(protected_classes=classes_of(found))
        )
