"""What the console needs: sessions, saved views, what reviewers wrote, and near copies.

Cases learn their clauses and risk from their decisions, and every kept post is entered among the
near copies, about a millisecond each.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Connection

from labels.records import Post
from labels.results import ScoredPost
from serving.near import remember
from serving.queue import clauses_of
from serving.store.schema import Moment, cases, decisions, posts

revision = "0003"
down_revision = "0002"
_CHUNK = 500


def upgrade() -> None:
    """Make and fill them."""
    _cases()
    _tables()
    connection = op.get_bind()
    _fill_cases(connection)
    for row in _rows(connection, sa.select(posts), posts.c.data_id, posts.c.content_sha256):
        remember(connection, Post.model_validate(row.post, strict=False), row.content_sha256)


def _cases() -> None:
    # a column that is added to rows needs a default, which no later row uses
    for name, length, default in (("clauses", 200, ""), ("risk", 16, "none")):
        column = sa.Column(name, sa.String(length), nullable=False, server_default=default)
        op.add_column("cases", column)
    op.create_index("cases_closed", "cases", ["category", "closed_at"])
    op.create_index(
        "cases_waiting",
        "cases",
        ["rank", "case_id"],
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def _tables() -> None:
    op.drop_index("ix_posts_account_id", "posts")
    op.create_index("posts_by_account", "posts", ["account_id", "at"])
    op.create_table(
        "verdicts",
        sa.Column("verdict_id", sa.String(300), primary_key=True),
        sa.Column(
            "decision_id",
            sa.String(300),
            sa.ForeignKey("decisions.decision_id"),
            nullable=False,
            index=True,
        ),
        sa.Column("case_id", sa.String(300), nullable=False),
        sa.Column("by", sa.String(300), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("step", sa.String(16)),
        sa.Column("reasons", sa.Text(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
    )
    op.create_table(
        "near",
        sa.Column("band", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("data_id", sa.String(300), primary_key=True),
        sa.Column("content_sha256", sa.String(64), primary_key=True),
    )
    op.create_index("near_by_post", "near", ["data_id", "content_sha256"])
    op.create_table(
        "sessions",
        sa.Column("token_sha256", sa.String(64), primary_key=True),
        sa.Column(
            "user_id", sa.String(300), sa.ForeignKey("users.user_id"), nullable=False, index=True
        ),
        sa.Column("expires_at", Moment(), nullable=False),
    )
    op.create_table(
        "saved_views",
        sa.Column("user_id", sa.String(300), primary_key=True),
        sa.Column("name", sa.String(60), primary_key=True),
        sa.Column("query", sa.String(1000), nullable=False),
    )


def _fill_cases(connection: Connection) -> None:
    asked = sa.select(cases.c.case_id, decisions.c.result).join_from(cases, decisions)
    for row in _rows(connection, asked, cases.c.case_id):
        result = ScoredPost.model_validate(row.result, strict=False)
        connection.execute(
            cases.update()
            .where(cases.c.case_id == row.case_id)
            .values(clauses=clauses_of(result), risk=result.risk_level)
        )


def _rows(connection: Connection, asked: sa.Select[Any], *by: sa.Column[str]) -> Iterator[Any]:
    """A page at a time, so that writing does not meet what is being read."""
    last = ("",) * len(by)
    while found := connection.execute(
        asked.where(sa.tuple_(*by) > last).order_by(*by).limit(_CHUNK)
    ).all():
        yield from found
        last = tuple(getattr(found[-1], column.name) for column in by)
