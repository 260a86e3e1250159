"""Versions of models and their releases."""

import sqlalchemy as sa
from alembic import op

from serving.store.schema import Moment

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make both tables; a server that starts on them enters the version it answers with."""
    op.create_table(
        "models",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("id", sa.String(length=300), nullable=False),
        sa.Column("version", sa.String(length=300), nullable=False),
        sa.Column("parent", sa.String(length=64), nullable=True),
        sa.Column("added_by", sa.String(length=300), nullable=True),
        sa.Column("added_at", Moment(), nullable=False),
        sa.Column("gates", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_table(
        "releases",
        sa.Column("release_id", sa.String(length=300), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("share", sa.Float(), nullable=True),
        sa.Column("by", sa.String(length=300), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["models.sha256"]),
        sa.PrimaryKeyConstraint("release_id"),
    )
