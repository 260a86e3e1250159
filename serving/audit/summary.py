"""What an audit found, counted: everything the report shows but the words of posts."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb

from labels.results import Suggestion
from labels.taxonomy import Category
from policy.resolve import Policy
from serving.audit.layout import Layout
from serving.audit.near import clusters
from serving.audit.plan import Plan
from serving.audit.tables import CLUSTERS, write

#: of accounts and clusters this many are told
TOP = 20
#: accounts that share words make a cluster worth a look from here on
CLUSTER_ACCOUNTS = 3
#: width of the bins of scores, in log-odds
BIN = 0.5
#: a post was nearly flagged from this share of the odds of the review threshold on
NEARLY = 0.5
_MEMORY = "1GB"
#: decisions that are held at once where all are gone through
_PART = 50_000

Row = dict[str, Any]


class Found:
    """Queries over the results of one audit; memory is bounded, the rest spills to disk."""

    def __init__(self, layout: Layout, connection: duckdb.DuckDBPyConnection) -> None:
        self._layout, self._connection = layout, connection
        self._connection.execute(
            f"CREATE VIEW decisions AS SELECT * FROM read_parquet({quoted(layout.decisions_file)})"
        )
        self._connection.execute(
            f"CREATE VIEW errors AS SELECT * FROM read_parquet({quoted(layout.errors_file)})"
        )

    def cluster(self) -> None:
        """Write which contents are near-duplicates of one another, and count from it later."""
        found = clusters(self._layout.work / "signatures" / "*.parquet", self._connection)
        columns = {"content": list(found), "cluster": list(found.values())}
        write(self._layout.clusters_file, columns, CLUSTERS)

    def rows(self, query: str, *values: Any) -> list[Row]:
        """The answer to a query, a mapping a row."""
        found = self._connection.execute(query, list(values))
        return _named(found, found.fetchall())

    def clustered(self) -> Iterator[list[Row]]:
        """What was decided on every post, in the order of rows and in parts.

        ``cluster`` is one number for near-duplicates and copies, ``account`` one for the posts of
        an account; a post of an unknown one has its own.
        """
        found = self._connection.execute(
            f"SELECT row, data_id, suggestion, clauses, protected, {', '.join(Category)}, "
            "hash(coalesce(cluster, content)) AS cluster, "
            "hash(coalesce(account_id, 'post:' || data_id)) AS account FROM decisions "
            f"LEFT JOIN read_parquet({quoted(self._layout.clusters_file)}) USING (content) "
            "ORDER BY row"
        )
        while part := found.fetchmany(_PART):
            yield _named(found, part)

    def summary(self, plan: Plan, policy: Policy) -> dict[str, Any]:
        """Everything counted; only numbers, names and ids."""
        return {
            "plan": plan.model_dump(mode="json"),
            "rows": self._counts(),
            "suggestions": self._pairs("suggestion"),
            "steps": self._pairs("step"),
            "stages": self._pairs("stage"),
            "categories": {category.value: self._levels(category, policy) for category in Category},
            "clauses": self.rows(
                "SELECT clause, level, count(*) AS posts FROM (SELECT unnest(clauses) AS clause, "
                "unnest(levels) AS level FROM decisions) GROUP BY ALL ORDER BY ALL"
            ),
            "days": self.rows(
                "SELECT strftime(published_at AT TIME ZONE 'Asia/Shanghai', '%Y-%m-%d') AS day, "
                "suggestion, count(*) AS posts FROM decisions GROUP BY ALL ORDER BY ALL"
            ),
            "account_types": self._by("account_type"),
            "platforms": self._by("platform"),
            "ai_states": self._by("ai_state"),
            "protected": self._protected(policy),
            "accounts": self._accounts(),
            "clusters": self._clusters(),
        }

    def flagged_by(self, account: str) -> list[Row]:
        """An account's contents to review, each where it first appeared, in the order of time."""
        return self.rows(
            "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY content ORDER BY "
            "published_at NULLS LAST, row) AS copy FROM decisions WHERE account_id = ? "
            "AND suggestion IN ('review', 'act')) WHERE copy = 1 "
            "ORDER BY published_at NULLS LAST, row",
            account,
        )

    def examples(self, each: int) -> list[Row]:
        """Posts of the highest scores by category and level, and protected ones to review."""
        highest = f"greatest({', '.join(Category)})"
        which = " ".join(f"WHEN {name} = {highest} THEN '{name}'" for name in Category)
        return self.rows(
            f"""
            SELECT * FROM (
                SELECT *, row_number() OVER (
                    PARTITION BY suggestion, len(protected) > 0, CASE {which} END
                    ORDER BY {highest} DESC, row
                ) AS place FROM (
                    SELECT *, row_number() OVER (PARTITION BY content ORDER BY row) AS copy
                    FROM decisions WHERE suggestion IN ('review', 'act')
                ) WHERE copy = 1
            ) WHERE place <= {each} ORDER BY row
            """
        )

    def decisions(self, rows: Sequence[int]) -> list[Row]:
        """Decisions by the numbers of their rows."""
        return self.rows(
            "SELECT * FROM decisions WHERE list_contains(?, row) ORDER BY row", list(rows)
        )

    def _counts(self) -> dict[str, Any]:
        counts = self.rows(
            "SELECT count(*) AS decided, count(DISTINCT input) AS distinct_inputs, "
            "count(DISTINCT content) AS distinct_contents, "
            "count(DISTINCT account_id) AS accounts, "
            "count(*) FILTER (published_at IS NULL) AS without_a_time FROM decisions"
        )[0]
        refused = self.rows("SELECT code, count(*) AS rows FROM errors GROUP BY ALL ORDER BY ALL")
        by_code = {row["code"]: row["rows"] for row in refused}
        return {**counts, "refused": by_code, "read": counts["decided"] + sum(by_code.values())}

    def _pairs(self, column: str) -> dict[str, int]:
        found = self.rows(f"SELECT {column} AS name, count(*) AS posts FROM decisions GROUP BY ALL")
        counts = {row["name"]: row["posts"] for row in found}
        return {name: counts[name] for name in sorted(counts)}

    def _by(self, column: str) -> list[Row]:
        return self.rows(
            f"SELECT {column} AS name, suggestion, count(*) AS posts FROM decisions "
            "GROUP BY ALL ORDER BY ALL"
        )

    def _levels(self, category: Category, policy: Policy) -> dict[str, Any]:
        """How many posts reach each level, and how log-odds of scores are spread."""
        levels = policy.levels[category]
        thresholds = {name: getattr(levels, name) for name in ("prompt", "review", "act")}
        reached = {
            name: self.rows(
                f"SELECT count(*) AS posts FROM decisions WHERE {category.value} >= ?", at
            )[0]["posts"]
            for name, at in thresholds.items()
            if at is not None
        }
        bins = self.rows(
            f"SELECT floor(ln({category.value} / (1 - {category.value})) / {BIN})::BIGINT AS bin,"
            f" count(*) AS posts FROM decisions WHERE {category.value} BETWEEN 1e-12 AND 1 - 1e-12"
            " GROUP BY ALL ORDER BY ALL"
        )
        return {
            "thresholds": thresholds,
            "reached": reached,
            "log_odds": [{"from": row["bin"] * BIN, "posts": row["posts"]} for row in bins],
        }

    def _protected(self, policy: Policy) -> list[Row]:
        near = nearly({category: policy.levels[category].review for category in Category})
        return self.rows(
            "SELECT code, count(*) AS posts, "
            "count(*) FILTER (suggestion = 'review') AS review, "
            "count(*) FILTER (suggestion = 'prompt') AS prompt, "
            f"count(*) FILTER (suggestion IN ('pass', 'prompt') AND {near}) AS nearly "
            "FROM (SELECT *, unnest(protected) AS code FROM decisions) GROUP BY ALL ORDER BY code"
        )

    def _accounts(self) -> list[Row]:
        """Those with most contents to review."""
        return self.rows(
            "SELECT account_id, min(account_type) AS account_type, count(*) AS posts, "
            "count(*) FILTER (suggestion IN ('review', 'act')) AS flagged, "
            "count(DISTINCT content) FILTER (suggestion IN ('review', 'act')) AS flagged_contents "
            "FROM decisions WHERE account_id IS NOT NULL GROUP BY account_id HAVING flagged > 0 "
            "ORDER BY flagged_contents DESC, flagged DESC, account_id LIMIT ?",
            TOP,
        )

    def _clusters(self) -> list[Row]:
        """Words that several accounts share, the most accounts first."""
        return self.rows(
            f"""
            WITH member AS (
                SELECT d.*, coalesce(c.cluster, d.content) AS cluster
                FROM decisions d
                LEFT JOIN read_parquet({quoted(self._layout.clusters_file)}) c USING (content)
                WHERE d.account_id IS NOT NULL
            )
            SELECT lower(hex(cluster)) AS cluster, count(*) AS posts,
                count(DISTINCT account_id) AS accounts,
                count(DISTINCT content) AS contents,
                count(*) FILTER (suggestion IN ('review', 'act')) AS flagged,
                count(*) FILTER (list_contains(clauses, '1.6')) AS hype,
                count(*) FILTER (list_contains(clauses, '4.5')) AS templated,
                count(*) FILTER (len(protected) > 0) AS protected,
                strftime(min(published_at) AT TIME ZONE 'Asia/Shanghai', '%Y-%m-%d %H:%M') AS first,
                strftime(max(published_at) AT TIME ZONE 'Asia/Shanghai', '%Y-%m-%d %H:%M') AS last,
                min(row) AS example_row
            FROM member GROUP BY member.cluster
            HAVING accounts >= {CLUSTER_ACCOUNTS}
            ORDER BY flagged DESC, accounts DESC, posts DESC, member.cluster LIMIT {TOP}
            """
        )


