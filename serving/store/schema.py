"""Tables. The log is append-only; every other row can be erased, and much is derived from it.

Identifiers that we give are ordered by time, so that they page.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

metadata = MetaData()


class Moment(TypeDecorator[datetime]):
    """A moment in UTC; SQLite, which knows no zones, keeps it without one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """To UTC; a moment without a zone is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no zone")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Back with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _id(**options: Any) -> Column[str]:
    """An identifier of ours or of the caller."""
    return Column(String(300), **options)


#: ids and digests, chained; nothing in it names a person
log = Table(
    "log",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("entry_id", String(300), nullable=False, unique=True),
    Column("at", Moment, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
)

#: what an entry of the log says, as long as it may be kept
bodies = Table(
    "bodies",
    metadata,
    Column("entry_id", ForeignKey("log.entry_id"), primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("account_id", String(300)),
    Column("salt", String(32), nullable=False),
    Column("body", Text, nullable=False),
    Index("bodies_by_account", "account_id", "seq"),
)

posts = Table(
    "posts",
    metadata,
    _id(name="data_id", primary_key=True),
    Column("content_sha256", String(64), primary_key=True),
    Column("account_id", String(300)),
    Column("at", Moment, nullable=False),
    Column("post", JSON, nullable=False),
    Index("posts_by_account", "account_id", "at"),
)

#: one a post, model and policy; ``case`` is what a policy rules on, ``ruled`` what was decided
decisions = Table(
    "decisions",
    metadata,
    _id(name="decision_id", primary_key=True),
    Column("data_id", String(300), nullable=False),
    Column("content_sha256", String(64), nullable=False),
    Column("account_id", String(300)),
    Column("at", Moment, nullable=False),
    Column("suggestion", String(16), nullable=False),
    Column("versions", String(130), nullable=False),
    Column("result", JSON, nullable=False),
    Column("case", JSON, nullable=False),
    Column("decided_at", Moment),
    Column("ruled", JSON),
    Index("decisions_by_post", "data_id", "content_sha256", "versions", unique=True),
    Index("decisions_by_account", "account_id", "decision_id"),
    Index("decisions_by_time", "at"),
    Index("decisions_by_ruling", "decided_at"),
)

#: a decision's post as it was kept, unless it was erased
POST_OF_DECISION = (posts.c.data_id == decisions.c.data_id) & (
    posts.c.content_sha256 == decisions.c.content_sha256
)

#: what waits for a person; ``rank`` orders the queue, the lowest first. ``claimed_by`` holds a
#: case, or closed it. ``clauses`` are suspected, and ``protected_classes`` may hold, each between
#: spaces
cases = Table(
    "cases",
    metadata,
    _id(name="case_id", primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("decision_id", ForeignKey("decisions.decision_id"), nullable=False, index=True),
    Column("account_id", String(300), index=True),
    Column("category", String(32)),
    Column("clauses", String(200), nullable=False),
    Column("risk", String(16), nullable=False),
    Column("protected", Boolean, nullable=False),
    Column("protected_classes", String(400), nullable=False),
    Column("rank", Float, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("state", String(16), nullable=False),
    Column("claimed_by", String(300)),
    Column("claimed_until", Moment),
    Column("first", JSON),
    Column("closed_at", Moment),
    Index("cases_in_queue", "state", "rank", "case_id"),
    Index("cases_closed", "category", "closed_at"),
    Index("cases_by_state", "state", "case_id"),
    Index("cases_by_closing", "state", "closed_at"),
)
# what is closed is far more than what waits
Index(
    "cases_waiting",
    cases.c.rank,
    cases.c.case_id,
    sqlite_where=cases.c.closed_at.is_(None),
    postgresql_where=cases.c.closed_at.is_(None),
)

#: what reviewers wrote when they decided, confirmed, rejected or answered
verdicts = Table(
    "verdicts",
    metadata,
    _id(name="verdict_id", primary_key=True),
    Column("decision_id", ForeignKey("decisions.decision_id"), nullable=False, index=True),
    Column("case_id", String(300), nullable=False),
    Column("by", String(300), nullable=False),
    Column("verdict", String(16), nullable=False),
    Column("step", String(16)),
    Column("reasons", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Index("verdicts_by_time", "at"),
)

#: where contents that are near each other meet, see :mod:`serving.near`
near = Table(
    "near",
    metadata,
    Column("band", BigInteger, primary_key=True, autoincrement=False),
    _id(name="data_id", primary_key=True),
    Column("content_sha256", String(64), primary_key=True),
    Index("near_by_post", "data_id", "content_sha256"),
)

reports = Table(
    "reports",
    metadata,
    _id(name="report_id", primary_key=True),
    Column("reporter_id", String(300), nullable=False, index=True),
    Column("decision_id", ForeignKey("decisions.decision_id"), nullable=False, index=True),
    Column("account_id", String(300), index=True),
    Column("category", String(32)),
    Column("reason", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("outcome", String(16)),
)

appeals = Table(
    "appeals",
    metadata,
    _id(name="appeal_id", primary_key=True),
    Column("decision_id", ForeignKey("decisions.decision_id"), nullable=False, unique=True),
    Column("account_id", String(300), nullable=False, index=True),
    Column("statement", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("answer_due", Moment, nullable=False),
    Column("outcome", String(16)),
    Column("answer", Text),
)

#: what the platform has to do; follows from the log, see ``verify``
sanctions = Table(
    "sanctions",
    metadata,
    _id(name="decision_id", primary_key=True),
    Column("account_id", String(300), nullable=False, index=True),
    Column("step", String(16), nullable=False),
    Column("days", Integer, nullable=False),
    Column("pause_days", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("decided_at", Moment, nullable=False),
    Column("applied_at", Moment),
    Column("until", Moment),
    Column("reason", Text),
    Index("sanctions_by_state", "state", "decision_id"),
    Index("sanctions_by_end", "state", "until"),
)

packs = Table(
    "packs",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("id", String(64), nullable=False),
    Column("version", String(64), nullable=False),
    Column("source", Text, nullable=False),
    Column("proposed_by", String(300)),
    Column("proposed_at", Moment),
    Column("activated_by", String(300)),
    Column("activated_at", Moment),
    Index("packs_by_version", "id", "version", unique=True),
)

#: every version of a model; ``gates`` is the report that it was added with last, and by whom
models = Table(
    "models",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("id", String(300), nullable=False),
    Column("version", String(300), nullable=False),
    Column("parent", String(64)),
    Column("added_by", String(300)),
    Column("added_at", Moment, nullable=False),
    Column("gates", JSON(none_as_null=True)),
)

#: which version answers follows from these, in the order of their entries in the log
releases = Table(
    "releases",
    metadata,
    _id(name="release_id", primary_key=True),
    Column("at", Moment, nullable=False),
    Column("stage", String(16), nullable=False),
    Column("sha256", ForeignKey("models.sha256"), nullable=False),
    Column("share", Float),
    Column("by", String(300), nullable=False),
    Column("reason", Text, nullable=False),
)

users = Table(
    "users",
    metadata,
    _id(name="user_id", primary_key=True),
    Column("roles", JSON, nullable=False),
    Column("password", String(300)),
    Column("created_at", Moment, nullable=False),
    Column("disabled_at", Moment),
)

#: who is signed in at the console; the token is known to their browser alone
sessions = Table(
    "sessions",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("user_id", ForeignKey("users.user_id"), nullable=False, index=True),
    Column("expires_at", Moment, nullable=False),
)

#: filters of the queue that a person named
saved_views = Table(
    "saved_views",
    metadata,
    _id(name="user_id", primary_key=True),
    Column("name", String(60), primary_key=True),
    Column("query", String(1000), nullable=False),
)

#: a key's secret is known to its holder alone
keys = Table(
    "keys",
    metadata,
    _id(name="key_id", primary_key=True),
    Column("user_id", ForeignKey("users.user_id"), nullable=False, index=True),
    Column("secret_sha256", String(64), nullable=False, unique=True),
    Column("roles", JSON, nullable=False),
    Column("per_minute", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", String(300), primary_key=True),
    _id(name="user_id", primary_key=True),
    Column("request_sha256", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("at", Moment, nullable=False, index=True),
)

webhooks = Table(
    "webhooks",
    metadata,
    _id(name="webhook_id", primary_key=True),
    Column("url", Text, nullable=False),
    Column("kinds", JSON, nullable=False),
    Column("secret", String(64), nullable=False),
    Column("created_by", String(300), nullable=False),
    Column("created_at", Moment, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    _id(name="event_id", primary_key=True),
    Column("kind", String(32), nullable=False),
    Column("account_id", String(300), index=True),
    Column("at", Moment, nullable=False),
    Column("data", JSON, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("event_id", ForeignKey("outbox.event_id"), primary_key=True),
    Column("webhook_id", ForeignKey("webhooks.webhook_id"), primary_key=True),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("error", Text),
    Index("deliveries_due", "state", "due_at"),
)
