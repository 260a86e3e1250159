"""What the store keeps of the watched days, account by account."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from itertools import groupby

from sqlalchemy import ColumnElement, Connection, RowMapping, select

from labels.records import Post
from labels.results import Finding, ScoredPost, Suggestion
from serving.appeals import OVERTURNED
from serving.lineup import unknown_account
from serving.store.schema import POST_OF_DECISION, appeals, decisions, posts
from serving.watch.periods import Period, day_of

_BATCH = 500


@dataclass(frozen=True)
class Kept:
    """A decision on a post; ``overturned`` by an appeal since."""

    row: RowMapping

    @property
    def decision_id(self) -> str:
        """Of the decision."""
        return str(self.row["decision_id"])

    @property
    def account_id(self) -> str:
        """Whose post it is; a post that came without an account has one of its own."""
        return str(self.row["account_id"])

    @property
    def day(self) -> date:
        """On which it was scored, in Beijing."""
        return day_of(self.row["at"])

    @property
    def has_account(self) -> bool:
        """Whether the platform said whose post it is."""
        return bool(self.row["account_id"] != unknown_account(self.row["data_id"]))

    @property
    def overturned(self) -> bool:
        """Whether an appeal succeeded since."""
        return bool(self.row["outcome"] == OVERTURNED)

    @cached_property
    def result(self) -> ScoredPost:
        """What model and policy said."""
        return ScoredPost.model_validate(self.row["result"], strict=False)

    @cached_property
    def post(self) -> Post | None:
        """None where it was erased."""
        kept = self.row["post"]
        return None if kept is None else Post.model_validate(kept, strict=False)

    @property
    def to_people(self) -> bool:
        """Whether a person is asked to look."""
        return self.result.suggestion in {Suggestion.REVIEW, Suggestion.ACT}

    @property
    def flagged(self) -> list[tuple[str, bool]]:
        """Protected classes of a post that went to people, and whether it was overturned since."""
        classes = self.result.protected if self.to_people else ()
        return [(protection.code, self.overturned) for protection in classes]

    @property
    def first(self) -> Finding | None:
        """What is suspected first; the category of its review."""
        return self.result.labels[0] if self.result.labels else None


def by_account(
    connection: Connection, period: Period, *also: ColumnElement[bool]
) -> Iterator[Iterator[Kept]]:
    """The decisions of some days that are not passed, an account at a time, in no order of time.

    Rows are read as they are asked for; an account must be read before the next. ``also`` narrows
    them down.
    """
    asked = (
        select(
            decisions.c.decision_id,
            decisions.c.data_id,
            decisions.c.account_id,
            decisions.c.at,
            decisions.c.result,
            posts.c.post,
            appeals.c.outcome,
        )
        .join(posts, POST_OF_DECISION, isouter=True)
        .join(appeals, appeals.c.decision_id == decisions.c.decision_id, isouter=True)
        .where(
            decisions.c.at >= period.start,
            decisions.c.at < period.end,
            decisions.c.suggestion != Suggestion.PASS.value,
            *also,
        )
        .order_by(decisions.c.account_id, decisions.c.decision_id)
        .execution_options(yield_per=_BATCH)
    )
    with connection.execute(asked) as rows:
        for _, mine in groupby(rows.mappings(), lambda row: row["account_id"]):
            yield (Kept(row) for row in mine)