def _named(found: duckdb.DuckDBPyConnection, rows: Iterable[Sequence[Any]]) -> list[Row]:
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in rows]


@contextmanager
def found_in(layout: Layout) -> Iterator[Found]:
    """Queries over the results in a folder."""
    with TemporaryDirectory() as spill, duckdb.connect(":memory:") as connection:
        connection.execute(f"SET memory_limit = '{_MEMORY}'")
        connection.execute(f"SET temp_directory = {quoted(Path(spill))}")
        connection.execute("SET TimeZone = 'UTC'")
        yield Found(layout, connection)


def flagged(suggestions: Mapping[str, int]) -> int:
    """Posts that a person should look at."""
    return sum(suggestions.get(each.value, 0) for each in (Suggestion.REVIEW, Suggestion.ACT))


def nearly(review: Mapping[Category, float | None]) -> str:
    """SQL: whether a score has at least half the odds of its review threshold."""
    either = [
        f"{name.value} / (1 - {name.value}) >= {NEARLY * at / (1 - at)!r}"
        for name, at in review.items()
        if at is not None
    ]
    return f"({' OR '.join(either) or 'false'})"


def quoted(path: Path) -> str:
    """A path as SQL writes a string."""
    text = str(path).replace("'", "''")
    return f"'{text}'"
